"""Operators that resize and convert, open shapes, and what is not for XNNPACK at all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np

from xnnpack_family.models import (
    I8,
    I16,
    IMAGE,
    SAME,
    SCALE,
    TYPES,
    U8,
    VALID,
    Case,
    F,
    Part,
    case,
    constant,
    numbers,
    tensor,
)


def resizes() -> Iterator[Case]:
    """RESIZE_BILINEAR in every mode."""
    for dtype, (corners, centers) in product(TYPES, ((False, False), (True, False), (False, True))):
        for op in ("RESIZE_BILINEAR", "RESIZE_NEAREST_NEIGHBOR"):
            yield case(
                f"{dtype} corners {corners} centers {centers}",
                op,
                [tensor(IMAGE, dtype), numbers(12, 12)],
                [tensor((1, 12, 12, 8), dtype)],
                alignCorners=corners,
                halfPixelCenters=centers,
            )
    yield case("computed size", "RESIZE_BILINEAR", [tensor(IMAGE), Part((2,), "int32")], [tensor((1, 12, 12, 8))])
    for dtype in (I8, U8):
        yield case(
            f"{dtype} other scale",
            "RESIZE_BILINEAR",
            [tensor(IMAGE, dtype), numbers(12, 12)],
            [tensor((1, 12, 12, 8), dtype, SCALE * 2)],
        )
        yield case(
            f"{dtype} other zero point",
            "RESIZE_BILINEAR",
            [tensor(IMAGE, dtype), numbers(12, 12)],
            [tensor((1, 12, 12, 8), dtype, zero_point=3)],
        )


def blocks() -> Iterator[Case]:
    """DEPTH_TO_SPACE and SPACE_TO_DEPTH."""
    for dtype, size in product(TYPES, (1, 2)):
        yield case(
            f"{dtype} {size}",
            "DEPTH_TO_SPACE",
            [tensor(IMAGE, dtype)],
            [tensor((1, 6 * size, 6 * size, 8 // size**2), dtype)],
            blockSize=size,
        )
        yield case(
            f"{dtype} {size}",
            "SPACE_TO_DEPTH",
            [tensor(IMAGE, dtype)],
            [tensor((1, 6 // size, 6 // size, 8 * size**2), dtype)],
            blockSize=size,
        )
    for op in ("DEPTH_TO_SPACE", "SPACE_TO_DEPTH"):
        yield case(
            "float16",
            op,
            [tensor(IMAGE, "float16")],
            [tensor((1, 12, 12, 2) if op == "DEPTH_TO_SPACE" else (1, 3, 3, 32), "float16")],
            blockSize=2,
        )
    for op, out in (("DEPTH_TO_SPACE", (1, 12, 12, 2)), ("SPACE_TO_DEPTH", (1, 3, 3, 32))):
        yield case("other scale", op, [tensor(IMAGE, I8)], [tensor(out, I8, SCALE * 2)], blockSize=2)


def conversions() -> Iterator[Case]:
    """QUANTIZE and DEQUANTIZE between all types."""
    for source, result in product(TYPES, (I8, U8, I16)):
        yield case(f"{source} to {result}", "QUANTIZE", [tensor((3, 8), source)], [tensor((3, 8), result)])
    for ratio, dtype in product((1 / 300, 1 / 200, 127, 128, 129), (I8, U8)):
        yield case(
            f"{dtype} ratio {ratio:.3g}", "QUANTIZE", [tensor((3, 8), dtype)], [tensor((3, 8), dtype, SCALE / ratio)]
        )
    for source in (I8, U8, I16, "float16"):
        yield case(source, "DEQUANTIZE", [tensor((3, 8), source)], [tensor((3, 8))])
        yield case(f"constant {source}", "DEQUANTIZE", [constant((3, 8), source)], [tensor((3, 8))])
    yield case("per channel", "DEQUANTIZE", [Part((3, 8), I8, scales=(SCALE,) * 8, axis=1)], [tensor((3, 8))])
    yield case(
        "one scale along dimension 1", "DEQUANTIZE", [Part((3, 8), I8, scales=(SCALE,), axis=1)], [tensor((3, 8))]
    )


def others() -> Iterator[Case]:
    """Operators that XNNPACK has no kernel for, or that its delegate leaves."""
    image, indices = tensor(IMAGE), numbers(0, 2)
    yield case("float", "GATHER", [image, indices], [tensor((1, 6, 2, 8))], axis=2)
    yield case("int8", "GATHER", [tensor(IMAGE, I8), indices], [tensor((1, 6, 2, 8), I8)], axis=2)
    yield case("float", "PACK", [tensor((3, 8))] * 2, [tensor((2, 3, 8))], valuesCount=2, axis=0)
    yield case("float", "UNPACK", [tensor((2, 8))], [tensor((8,))] * 2, num=2, axis=0)
    yield case("float", "SQUEEZE", [image], [tensor((6, 6, 8))], squeezeDims=[0])
    yield case("float", "TILE", [tensor((3, 8)), numbers(1, 2)], [tensor((3, 16))])
    yield case("float", "ARG_MAX", [tensor((3, 8)), numbers(1)], [tensor((3,), "int32")], outputType=2)
    yield case("to int32", "CAST", [tensor((3, 8))], [tensor((3, 8), "int32")], inDataType=0, outDataType=2)
    yield case("float", "POW", [tensor((3, 8))] * 2, [tensor((3, 8))])
    yield case("float", "FLOOR_DIV", [tensor((3, 8))] * 2, [tensor((3, 8))])
    yield case("float", "GREATER", [tensor((3, 8))] * 2, [tensor((3, 8), "bool")])
    yield case("float", "SELECT_V2", [tensor((3, 8), "bool"), tensor((3, 8)), tensor((3, 8))], [tensor((3, 8))])
    yield case(
        "float",
        "TOPK_V2",
        [tensor((3, 8)), Part((), "int32", np.array(2, np.int32))],
        [tensor((3, 2)), tensor((3, 2), "int32")],
    )
    yield case("float", "SHAPE", [tensor((3, 8))], [tensor((2,), "int32")])


def open_batch() -> Iterator[Case]:
    """A batch that is only known at run time."""

    def free(*shape: int, dtype: str = F) -> Part:
        return tensor(shape, dtype, signature=(-1, *shape[1:]))

    for dtype in TYPES:
        part = free(*IMAGE, dtype=dtype)
        yield case(f"{dtype} open batch", "ADD", [part, part], [part])
        yield case(f"{dtype} open batch", "RESHAPE", [part, numbers(-1, 288)], [free(1, 288, dtype=dtype)])
        yield case(f"{dtype} open batch", "CONCATENATION", [part, part], [free(1, 6, 6, 16, dtype=dtype)], axis=3)
        yield case(f"{dtype} open batch", "MEAN", [part, numbers(1, 2)], [free(1, 8, dtype=dtype)])
        yield case(
            f"{dtype} open batch",
            "MAX_POOL_2D",
            [part],
            [free(1, 3, 3, 8, dtype=dtype)],
            filterHeight=2,
            filterWidth=2,
            strideH=2,
            strideW=2,
            padding=SAME,
        )
    conv = {"strideH": 1, "strideW": 1, "dilationHFactor": 1, "dilationWFactor": 1, "padding": VALID}
    yield case(
        "open batch", "CONV_2D", [free(*IMAGE), constant((4, 3, 3, 8)), constant((4,))], [free(1, 4, 4, 4)], **conv
    )
    yield case("open batch", "FULLY_CONNECTED", [free(1, 8), constant((4, 8)), constant((4,))], [free(1, 4)])
    wide = tensor(IMAGE, signature=(1, -1, -1, 8))
    yield case(
        "open image",
        "CONV_2D",
        [wide, constant((4, 3, 3, 8)), constant((4,))],
        [tensor((1, 4, 4, 4), signature=(1, -1, -1, 4))],
        **conv,
    )
    yield case("open image", "SPACE_TO_DEPTH", [wide], [tensor((1, 3, 3, 32), signature=(1, -1, -1, 32))], blockSize=2)


GROUPS = (resizes, blocks, conversions, others, open_batch)
