"""Operators of one or two tensors, element by element."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from xnnpack_family.models import (
    ACTIVATIONS,
    I8,
    I16,
    RANKS,
    SCALE,
    TYPES,
    U8,
    Case,
    F,
    activation,
    case,
    constant,
    tensor,
)

FLOAT_UNARY = (
    "ABS",
    "CEIL",
    "COS",
    "EXP",
    "FLOOR",
    "GELU",
    "HARD_SWISH",
    "LOG",
    "NEG",
    "RELU",
    "RELU6",
    "RELU_N1_TO_1",
    "ROUND",
    "RSQRT",
    "SIN",
    "SQRT",
    "SQUARE",
)
NEVER = ("SIGN", "LOG_SOFTMAX", "L2_NORMALIZATION", "ZEROS_LIKE")
BINARY = ("ADD", "SUB", "MUL", "DIV", "MAXIMUM", "MINIMUM", "SQUARED_DIFFERENCE")
BROADCASTS = (
    ((1, 6, 6, 8), (1, 6, 6, 8)),
    ((1, 6, 6, 8), (8,)),
    ((1, 6, 6, 8), ()),
    ((3, 1), (1, 8)),
    ((2, 3, 8), (3, 8)),
    ((1, 2, 3, 4, 8), (4, 1)),
)


def unary() -> Iterator[Case]:
    """Every operator of one tensor, in every type, ranks in turn."""
    for place, (op, dtype) in enumerate(product((*FLOAT_UNARY, *NEVER, "ELU"), TYPES)):
        shape = RANKS[place % len(RANKS)]
        yield case(f"{dtype} {shape}", op, [tensor(shape, dtype)], [tensor(shape, dtype)])
    for op in (*FLOAT_UNARY, "ELU", "LOGISTIC", "TANH"):
        yield case("float16", op, [tensor((3, 8), "float16")], [tensor((3, 8), "float16")])
    for op, shape in product(("ABS", "RELU", "LOGISTIC"), ((), *RANKS, (1, 1, 2, 2, 3, 4), (1, 1, 1, 2, 2, 3, 4))):
        yield case(str(shape), op, [tensor(shape)], [tensor(shape)])


def unary_scales() -> Iterator[Case]:
    """Operators whose output has a fixed scale, and those that XNNPACK bounds by a ratio of scales."""
    fixed = {"LOGISTIC": {I8: (1 / 256, -128), U8: (1 / 256, 0), I16: (1 / 32768, 0)},
             "TANH": {I8: (1 / 128, 0), U8: (1 / 128, 128), I16: (1 / 32768, 0)}}  # fmt: skip
    for (op, outputs), dtype, shape in product(fixed.items(), TYPES, ((3, 8), (1, 6, 6, 8))):
        out = tensor(shape) if dtype == F else tensor(shape, dtype, outputs[dtype][0], zero_point=outputs[dtype][1])
        yield case(f"{dtype} {shape}", op, [tensor(shape, dtype)], [out])
    for dtype, alpha, ratio in product((F, I8, U8, I16), (0.1, -0.5, 0.001, 0.0), (1, 1 / 200, 1 / 300, 127, 129)):
        if dtype in (I8, U8) or (ratio == 1 and alpha in (0.1, 0.0)):
            out = tensor((3, 8), dtype, SCALE / ratio)
            yield case(
                f"{dtype} alpha {alpha} ratio {ratio:.3g}", "LEAKY_RELU", [tensor((3, 8), dtype)], [out], alpha=alpha
            )


def binary() -> Iterator[Case]:
    """Every operator of two tensors, in every type, over every kind of broadcasting."""
    for place, (op, dtype) in enumerate(product(BINARY, TYPES)):
        for step in range(3):
            left, right = BROADCASTS[(place + 2 * step) % len(BROADCASTS)]
            out = tensor(np.broadcast_shapes(left, right), dtype)
            second = constant(right, dtype) if step == 1 else tensor(right, dtype)
            yield case(f"{dtype} {left} {right} {'constant' * (step == 1)}", op, [tensor(left, dtype), second], [out])
    for op, dtype, name in product(("ADD", "SUB", "MUL", "DIV"), (F, I8), ACTIVATIONS):
        part = tensor((1, 6, 6, 8), dtype)
        if op != "DIV" or dtype == F:
            yield case(f"{dtype} {name}", op, [part, part], [part], **activation(name))


def binary_borders() -> Iterator[Case]:
    """Ratios of scales on both sides of XNNPACK's limits, a scale for each channel, and mixed types."""
    for op, dtype, ratio in product(("ADD", "SUB"), (I8, U8), (1 / 1500, 1 / 1000, 255, 260)):
        part, out = tensor((3, 8), dtype), tensor((3, 8), dtype, SCALE / ratio)
        yield case(f"{dtype} ratio {ratio:.4g}", op, [part, part], [out])
    for dtype, ratio in product((I8, U8), (1 / 70000, 1 / 65000, 255, 260)):
        part, out = tensor((3, 8), dtype), tensor((3, 8), dtype, SCALE * SCALE / ratio)
        yield case(f"{dtype} product ratio {ratio:.4g}", "MUL", [part, part], [out])
    part = tensor((3, 8), I8)
    for op in ("ADD", "MUL"):
        yield case("second per channel", op, [part, constant((3, 8), I8, 8, axis=1)], [part])
        yield case("second along dimension 1, one scale", op, [part, constant((3, 8), I8, axis=1)], [part])
        yield case("float16", op, [tensor((3, 8), "float16")] * 2, [tensor((3, 8), "float16")])
        yield case("int32", op, [tensor((3, 8), "int32")] * 2, [tensor((3, 8), "int32")])
        yield case("int64", op, [tensor((3, 8), "int64")] * 2, [tensor((3, 8), "int64")])


def prelu() -> Iterator[Case]:
    """Slopes of every kind."""
    x = tensor((1, 6, 6, 8))
    yield case("slope (8)", "PRELU", [x, constant((8,))], [x])
    yield case("slope (1, 1, 8)", "PRELU", [x, constant((1, 1, 8))], [x])
    yield case("slope (6, 6, 8)", "PRELU", [x, constant((6, 6, 8))], [x])
    yield case("slope (1)", "PRELU", [x, constant((1,))], [x])
    yield case("slope ()", "PRELU", [x, constant(())], [x])
    yield case("computed slope", "PRELU", [x, tensor((1, 1, 8))], [x])
    for dtype in (I8, U8):
        part = tensor((1, 6, 6, 8), dtype)
        yield case(dtype, "PRELU", [part, constant((1, 1, 8), dtype)], [part])


GROUPS = (unary, unary_scales, binary, binary_borders, prelu)
