"""Rules about the tensors of an operator: types, ranks, shapes, how many, and which are constant.

The first line of a rule's docstring is the message a user reads and the paragraph that starts with `Fix:` is
the advice; both are filled from the rule's parameters and from the facts that it returns. None means: kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from litesmith.targets.op_view import OpView, short_name

Facts = Mapping[str, object]
EIGHT_BIT = frozenset({"int8", "uint8"})


def tensor_types(op: OpView, *, of: str, types: Sequence[str]) -> Facts | None:
    """Tensor '{tensor}' is {dtype}; only {types} can be used here.

    Fix: convert the model so that this tensor has one of these types, or replace the operator.
    """
    wrong = [tensor for tensor in op.tensors(of) if tensor.dtype not in types]
    return {"tensor": short_name(wrong[0]), "dtype": wrong[0].dtype} if wrong else None


def type_pairs(op: OpView, *, pairs: Sequence[Sequence[str]]) -> Facts | None:
    """Converting {source_type} to {result_type} is not supported; the pairs that are: {known}.

    Fix: give the model inputs and outputs of the type it computes in, so that no conversion is needed.
    """
    if not op.operands or op.operands[0] is None or not op.results:
        return None
    pair = [op.operands[0].dtype, op.results[0].dtype]
    known = ", ".join(f"{source} to {result}" for source, result in pairs)
    breach = {"source_type": pair[0], "result_type": pair[1], "known": known}
    return None if pair in [list(known_pair) for known_pair in pairs] else breach


def same_types(op: OpView, *, of: Sequence[str]) -> Facts | None:
    """Its tensors have different types ({found}); they have to be equal.

    Fix: quantize all operands of this operator in the same way.
    """
    found = sorted({tensor.dtype for selector in of for tensor in op.tensors(selector)})
    return {"found": found} if len(found) > 1 else None


def no_hybrid_weights(op: OpView, *, weights: int) -> Facts | None:
    """Weights are {dtype} while the input is {input_dtype} (dynamic-range quantization).

    Fix: quantize the activations too (full integer), or keep the weights in floating point.
    """
    source, kernel = op.operand(0), op.operand(weights)
    if source is None or kernel is None or not source.is_float or kernel.is_float:
        return None
    return {"dtype": kernel.dtype, "input_dtype": source.dtype}


def rank(op: OpView, *, of: str, maximum: int, minimum: int = 0) -> Facts | None:
    """Tensor '{tensor}' has {rank} dimensions; {minimum} to {maximum} can be used.

    Fix: reshape the tensor before this operator.
    """
    wrong = [tensor for tensor in op.tensors(of) if not minimum <= len(tensor.shape) <= maximum]
    return {"tensor": short_name(wrong[0]), "rank": len(wrong[0].shape)} if wrong else None


def rank_one_of(op: OpView, *, of: str, ranks: Sequence[int]) -> Facts | None:
    """Tensor '{tensor}' has {rank} dimensions; only {ranks} can be used.

    Fix: reshape the tensor before this operator.
    """
    wrong = [tensor for tensor in op.tensors(of) if len(tensor.shape) not in ranks]
    return {"tensor": short_name(wrong[0]), "rank": len(wrong[0].shape)} if wrong else None


def innermost_dimensions(op: OpView, *, of: str, count: int) -> Facts | None:
    """Tensor '{tensor}' has shape {shape}; only the innermost dimensions ({count} of them) may be above 1.

    Fix: use batch size 1 and fold other outer dimensions into the inner ones.
    """
    wrong = [tensor for tensor in op.tensors(of) if any(size > 1 for size in tensor.shape[:-count])]
    return {"tensor": short_name(wrong[0]), "shape": str(wrong[0].shape)} if wrong else None


def effectively_1d(op: OpView, *, of: str) -> Facts | None:
    """Tensor '{tensor}' has shape {shape}; only one of its dimensions may be above 1.

    Fix: apply the layer to one vector at a time.
    """
    wrong = [tensor for tensor in op.tensors(of) if sum(size > 1 for size in tensor.shape) > 1]
    return {"tensor": short_name(wrong[0]), "shape": str(wrong[0].shape)} if wrong else None


def no_empty_dimension(op: OpView, *, of: str) -> Facts | None:
    """Tensor '{tensor}' has shape {shape} with a dimension of size 0.

    Fix: remove the empty tensor from the model.
    """
    wrong = [tensor for tensor in op.tensors(of) if 0 in tensor.shape]
    return {"tensor": short_name(wrong[0]), "shape": str(wrong[0].shape)} if wrong else None


def max_elements(op: OpView, *, of: str, maximum: int) -> Facts | None:
    """Tensor '{tensor}' has {elements} elements; at most {maximum} are placed.

    Fix: use a smaller input or fewer channels, or do this step outside the model.
    """
    wrong = [tensor for tensor in op.tensors(of) if tensor.elements > maximum]
    return {"tensor": short_name(wrong[0]), "elements": wrong[0].elements} if wrong else None


def spatial_size_above_one(op: OpView) -> Facts | None:
    """Its input has shape {shape}: a 1x1 image is not resized.

    Fix: broadcast the values with an ADD or MUL instead of resizing, or pool to at least 2x2.
    """
    for tensor in op.tensors("input0"):
        if len(tensor.shape) == 4 and prod(tensor.shape[1:3]) == 1:
            return {"shape": str(tensor.shape)}
    return None


def square_image(op: OpView, *, of: str) -> Facts | None:
    """Tensor '{tensor}' has shape {shape}; height and width have to be equal.

    Fix: use a square size.
    """
    wrong = [tensor for tensor in op.tensors(of) if len(tensor.shape) == 4 and tensor.shape[1] != tensor.shape[2]]
    return {"tensor": short_name(wrong[0]), "shape": str(wrong[0].shape)} if wrong else None


def same_shape(op: OpView, *, of: Sequence[str], leading: bool = False) -> Facts | None:
    """Its tensors have different shapes ({found}); broadcasting is not supported.

    Fix: tile or reshape the smaller operand so that the shapes agree.
    """
    tensors = [tensor for selector in of for tensor in op.tensors(selector)]
    shapes = {tensor.shape[:-2] if leading else tensor.shape for tensor in tensors}
    return {"found": sorted({str(tensor.shape) for tensor in tensors})} if len(shapes) > 1 else None


def static_shape(op: OpView, *, of: str) -> Facts | None:
    """Tensor '{tensor}' has shape {shape}: a dimension (-1) is not fixed.

    Fix: convert the model with fixed input shapes and batch size 1.
    """
    wrong = [tensor for tensor in op.tensors(of) if tensor.is_dynamic]
    return {"tensor": short_name(wrong[0]), "shape": str(wrong[0].shape_signature)} if wrong else None


def operand_count(op: OpView, *, allow: Sequence[int]) -> Facts | None:
    """It has {count} inputs; only {allow} can be used.

    Fix: split the operator so that each part has {allow} inputs.
    """
    return None if len(op.operands) in allow else {"count": len(op.operands)}


def result_count(op: OpView, *, allow: Sequence[int]) -> Facts | None:
    """It has {count} outputs; only {allow} can be used.

    Fix: divide the operator into several with {allow} outputs each.
    """
    return None if len(op.results) in allow else {"count": len(op.results)}


def operand_present(op: OpView, *, place: int, role: str) -> Facts | None:
    """It has no {role} (input {place}), which is required.

    Fix: give the layer a {role}; zeros do no harm.
    """
    return {} if op.operand(place) is None else None


def constant_operand(op: OpView, *, place: int, role: str) -> Facts | None:
    """The {role} (input {place}) is computed while the model runs; it has to be a constant.

    Fix: fix the {role} when the model is converted.
    """
    tensor = op.operand(place)
    return None if tensor is None or op.is_static(tensor) else {}


def scalar_operand_constant(op: OpView) -> Facts | None:
    """Tensor '{tensor}' is a scalar that is computed while the model runs; a scalar has to be a constant.

    Fix: fix the scalar when the model is converted, or give it a dimension.
    """
    wrong = [tensor for tensor in op.tensors("inputs") if not tensor.shape]
    return {"tensor": short_name(wrong[0])} if wrong else None


def ungrouped_convolution(op: OpView) -> Facts | None:
    """It is a grouped convolution: {channels} input channels, filters over {depth}.

    Fix: use one convolution for each group, or an ungrouped one.
    """
    source, kernel = op.operand(0), op.operand(1)
    if source is None or kernel is None or not source.shape or not kernel.shape:
        return None
    channels, depth = source.shape[-1], kernel.shape[-1]
    return None if channels == depth else {"channels": channels, "depth": depth}


RULES = (
    tensor_types, type_pairs, same_types, no_hybrid_weights, rank, rank_one_of, innermost_dimensions,
    effectively_1d, no_empty_dimension, max_elements, spatial_size_above_one, square_image, same_shape, static_shape,
    operand_count, result_count, operand_present, constant_operand, scalar_operand_constant,
    ungrouped_convolution,
)  # fmt: skip
