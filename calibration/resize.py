"""Resizing and gray conversion of images, to the last bit.

No library is used here because each resamples in its own way; an app has to get the same pixels from these
few lines. All arithmetic is float32 and rounded after every single operation (no fused multiply-add).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]

# Luma weights of ITU-R BT.601-7, section 2.5.1.
RED, GREEN, BLUE = np.float32(0.299), np.float32(0.587), np.float32(0.114)


def to_gray(image: Array) -> Floats:
    """`(0.299 R + 0.587 G) + 0.114 B` of an `(H, W, 3)` image, as `(H, W, 1)`."""
    pixels = image.astype(np.float32)
    luma: Floats = (RED * pixels[..., 0] + GREEN * pixels[..., 1]) + BLUE * pixels[..., 2]
    return luma[..., None]


def nearest(image: Array, height: int, width: int) -> Array:
    """The source pixel under each target pixel's centre: row `floor((y + 1/2) * H / height)`, exactly.

    Args:
        image: `(H, W, C)`, any type.
        height: rows of the result.
        width: columns of the result.
    """
    rows, columns = _under(image.shape[0], height), _under(image.shape[1], width)
    return image[rows][:, columns]


def bilinear(image: Array, height: int, width: int) -> Floats:
    """Half-pixel centres, edges repeated, no antialiasing.

    For target row `y` of `height` (columns alike)::

        centre = clamp((y + 0.5) * (H / height) - 0.5, 0, H - 1)
        top    = floor(centre);  bottom = min(top + 1, H - 1);  down = centre - top

    and for each pixel, with `mix(a, b, t) = a + (b - a) * t`, along the row first::

        mix(mix(top left, top right, across), mix(bottom left, bottom right, across), down)

    An image that already has the size comes back unchanged.

    Args:
        image: `(H, W, C)`, any type.
        height: rows of the result.
        width: columns of the result.
    """
    pixels = image.astype(np.float32)
    top, bottom, down = _taps(image.shape[0], height)
    left, right, across = _taps(image.shape[1], width)
    above = _mix(pixels[top][:, left], pixels[top][:, right], across[:, None])
    below = _mix(pixels[bottom][:, left], pixels[bottom][:, right], across[:, None])
    return _mix(above, below, down[:, None, None])


def _mix(a: Floats, b: Floats, t: Floats) -> Floats:
    return a + (b - a) * t


def _under(source: int, target: int) -> npt.NDArray[np.int64]:
    return (2 * np.arange(target, dtype=np.int64) + 1) * source // (2 * target)


def _taps(source: int, target: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Floats]:
    """The two source places and the weight of the second, for each target place."""
    half = np.float32(0.5)
    ratio = np.float32(source) / np.float32(target)
    centre = (np.arange(target, dtype=np.float32) + half) * ratio - half
    centre = np.clip(centre, np.float32(0), np.float32(source - 1))
    first = np.floor(centre)
    low = first.astype(np.int64)
    return low, np.minimum(low + 1, source - 1), centre - first
