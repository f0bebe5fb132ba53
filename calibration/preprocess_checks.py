"""What a preprocessing contract may say, and what it may be given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from litesmith.errors import DataError

if TYPE_CHECKING:
    from litesmith.calibration.preprocess import Preprocess

Array = npt.NDArray[Any]
Kind = Literal["image", "tensor"]
Resize = Literal["none", "nearest", "bilinear", "area"]
Fit = Literal["stretch", "center_crop", "letterbox"]
Layout = Literal["nhwc", "nchw"]
Numbers = float | tuple[float, ...]

CHANNELS = {1: "gray", 3: "rgb"}
# Sides and pixels of an image, raw or on the canvas: sums of weights stay in 64 bits, and an 8-bit image that becomes
# smaller takes less than 32 bytes of memory a pixel.
MOST_SIDE = 2**14
MOST_PIXELS = 2**26
_MOST_BLOCK = 15
_LARGEST = float(np.finfo(np.float32).max)
# What a plain tensor has no use for, with the only value it may have there.
_IMAGE_ONLY = {"resize": "none", "crop": 1.0, "fit": "stretch", "fill": 0, "antialias": False, "block": 1,
               "layout": "nhwc"}  # fmt: skip


def checked(contract: Preprocess) -> dict[str, Any]:
    """The fields of a contract as they are kept: whole sizes, and numbers rounded to float32.

    Raises:
        DataError: a value is not allowed, or does not go with the others.
    """
    _choice("kind", contract.kind, get_args(Kind))
    for name, kind in (("resize", Resize), ("fit", Fit), ("layout", Layout)):
        _choice(name, getattr(contract, name), get_args(kind))
    shape = _shape(contract.shape, contract.kind)
    scale, offset = (_numbers(name, getattr(contract, name), shape[-1]) for name in ("scale", "offset"))
    if 0 in (scale if isinstance(scale, tuple) else (scale,)):
        raise DataError("preprocess: scale 0 makes every sample the same; give a factor such as 1/255, or 1")
    crop = _number("crop", contract.crop)
    if not 0 < crop <= 1:
        raise DataError(f"preprocess: crop {crop} is not a share above 0 and at most 1")
    fill, block = _whole("fill", contract.fill, 0, 255), _whole("block", contract.block, 1, _MOST_BLOCK)
    if not isinstance(contract.antialias, bool):
        raise DataError(f"preprocess: antialias must be true or false, not {contract.antialias!r}")
    result = {"shape": shape, "scale": scale, "offset": offset, "crop": crop, "fill": fill, "block": block}
    _check_together(contract, shape)
    return result


def checked_image(raw: Array) -> Array:
    """Step 1: an image `(h, w)` or `(h, w, 1 or 3)` with a channel axis, as uint8 or float32.

    Whole numbers of other types are 8-bit if all are 0 to 255. Floating point is rounded to float32 and may be
    anything. RGB is in that order.

    Raises:
        DataError: it is no image, has other values, or is larger than a contract's image may be.
    """
    image = raw[..., None] if raw.ndim == 2 else raw
    if image.ndim != 3 or image.shape[2] not in CHANNELS or 0 in image.shape:
        alpha = " without alpha" if image.ndim == 3 and image.shape[2] in (2, 4) else ""
        raise DataError(
            f"preprocess: shape {raw.shape} is no image; expected (height, width) or (height, width, 1 or 3){alpha}"
        )
    check_size(*image.shape[:2])
    if image.dtype == np.uint8:
        return image
    if image.dtype.kind == "f":
        with np.errstate(over="ignore"):
            return image.astype(np.float32, copy=False)
    if image.dtype.kind in "iu" and image.min() >= 0 and image.max() <= 255:
        return image.astype(np.uint8)
    raise DataError(f"preprocess: {image.dtype} pixels beyond 0 to 255; convert the image to uint8 or float32")


def check_size(height: int, width: int) -> None:
    """Refuse an image that could not be resized in bounded memory.

    Raises:
        DataError: a side is above 16,384 pixels, or all are more than 67,108,864.
    """
    if max(height, width) > MOST_SIDE or height * width > MOST_PIXELS:
        raise DataError(
            f"preprocess: an image of {height}x{width} is too large; at most {MOST_SIDE:,} pixels a side and "
            f"{MOST_PIXELS:,} in all; make it smaller first"
        )


def check_tensor(values: Array, shape: tuple[int, ...]) -> None:
    """Refuse what is not `(..., *shape)` of numbers.

    Raises:
        DataError: it is not.
    """
    if values.shape[values.ndim - len(shape) :] != shape:
        raise DataError(f"preprocess: samples of shape {values.shape} do not fit {shape}; reshape the data")
    if values.dtype.kind not in "iuf":
        raise DataError(f"preprocess: {values.dtype} values are not numbers; convert them to float32")


def _check_together(contract: Preprocess, shape: tuple[int, ...]) -> None:
    if contract.kind == "tensor":
        for name, only in _IMAGE_ONLY.items():
            if (value := getattr(contract, name)) != only:
                verb = "resized" if name == "resize" else f"given {name}"
                raise DataError(f"preprocess: a tensor cannot be {verb}; use {name} {only!r}, not {value!r}")
        return
    check_size(shape[0] * contract.block, shape[1] * contract.block)
    if contract.antialias and contract.resize != "bilinear":
        raise DataError(f"preprocess: antialias goes with resize 'bilinear', not {contract.resize!r}; remove it")
    if contract.fit != "stretch" and contract.resize == "none":
        raise DataError(f"preprocess: fit {contract.fit!r} needs a resize: 'nearest', 'bilinear' or 'area'")
    if contract.fill and contract.fit != "letterbox":
        raise DataError(f"preprocess: fill is for fit 'letterbox', not {contract.fit!r}; remove it")
    if contract.block > 1 and shape[2] != 1:
        raise DataError(f"preprocess: blocks are counted in gray images, and shape {shape} has colours; remove block")


def _shape(value: Any, kind: str) -> tuple[int, ...]:
    shape = tuple(value)
    if not shape or not all(_is_integer(size) and size > 0 for size in shape):
        raise DataError(f"preprocess: shape {shape} must be positive whole numbers")
    if kind == "image" and (len(shape) != 3 or shape[2] not in CHANNELS):
        raise DataError(f"preprocess: an image's shape is (height, width, 1 or 3), not {shape}")
    return tuple(int(size) for size in shape)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _whole(name: str, value: Any, low: int, high: int) -> int:
    if not _is_integer(value) or not low <= value <= high:
        raise DataError(f"preprocess: {name} must be a whole number of {low} to {high}, not {value!r}")
    return int(value)


def _choice(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise DataError(f"preprocess: {name} {value!r} is not one of {', '.join(allowed)}")


def _numbers(name: str, value: Any, count: int) -> Numbers:
    if not isinstance(value, list | tuple):
        return _float32(name, value)
    if len(value) != count:
        raise DataError(f"preprocess: {name} has {len(value)} numbers for {count} channels; give one, or one for each")
    return tuple(_float32(name, item) for item in value)


def _number(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.float32):
        raise DataError(f"preprocess: {name} must be a number, not {value!r}")
    return float(value)


def _float32(name: str, value: Any) -> float:
    if not -_LARGEST <= _number(name, value) <= _LARGEST:
        raise DataError(f"preprocess: {name} {value} must be a finite float32")
    return float(np.float32(value))
