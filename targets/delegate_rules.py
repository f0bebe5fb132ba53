"""Rules that come from how a delegate builds its graph: windows, shapes and types that it has no kernel for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from litesmith.targets.op_view import OpView
from litesmith.targets.tensor_rules import Facts

SAME_PADDING = 0  # `Padding` of the TFLite schema


def option_not_zero(op: OpView, *, option: str) -> Facts | None:
    """Option {option} is {value}; it has to differ from zero.

    Fix: build the layer with another {option}.
    """
    value = op.option(option)
    # XNNPACK asks std::isnormal of a float32: smaller numbers count as zero
    return None if value is None or abs(value) >= np.finfo(np.float32).tiny else {"value": value}


def stride_within_window(op: OpView) -> Facts | None:
    """It pools a {window} window with stride {strides}; a stride cannot be larger than its side of the window.

    Fix: pool without gaps, or skip pixels with STRIDED_SLICE or a strided convolution first.
    """
    window = (op.option("filter_height") or 1, op.option("filter_width") or 1)
    strides = (op.option("stride_h") or 1, op.option("stride_w") or 1)
    wider = any(stride > side for stride, side in zip(strides, window, strict=True))
    return {"window": "x".join(map(str, window)), "strides": str(strides)} if wider else None


def stride_within_kernel(op: OpView) -> Facts | None:
    """Its kernel is {kernel} with stride {strides}; with SAME padding a stride cannot be larger than the kernel.

    Fix: use a kernel that is at least as large as the stride.
    """
    kernel, strides = op.operand(1), (op.option("stride_h") or 1, op.option("stride_w") or 1)
    if kernel is None or len(kernel.shape) != 4 or op.option("padding") != SAME_PADDING:
        return None
    wider = any(stride > side for stride, side in zip(strides, kernel.shape[1:3], strict=True))
    return {"kernel": "x".join(map(str, kernel.shape[1:3])), "strides": str(strides)} if wider else None


def transposed_size(op: OpView) -> Facts | None:
    """It makes {result} of {source}; with SAME padding and stride {strides} that has to come from {expected}.

    Fix: give an output size that is the input size times the stride.
    """
    shape, source = op.integers(0), op.operand(2)
    if shape is None or source is None or len(shape) != 4 or len(source.shape) != 4:
        return None
    strides = (op.option("stride_h") or 1, op.option("stride_w") or 1)
    expected = tuple(-(-size // stride) for size, stride in zip(shape[1:3], strides, strict=True))
    facts = {"result": shape[1:3], "source": source.shape[1:3], "strides": strides, "expected": expected}
    fits = op.option("padding") != SAME_PADDING or expected == source.shape[1:3]
    return None if fits else {name: "x".join(map(str, value)) for name, value in facts.items()}


def transposed_result(op: OpView) -> Facts | None:
    """It makes {result} of {source}; with this padding and stride {strides} it has to make {expected}.

    Fix: give an output size of the input size times the stride, with VALID padding plus what the kernel reaches beyond.
    """
    kernel, source = op.operand(1), op.operand(2)
    results = [tensor.shape for tensor in op.results if len(tensor.shape) == 4]
    if kernel is None or source is None or not results or len(kernel.shape) != 4 or len(source.shape) != 4:
        return None
    strides = (op.option("stride_h") or 1, op.option("stride_w") or 1)
    padded = op.option("padding") == SAME_PADDING
    expected = tuple(
        size * stride + (0 if padded else max(side - stride, 0))
        for size, stride, side in zip(source.shape[1:3], strides, kernel.shape[1:3], strict=True)
    )
    facts = {"result": results[0][1:3], "source": source.shape[1:3], "strides": strides, "expected": expected}
    return None if expected == results[0][1:3] else {name: "x".join(map(str, value)) for name, value in facts.items()}


def one_for_each_dimension(op: OpView, *, place: int, role: str) -> Facts | None:
    """The {role} names {count} dimensions of {rank}; it has to name all.

    Fix: name every dimension in the {role}.
    """
    values, source = op.integers(place), op.operand(0)
    if values is None or source is None or len(values) == len(source.shape):
        return None
    return {"count": len(values), "rank": len(source.shape)}


def end_within_shape(op: OpView, *, place: int) -> Facts | None:
    """It slices up to {ends} of a tensor of shape {shape}.

    Fix: end at the size of the dimension.
    """
    ends, source, mask = op.integers(place), op.operand(0), op.option("end_mask") or 0
    if ends is None or source is None:
        return None
    pairs = enumerate(zip(ends, source.shape, strict=False))
    beyond = any(end > size and not mask >> axis & 1 for axis, (end, size) in pairs)
    return {"ends": ends, "shape": str(source.shape)} if beyond else None


def weight_types(op: OpView, *, weights: int, pairs: Sequence[Sequence[str]]) -> Facts | None:
    """Weights are {dtype} for an input of type {input_dtype}; weights that can be used, by input: {known}.

    Fix: quantize weights and activations in the same way, or keep both in floating point.
    """
    source, kernel = op.operand(0), op.operand(weights)
    if source is None or kernel is None or [source.dtype, kernel.dtype] in [list(pair) for pair in pairs]:
        return None
    known = ", ".join(f"{weight} for {activation}" for activation, weight in pairs)
    return {"dtype": kernel.dtype, "input_dtype": source.dtype, "known": known}


def even_four_bit_inputs(op: OpView, *, weights: int) -> Facts | None:
    """Its 4-bit weights have {columns} inputs; two of them share a byte, so the number has to be even.

    Fix: use an even number of inputs, or 8-bit weights.
    """
    kernel = op.operand(weights)
    odd = kernel is not None and kernel.dtype == "int4" and kernel.shape and kernel.shape[-1] % 2
    return {"columns": kernel.shape[-1]} if kernel is not None and odd else None


def constant_includes(op: OpView, *, place: int, role: str, value: int) -> Facts | None:
    """The {role} holds {values}; {value} has to be among them.

    Fix: build the layer with other {role}.
    """
    values = op.integers(place)
    return None if values is None or value in values else {"values": values}


RULES = (
    option_not_zero, stride_within_window, stride_within_kernel, transposed_size, transposed_result,
    one_for_each_dimension, end_within_shape, weight_types,
    even_four_bit_inputs, constant_includes,
)  # fmt: skip
