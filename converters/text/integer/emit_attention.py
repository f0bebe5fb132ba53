"""Attention of several heads as integer operators."""

from __future__ import annotations

from ai_edge_litert import schema_py_generated as schema

from litesmith.converters.text.integer.emitter import Emitter
from litesmith.converters.text.integer.graph_writer import Held
from litesmith.converters.text.integer.integers import SHARE
from litesmith.converters.text.integer.padding import Padding


def attend(emit: Emitter, padding: Padding, name: str, query: Held, key: Held, value: Held, heads: int) -> Held:
    """Attention to what is no padding: (L, C)."""
    q, k, v = (
        _split(emit, f"{name}.{part}", held, heads) for part, held in (("query", query), ("key", key), ("value", value))
    )
    length = query.shape[0]
    square = (1, heads, length, length)
    scores = emit.result(f"{name}.scores", square, "int8", emit.seen.range(f"{name}.scores"))
    emit.matmul(q, k, scores, transposed=True)
    limits = emit.seen.range(f"{name}.masked")
    masked = emit.result(f"{name}.masked", square, "int8", limits)
    # The highest score of padding falls to the lowest of a token, whose share is 0.
    below = min(MASKED, limits.low - (127 - scores.zero_point) * scores.scale)
    emit.writer.operator("ADD", [scores, padding.scores(below)], masked, schema.AddOptionsT())
    shares = emit.writer.tensor(f"{name}.shares", square, "int8", SHARE, -128)
    softmax = schema.SoftmaxOptionsT()
    softmax.beta = 1.0
    emit.writer.operator("SOFTMAX", [masked], shares, softmax)
    context = emit.result(f"{name}.context.heads", v.shape, "int8", emit.seen.range(f"{name}.context"))
    emit.matmul(shares, v, context)
    return emit.reshape(f"{name}.context", emit.exchange(f"{name}.context.rows", context), value.shape)


# Added to the scores of padding, or more where scores reach further.
MASKED = -30.0


def _split(emit: Emitter, name: str, x: Held, heads: int) -> Held:
    """(L, heads * size) -> (1, heads, L, size)."""
    length, channels = x.shape
    return emit.exchange(f"{name}.heads", emit.reshape(f"{name}.split", x, (1, length, heads, channels // heads)))
