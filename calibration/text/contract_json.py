"""A text contract as files: text.json, vocabulary.txt, merges.txt and kept_ids.txt."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from litesmith.calibration.text.contract_checks import NORMALISATION, SPECIAL
from litesmith.calibration.text.special_tokens import AddedToken
from litesmith.errors import DataError

if TYPE_CHECKING:
    from litesmith.calibration.text.contract import TextContract

VERSION = 1
SETTINGS, VOCABULARY, MERGES, KEPT_IDS = "text.json", "vocabulary.txt", "merges.txt", "kept_ids.txt"
FIELDS = ("kind", "length", *SPECIAL, *NORMALISATION, "longest_word", "add_prefix_space", "pair_ends", "second_type")
_KEYS = {"version", *FIELDS, "added", "files"}
_ADDED_KEYS = {"content", "normalized", "lstrip", "rstrip"}
_AGAIN = "copy all files of the contract again"


def files(contract: TextContract) -> dict[str, bytes]:
    """What a contract is as files, byte for byte; UTF-8, each line with its end."""
    text = f"{json.dumps(document(contract), indent=2, ensure_ascii=False, allow_nan=False)}\n"
    return {SETTINGS: text.encode(), **_lists(contract)}


def document(contract: TextContract) -> dict[str, Any]:
    """The content of text.json, which says of the other files what they are."""
    return {
        "version": VERSION,
        **{name: getattr(contract, name) for name in FIELDS},
        "added": [asdict(token) for token in contract.added],
        "files": {
            name: {"lines": data.count(b"\n"), "sha256": _sha256(data)} for name, data in _lists(contract).items()
        },
    }


def _lists(contract: TextContract) -> dict[str, bytes]:
    result = {VOCABULARY: _lines(contract.vocabulary)}
    if contract.kind == "byte_bpe":
        result[MERGES] = _lines(tuple(" ".join(pair) for pair in contract.merges))
    if contract.kept_ids is not None:
        result[KEPT_IDS] = _lines(tuple(map(str, contract.kept_ids)))
    return result


def parse(content: Mapping[str, bytes]) -> dict[str, Any]:
    """The fields that files give.

    Raises:
        DataError: one is missing or differs from what text.json says, or text.json is not of this version.
    """
    settings = _settings(content)
    listed = _listed(settings, content)
    fields = {name: settings[name] for name in FIELDS}
    fields["added"] = _added(settings["added"])
    fields["vocabulary"] = tuple(listed[VOCABULARY])
    if MERGES in listed:
        fields["merges"] = tuple(_merge(place, line) for place, line in enumerate(listed[MERGES], 1))
    if KEPT_IDS in listed:
        fields["kept_ids"] = tuple(_old_id(place, line) for place, line in enumerate(listed[KEPT_IDS], 1))
    return fields


def _settings(content: Mapping[str, bytes]) -> dict[str, Any]:
    try:
        settings = json.loads(_named(content, SETTINGS).decode())
    except (ValueError, RecursionError) as error:
        raise DataError(f"{SETTINGS}: cannot be read as JSON in UTF-8 ({error}); write it again") from error
    if not isinstance(settings, dict) or settings.get("version") != VERSION:
        version = settings.get("version") if isinstance(settings, dict) else None
        raise DataError(f"{SETTINGS}: version {version!r} is not known, only {VERSION}; update litesmith")
    _check_keys(SETTINGS, settings, _KEYS)
    return settings


def _listed(settings: Mapping[str, Any], content: Mapping[str, bytes]) -> dict[str, list[str]]:
    """The lines of the files that text.json names, checked against what it says of them."""
    allowed = {VOCABULARY, *([MERGES] if settings["kind"] == "byte_bpe" else [])}
    named = settings["files"]
    if not isinstance(named, dict) or not allowed <= named.keys() <= allowed | {KEPT_IDS}:
        raise DataError(f"{SETTINGS}: files must name {', '.join(sorted(allowed))} and may name {KEPT_IDS}")
    result = {}
    for name, facts in named.items():
        _check_keys(f"{SETTINGS}: files.{name}", facts, {"lines", "sha256"})
        data = _named(content, name)
        if data.count(b"\n") != facts["lines"]:
            found, said = data.count(b"\n"), facts["lines"]
            raise DataError(f"{name}: has {found} lines, and {SETTINGS} says {said!r}; {_AGAIN}")
        if _sha256(data) != facts["sha256"]:
            raise DataError(f"{name}: is not the file that {SETTINGS} was written with (SHA-256 differs); {_AGAIN}")
        result[name] = _read_lines(name, data)
    return result


def _read_lines(name: str, data: bytes) -> list[str]:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"{name}: line {line} is not UTF-8; {_AGAIN}") from error
    if text and not text.endswith("\n"):
        raise DataError(f"{name}: its last line has no end; {_AGAIN}")
    return text.split("\n")[:-1]


def _added(tokens: Any) -> tuple[AddedToken, ...]:
    if not isinstance(tokens, list):
        raise DataError(f"{SETTINGS}: added must be a list, not {tokens!r}")
    for place, token in enumerate(tokens):
        _check_keys(f"{SETTINGS}: added[{place}]", token, _ADDED_KEYS)
    return tuple(AddedToken(**token) for token in tokens)


def _merge(place: int, line: str) -> tuple[str, str]:
    left, gap, right = line.partition(" ")
    if not (left and gap and right) or " " in right:
        raise DataError(f"{MERGES}: line {place}, {line!r}, must be two pieces with a space between; {_AGAIN}")
    return left, right


def _old_id(place: int, line: str) -> int:
    if not (line.isascii() and line.isdigit() and len(line) < 10):
        raise DataError(f"{KEPT_IDS}: line {place}, {line!r}, is no id; {_AGAIN}")
    return int(line)


def _check_keys(where: str, value: Any, expected: set[str]) -> None:
    if not isinstance(value, dict):
        raise DataError(f"{where}: must be an object, not {value!r}")
    for word, keys in (("unknown", value.keys() - expected), ("missing", expected - value.keys())):
        if keys:
            raise DataError(f"{where}: {word} key {', '.join(sorted(keys))}; expected {', '.join(sorted(expected))}")


def _named(content: Mapping[str, bytes], name: str) -> bytes:
    if name not in content:
        raise DataError(f"text: {name} is missing; the contract is {SETTINGS} and the files that it names")
    return content[name]


def _lines(lines: tuple[str, ...]) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
