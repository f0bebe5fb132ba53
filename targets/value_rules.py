"""Rules about versions, options and constant values of an operator. The docstrings are the messages."""

from __future__ import annotations

from collections.abc import Sequence

from litesmith.targets.op_view import OpView
from litesmith.targets.tensor_rules import EIGHT_BIT, Facts

BATCH_AXIS = 0


def refused(op: OpView, *, because: str) -> Facts | None:
    """It is not taken: {because}.

    Fix: choose another setting or version of the target, or replace the operator.
    """
    return {}


def op_version(op: OpView, *, maximum: int) -> Facts | None:
    """It has version {version}; versions up to {maximum} are known.

    Fix: convert the model with an older converter, or leave out the feature that raised the version.
    """
    return {"version": op.operator.version} if op.operator.version > maximum else None


def op_version_not(op: OpView, *, version: int) -> Facts | None:
    """It has version {version}, which is refused.

    Fix: convert the model again with another converter version.
    """
    return {} if op.operator.version == version else None


def fused_activation(op: OpView, *, allow: Sequence[str]) -> Facts | None:
    """It has the fused activation {activation}; only {allow} can be used.

    Fix: move the activation into a layer of its own or replace it.
    """
    activation = op.option("fused_activation_function") or "NONE"
    return None if activation in allow else {"activation": activation}


def option_one_of(op: OpView, *, option: str, allow: Sequence[object]) -> Facts | None:
    """Option {option} is {value}; only {allow} can be used.

    Fix: build the layer with another value of {option}.
    """
    value = op.option(option)
    return None if value is None or value in allow else {"value": value}


def option_at_least(op: OpView, *, option: str, minimum: float) -> Facts | None:
    """Option {option} is {value}; it has to be at least {minimum}.

    Fix: build the layer with a larger {option}.
    """
    value = op.option(option)
    return None if value is None or value >= minimum else {"value": value}


def option_given(op: OpView, *, option: str) -> Facts | None:
    """Option {option} is empty; it has to be given.

    Fix: name {option} when the layer is built.
    """
    value = op.option(option)
    return {} if value is None or value == () else None


def equal_options(op: OpView, *, options: Sequence[str]) -> Facts | None:
    """Options {options} are {values}; they have to be equal.

    Fix: build the layer with the same value in both directions.
    """
    values = [op.option(name) for name in options]
    return {"values": values} if len(set(values)) > 1 else None


def constant_values(op: OpView, *, place: int, role: str, allow: Sequence[int], whole: bool = False) -> Facts | None:
    """The {role} holds {values}; it has to hold {quantity} of {allow}.

    Fix: build the layer with other {role}.
    """
    values = op.integers(place)
    if values is None or (set(values) == set(allow) if whole else set(values) <= set(allow)):
        return None
    return {"values": values, "quantity": "all" if whole else "nothing but one or more"}


def constant_at_least(op: OpView, *, place: int, role: str, minimum: int) -> Facts | None:
    """The {role} holds {values}; every one has to be at least {minimum}.

    Fix: build the layer with other {role}.
    """
    values = op.integers(place)
    return None if values is None or min(values, default=minimum) >= minimum else {"values": values}


def constant_only_as_zeros(op: OpView) -> Facts | None:
    """It joins a constant that is not all zeros, or more than one other tensor.

    Fix: join computed tensors only; to append zeros use two inputs.
    """
    constants = [tensor for tensor in op.tensors("operands") if tensor.is_constant]
    if not constants:
        return None
    for tensor in constants:
        zero = tensor.quantization.zero_points[0] if tensor.quantization else 0
        if len(op.operands) != 2 or tensor.dtype not in EIGHT_BIT or op.constants.extremes(tensor) != (zero, zero):
            return {}
    return None


def axis_not_batch(op: OpView, *, of: str, place: int = -1, option: str = "axis") -> Facts | None:
    """It works along axis {axis}, the batch.

    Fix: use batch size 1 and another axis.
    """
    axes = _axes(op, of, place, option)
    return {"axis": BATCH_AXIS} if BATCH_AXIS in axes else None


def axis_not_last(op: OpView, *, of: str, place: int = -1, option: str = "axis") -> Facts | None:
    """It works along axis {axis}, the last one.

    Fix: transpose first and use an outer axis.
    """
    last = max(len(tensor.shape) for tensor in op.tensors(of)) - 1 if op.tensors(of) else -1
    return {"axis": last} if last in _axes(op, of, place, option) else None


def no_batch_padding(op: OpView, *, place: int) -> Facts | None:
    """It pads the batch dimension by {padding}.

    Fix: pad only height, width and channels.
    """
    paddings, source = op.integers(place), op.operand(0)
    if paddings is None or source is None or len(source.shape) < 4 or not any(paddings[:2]):
        return None
    return {"padding": str(paddings[:2])}


def depth_reduction_multiple(op: OpView, *, place: int, multiple: int) -> Facts | None:
    """It reduces {depth} channels; a reduction over channels needs a multiple of {multiple}.

    Fix: choose a number of channels that {multiple} divides.
    """
    source = op.operand(0)
    if source is None or not source.shape or len(source.shape) - 1 not in _axes(op, "input0", place, ""):
        return None
    return {"depth": source.shape[-1]} if source.shape[-1] % multiple else None


def window_area(op: OpView, *, maximum: int) -> Facts | None:
    """Its window is {height}x{width}; at most {maximum} elements are pooled at once.

    Fix: pool in two steps with smaller windows, or use MEAN.
    """
    height, width = op.option("filter_height") or 1, op.option("filter_width") or 1
    return {"height": height, "width": width} if height * width > maximum else None


def block_divides_image(op: OpView) -> Facts | None:
    """Block size {block} does not divide the height and width of {shape}.

    Fix: use an image size that the block size divides.
    """
    block, source = op.option("block_size"), op.operand(0)
    if not block or source is None or len(source.shape) != 4:
        return None
    whole = all(size % block == 0 for size in source.shape[1:3])
    return None if whole else {"block": block, "shape": str(source.shape)}


def _axes(op: OpView, of: str, place: int, option: str) -> tuple[int, ...]:
    """The axes an operator works along, counted from the front of the first tensor that `of` names."""
    named = op.option(option)
    axes = op.integers(place) if place >= 0 else None if named is None else (int(named),)
    tensors = op.tensors(of)
    if axes is None or not tensors:
        return ()
    return tuple(axis + len(tensors[0].shape) if axis < 0 else axis for axis in axes)


RULES = (
    refused, op_version, op_version_not, fused_activation, option_one_of, option_at_least, option_given,
    equal_options, constant_values, constant_at_least, constant_only_as_zeros, axis_not_batch, axis_not_last,
    no_batch_padding, depth_reduction_multiple, window_area, block_divides_image,
)  # fmt: skip
