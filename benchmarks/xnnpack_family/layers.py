"""Dense layers, pools, reductions and what stands at the end of a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product

from xnnpack_family.convolutions import bias, kernel, window
from xnnpack_family.models import (
    ACTIVATIONS,
    I8,
    I16,
    SAME,
    SCALE,
    TYPES,
    U8,
    VALID,
    Case,
    F,
    Part,
    activation,
    case,
    constant,
    numbers,
    packed,
    tensor,
)

REDUCTIONS = ("MEAN", "SUM", "REDUCE_MAX", "REDUCE_MIN")


def dense() -> Iterator[Case]:
    """Ranks, types, missing and computed bias and weights, dynamic range, 4 bits."""

    def layer(
        label: str,
        dtype: str = F,
        shape: Sequence[int] = (2, 8),
        per_channel: bool = False,
        keep: bool = False,
        weights: Part | None = None,
        add: Part | str | None = "bias",
        act: str = "NONE",
        version: int = 1,
    ) -> Case:
        weights = weights or kernel((4, 8), dtype, 0, per_channel)
        rows = 1
        for size in shape[:-1]:
            rows *= size
        out = tensor((*shape[:-1], 4) if keep else (rows, 4), dtype)
        inputs = [tensor(shape, dtype), weights, bias(4, dtype, per_channel) if add == "bias" else add]
        return case(label, "FULLY_CONNECTED", inputs, [out], version=version, keepNumDims=keep, **activation(act))

    for dtype, shape, keep in product(TYPES, ((8,), (2, 8), (2, 3, 8), (1, 2, 3, 8), (1, 1, 2, 3, 8)), (False, True)):
        yield layer(f"{dtype} {shape} keep {keep}", dtype, shape, keep=keep)
    for dtype in (F, I8, U8):
        yield layer(f"{dtype} no bias", dtype, add=None)
        yield layer(f"{dtype} computed weights", dtype, weights=tensor((4, 8), dtype))
        for name in ACTIVATIONS[1:]:
            yield layer(f"{dtype} {name}", dtype, act=name)
    yield layer("int8 per channel", I8, per_channel=True)
    yield layer("int8 weights zero point 3", I8, weights=constant((4, 8), I8, zero_point=3))
    for dtype, channels in product((F, I8, U8), (1, 4)):
        yield layer(f"{dtype} 4-bit weights, {channels} scales", dtype, weights=packed((4, 8), channels))
    yield layer("4-bit weights, 7 inputs", shape=(2, 7), weights=packed((4, 7), 4))
    yield layer("float16 weights", weights=constant((4, 8), "float16"))
    yield layer("float16 bias", add=constant((4,), "float16"))
    yield layer("bias of two dimensions", add=constant((1, 4)))
    yield layer("float computed bias", add=tensor((4,)))
    yield layer("bias without scale", I8, add=replace(bias(4, I8, False), scales=()))
    yield layer("bias zero point 1", I8, add=replace(bias(4, I8, False), zero_point=1))
    yield layer("bias zero point 1, per channel", I8, per_channel=True, add=replace(bias(4, I8, True), zero_point=1))
    yield layer("dynamic range", F, weights=constant((4, 8), I8, zero_point=0))
    yield layer("dynamic range per channel", F, weights=constant((4, 8), I8, 4))
    yield layer("dynamic range zero point 3", F, weights=constant((4, 8), I8, zero_point=3))
    yield layer("dynamic range per channel along 1", F, weights=constant((4, 8), I8, 8, axis=1))
    yield layer("dynamic range uint8", F, weights=constant((4, 8), U8))
    yield layer("int8 per channel along 1", I8, weights=constant((4, 8), I8, 8, axis=1))


def matmul() -> Iterator[Case]:
    """Ranks, transposed sides, batches that are broadcast, dynamic range."""
    for dtype, (left, right) in product(
        TYPES, (((3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((1, 2, 3, 4), (1, 2, 4, 5)), ((2, 3, 4), (1, 4, 5)))
    ):
        out = (*left[:-1], right[-1])
        yield case(
            f"{dtype} {left} {right}", "BATCH_MATMUL", [tensor(left, dtype), tensor(right, dtype)], [tensor(out, dtype)]
        )
    for dtype, adjoint in product((F, I8), ("adjX", "adjY")):
        left, right = ((2, 4, 3), (2, 4, 5)) if adjoint == "adjX" else ((2, 3, 4), (2, 5, 4))
        yield case(
            f"{dtype} {adjoint}",
            "BATCH_MATMUL",
            [tensor(left, dtype), tensor(right, dtype)],
            [tensor((2, 3, 5), dtype)],
            **{adjoint: True},
        )
    left, out = tensor((2, 3, 4)), tensor((2, 3, 5))
    yield case("constant", "BATCH_MATMUL", [left, constant((2, 4, 5))], [out])
    yield case("dynamic range", "BATCH_MATMUL", [left, constant((2, 4, 5), I8)], [out])
    yield case("dynamic range per channel", "BATCH_MATMUL", [left, constant((2, 4, 5), I8, 5, axis=2)], [out])
    yield case("per channel along 1", "BATCH_MATMUL", [left, constant((2, 4, 5), I8, 4, axis=1)], [out])
    turned = constant((2, 5, 4), I8, 5, axis=1)
    yield case("adjY, per channel along 1", "BATCH_MATMUL", [left, turned], [out], adjY=True)
    turned = constant((2, 5, 4), I8, 4, axis=2)
    yield case("adjY, per channel along 2", "BATCH_MATMUL", [left, turned], [out], adjY=True)
    yield case("dynamic range zero point 3", "BATCH_MATMUL", [left, constant((2, 4, 5), I8, zero_point=3)], [out])
    yield case(
        "int8 zero point 3",
        "BATCH_MATMUL",
        [tensor((2, 3, 4), I8), tensor((2, 4, 5), I8, zero_point=3)],
        [tensor((2, 3, 5), I8)],
    )
    yield case(
        "int8 constant", "BATCH_MATMUL", [tensor((2, 3, 4), I8), constant((2, 4, 5), I8)], [tensor((2, 3, 5), I8)]
    )


def pools() -> Iterator[Case]:
    """Windows, strides above the window, activations, other scales at the output."""
    for op, dtype, (size, stride), padding in product(
        ("AVERAGE_POOL_2D", "MAX_POOL_2D"), TYPES, ((2, 2), (3, 1), (1, 1), (1, 2), (2, 3)), (SAME, VALID)
    ):
        if padding == VALID or size == 2:
            side, part = window(6, size, stride, padding), tensor((1, 6, 6, 8), dtype)
            facts = {
                "filterHeight": size,
                "filterWidth": size,
                "strideH": stride,
                "strideW": stride,
                "padding": padding,
            }
            yield case(
                f"{dtype} {size} stride {stride} padding {padding}",
                op,
                [part],
                [tensor((1, side, side, 8), dtype)],
                **facts,
            )
    facts = {"filterHeight": 2, "filterWidth": 2, "strideH": 2, "strideW": 2, "padding": VALID}
    for op, dtype, name in product(("AVERAGE_POOL_2D", "MAX_POOL_2D"), (F, I8), ACTIVATIONS[1:]):
        yield case(
            f"{dtype} {name}",
            op,
            [tensor((1, 6, 6, 8), dtype)],
            [tensor((1, 3, 3, 8), dtype)],
            **facts,
            **activation(name),
        )
    for dtype, changed in product((I8, U8), ({"scale": SCALE * 2}, {"zero_point": 5})):
        yield case(
            f"{dtype} other {min(changed)}",
            "MAX_POOL_2D",
            [tensor((1, 6, 6, 8), dtype)],
            [tensor((1, 3, 3, 8), dtype, **changed)],
            **facts,
        )
    for op, height, stride in product(("AVERAGE_POOL_2D", "MAX_POOL_2D"), (1, 2), (1, 2, 3)):
        size = {"filterHeight": height, "filterWidth": 3, "strideH": stride, "strideW": 1, "padding": VALID}
        yield case(
            f"{height}x3 stride {stride}x1",
            op,
            [tensor((1, 6, 6, 8))],
            [tensor((1, window(6, height, stride, VALID), 4, 8))],
            **size,
        )


def softmax() -> Iterator[Case]:
    """Types, ranks and beta."""
    fixed = {I8: (1 / 256, -128), U8: (1 / 256, 0), I16: (1 / 32768, 0)}
    for dtype, shape in product(TYPES, ((8,), (3, 8), (1, 6, 6, 8))):
        out = tensor(shape) if dtype == F else tensor(shape, dtype, fixed[dtype][0], zero_point=fixed[dtype][1])
        yield case(f"{dtype} {shape}", "SOFTMAX", [tensor(shape, dtype)], [out], beta=1.0)
    yield case("beta 2", "SOFTMAX", [tensor((3, 8))], [tensor((3, 8))], beta=2.0)


def reductions() -> Iterator[Case]:
    """Every set of axes that matters, with and without the reduced dimensions."""
    spaces = (
        ((1, 6, 6, 8), (1, 2)),
        ((1, 6, 6, 8), (2,)),
        ((1, 6, 6, 8), (3,)),
        ((2, 3, 8), (1,)),
        ((3, 8), (-1,)),
        ((1, 2, 3, 4, 8), (2, 3)),
        ((3, 8), (0, 1)),
    )
    for place, (op, dtype) in enumerate(product(REDUCTIONS, TYPES)):
        for step, (shape, axes) in enumerate(spaces):
            keep = bool((place + step) % 2)
            kept = {axis % len(shape) for axis in axes}
            out = tuple(1 if axis in kept else size for axis, size in enumerate(shape) if keep or axis not in kept)
            yield case(
                f"{dtype} {shape} axes {axes} keep {keep}",
                op,
                [tensor(shape, dtype), numbers(*axes)],
                [tensor(out, dtype)],
                keepDims=keep,
            )
    for op in REDUCTIONS:
        for axes in ((1,), (0, 1), (2, 1), (1, 2, 3), (0, 1, 2, 3)):
            out = tuple(1 if axis in axes else size for axis, size in enumerate((1, 6, 6, 8)))
            yield case(f"axes {axes}", op, [tensor((1, 6, 6, 8)), numbers(*axes)], [tensor(out)], keepDims=True)
        yield case("computed axes", op, [tensor((3, 8)), Part((1,), "int32")], [tensor((8,))])
        yield case(
            "another output scale", op, [tensor((1, 6, 6, 8), I8), numbers(1, 2)], [tensor((1, 8), I8, SCALE * 3)]
        )
        yield case("int32", op, [tensor((3, 8), "int32"), numbers(1)], [tensor((3,), "int32")])


GROUPS = (dense, matmul, pools, softmax, reductions)
