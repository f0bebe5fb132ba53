"""`preprocess.json`: a contract as a document, in this version and the one before."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from litesmith.errors import DataError

VERSION = 2
FIELDS = ("kind", "shape", "crop", "fit", "resize", "antialias", "fill", "block", "scale", "offset", "layout")
_KEYS = {
    1: {"version", "kind", "shape", "channels", "resize", "scale", "offset"},
    2: {"version", "channels", *FIELDS},
}


def document(fields: Mapping[str, Any], channels: str | None) -> dict[str, Any]:
    """What is written of the fields: in the order of the steps, tuples as lists."""
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
    return {"version": VERSION, "channels": channels, **plain}


def parse(content: Mapping[str, Any]) -> tuple[dict[str, Any], Any]:
    """The fields that a document gives, and its `channels`; version 1 gives fewer, the others have their defaults.

    Raises:
        DataError: another version, unknown or missing keys, or a shape that is no list.
    """
    if not isinstance(content, Mapping):
        raise DataError(f"preprocess: must be an object with a version, not {content!r}")
    version = content.get("version")
    known = _KEYS.get(version) if isinstance(version, int) else None
    if known is None:
        raise DataError(f"preprocess: version {version!r} is not known, only 1 and {VERSION}; update litesmith")
    for word, keys in (("unknown", content.keys() - known), ("missing", known - content.keys())):
        if keys:
            raise DataError(f"preprocess: {word} key {', '.join(sorted(keys))}; expected {', '.join(sorted(known))}")
    if not isinstance(content["shape"], list | tuple):
        raise DataError(f"preprocess: shape must be a list, not {content['shape']!r}")
    return {name: content[name] for name in FIELDS if name in content}, content["channels"]


def text(content: Mapping[str, Any]) -> str:
    """The file's text; as `litesmith.files.json_text` writes every document, with the end of its last line."""
    return f"{json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)}\n"
