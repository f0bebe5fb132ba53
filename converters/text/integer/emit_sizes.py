"""The size of a row, by which it is normalised, as integer operators."""

from __future__ import annotations

import numpy as np

from litesmith.calibration.ranges import Range
from litesmith.converters.text.integer.blocks import Array
from litesmith.converters.text.integer.emitter import Emitter
from litesmith.converters.text.integer.graph_writer import Held
from litesmith.converters.text.integer.integers import TIMES_MEDIAN


def inverse_size(emit: Emitter, name: str, x: Held, factors: Array) -> Held:
    """1 / sqrt(sum of the squares of a row, each channel times its factor first): (rows, 1)."""
    groups = [np.ones(factors.shape, np.bool_)]
    if x.dtype == "int8":  # a few large factors would take the steps from all others
        large = np.abs(factors) > TIMES_MEDIAN * np.median(np.abs(factors))
        groups = [group for group in (~large, large) if group.any()]
    squares: Held | None = None
    for place, group in enumerate(groups):
        part = _squares(emit, f"{name}{f'.{place}' * bool(place)}", name, x, np.where(group, factors, 0))
        squares = part if squares is None else emit.sum(f"{name}.squares", squares, part)
    assert squares is not None  # there is a channel
    rows, limits = x.shape[0], emit.seen.range(f"{name}.size")
    column = emit.reshape(f"{name}.column", squares, (rows, 1))
    inverse = emit.result(f"{name}.size.int16", (rows, 1), "int16", limits)
    emit.writer.operator("RSQRT", [column], inverse)
    return inverse if x.dtype == "int16" else emit.requantized(f"{name}.size", inverse, "int8", limits)


def _squares(emit: Emitter, name: str, seen: str, x: Held, factors: Array) -> Held:
    """Sums of squares of rows, in int16: (rows, 1, 1)."""
    rows, channels = x.shape
    size = float(np.where(factors != 0, emit.seen.size(f"{seen}.sized"), 0).max())
    # int8 has no zero point here: its products are then exact in int32.
    sized = emit.result(f"{name}.sized", x.shape, x.dtype, Range(-size, size), symmetric=True)
    emit.times(x, emit.constant(f"{name}.sizes", factors[None], x.dtype), sized)
    row = emit.reshape(f"{name}.row", sized, (rows, 1, channels))
    limits = emit.seen.range(f"{seen}.squares")
    if x.dtype == "int16":
        squares = emit.result(f"{name}.squares", (rows, 1, 1), "int16", limits)
        return emit.matmul(row, row, squares, transposed=True)
    exact = emit.writer.tensor(f"{name}.exact", (rows, 1, 1), "int32", sized.scale**2)
    emit.matmul(row, row, exact, transposed=True)
    return emit.requantized(f"{name}.squares", exact, "int16", limits)
