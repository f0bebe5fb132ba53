"""How raw input becomes the model's tensor.

The one contract that training, calibration, evaluation and the app follow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration import preprocess_checks as checks
from litesmith.calibration import preprocess_json
from litesmith.calibration.blocks import block_counts, checked_counts
from litesmith.calibration.colour import with_channels
from litesmith.calibration.geometry import central_aspect, central_share, letterbox_size, on_canvas, upright
from litesmith.calibration.preprocess_checks import Fit, Kind, Layout, Numbers, Resize
from litesmith.calibration.resize import bilinear, nearest
from litesmith.calibration.weighted import antialiased, area
from litesmith.errors import DataError

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Preprocess:
    """Raw sample -> float32 tensor, in this order; the functions named hold each step's arithmetic.

    1. An image is 8-bit or float32, gray or RGB: `preprocess_checks.checked_image`. Alpha was dropped before, the
       colours as they are stored: neither blended nor multiplied.
    2. It is turned upright by the `rotate` that comes with it: `geometry.upright`. EXIF is obeyed when a file is
       decoded (`images.decode`), so what came from there has `rotate` 0.
    3. It gets the model's channels: `colour.with_channels`.
    4. Its centre is kept: `geometry.central_share` with `crop`, left out where that is 1; then, where `fit` is
       "center_crop", `geometry.central_aspect` with the canvas. The canvas is `(H * block, W * block)`.
    5. It is resized: to the canvas, or to `geometry.letterbox_size` where `fit` is "letterbox". Where it has that size
       already, nothing is computed. Else `resize` says how: `resize.nearest`, `resize.bilinear`,
       `weighted.antialiased` ("bilinear" with `antialias`) or `weighted.area`.
       If it came as 8-bit, it is 8-bit again: `floor(v + 0.5)` in float32.
    6. Where `fit` is "letterbox", it is put in the middle of a canvas of `fill`: `geometry.on_canvas`.
    7. Where `block` is above 1, an 8-bit image becomes counts: `blocks.block_counts`. An image that after step 2 is
       gray and has the size `(H, W)` holds such counts already (`blocks.checked_counts`) and skips steps 3 to 7.
    8. Each value becomes `x * scale + offset`, in float32, rounded after each of the two operations, with the numbers
       of its channel where there are several. Values and factors are float32.
    9. `(H, W, C)` becomes `(C, H, W)` where `layout` is "nchw"; values are moved, never computed.

    A plain tensor takes only step 8. What is fed to an integer model is `affine.quantize` of the result.

    Attributes:
        shape: of one sample without the batch axis; `(H, W, C)` with C = 1 or 3 for images, whatever the layout.
        kind: "image" or "tensor".
        resize: how images of other sizes are brought to the canvas; "none" refuses them.
        scale: factor, not zero, rounded to float32 at construction; or one for each place of the last axis of `shape`.
        offset: summand, rounded to float32 at construction; or one for each place of the last axis of `shape`.
        crop: share of each side that is kept, above 0 and at most 1, a float64.
        fit: what is done with other proportions: "stretch" changes them, "center_crop" cuts, "letterbox" adds borders.
        fill: value of those borders in the image's own units, a whole number of 0 to 255.
        antialias: whether "bilinear" looks at every source pixel when an image becomes smaller.
        block: side of the squares of step 7; 1 leaves it out.
        layout: order of an image's axes in the tensor, "nhwc" or "nchw".

    Raises:
        DataError: at construction, if a value is not one of the above or the values do not go together.
    """

    shape: tuple[int, ...]
    kind: Kind = "image"
    resize: Resize = "none"
    scale: Numbers = 1.0
    offset: Numbers = 0.0
    crop: float = 1.0
    fit: Fit = "stretch"
    fill: int = 0
    antialias: bool = False
    block: int = 1
    layout: Layout = "nhwc"

    def __post_init__(self) -> None:
        for name, value in checks.checked(self).items():
            object.__setattr__(self, name, value)

    @property
    def channels(self) -> str | None:
        """`gray` or `rgb` for images, None for tensors."""
        return checks.CHANNELS[self.shape[2]] if self.kind == "image" else None

    @property
    def tensor_shape(self) -> tuple[int, ...]:
        """Shape of what `apply` gives: `shape`, its channels first where `layout` is "nchw"."""
        return self.shape if self.layout == "nhwc" else (self.shape[2], *self.shape[:2])

    @property
    def canvas(self) -> tuple[int, int]:
        """Rows and columns before blocks are counted."""
        return self.shape[0] * self.block, self.shape[1] * self.block

    @property
    def digest(self) -> str:
        """SHA-256 of `preprocess.json`: two contracts that say the same have the same."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    def pixels(self, raw: Array, rotate: int = 0) -> Array:
        """Steps 1 to 7: an image `(h, w)` or `(h, w, 1 or 3)` to `shape`; uint8 stays uint8, else float32.

        Args:
            raw: the image as it lies in memory.
            rotate: degrees clockwise, 0, 90, 180 or 270, that turn it upright.

        Raises:
            DataError: it is not such an image, is too large, or has another size and `resize` is "none".
        """
        image = upright(checks.checked_image(raw), rotate)
        if self.block > 1 and image.shape == self.shape:
            return checked_counts(image, self.block)
        is_8_bit = image.dtype == np.uint8
        image = with_channels(image, self.shape[2])
        if self.crop < 1:
            image = central_share(image, self.crop)
        if self.fit == "center_crop":
            image = central_aspect(image, *self.canvas)
        rows, columns = image.shape[:2]
        size = letterbox_size(rows, columns, *self.canvas) if self.fit == "letterbox" else self.canvas
        image = _as_it_came(self._resized(image, *size), is_8_bit)
        if self.fit == "letterbox":
            image = on_canvas(image, *self.canvas, self.fill)
        return self._counted(image) if self.block > 1 else image

    def scaled(self, values: Array) -> npt.NDArray[np.float32]:
        """Steps 8 and 9, for what `pixels` gave or a plain tensor: `(..., *shape)` to `(..., *tensor_shape)`.

        Raises:
            DataError: the shape is another one, or the values are not numbers.
        """
        checks.check_tensor(values, self.shape)
        # Whoever uses the values refuses infinity and NaN; a warning before that would only be noise.
        with np.errstate(over="ignore", invalid="ignore"):
            scale, offset = np.asarray(self.scale, np.float32), np.asarray(self.offset, np.float32)
            result: npt.NDArray[np.float32] = values.astype(np.float32) * scale + offset
        return result if self.layout == "nhwc" else np.ascontiguousarray(np.moveaxis(result, -1, -3))

    def apply(self, raw: Array, rotate: int = 0) -> npt.NDArray[np.float32]:
        """One sample to a float32 array of `tensor_shape`; see `pixels` for the arguments.

        Raises:
            DataError: the sample's shape or type does not fit.
        """
        if self.kind == "image":
            with np.errstate(over="ignore", invalid="ignore"):
                return self.scaled(self.pixels(raw, rotate))
        if raw.shape != self.shape:
            raise DataError(f"preprocess: a sample of shape {raw.shape} does not fit {self.shape}; reshape the data")
        return self.scaled(raw)

    def apply_batch(self, raws: Sequence[Array] | Array) -> npt.NDArray[np.float32]:
        """`apply` to each sample; images may differ in size. Gives `(N, *tensor_shape)`."""
        result = np.empty((len(raws), *self.tensor_shape), np.float32)
        for index, raw in enumerate(raws):
            result[index] = self.apply(raw)
        return result

    def to_dict(self) -> dict[str, Any]:
        """The content of `preprocess.json`."""
        fields = {name: getattr(self, name) for name in preprocess_json.FIELDS}
        return preprocess_json.document(fields, self.channels)

    def to_json(self) -> str:
        """`preprocess.json`, byte for byte."""
        return preprocess_json.text(self.to_dict())

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Preprocess:
        """Read what `to_dict` wrote, now or in version 1.

        Raises:
            DataError: another version, unknown or missing keys, or values that do not fit together.
        """
        fields, channels = preprocess_json.parse(document)
        result = cls(**fields)
        if channels != result.channels:
            raise DataError(f"preprocess: channels {channels!r} contradict shape {result.shape}")
        return result

    def _resized(self, image: Array, height: int, width: int) -> Array:
        if image.shape[:2] == (height, width):
            return image
        if self.resize == "none":
            raise DataError(
                f"preprocess: an image of {image.shape[0]}x{image.shape[1]} does not fit {height}x{width}; "
                "use resize 'bilinear', 'area' or 'nearest', or resize the data"
            )
        smooth = antialiased if self.antialias else bilinear
        ways: dict[str, Callable[[Array, int, int], Array]] = {"nearest": nearest, "bilinear": smooth, "area": area}
        return ways[self.resize](image, height, width)

    def _counted(self, image: Array) -> Array:
        if image.dtype != np.uint8:
            raise DataError("preprocess: blocks are counted in 8-bit images; give uint8, ink bright and paper dark")
        return block_counts(image, self.block)


def _as_it_came(image: Array, is_8_bit: bool) -> Array:
    """8-bit again, halves up, if it was; else float32."""
    if not is_8_bit:
        return image.astype(np.float32, copy=False)
    if image.dtype == np.uint8:
        return image
    rounded: npt.NDArray[np.uint8] = np.floor(image + np.float32(0.5)).astype(np.uint8)
    return rounded
