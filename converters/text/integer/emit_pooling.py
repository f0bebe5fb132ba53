"""One row for all tokens of a text as integer operators."""

from __future__ import annotations

from litesmith.converters.text.architecture import Pooling
from litesmith.converters.text.integer.emitter import Emitter
from litesmith.converters.text.integer.graph_writer import Held
from litesmith.converters.text.integer.operations import Rows
from litesmith.converters.text.integer.padding import Padding


def pool(
    emit: Emitter, padding: Padding, name: str, parts: list[Held], rows: tuple[Rows, ...], pooling: Pooling
) -> Held:
    """The first token's row, or the mean of all that are no padding, in int16: (1, C)."""
    wide = [part if part.dtype == "int16" else emit.widened(f"{name}.part.int16", part) for part in parts]
    if pooling == "first":
        return first_row(emit, name, wide[0])
    shares = padding.shares()
    limits = emit.seen.range(name)
    pooled: Held | None = None
    for one, part in zip(rows, wide, strict=True):
        label = f"{name}{one.suffix}"
        share = emit.cut(label, shares, (0, one.start), (1, one.stop - one.start), f"{label}.shares")
        mean = emit.result(f"{label}.mean", (1, part.shape[1]), "int16", limits)
        emit.matmul(share, part, mean)
        pooled = mean if pooled is None else emit.sum(name, pooled, mean)
    assert pooled is not None  # there is at least one part
    return pooled


def first_row(emit: Emitter, name: str, x: Held) -> Held:
    """The first token's row: (1, C)."""
    if x.shape[0] == 1:
        return x
    return emit.cut(name, x, (0, 0), (1, x.shape[1]), f"{name}.rows")
