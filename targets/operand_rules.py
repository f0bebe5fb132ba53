"""Rules about what an operator is given: computed or constant, quantized or not. The docstrings are the messages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from litesmith.targets.op_view import OpView, short_name
from litesmith.targets.tensor_rules import Facts


def quantized(op: OpView, *, of: Sequence[str], types: Sequence[str]) -> Facts | None:
    """Tensor '{tensor}' ({dtype}) is not quantized: it has no scale above zero.

    Fix: quantize the model to full integer; every tensor that is computed with needs a scale.
    """
    for tensor in (tensor for selector in of for tensor in op.tensors(selector)):
        lacking = tensor.quantization is None or tensor.quantization.smallest_scale <= 0
        if tensor.dtype in types and lacking:
            return {"tensor": short_name(tensor), "dtype": tensor.dtype}
    return None


def with_dimensions(op: OpView, *, of: str) -> Facts | None:
    """Tensor '{tensor}' is a scalar, which has no dimensions; what is computed needs at least one.

    Fix: keep the dimensions of what is reduced (keepdims), or reshape a scalar input to (1,) before the model.
    """
    # the handle of a variable has no shape either
    wrong = [tensor for tensor in op.tensors(of) if not tensor.shape and tensor.dtype != "resource"]
    return {"tensor": short_name(wrong[0])} if wrong else None


def types_to_compile(op: OpView, *, of: str, types: Sequence[str]) -> Facts | None:
    """Tensor '{tensor}' is {dtype}: the compiler accepts that by its tables, fails, and no file comes out.

    Fix: quantize this operator to 8 or 16 bits, or keep it in floating point, which stays on the CPU.
    """
    wrong = [tensor for tensor in op.tensors(of) if tensor.dtype in types]
    return {"tensor": short_name(wrong[0]), "dtype": wrong[0].dtype} if wrong else None


def interface_types(op: OpView, *, refused: Sequence[str]) -> Facts | None:
    """Tensor '{tensor}' is an input or output of the model of type {dtype}, at which the compiler stops.

    Fix: give the model inputs and outputs of another type; inside of the model {dtype} does no harm.
    """
    own = [tensor for tensor in op.tensors("activations") if tensor.index in op.interface]
    wrong = [tensor for tensor in own if tensor.dtype in refused]
    return {"tensor": short_name(wrong[0]), "dtype": wrong[0].dtype} if wrong else None


def only_batch_dynamic(op: OpView, *, of: str) -> Facts | None:
    """Tensor '{tensor}' has shape {shape}: only the first dimension, the batch, can be left open.

    Fix: convert the model with fixed input shapes.
    """
    wrong = [tensor for tensor in op.tensors(of) if any(size < 0 for size in tensor.shape_signature[1:])]
    return {"tensor": short_name(wrong[0]), "shape": str(wrong[0].shape_signature)} if wrong else None


def computed_operands(op: OpView, *, allow: Sequence[int]) -> Facts | None:
    """It has {count} inputs that are computed while the model runs; only {allow} can be used.

    Fix: fold constants when the model is converted, or split the operator.
    """
    count = len(op.tensors("inputs"))
    return None if count in allow else {"count": count}


def at_most_operands(op: OpView, *, maximum: int) -> Facts | None:
    """It has {count} inputs; at most {maximum} can be used.

    Fix: join the inputs in two steps.
    """
    return {"count": len(op.operands)} if len(op.operands) > maximum else None


def computed_operand(op: OpView, *, place: int, role: str) -> Facts | None:
    """The {role} (input {place}) is a constant; it has to be computed while the model runs.

    Fix: let the converter fold this operator, whose result is known before the first run.
    """
    tensor = op.operand(place)
    return {} if tensor is not None and op.is_static(tensor) else None


def operands_absent(op: OpView, *, places: Sequence[int], role: str) -> Facts | None:
    """It is given {role} (input {place}), which cannot be used.

    Fix: build the layer without {role}.
    """
    given = [place for place in places if op.operand(place) is not None]
    return {"place": given[0]} if given else None


def not_both_options(op: OpView, *, options: Sequence[str]) -> Facts | None:
    """Options {options} are all set; at most one of them can be.

    Fix: build the layer with one of {options} only.
    """
    return {} if all(op.option(name) for name in options) else None


def weight_sum(op: OpView, *, place: int, maximum: int) -> Facts | None:
    """The weights of one output channel add up to {total} in absolute value; at most {maximum} can be used.

    Fix: use a smaller filter or fewer input channels.
    """
    tensor = op.operand(place)
    if tensor is None or not tensor.is_constant or tensor.dtype not in {"int8", "uint8"}:
        return None
    depthwise = op.operator.op == "DEPTHWISE_CONV_2D"
    total = op.constants.largest_channel_sum(tensor, last_axis=depthwise)
    return {"total": total} if total > maximum else None


def constant_magnitude(op: OpView, *, place: int, role: str, maximum: int) -> Facts | None:
    """The {role} holds {value}; its values can be {maximum} at most, plus or minus.

    Fix: calibrate again; a {role} so large comes from a very small scale of the input or of the weights.
    """
    values = op.integers(place)
    if not values or max(map(abs, values)) <= maximum:
        return None
    return {"value": max(values, key=abs)}


def broadcast_from_same_rank(op: OpView) -> Facts | None:
    """Its inputs have shapes {found}; inputs of different rank are broadcast only along leading dimensions of 1.

    Fix: reshape the smaller input to the rank of the larger one.
    """
    shapes = [tensor.shape for tensor in op.tensors("operands") if len(tensor.shape) > 1]
    if len({len(shape) for shape in shapes}) < 2 or _broadcast(shapes):
        return None
    return {"found": " and ".join(map(str, shapes))}


def _broadcast(shapes: Sequence[tuple[int, ...]]) -> bool:
    """Whether NumPy's rule joins the shapes."""
    try:
        np.broadcast_shapes(*shapes)
    except ValueError:
        return False
    return True


RULES = (
    quantized, with_dimensions, types_to_compile, interface_types, only_batch_dynamic, computed_operands,
    at_most_operands, computed_operand, operands_absent, not_both_options, weight_sum, constant_magnitude,
    broadcast_from_same_rank,
)  # fmt: skip
