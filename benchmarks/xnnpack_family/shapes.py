"""Operators that move values around."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from xnnpack_family.models import (
    I8,
    IMAGE,
    SCALE,
    TYPES,
    U8,
    Case,
    Part,
    case,
    constant,
    numbers,
    tensor,
)


def joins() -> Iterator[Case]:
    """CONCATENATION and SPLIT with one to six parts."""
    for dtype, count, axis in product(TYPES, (1, 2, 3, 4, 5, 6), (1, -1)):
        out = (1, 6 * count, 6, 8) if axis == 1 else (1, 6, 6, 8 * count)
        yield case(
            f"{dtype} {count} along {axis}",
            "CONCATENATION",
            [tensor(IMAGE, dtype)] * count,
            [tensor(out, dtype)],
            axis=axis,
        )
    for dtype in (I8, U8):
        yield case(
            f"{dtype} scales differ",
            "CONCATENATION",
            [tensor(IMAGE, dtype), tensor(IMAGE, dtype, SCALE / 2)],
            [tensor((1, 6, 6, 16), dtype)],
            axis=3,
        )
        yield case(
            f"{dtype} zero points differ",
            "CONCATENATION",
            [tensor(IMAGE, dtype), tensor(IMAGE, dtype, zero_point=5)],
            [tensor((1, 6, 6, 16), dtype)],
            axis=3,
        )
    yield case("with a constant", "CONCATENATION", [tensor(IMAGE), constant(IMAGE)], [tensor((1, 6, 6, 16))], axis=3)
    yield case("int32", "CONCATENATION", [tensor(IMAGE, "int32")] * 2, [tensor((1, 6, 6, 16), "int32")], axis=3)
    for dtype, count in product(TYPES, (1, 2, 3, 4, 5)):
        yield case(
            f"{dtype} {count}",
            "SPLIT",
            [numbers(3), tensor((1, 2, 2, 60), dtype)],
            [tensor((1, 2, 2, 60 // count), dtype)] * count,
            numSplits=count,
        )
    yield case("axis -1", "SPLIT", [numbers(-1), tensor(IMAGE)], [tensor((1, 6, 6, 4))] * 2, numSplits=2)
    yield case("computed axis", "SPLIT", [Part((1,), "int32"), tensor(IMAGE)], [tensor((1, 6, 6, 4))] * 2, numSplits=2)
    yield case(
        "other scale", "SPLIT", [numbers(3), tensor(IMAGE, I8)], [tensor((1, 6, 6, 4), I8, SCALE * 2)] * 2, numSplits=2
    )


def shapes() -> Iterator[Case]:
    """PAD, RESHAPE, TRANSPOSE and EXPAND_DIMS."""
    pads = Part((4, 2), "int32", np.array([[0, 0], [1, 1], [1, 2], [0, 0]], np.int32))
    for dtype in TYPES:
        yield case(dtype, "PAD", [tensor(IMAGE, dtype), pads], [tensor((1, 8, 9, 8), dtype)])
        yield case(dtype, "PADV2", [tensor(IMAGE, dtype), pads, constant((1,), dtype)], [tensor((1, 8, 9, 8), dtype)])
        yield case(dtype, "MIRROR_PAD", [tensor(IMAGE, dtype), pads], [tensor((1, 8, 9, 8), dtype)])
        yield case(dtype, "RESHAPE", [tensor(IMAGE, dtype), numbers(1, 288)], [tensor((1, 288), dtype)])
        yield case(
            f"{dtype} by option", "RESHAPE", [tensor(IMAGE, dtype)], [tensor((1, 288), dtype)], newShape=[1, 288]
        )
        yield case(f"{dtype} -1", "RESHAPE", [tensor(IMAGE, dtype), numbers(-1, 8)], [tensor((36, 8), dtype)])
        for shape, order in (
            ((3, 8), (1, 0)),
            ((2, 3, 8), (2, 0, 1)),
            (IMAGE, (0, 3, 1, 2)),
            ((1, 2, 3, 4, 8), (4, 3, 2, 1, 0)),
            (IMAGE, (0, -1, 1, 2)),
        ):
            yield case(
                f"{dtype} {order}",
                "TRANSPOSE",
                [tensor(shape, dtype), numbers(*order)],
                [tensor([shape[axis] for axis in order], dtype)],
            )
        yield case(dtype, "EXPAND_DIMS", [tensor((3, 8), dtype), numbers(0)], [tensor((1, 3, 8), dtype)])
    yield case("int64", "PAD", [tensor((3, 8)), Part((2, 2), "int64", np.ones((2, 2), np.int64))], [tensor((5, 10))])
    yield case("computed", "PAD", [tensor((3, 8)), Part((2, 2), "int32")], [tensor((5, 10))])
    yield case(
        "negative",
        "PAD",
        [tensor((3, 8)), Part((2, 2), "int32", np.array([[-1, 0], [0, 0]], np.int32))],
        [tensor((2, 8))],
    )
    yield case("other scale", "PAD", [tensor(IMAGE, I8), pads], [tensor((1, 8, 9, 8), I8, SCALE * 2)])
    yield case("computed", "RESHAPE", [tensor((3, 8)), Part((2,), "int32")], [tensor((4, 6))])
    yield case("other scale", "RESHAPE", [tensor((3, 8), I8), numbers(4, 6)], [tensor((4, 6), I8, SCALE * 2)])
    yield case("other zero point", "RESHAPE", [tensor((3, 8), I8), numbers(4, 6)], [tensor((4, 6), I8, zero_point=4)])
    half = tensor((3, 8), "float16")
    yield case("float16", "RESHAPE", [half, numbers(4, 6)], [tensor((4, 6), "float16")])
    yield case("float16", "TRANSPOSE", [half, numbers(1, 0)], [tensor((8, 3), "float16")])
    yield case("float16", "SLICE", [half, numbers(1, 2), numbers(2, 4)], [tensor((2, 4), "float16")])
    yield case("float16", "CONCATENATION", [half, half], [tensor((3, 16), "float16")], axis=1)
    yield case("float16", "MEAN", [half, numbers(1)], [tensor((3,), "float16")])
    yield case("to rank 6", "RESHAPE", [tensor((3, 8)), numbers(1, 1, 1, 1, 4, 6)], [tensor((1, 1, 1, 1, 4, 6))])
    yield case("to rank 7", "RESHAPE", [tensor((3, 8)), numbers(1, 1, 1, 1, 1, 4, 6)], [tensor((1, 1, 1, 1, 1, 4, 6))])
    yield case("to a scalar", "RESHAPE", [tensor((1, 1)), Part((0,), "int32", np.zeros(0, np.int32))], [tensor(())])
    yield case("int32", "RESHAPE", [tensor((3, 8), "int32"), numbers(4, 6)], [tensor((4, 6), "int32")])
    yield case("computed", "TRANSPOSE", [tensor((3, 8)), Part((2,), "int32")], [tensor((8, 3))])
    yield case("other scale", "TRANSPOSE", [tensor((3, 8), I8), numbers(1, 0)], [tensor((8, 3), I8, SCALE * 2)])
    yield case("int32", "TRANSPOSE", [tensor((3, 8), "int32"), numbers(1, 0)], [tensor((8, 3), "int32")])


def slices() -> Iterator[Case]:
    """SLICE and STRIDED_SLICE with every mask."""
    for dtype, kind in product(TYPES, ("int32", "int64")):
        yield case(
            f"{dtype} {kind}",
            "SLICE",
            [tensor((3, 8), dtype), numbers(1, 2, dtype=kind), numbers(2, 4, dtype=kind)],
            [tensor((2, 4), dtype)],
        )
    yield case("size -1", "SLICE", [tensor((3, 8)), numbers(1, 2), numbers(-1, 4)], [tensor((2, 4))])
    yield case("computed begin", "SLICE", [tensor((3, 8)), Part((2,), "int32"), numbers(2, 4)], [tensor((2, 4))])
    yield case("computed size", "SLICE", [tensor((3, 8)), numbers(0, 0), Part((2,), "int32")], [tensor((2, 4))])
    yield case(
        "other scale", "SLICE", [tensor((3, 8), I8), numbers(1, 2), numbers(2, 4)], [tensor((2, 4), I8, SCALE * 2)]
    )
    begin, end = numbers(1, 2), numbers(3, 6)
    for dtype in TYPES:
        yield case(dtype, "STRIDED_SLICE", [tensor((3, 8), dtype), begin, end, numbers(1, 1)], [tensor((2, 4), dtype)])
    yield case(
        "rank 5",
        "STRIDED_SLICE",
        [tensor((1, 2, 3, 4, 8)), numbers(0, 0, 0, 0, 0), numbers(1, 1, 2, 3, 4), numbers(1, 1, 1, 1, 1)],
        [tensor((1, 1, 2, 3, 4))],
    )
    yield case("stride 2", "STRIDED_SLICE", [tensor((3, 8)), begin, end, numbers(1, 2)], [tensor((2, 2))])
    yield case(
        "begin mask", "STRIDED_SLICE", [tensor((3, 8)), begin, end, numbers(1, 1)], [tensor((3, 4))], beginMask=1
    )
    yield case("end mask", "STRIDED_SLICE", [tensor((3, 8)), begin, end, numbers(1, 1)], [tensor((2, 6))], endMask=2)
    yield case(
        "both masks",
        "STRIDED_SLICE",
        [tensor((3, 8)), begin, end, numbers(1, 1)],
        [tensor((3, 8))],
        beginMask=3,
        endMask=3,
    )
    yield case(
        "shrink mask", "STRIDED_SLICE", [tensor((3, 8)), begin, end, numbers(1, 1)], [tensor((4,))], shrinkAxisMask=1
    )
    yield case(
        "new axis mask",
        "STRIDED_SLICE",
        [tensor((3, 8)), begin, end, numbers(1, 1)],
        [tensor((1, 2, 8))],
        newAxisMask=1,
    )
    yield case(
        "ellipsis mask", "STRIDED_SLICE", [tensor((3, 8)), begin, end, numbers(1, 1)], [tensor((3, 4))], ellipsisMask=1
    )
    yield case(
        "negative", "STRIDED_SLICE", [tensor((3, 8)), numbers(-2, -5), numbers(-1, -1), numbers(1, 1)], [tensor((1, 4))]
    )
    yield case("end beyond", "STRIDED_SLICE", [tensor((3, 8)), begin, numbers(5, 99), numbers(1, 1)], [tensor((2, 6))])
    yield case(
        "fewer axes than the tensor",
        "STRIDED_SLICE",
        [tensor((3, 8)), numbers(1), numbers(3), numbers(1)],
        [tensor((2, 8))],
    )
    yield case(
        "computed end", "STRIDED_SLICE", [tensor((3, 8)), begin, Part((2,), "int32"), numbers(1, 1)], [tensor((2, 4))]
    )
    yield case(
        "other scale", "STRIDED_SLICE", [tensor((3, 8), I8), begin, end, numbers(1, 1)], [tensor((2, 4), I8, SCALE * 2)]
    )


GROUPS = (joins, shapes, slices)
