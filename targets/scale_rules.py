"""Rules about the scales and zero points of quantized tensors. The docstrings are the messages."""

from __future__ import annotations

from collections.abc import Sequence

from litesmith.converters.graph import Tensor
from litesmith.targets.op_view import OpView, short_name
from litesmith.targets.tensor_rules import EIGHT_BIT, Facts


def positive_scale(op: OpView, *, of: str) -> Facts | None:
    """Tensor '{tensor}' is {dtype} but has no scale above zero.

    Fix: quantize the model again; a range of zero width gives such a scale.
    """
    for tensor in _eight_bit(op, of):
        if tensor.quantization is None or tensor.quantization.smallest_scale <= 0:
            return {"tensor": short_name(tensor), "dtype": tensor.dtype}
    return None


def per_tensor(op: OpView, *, of: str) -> Facts | None:
    """Tensor '{tensor}' is quantized per channel ({scales} scales); one scale for the whole tensor is needed.

    Fix: quantize this tensor per tensor.
    """
    for tensor in op.tensors(of):
        if tensor.quantization is not None and tensor.quantization.per_channel:
            return {"tensor": short_name(tensor), "scales": len(tensor.quantization.scales)}
    return None


def first_axis(op: OpView, *, of: str, types: Sequence[str]) -> Facts | None:
    """Tensor '{tensor}' has one scale, but names dimension {found} for it; only dimension 0 is accepted.

    Fix: convert the model again with a current converter.
    """
    for tensor in op.tensors(of):
        known = tensor.quantization if tensor.dtype in types else None
        if known is not None and not known.per_channel and known.axis:
            return {"tensor": short_name(tensor), "found": known.axis}
    return None


def quantized_axis(op: OpView, *, of: str, axis: int) -> Facts | None:
    """Tensor '{tensor}' is quantized along dimension {found}; dimension {axis} is needed.

    Fix: convert the model again with a current converter.
    """
    for tensor in op.tensors(of):
        if tensor.quantization is not None and tensor.quantization.per_channel and tensor.quantization.axis != axis:
            return {"tensor": short_name(tensor), "found": tensor.quantization.axis}
    return None


def product_axis(op: OpView) -> Facts | None:
    """Tensor '{tensor}' is quantized along dimension {found}; dimension {axis}, the columns of the product, is needed.

    Fix: convert the model again with a current converter.
    """
    for tensor in op.tensors("input1"):
        axis = len(tensor.shape) - (2 if op.option("adj_y") else 1)
        known = tensor.quantization
        if known is not None and known.per_channel and known.axis != axis:
            return {"tensor": short_name(tensor), "found": known.axis, "axis": axis}
    return None


def zero_point(
    op: OpView, *, of: str, value: int, types: Sequence[str], per_channel: bool | None = None
) -> Facts | None:
    """Tensor '{tensor}' ({dtype}) has zero point {found}; it has to be {value}.

    Fix: quantize this tensor symmetrically.
    """
    for tensor in op.tensors(of):
        known = tensor.quantization
        if tensor.dtype not in types or known is None or per_channel not in {None, known.per_channel}:
            continue
        for point in (known.highest_zero_point, known.lowest_zero_point):
            if point != value:
                return {"tensor": short_name(tensor), "dtype": tensor.dtype, "found": point}
    return None


def same_quantization(op: OpView, *, of: Sequence[str]) -> Facts | None:
    """Its tensors differ in scale or zero point ({found}).

    Fix: quantize the inputs and the output of this operator with one scale and zero point.
    """
    found = [tensor.quantization for selector in of for tensor in _eight_bit(op, selector) if tensor.quantization]
    pairs = sorted({(item.scales[0], item.zero_points[0]) for item in found})
    return {"found": ", ".join(f"{scale:.6g} at {point}" for scale, point in pairs)} if len(pairs) > 1 else None


# The next two end worse than on the CPU: a delegate accepts the operator, then cannot build it.


def same_quantization_to_load(op: OpView, *, of: Sequence[str]) -> Facts | None:
    """Its tensors differ in scale or zero point ({found}): the delegate accepts it, fails, and the model is not loaded.

    Fix: quantize its inputs and outputs with one scale and zero point, or load the model without the delegate.
    """
    return same_quantization(op, of=of)


def zero_point_to_load(
    op: OpView, *, of: str, value: int, types: Sequence[str], per_channel: bool | None = None
) -> Facts | None:
    """Tensor '{tensor}' ({dtype}) has zero point {found}, not {value}: the delegate accepts it, fails, and the model is not loaded.

    Fix: quantize this tensor symmetrically, or load the model without the delegate.
    """  # noqa: E501
    return zero_point(op, of=of, value=value, types=types, per_channel=per_channel)


def product_below_output_scale(op: OpView) -> Facts | None:
    """The input scale times the filter scale is {product}, not below the output scale {output}.

    Fix: widen the output range during calibration.
    """
    scales = _scales(op, ("input0", "input1", "output0"))
    if len(scales) < 3 or scales[0] * scales[1] < scales[2]:
        return None
    return {"product": f"{scales[0] * scales[1]:.6g}", "output": f"{scales[2]:.6g}"}


def scale_ratio(op: OpView, *, minimum: float, below: float) -> Facts | None:
    """An input scale over the output scale is {ratio}; it has to lie in [{minimum}, {below}).

    Fix: bring the ranges of input and output closer together.
    """
    output = _scales(op, ("output0",))
    ratios = [scale / output[0] for scale in _scales(op, ("operands",)) if output and output[0] > 0]
    wrong = [ratio for ratio in ratios if not minimum <= ratio < below]
    return {"ratio": f"{wrong[0]:.6g}"} if wrong else None


def scale_product_ratio(op: OpView, *, minimum: float, below: float) -> Facts | None:
    """The product of the input scales over the output scale is {ratio}; it has to lie in [{minimum}, {below}).

    Fix: bring the ranges of inputs and output closer together.
    """
    scales = _scales(op, ("input0", "input1", "output0"))
    if len(scales) < 3 or scales[2] <= 0:
        return None
    ratio = scales[0] * scales[1] / scales[2]
    return None if minimum <= ratio < below else {"ratio": f"{ratio:.6g}"}


def slope_scale_ratio(op: OpView, *, smallest: float, lowest: float, highest: float) -> Facts | None:
    """The negative slope, scaled, is {slope}; it has to lie in [{lowest}, {highest}] and not within {smallest} of 0.

    Fix: use a slope that is farther from zero, or bring the ranges of input and output closer together.
    """
    scales, alpha = _scales(op, ("input0", "output0")), op.option("alpha")
    if len(scales) < 2 or alpha is None or scales[1] <= 0:
        return None
    slope = alpha * scales[0] / scales[1]
    return None if lowest <= slope <= highest and abs(slope) >= smallest else {"slope": f"{slope:.6g}"}


def _eight_bit(op: OpView, of: str) -> list[Tensor]:
    return [tensor for tensor in op.tensors(of) if tensor.dtype in EIGHT_BIT]


def _scales(op: OpView, of: Sequence[str]) -> list[float]:
    """The largest scale of each 8-bit tensor that `of` names, in its order."""
    found = [tensor.quantization for selector in of for tensor in _eight_bit(op, selector)]
    return [item.largest_scale for item in found if item is not None]


RULES = (
    positive_scale, per_tensor, first_axis, quantized_axis, product_axis, zero_point, same_quantization,
    same_quantization_to_load, zero_point_to_load, product_below_output_scale, scale_ratio, scale_product_ratio,
    slope_scale_ratio,
)  # fmt: skip
