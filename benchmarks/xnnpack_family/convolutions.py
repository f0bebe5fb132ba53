"""Convolutions, and what other layers share with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import product
from typing import Any

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


def kernel(shape: Sequence[int], dtype: str, axis: int, per_channel: bool) -> Part:
    """A constant filter for input type `dtype`."""
    filters = I8 if dtype == I16 else dtype
    return constant(shape, filters, shape[axis] if per_channel and dtype != F else 0, axis=axis)


def bias(size: int, dtype: str, per_channel: bool, **facts: Any) -> Part:
    """A constant bias for input type `dtype`."""
    if dtype == F:
        return constant((size,), **facts)
    kind = "int64" if dtype == I16 else "int32"
    scales = (SCALE * SCALE,) * (size if per_channel else 1)
    return constant((size,), kind, **{"scales": scales, **facts})


def window(size: int, kernel_size: int, stride: int, padding: int, dilation: int = 1) -> int:
    """Output size along one axis."""
    reach = (kernel_size - 1) * dilation + 1
    return -(-size // stride) if padding == SAME else (size - reach) // stride + 1


def convolutions() -> Iterator[Case]:
    """Types, per tensor and per channel, strides, paddings and dilations, groups, and what may be left out."""

    def conv(
        label: str,
        dtype: str = F,
        size: int = 3,
        stride: int = 1,
        padding: int = SAME,
        dilation: int = 1,
        per_channel: bool = True,
        weights: Part | None = None,
        add: Part | str | None = "bias",
        act: str = "NONE",
        channels: int = 8,
        out: Part | None = None,
    ) -> Case:
        per_channel = per_channel and dtype != U8
        side = window(8, size, stride, padding, dilation)
        weights = weights or kernel((4, size, size, 8), dtype, 0, per_channel)
        inputs = [tensor((1, 8, 8, channels), dtype), weights, bias(4, dtype, per_channel) if add == "bias" else add]
        return case(
            label,
            "CONV_2D",
            inputs,
            [out or tensor((1, side, side, 4), dtype)],
            strideH=stride,
            strideW=stride,
            padding=padding,
            dilationHFactor=dilation,
            dilationWFactor=dilation,
            **activation(act),
        )

    for dtype, size, stride, padding in product(TYPES, (1, 3), (1, 2), (SAME, VALID)):
        yield conv(f"{dtype} {size}x{size} stride {stride} padding {padding}", dtype, size, stride, padding)
    for dtype in (F, I8, U8):
        yield conv(f"{dtype} dilation 2", dtype, dilation=2)
        yield conv(f"{dtype} no bias", dtype, add=None)
        yield conv(f"{dtype} computed filter", dtype, weights=tensor((4, 3, 3, 8), dtype))
        yield conv(f"{dtype} groups", dtype, channels=16)
        for name in ACTIVATIONS[1:]:
            yield conv(f"{dtype} {name}", dtype, act=name)
    yield conv("int8 per tensor", I8, per_channel=False)
    yield conv("computed bias", add=tensor((4,)))
    yield conv("bias of two dimensions", add=constant((1, 4)))
    yield conv("float16 filter", weights=constant((4, 3, 3, 8), "float16"))
    yield conv("float16 bias", add=constant((4,), "float16"))
    yield conv("4-bit filter", I8, weights=packed((4, 3, 3, 8), 4))
    yield conv("dynamic range, 4-bit filter", weights=packed((4, 3, 3, 8), 4))
    yield conv("filter per channel along 3", I8, weights=constant((4, 3, 3, 8), I8, 8, axis=3))
    yield conv("one scale along dimension 3", I8, per_channel=False, weights=constant((4, 3, 3, 8), I8, axis=3))
    yield conv("filter zero point 3", I8, per_channel=False, weights=constant((4, 3, 3, 8), I8, zero_point=3))
    per_tensor = replace(bias(4, I8, False), zero_point=1)
    yield conv("bias zero point 1, per tensor", I8, per_channel=False, add=per_tensor)
    yield conv("bias without scale", I8, add=replace(bias(4, I8, True), scales=()))
    yield conv("bias zero point 1", I8, add=replace(bias(4, I8, True), zero_point=1))
    yield conv("dynamic range", F, weights=constant((4, 3, 3, 8), I8, 4))
    yield conv("dynamic range per tensor", F, weights=constant((4, 3, 3, 8), I8))
    yield conv("dynamic range uint8", F, weights=constant((4, 3, 3, 8), U8))
    yield conv("int8 to float", I8, out=tensor((1, 8, 8, 4)))


def depthwise() -> Iterator[Case]:
    """As convolutions, with depth multipliers."""

    def conv(
        label: str,
        dtype: str = F,
        size: int = 3,
        stride: int = 1,
        padding: int = SAME,
        dilation: int = 1,
        per_channel: bool = True,
        weights: Part | None = None,
        add: Part | str | None = "bias",
        act: str = "NONE",
        multiplier: int = 1,
    ) -> Case:
        per_channel = per_channel and dtype != U8
        side, channels = window(8, size, stride, padding, dilation), 8 * multiplier
        weights = weights or replace(
            kernel((1, size, size, channels), dtype, 3, per_channel), axis=0 if dtype == U8 else 3
        )
        inputs = [tensor((1, 8, 8, 8), dtype), weights, bias(channels, dtype, per_channel) if add == "bias" else add]
        return case(
            label,
            "DEPTHWISE_CONV_2D",
            inputs,
            [tensor((1, side, side, channels), dtype)],
            strideH=stride,
            strideW=stride,
            padding=padding,
            dilationHFactor=dilation,
            dilationWFactor=dilation,
            depthMultiplier=multiplier,
            **activation(act),
        )

    for dtype, size, stride in product(TYPES, (3, 5), (1, 2)):
        yield conv(f"{dtype} {size}x{size} stride {stride}", dtype, size, stride, VALID if size == 5 else SAME)
    for dtype in (F, I8, U8):
        yield conv(f"{dtype} dilation 2", dtype, dilation=2)
        yield conv(f"{dtype} no bias", dtype, add=None)
        yield conv(f"{dtype} multiplier 2", dtype, multiplier=2)
        yield conv(f"{dtype} TANH", dtype, act="TANH")
        yield conv(f"{dtype} computed filter", dtype, weights=tensor((1, 3, 3, 8), dtype))
    yield conv("int8 per tensor", I8, per_channel=False)
    yield conv("dynamic range", F, weights=constant((1, 3, 3, 8), I8, 8, axis=3))
    yield conv("filter per channel along 1", I8, weights=constant((1, 3, 3, 8), I8, 3, axis=1))
    yield conv("int8 one scale along dimension 3", I8, weights=constant((1, 3, 3, 8), I8, axis=3), per_channel=False)
    yield conv("uint8 one scale along dimension 3", U8, weights=constant((1, 3, 3, 8), U8, axis=3))
    yield conv("bias without scale", I8, add=replace(bias(8, I8, True), scales=()))
    yield conv("bias zero point 1", I8, add=replace(bias(8, I8, True), zero_point=1))


def transposed() -> Iterator[Case]:
    """Sizes, strides larger than the kernel, missing bias, computed shapes."""

    def conv(
        label: str,
        dtype: str = F,
        size: int = 3,
        stride: int = 2,
        padding: int = SAME,
        side: int = 8,
        weights: Part | None = None,
        add: Part | None = None,
        shape: Part | None = None,
        act: str = "NONE",
    ) -> Case:
        weights = weights or kernel((4, size, size, 8), dtype, 0, dtype == I8)
        inputs = [shape or numbers(1, side, side, 4), weights, tensor((1, 4, 4, 8), dtype), *([add] if add else [])]
        return case(
            label,
            "TRANSPOSE_CONV",
            inputs,
            [tensor((1, side, side, 4), dtype)],
            strideH=stride,
            strideW=stride,
            padding=padding,
            **activation(act),
        )

    for dtype in TYPES:
        yield conv(f"{dtype} same", dtype)
        yield conv(f"{dtype} valid", dtype, padding=VALID, side=9)
        yield conv(f"{dtype} with bias", dtype, add=bias(4, dtype, dtype == I8))
    yield conv("stride above kernel, same", size=1)
    yield conv("stride above kernel, valid", size=1, padding=VALID, side=7)
    yield conv("size that does not fit, same", side=9)
    yield conv("RELU", act="RELU")
    yield conv("TANH", act="TANH")
    yield conv("computed filter", weights=tensor((4, 3, 3, 8)))
    yield conv("computed shape", shape=Part((4,), "int32"))
    yield conv("dynamic range", weights=constant((4, 3, 3, 8), I8, 4))
    yield conv("dynamic range along 3", weights=constant((4, 3, 3, 8), I8, 8, axis=3))
    yield conv("filter per channel along 3", I8, weights=constant((4, 3, 3, 8), I8, 8, axis=3))
    yield conv("bias without scale", I8, add=replace(bias(4, I8, True), scales=()))
    yield conv("bias zero point 1", I8, add=replace(bias(4, I8, True), zero_point=1))


GROUPS = (convolutions, depthwise, transposed)
