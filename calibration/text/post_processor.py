"""The post-processor of tokenizer.json -> how a contract frames texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litesmith.errors import DataError

_CAN = "a contract can say START A END for one text, and START A END B END or START A END END B END for a pair"


def frame_fields(path: Path, processor: dict[str, Any] | None, vocabulary: tuple[str, ...]) -> dict[str, Any]:
    """`start`, `end`, `pair_ends` and `second_type` of a contract.

    Raises:
        DataError: the texts are framed in another way.
    """
    kind = processor["type"] if processor else "nothing"
    if kind == "TemplateProcessing" and processor:
        return _template(path, processor, vocabulary)
    if kind in ("BertProcessing", "RobertaProcessing") and processor:
        (start, start_id), (end, end_id) = processor["cls"], processor["sep"]
        _check_ids(path, {start: [start_id], end: [end_id]}, vocabulary)
        ends, second = (1, 1) if kind == "BertProcessing" else (2, 0)
        return {"start": start, "end": end, "pair_ends": ends, "second_type": second}
    raise DataError(f"{path}: the post_processor {kind} cannot be followed; {_CAN}")


def _template(path: Path, processor: dict[str, Any], vocabulary: tuple[str, ...]) -> dict[str, Any]:
    single, pair = (_parts(processor[name]) for name in ("single", "pair"))
    _check_ids(path, {name: token["ids"] for name, token in processor["special_tokens"].items()}, vocabulary)
    if len(single) == 3 and len(pair) in (5, 6):
        start, end, second = single[0][0], single[2][0], pair[-1][1]
        ends = len(pair) - 4
        first = [(start, 0), ("A", 0), (end, 0)]
        if single == first and pair == first + [(end, 0)] * (ends - 1) + [("B", second), (end, second)]:
            return {"start": start, "end": end, "pair_ends": ends, "second_type": second}
    raise DataError(f"{path}: the template {single} and {pair} cannot be followed; {_CAN}")


def _parts(template: list[dict[str, Any]]) -> list[tuple[str, int]]:
    values = [value for part in template for value in part.values()]
    return [(value["id"], value["type_id"]) for value in values]


def _check_ids(path: Path, tokens: dict[str, list[int]], vocabulary: tuple[str, ...]) -> None:
    for token, ids in tokens.items():
        if len(ids) != 1 or not 0 <= ids[0] < len(vocabulary) or vocabulary[ids[0]] != token:
            raise DataError(f"{path}: the post_processor gives {token!r} the ids {ids}, the vocabulary another; fix it")
