"""Values as Kotlin writes them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

# What ends or starts something inside Kotlin's quotes. Other characters stand for themselves in UTF-8.
_ESCAPES = {"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def text(value: str) -> str:
    """A String; control characters as their code."""
    return '"' + "".join(_ESCAPES.get(one, one if one.isprintable() else _code(one)) for one in value) + '"'


def float32(value: float) -> str:
    """A Float: the shortest decimal that reads back as the same bits."""
    # Numpy's own text; Kotlin reads "1e-05f" as well as "0.0625f".
    return f"{np.float32(value)!s}f"


def double(value: float) -> str:
    """A Double: the shortest decimal that reads back as the same bits."""
    return repr(float(value))


def floats(values: Iterable[float]) -> str:
    """A FloatArray."""
    return f"floatArrayOf({', '.join(map(float32, values))})"


def whole_numbers(values: Iterable[int]) -> str:
    """A List<Int>."""
    return f"listOf({', '.join(map(str, values))})"


def texts(values: Iterable[str]) -> str:
    """A List<String>, one on a line."""
    values = tuple(values)
    if not values:
        return "emptyList()"
    lines = "".join(f"        {text(value)},\n" for value in values)
    return f"listOf(\n{lines}    )"


def truth(value: bool) -> str:
    """A Boolean."""
    return "true" if value else "false"


def _code(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[place]:02x}{units[place + 1]:02x}" for place in range(0, len(units), 2))
