"""tokenizer.json of the tokenizers library -> what a text contract says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litesmith.calibration.text.post_processor import frame_fields
from litesmith.calibration.text.special_tokens import AddedToken
from litesmith.calibration.text.wordpiece import CONTINUES
from litesmith.errors import DataError

_CAN = "a contract can say WordPiece with BertNormalizer and BertPreTokenizer, and BPE with ByteLevel and no normalizer"
# Options of a model with the only values that can be followed; a key that is not there has the first.
_OPTIONS: dict[str, dict[str, tuple[Any, ...]]] = {
    "WordPiece": {"continuing_subword_prefix": (CONTINUES,)},
    "BPE": {
        "dropout": (None, 0.0),
        "continuing_subword_prefix": (None, ""),
        "end_of_word_suffix": (None, ""),
        "byte_fallback": (False,),
        "ignore_merges": (False,),
    },
}


def fields(path: Path, document: dict[str, Any]) -> dict[str, Any]:
    """Fields of `TextContract`, as far as the file says them; and `pieces`, how many tokens the model has.

    Raises:
        DataError: the file is damaged, or says what a contract cannot.
    """
    try:
        return _fields(path, document)
    except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
        raise DataError(f"{path}: is not as the tokenizers library writes it ({error!r}); save it again") from error


def _fields(path: Path, document: dict[str, Any]) -> dict[str, Any]:
    model = document["model"]
    kind = model.get("type", "BPE" if "merges" in model else "WordPiece" if "max_input_chars_per_word" in model else "")
    if kind not in _OPTIONS:
        raise DataError(f"{path}: the model {kind or 'without a type'} cannot be followed; {_CAN}")
    for name, values in _OPTIONS[kind].items():
        if (value := model.get(name, values[0])) not in values:
            raise DataError(f"{path}: {name} {value!r} of its {kind} model cannot be followed; only {values[0]!r} can")
    read = _wordpiece if kind == "WordPiece" else _byte_bpe
    added = [_added(path, token) for token in document.get("added_tokens") or ()]
    vocabulary = _vocabulary(path, model["vocab"], {token.content: place for place, token in added})
    result = {
        "vocabulary": vocabulary,
        "pieces": len(model["vocab"]),
        "added": tuple(token for _, token in added),
        "unknown": model.get("unk_token"),
        "pad": (document.get("padding") or {}).get("pad_token"),
        **frame_fields(path, document.get("post_processor"), vocabulary),
    }
    return {**result, **read(path, document, model)}


def _wordpiece(path: Path, document: dict[str, Any], model: dict[str, Any]) -> dict[str, Any]:
    normalizer = _only(path, document, "normalizer", "BertNormalizer")
    _only(path, document, "pre_tokenizer", "BertPreTokenizer")
    lowercase, strips = normalizer["lowercase"], normalizer["strip_accents"]
    return {
        "kind": "wordpiece",
        "clean_text": normalizer["clean_text"],
        "chinese_characters": normalizer["handle_chinese_chars"],
        "strip_accents": lowercase if strips is None else strips,
        "lowercase": lowercase,
        "longest_word": model["max_input_chars_per_word"],
        "add_prefix_space": False,
    }


def _byte_bpe(path: Path, document: dict[str, Any], model: dict[str, Any]) -> dict[str, Any]:
    if normalizer := document.get("normalizer"):
        raise DataError(f"{path}: the normalizer {normalizer['type']} cannot be followed with BPE; {_CAN}")
    cut = _only(path, document, "pre_tokenizer", "ByteLevel")
    if cut.get("use_regex") is False:
        raise DataError(f"{path}: ByteLevel without its own pattern cannot be followed; {_CAN}")
    merges = (merge.split(" ") if isinstance(merge, str) else merge for merge in model["merges"])
    return {
        "kind": "byte_bpe",
        "merges": tuple((left, right) for left, right in merges),
        "add_prefix_space": cut["add_prefix_space"],
        "lowercase": False,
    }


def _only(path: Path, document: dict[str, Any], name: str, kind: str) -> dict[str, Any]:
    """The one step that there is; a sequence of one is that one."""
    step = document.get(name) or {"type": "nothing"}
    if step["type"] == "Sequence" and len(step[f"{name}s"]) == 1:
        (step,) = step[f"{name}s"]
    if step["type"] != kind:
        raise DataError(f"{path}: the {name} {step['type']} cannot be followed here, only {kind}; {_CAN}")
    result: dict[str, Any] = step
    return result


def _added(path: Path, token: dict[str, Any]) -> tuple[int, AddedToken]:
    content = token["content"]
    if token["single_word"]:
        raise DataError(f"{path}: the added token {content!r} is found as a whole word only, which cannot be followed")
    return token["id"], AddedToken(content, token["normalized"], token["lstrip"], token["rstrip"])


def _vocabulary(path: Path, pieces: dict[str, int], added: dict[str, int]) -> tuple[str, ...]:
    """Tokens in the order of their ids."""
    for content, place in added.items():
        if pieces.get(content, place) != place:
            raise DataError(
                f"{path}: {content!r} is id {pieces[content]} and, as an added token, {place}; save it again"
            )
    return in_order(path, {**pieces, **added})


def in_order(path: Path, ids: dict[str, int]) -> tuple[str, ...]:
    """Tokens in the order of their ids, which must be 0, 1, 2 and so on.

    Raises:
        DataError: an id is missing or has two tokens.
    """
    tokens = sorted(ids, key=lambda token: ids[token])
    for place, token in enumerate(tokens):
        if ids[token] != place:
            word = "has two tokens" if ids[token] < place else "is missing"
            raise DataError(
                f"{path}: id {min(place, ids[token])} {word}; ids must be 0 to {len(tokens) - 1}, each once"
            )
    return tuple(tokens)
