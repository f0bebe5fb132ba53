"""Dense layers and activations as integer operators."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from litesmith.calibration.ranges import Range
from litesmith.converters.text.architecture import Activation
from litesmith.converters.text.integer.blocks import Dense, Side
from litesmith.converters.text.integer.emitter import Emitter
from litesmith.converters.text.integer.functions import limits_before
from litesmith.converters.text.integer.graph_writer import Held
from litesmith.converters.text.integer.integers import INT8, SHARE, TANH, TIMES_MEDIAN, kernel_integers, rounded

_RELU = schema.ActivationFunctionType.RELU
# XNNPACK takes products whose steps are less than 256 times the result's; finer results would hold nothing more.
_LEAST_PRODUCT = 2**-6
# A column at the side is not enlarged beyond this.
_SMALLEST_SIDE = 2**-7


def fully_connected(
    emit: Emitter, name: str, x: Held, dense: Dense, steps: Range | Held, *, relu: bool = False, symmetric: bool = False
) -> Held:
    """A layer with int8 results for a range, or in the steps of another tensor; one scale for each kernel's output."""
    integers, scales = kernel_integers(dense.kernel)
    kernel = emit.writer.constant(f"{name}.kernel", integers, scales)
    products = scales * np.float32(x.scale)
    bias = emit.writer.constant(f"{name}.bias", rounded(dense.bias, products, 2**31 - 1, np.int32), products)
    shape = (x.shape[0], dense.bias.size)
    if isinstance(steps, Held):
        result = emit.alike(name, shape, steps)
    else:
        least = _LEAST_PRODUCT * float(products.max()) * INT8
        limits = Range(min(steps.low, -least), max(steps.high, least))
        result = emit.result(name, shape, "int8", limits, symmetric=symmetric)
    options = schema.FullyConnectedOptionsT()
    options.fusedActivationFunction = _RELU if relu else 0
    return emit.writer.operator("FULLY_CONNECTED", [x, kernel, bias], result, options)


def wide_dense(emit: Emitter, name: str, x: Held, dense: Dense) -> Held:
    """A layer with int16 results, for massive rows.

    A few of their channels are far larger than all others. The layer is computed twice where that is so: with steps
    for the others, which cuts these channels, and with steps for these.
    """
    sizes, limits = emit.seen.size(name), emit.seen.range(name)
    fine = float(TIMES_MEDIAN * np.median(sizes))
    if sizes.max() <= fine:
        return emit.widened(f"{name}.int16", fully_connected(emit, name, x, dense, limits, symmetric=True))
    parts = []
    for part, size, kept in (("fine", fine, sizes <= fine), ("coarse", float(sizes.max()), sizes > fine)):
        around = Range(-size, size)
        once = fully_connected(emit, f"{name}.{part}", x, dense, around, symmetric=True)
        wide = emit.widened(f"{name}.{part}.int16", once)
        result = emit.result(f"{name}.{part}.kept", wide.shape, "int16", around)
        chosen = emit.constant(f"{name}.{part}.channels", kept[None].astype(np.float32), "int16")
        parts.append(emit.times(wide, chosen, result))
    return emit.sum(name, *parts)


def beside(emit: Emitter, name: str, x: Held, read: Held, side: Side, output: Dense) -> tuple[Held, Dense]:
    """`x` with a side's columns beside it; the integers of x end at the caps, smaller columns are enlarged to them."""
    largest = np.float32((INT8 - x.zero_point) * x.scale)
    divide = np.clip(emit.seen.high(f"{name}.side") / largest, np.float32(_SMALLEST_SIDE), 1)
    more = fully_connected(emit, f"{name}.side", read, side.up.times(1 / divide), x, relu=True)
    both = emit.alike(name, (x.shape[0], x.shape[1] + more.shape[1]), x)
    emit.joined([x, more], both, axis=1)
    return both, Dense(np.concatenate([output.kernel, side.rows * divide[:, None]]), output.bias)


def neighbours(emit: Emitter, name: str, x: Held) -> Held:
    """Each row between the next and the previous one, zeros at the ends; the integers stay as they are."""
    rows, channels = x.shape
    room = emit.numbers(f"{name}.room", ((1, 1), (0, 0)))
    padded = emit.alike(f"{name}.padded", (rows + 2, channels), x)
    emit.writer.operator("PAD", [x, room], padded, schema.PadOptionsT())
    following, previous = (
        emit.cut(f"{name}.{part}", padded, (first, 0), x.shape, f"{name}.{part}")
        for part, first in (("following", 2), ("previous", 0))
    )
    return emit.joined([following, x, previous], emit.alike(name, (rows, 3 * channels), x), axis=1)


def limited(emit: Emitter, name: str, x: Held, dense: Dense, activation: Activation) -> Held:
    """A layer and its activation; the integers between them end at the limit that the observed values have."""
    if activation == "relu":
        return fully_connected(emit, name, x, dense, emit.seen.range(name), relu=True)
    before = fully_connected(
        emit, f"{name}.before", x, dense, limits_before(activation, emit.seen.range(f"{name}.before"))
    )
    if activation == "tanh":  # its kernel fixes the steps of its result
        return emit.writer.operator("TANH", [before], emit.writer.tensor(name, before.shape, "int8", TANH, 0))
    result = emit.result(name, before.shape, "int8", emit.seen.range(name))
    if activation == "silu":
        shares = emit.writer.tensor(f"{name}.shares", before.shape, "int8", SHARE, -128)
        emit.writer.operator("LOGISTIC", [before], shares)
        return emit.times(before, shares, result)
    options = schema.GeluOptionsT()
    options.approximate = activation == "gelu_tanh"
    return emit.writer.operator("GELU", [before], result, options)
