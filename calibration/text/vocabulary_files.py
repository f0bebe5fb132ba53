"""Tokenizers from before tokenizer.json: vocab.txt, or vocab.json and merges.txt, with tokenizer_config.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litesmith.calibration.text.special_tokens import AddedToken
from litesmith.calibration.text.tokenizer_json import in_order
from litesmith.errors import DataError

_WORDPIECE_CLASSES = ("BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "MobileBertTokenizer")
_BYTE_BPE_CLASSES = ("RobertaTokenizer",)
_SAVE = "save the tokenizer with transformers' save_pretrained, which writes tokenizer.json"


def wordpiece(folder: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Fields of a contract from vocab.txt, with BERT's own settings where the configuration says nothing.

    Raises:
        DataError: the file cannot be read, or the tokenizer is of another class.
    """
    _check_class(folder, config, _WORDPIECE_CLASSES)
    _check_nothing_added(folder, config)
    if config.get("do_basic_tokenize", True) is not True or config.get("never_split"):
        raise DataError(f"{folder}: do_basic_tokenize false and never_split cannot be followed; {_SAVE}")
    lowercase, strips = config.get("do_lower_case", True), config.get("strip_accents")
    return {
        "kind": "wordpiece",
        "vocabulary": tuple(read_lines(folder / "vocab.txt")),
        "clean_text": True,
        "chinese_characters": config.get("tokenize_chinese_chars", True),
        "strip_accents": lowercase if strips is None else strips,
        "lowercase": lowercase,
        "longest_word": 100,
    }


def byte_bpe(folder: Path, config: dict[str, Any], ids: dict[str, Any]) -> dict[str, Any]:
    """Fields of a contract from vocab.json and merges.txt, with RoBERTa's own settings.

    Raises:
        DataError: a file cannot be read, or the tokenizer is of another class.
    """
    _check_class(folder, config, _BYTE_BPE_CLASSES)
    _check_nothing_added(folder, config)
    path = folder / "vocab.json"
    for token, place in ids.items():
        if not isinstance(place, int):
            raise DataError(f"{path}: the id of {token!r} is {place!r} and must be a whole number; get the file again")
    return {
        "kind": "byte_bpe",
        "vocabulary": in_order(path, ids),
        "merges": tuple(_merges(folder / "merges.txt")),
        "add_prefix_space": config.get("add_prefix_space", False),
        "pair_ends": 2,
        "second_type": 0,
    }


def with_special_found(fields: dict[str, Any]) -> dict[str, Any]:
    """The fields, with the special tokens as added ones where a file of before tokenizer.json lists none.

    RoBERTa's mask takes the spaces before it, as in the tokenizer.json that was published for it since.
    """
    if "added" in fields:
        return fields
    special = dict.fromkeys(fields[name] for name in ("pad", "unknown", "start", "end"))
    mask = "[MASK]" if fields["kind"] == "wordpiece" else "<mask>"
    added = [AddedToken(token) for token in special]
    if mask in fields["vocabulary"]:
        added.append(AddedToken(mask, lstrip=mask == "<mask>"))
    return {**fields, "added": tuple(added)}


def check_size(path: Path, pieces: int) -> None:
    """Refuse a vocab.txt that is not that of the tokenizer.json beside it.

    Raises:
        DataError: it has another number of lines.
    """
    if path.is_file() and (lines := len(read_lines(path))) != pieces:
        raise DataError(
            f"{path}: has {lines} lines and tokenizer.json {pieces} tokens; one of them is of another model"
        )


def read_lines(path: Path) -> list[str]:
    """Lines without their ends, which may be of Windows.

    Raises:
        DataError: it is not UTF-8.
    """
    data = path.read_bytes()
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}: line {line} is not UTF-8; get the file again") from error
    lines = text.replace("\r\n", "\n").split("\n")
    return lines if lines[-1] else lines[:-1]


def _merges(path: Path) -> list[tuple[str, str]]:
    result = []
    for number, line in enumerate(read_lines(path), 1):
        if number == 1 and line.startswith("#version"):
            continue
        parts = line.split(" ")
        if len(parts) != 2:
            raise DataError(f"{path}: line {number}, {line!r}, must be two pieces with a space between")
        result.append((parts[0], parts[1]))
    return result


def _check_class(folder: Path, config: dict[str, Any], known: tuple[str, ...]) -> None:
    name = str(config.get("tokenizer_class") or known[0]).removesuffix("Fast")
    if name not in known:
        raise DataError(f"{folder}: {name} without tokenizer.json cannot be followed, only {', '.join(known)}; {_SAVE}")


def _check_nothing_added(folder: Path, config: dict[str, Any]) -> None:
    if (folder / "added_tokens.json").is_file() or config.get("added_tokens_decoder"):
        raise DataError(f"{folder}: tokens were added to the vocabulary; {_SAVE}")
