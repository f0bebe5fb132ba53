"""Rules about sizes: strides, windows, scale factors, and how much is reduced. The docstrings are the messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

from litesmith.targets.op_view import OpView, short_name
from litesmith.targets.tensor_rules import Facts

SAME_PADDING = 0
VALID_PADDING = 1


def stride_at_most(op: OpView, *, maximum: int) -> Facts | None:
    """It has stride {strides}; at most {maximum} can be used.

    Fix: divide the step between two layers, or pool in between.
    """
    strides = _strides(op)
    return {"strides": str(strides)} if max(strides) > maximum else None


def unpadded_stride(op: OpView, *, maximum: int) -> Facts | None:
    """It has stride {strides}; more than {maximum} can only be used where nothing is padded or dilated.

    Fix: use VALID padding, or divide the step between two layers.
    """
    strides = _strides(op)
    dilation = max(op.option("dilation_h_factor") or 1, op.option("dilation_w_factor") or 1)
    if max(strides) <= maximum or (dilation == 1 and not _is_padded(op, strides)):
        return None
    return {"strides": str(strides)}


def window_height(op: OpView, *, maximum: int) -> Facts | None:
    """Its window is {height} high; at most {maximum} can be used.

    Fix: pool in two steps with smaller windows, or use MEAN.
    """
    height = op.option("filter_height") or 1
    return {"height": height} if height > maximum else None


def same_padding_window(op: OpView, *, maximum: int) -> Facts | None:
    """Its window is {height}x{width}; with SAME padding each side can be {maximum} at most.

    Fix: use VALID padding, or MEAN where the whole image is averaged.
    """
    height, width = op.option("filter_height") or 1, op.option("filter_width") or 1
    if op.option("padding") != SAME_PADDING or max(height, width) <= maximum:
        return None
    return {"height": height, "width": width}


def transposed_stride(op: OpView) -> Facts | None:
    """It has stride {strides}; 1x1 and 2x2 can be used, and 1x2 or 2x1 where image and filter are 1 wide or high.

    Fix: use stride 2 in both directions, several times for more.
    """
    strides = _strides(op)
    kernel, source = op.operand(1), op.operand(2)
    if strides in {(1, 1), (2, 2)} or kernel is None or source is None:
        return None
    flat = {(1, 2): 1, (2, 1): 2}.get(strides)
    if flat and len(kernel.shape) == len(source.shape) == 4 and kernel.shape[flat] == source.shape[flat] == 1:
        return None
    return {"strides": str(strides)}


def resize_factor(op: OpView, *, factors: Sequence[int], half_pixel: Sequence[int] = ()) -> Facts | None:
    """It resizes {source} to {result}; both sides have to grow by the same factor, one of {factors}.

    Fix: resize by one of these factors, several times if need be; half-pixel centers limit them further.
    """
    allowed = half_pixel if half_pixel and op.option("half_pixel_centers") else factors
    source, result = _image(op, "input0"), _image(op, "output0")
    if source is None or result is None or source == (1, 1) or (source == result and allowed is factors):
        return None
    corner = 1 if op.option("align_corners") else 0
    found = {
        (grown - corner) / (size - corner) if size > corner else 0.0
        for size, grown in zip(source, result, strict=True)
        if not size == grown == 1
    }
    if len(found) == 1 and found <= set(allowed):
        return None
    return {"source": "x".join(map(str, source)), "result": "x".join(map(str, result)), "factors": list(allowed)}


def resize_factor_at_most(op: OpView, *, maximum: int) -> Facts | None:
    """It resizes {source} to {result}; a side can grow by {maximum} at most.

    Fix: resize in several steps.
    """
    source, result = _image(op, "input0"), _image(op, "output0")
    if source is None or result is None:
        return None
    if all(grown <= maximum * size for size, grown in zip(source, result, strict=True)):
        return None
    return {"source": "x".join(map(str, source)), "result": "x".join(map(str, result))}


def resize_power_of_two(op: OpView) -> Facts | None:
    """It resizes {source} to {result}; each side has to grow by 1, 2, 4, 8 or another power of two.

    Fix: resize by a power of two, or with nearest neighbors.
    """
    source, result = _image(op, "input0"), _image(op, "output0")
    if source is None or result is None or source in {(1, 1), result}:
        return None
    corner = 1 if op.option("align_corners") else 0
    for size, grown in zip(source, result, strict=True):
        factor, rest = divmod(grown - corner, max(size - corner, 1))
        if rest or factor < 1 or factor & (factor - 1):
            return {"source": "x".join(map(str, source)), "result": "x".join(map(str, result))}
    return None


def reduced_elements(op: OpView, *, place: int, maximum: Mapping[str, int]) -> Facts | None:
    """It reduces {elements} elements to one; for {dtype} the limit is {maximum}.

    Fix: reduce in two steps, or make the image smaller first.
    """
    source, axes = op.operand(0), op.integers(place)
    if source is None or axes is None or source.dtype not in maximum:
        return None
    elements = prod(source.shape[axis] for axis in axes if -len(source.shape) <= axis < len(source.shape))
    limit = maximum[source.dtype]
    return {"elements": elements, "dtype": source.dtype, "maximum": limit} if elements > limit else None


def reduced_axis_at_most(op: OpView, *, place: int, maximum: int) -> Facts | None:
    """It reduces a dimension of size {size}; it can be {maximum} at most.

    Fix: reduce in two steps, or make the dimension smaller first.
    """
    source, axes = op.operand(0), op.integers(place)
    if source is None or axes is None:
        return None
    sizes = [source.shape[axis] for axis in axes if -len(source.shape) <= axis < len(source.shape)]
    return {"size": max(sizes)} if sizes and max(sizes) > maximum else None


def depth_reduced_alone(op: OpView, *, place: int) -> Facts | None:
    """It reduces the channels of {shape}; that needs a height, a width or channels of 1.

    Fix: reduce over height and width only, or reshape to (1, 1, pixels, channels) first.
    """
    source, axes = op.operand(0), op.integers(place)
    if source is None or axes is None or len(source.shape) < 3:
        return None
    if not {-1, len(source.shape) - 1} & set(axes) or 1 in source.shape[-3:]:
        return None
    return {"shape": str(source.shape)}


def depth_at_most(op: OpView, *, of: str, maximum: int) -> Facts | None:
    """Tensor '{tensor}' has {depth} channels; at most {maximum} can be used.

    Fix: use fewer channels (or classes).
    """
    wrong = [tensor for tensor in op.tensors(of) if tensor.shape and tensor.shape[-1] > maximum]
    return {"tensor": short_name(wrong[0]), "depth": wrong[0].shape[-1]} if wrong else None


def axis_last(op: OpView, *, of: str, place: int) -> Facts | None:
    """It works along axis {axis} of {rank}; only the last one can be used.

    Fix: transpose first, so that the axis is the last one.
    """
    axes, tensors = op.integers(place), op.tensors(of)
    if axes is None or not tensors:
        return None
    rank = len(tensors[0].shape)
    wrong = [axis for axis in axes if axis not in {-1, rank - 1}]
    return {"axis": wrong[0], "rank": rank} if wrong else None


def rows_at_most(op: OpView, *, of: str, maximum: int) -> Facts | None:
    """Tensor '{tensor}' has {rows} rows of channels; at most {maximum} can be used.

    Fix: work on a smaller image or sequence.
    """
    wrong = [tensor for tensor in op.tensors(of) if prod(tensor.shape[:-1]) > maximum]
    return {"tensor": short_name(wrong[0]), "rows": prod(wrong[0].shape[:-1])} if wrong else None


def steps_in_image(op: OpView, *, place: int) -> Facts | None:
    """It takes steps of {steps}; steps above 1 can be taken in height and width only.

    Fix: transpose first, or slice without steps.
    """
    steps = op.integers(place)
    if steps is None or not any(step > 1 for step in (*steps[:-3], *steps[-1:])):
        return None
    return {"steps": steps}


def shape_one_of(op: OpView, *, of: str, shapes: Sequence[Sequence[int]]) -> Facts | None:
    """Tensor '{tensor}' has shape {shape}; only {shapes} can be used.

    Fix: reshape the input of this operator to 3 or 4 dimensions.
    """
    allowed = [tuple(shape) for shape in shapes]
    wrong = [tensor for tensor in op.tensors(of) if tensor.shape not in allowed]
    if not wrong:
        return None
    return {"tensor": short_name(wrong[0]), "shape": str(wrong[0].shape), "shapes": " and ".join(map(str, allowed))}


def _strides(op: OpView) -> tuple[int, int]:
    return (op.option("stride_h") or 1, op.option("stride_w") or 1)


def _is_padded(op: OpView, strides: tuple[int, int]) -> bool:
    """Whether SAME padding adds anything to the image; without a known window size it may."""
    image, kernel = _image(op, "input0"), _image(op, "input1")
    window = kernel or (op.option("filter_height"), op.option("filter_width"))
    if op.option("padding") == VALID_PADDING:
        return False
    if image is None or None in window:
        return True
    # TensorFlow: output = ceil(size / stride), padding = (output - 1) * stride + window - size
    return any(
        (-(-size // stride) - 1) * stride + side > size
        for size, stride, side in zip(image, strides, window, strict=True)
    )


def _image(op: OpView, of: str) -> tuple[int, int] | None:
    """Height and width of a tensor of shape (N, H, W, C)."""
    shapes = [tensor.shape for tensor in op.tensors(of) if len(tensor.shape) == 4]
    return (shapes[0][1], shapes[0][2]) if shapes else None


RULES = (
    stride_at_most, unpadded_stride, window_height, same_padding_window, transposed_stride, resize_factor,
    resize_power_of_two, resize_factor_at_most, reduced_elements, reduced_axis_at_most, depth_reduced_alone,
    depth_at_most, axis_last, rows_at_most, steps_in_image, shape_one_of,
)  # fmt: skip
