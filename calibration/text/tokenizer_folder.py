"""The text contract of a tokenizer as Hugging Face's tools save it in a folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from litesmith.calibration.text import tokenizer_json, vocabulary_files
from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.contract_checks import SPECIAL
from litesmith.errors import DataError

_MOST_BYTES = 1 << 27
_CONFIG_NAMES = dict(zip(SPECIAL, ("pad_token", "unk_token", "cls_token", "sep_token"), strict=True))
_BERT_TOKENS = dict(zip(SPECIAL, ("[PAD]", "[UNK]", "[CLS]", "[SEP]"), strict=True))
_ROBERTA_TOKENS = dict(zip(SPECIAL, ("<pad>", "<unk>", "<s>", "</s>"), strict=True))
# Settings that may be said twice, with the name that tokenizer_config.json has for them.
_SAID_TWICE = {
    "lowercase": "do_lower_case",
    "strip_accents": "strip_accents",
    "chinese_characters": "tokenize_chinese_chars",
    "add_prefix_space": "add_prefix_space",
}
_EXPECTED = "tokenizer.json, vocab.txt (WordPiece), or vocab.json with merges.txt (byte-level BPE)"


def contract_from_folder(folder: Path | str, length: int) -> TextContract:
    """Read a tokenizer's folder: tokenizer.json, else vocab.txt, else vocab.json and merges.txt.

    tokenizer_config.json and special_tokens_map.json are read for what those leave open. Truncation and padding that
    tokenizer.json says are not looked at: `length` is theirs.

    Args:
        folder: where the files lie.
        length: L, of the rows that the contract gives.

    Raises:
        DataError: there is no tokenizer, a file cannot be read, two of them contradict each other, or the tokenizer
            does what a contract cannot say; it names that, and what a contract can.
    """
    place = Path(folder)
    if not place.is_dir():
        raise DataError(f"{place}: is no folder; give the folder that holds {_EXPECTED}")
    config = {**_read_json(place / "special_tokens_map.json"), **_read_json(place / "tokenizer_config.json")}
    _check_sides(place, config)
    if (place / "tokenizer.json").is_file():
        fields = tokenizer_json.fields(place / "tokenizer.json", _read_json(place / "tokenizer.json"))
        _check_said_twice(place, config, fields)
        vocabulary_files.check_size(place / "vocab.txt", fields.pop("pieces"))
    elif (place / "vocab.txt").is_file():
        fields = vocabulary_files.wordpiece(place, config)
    elif (place / "vocab.json").is_file() and (place / "merges.txt").is_file():
        fields = vocabulary_files.byte_bpe(place, config, _read_json(place / "vocab.json"))
    else:
        raise DataError(f"{place}: {_what_is_there(place)}; it needs {_EXPECTED}")
    usual = _BERT_TOKENS if fields["kind"] == "wordpiece" else _ROBERTA_TOKENS
    for name, token in usual.items():
        fields[name] = fields.get(name) or _token(config.get(_CONFIG_NAMES[name])) or token
    try:
        return TextContract(length=length, **vocabulary_files.with_special_found(fields))
    except DataError as error:
        raise DataError(f"{place}: {error}") from error


def _read_json(path: Path) -> dict[str, Any]:
    """A file's object; empty where there is no such file."""
    if not path.is_file():
        return {}
    if path.stat().st_size > _MOST_BYTES:
        raise DataError(f"{path}: has more than {_MOST_BYTES:,} bytes, which no tokenizer needs; check the file")
    try:
        document = json.loads(path.read_bytes().decode())
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: cannot be read as JSON in UTF-8 ({error}); get the file again") from error
    if not isinstance(document, dict):
        raise DataError(f"{path}: must hold an object, not {type(document).__name__}; get the file again")
    return document


def _token(value: Any) -> str | None:
    """A token of tokenizer_config.json, which may be an object with flags."""
    content = value.get("content") if isinstance(value, dict) else value
    return content if isinstance(content, str) and content else None


def _check_sides(place: Path, config: dict[str, Any]) -> None:
    for name in ("padding_side", "truncation_side"):
        if (side := config.get(name, "right")) != "right":
            raise DataError(f"{place / 'tokenizer_config.json'}: {name} {side!r} cannot be followed; only 'right' can")


def _check_said_twice(place: Path, config: dict[str, Any], fields: dict[str, Any]) -> None:
    for field, name in _SAID_TWICE.items():
        said = config.get(name)
        belongs = (field == "add_prefix_space") == (fields["kind"] == "byte_bpe")
        if belongs and isinstance(said, bool) and said != fields[field]:
            raise DataError(
                f"{place}: {name} is {said} in tokenizer_config.json and {fields[field]} in tokenizer.json; make the "
                "two the same as the model was trained with"
            )


def _what_is_there(place: Path) -> str:
    for path in sorted(place.iterdir()):
        if path.suffix in (".model", ".spm"):
            return f"{path.name} is a SentencePiece model, which cannot be followed"
    return "has no tokenizer"
