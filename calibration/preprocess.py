"""How raw input becomes the model's tensor.

The one contract that training, calibration, evaluation and the app follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

from litesmith.calibration.resize import bilinear, nearest, to_gray
from litesmith.errors import DataError

Array = npt.NDArray[Any]
Kind = Literal["image", "tensor"]
Resize = Literal["none", "nearest", "bilinear"]

VERSION = 1
_LARGEST = float(np.finfo(np.float32).max)
_CHANNELS = {1: "gray", 3: "rgb"}
_KEYS = {"version", "kind", "shape", "channels", "resize", "scale", "offset"}


@dataclass(frozen=True, slots=True)
class Preprocess:
    """Raw sample -> float32 tensor, in this order.

    1. An image gets the model's channels: RGB to gray by `resize.to_gray`, gray to RGB by repeating it.
    2. It is resized to `(H, W)` by `resize.nearest` or `resize.bilinear`.
    3. If it came as 8-bit, it is 8-bit again: `floor(v + 0.5)` in float32.
    4. Each value becomes `x * scale + offset`, in float32, rounded after each of the two operations.

    A plain tensor takes only step 4. `apply` of an image that already went through steps 1 to 3 (`pixels`)
    gives the same result, so either may be stored.

    Attributes:
        shape: of one sample without the batch axis; `(H, W, C)` with C = 1 or 3 for images.
        kind: "image" or "tensor".
        resize: how other image sizes are brought to `shape`; "none" refuses them.
        scale: factor, not zero, rounded to float32 at construction.
        offset: summand, rounded to float32 at construction.

    Raises:
        DataError: at construction, if a value is not one of the above.
    """

    shape: tuple[int, ...]
    kind: Kind = "image"
    resize: Resize = "none"
    scale: float = 1.0
    offset: float = 0.0

    def __post_init__(self) -> None:
        shape = tuple(self.shape)
        if not shape or not all(_is_integer(size) and size > 0 for size in shape):
            raise DataError(f"preprocess: shape {shape} must be positive whole numbers")
        _choice("kind", self.kind, get_args(Kind))
        _choice("resize", self.resize, get_args(Resize))
        if self.kind == "image" and (len(shape) != 3 or shape[2] not in _CHANNELS):
            raise DataError(f"preprocess: an image's shape is (height, width, 1 or 3), not {shape}")
        if self.kind == "tensor" and self.resize != "none":
            raise DataError(f"preprocess: a tensor cannot be resized; use resize 'none', not {self.resize!r}")
        object.__setattr__(self, "shape", tuple(int(size) for size in shape))
        object.__setattr__(self, "scale", _float32("scale", self.scale))
        if self.scale == 0:
            raise DataError("preprocess: scale 0 makes every sample the same; give a factor such as 1/255, or 1")
        object.__setattr__(self, "offset", _float32("offset", self.offset))

    @property
    def channels(self) -> str | None:
        """`gray` or `rgb` for images, None for tensors."""
        return _CHANNELS[self.shape[2]] if self.kind == "image" else None

    def pixels(self, raw: Array) -> Array:
        """Steps 1 to 3: an image `(h, w)` or `(h, w, 1 or 3)` to `shape`; uint8 stays uint8, else float32.

        Raises:
            DataError: it is not such an image, or has another size and `resize` is "none".
        """
        image = _image(raw)
        is_8_bit = image.dtype == np.uint8
        result = self._resized(self._with_channels(image))
        if not is_8_bit:
            return result.astype(np.float32)
        return result if result.dtype == np.uint8 else np.floor(result + np.float32(0.5)).astype(np.uint8)

    def apply(self, raw: Array) -> npt.NDArray[np.float32]:
        """One sample to a float32 array of `shape`.

        Raises:
            DataError: the sample's shape or type does not fit.
        """
        # Whoever uses the values refuses infinity and NaN; a warning before that would only be noise.
        with np.errstate(over="ignore", invalid="ignore"):
            values = self.pixels(raw) if self.kind == "image" else self._tensor(raw)
            return values.astype(np.float32) * np.float32(self.scale) + np.float32(self.offset)

    def apply_batch(self, raws: Sequence[Array] | Array) -> npt.NDArray[np.float32]:
        """`apply` to each sample; images may differ in size. Gives `(N, *shape)`."""
        result = np.empty((len(raws), *self.shape), np.float32)
        for index, raw in enumerate(raws):
            result[index] = self.apply(raw)
        return result

    def to_dict(self) -> dict[str, Any]:
        """The content of `preprocess.json`."""
        return {
            "version": VERSION, "kind": self.kind, "shape": list(self.shape), "channels": self.channels,
            "resize": self.resize, "scale": self.scale, "offset": self.offset,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Preprocess:
        """Read what `to_dict` wrote.

        Raises:
            DataError: another version, unknown or missing keys, or values that do not fit together.
        """
        version = document.get("version")
        if version != VERSION:
            raise DataError(f"preprocess: version {version!r} is not known, only {VERSION}; update litesmith")
        for word, keys in (("unknown", document.keys() - _KEYS), ("missing", _KEYS - document.keys())):
            if keys:
                raise DataError(
                    f"preprocess: {word} key {', '.join(sorted(keys))}; expected {', '.join(sorted(_KEYS))}"
                )
        shape = document["shape"]
        if not isinstance(shape, list | tuple):
            raise DataError(f"preprocess: shape must be a list, not {shape!r}")
        result = cls(tuple(shape), document["kind"], document["resize"], document["scale"], document["offset"])
        if document["channels"] != result.channels:
            raise DataError(f"preprocess: channels {document['channels']!r} contradict shape {result.shape}")
        return result

    def _with_channels(self, image: Array) -> Array:
        wanted = self.shape[2]
        if image.shape[2] == wanted:
            return image
        return to_gray(image) if wanted == 1 else np.repeat(image, wanted, axis=2)

    def _resized(self, image: Array) -> Array:
        height, width = self.shape[:2]
        if image.shape[:2] == (height, width):
            return image
        if self.resize == "none":
            raise DataError(
                f"preprocess: an image of {image.shape[0]}x{image.shape[1]} does not fit {height}x{width}; "
                "use resize 'bilinear' or 'nearest', or resize the data"
            )
        return nearest(image, height, width) if self.resize == "nearest" else bilinear(image, height, width)

    def _tensor(self, raw: Array) -> Array:
        if raw.shape != self.shape:
            raise DataError(f"preprocess: a sample of shape {raw.shape} does not fit {self.shape}; reshape the data")
        if raw.dtype.kind not in "iuf":
            raise DataError(f"preprocess: {raw.dtype} values are not numbers; convert them to float32")
        return raw


def _image(raw: Array) -> Array:
    """Check an image and give it a channel axis."""
    image = raw[..., None] if raw.ndim == 2 else raw
    if image.ndim != 3 or image.shape[2] not in _CHANNELS or 0 in image.shape:
        raise DataError(
            f"preprocess: shape {raw.shape} is no image; expected (height, width) or (height, width, 1 or 3)"
        )
    if image.dtype.kind in "iu" and image.min() >= 0 and image.max() <= 255:
        return image.astype(np.uint8, copy=False)
    if image.dtype.kind == "f":
        return image.astype(np.float32, copy=False)
    raise DataError(f"preprocess: {image.dtype} pixels beyond 0 to 255; convert the image to uint8 or float32")


def _is_integer(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _choice(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise DataError(f"preprocess: {name} {value!r} is not one of {', '.join(allowed)}")


def _float32(name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.float32):
        raise DataError(f"preprocess: {name} must be a number, not {value!r}")
    if not -_LARGEST <= value <= _LARGEST:
        raise DataError(f"preprocess: {name} {value} must be a finite float32")
    return float(np.float32(value))
