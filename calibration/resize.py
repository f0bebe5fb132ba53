"""Step 5 of the contract: resizing, to the last bit.

No library is used here because each resamples in its own way; an app has to get the same pixels from these
few lines. Pixel `i` of `n` covers `[i, i + 1)` of its axis, so its centre is `i + 1/2` (half-pixel centres), and
beyond an edge there is nothing. `weighted` has the two ways that look at every pixel.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]


def nearest(image: Array, height: int, width: int) -> Array:
    """The source pixel under each target pixel's centre: row `floor((y + 1/2) * H / height)`, exactly.

    In whole numbers: row `((2 * y + 1) * H) // (2 * height)`, columns alike. Values are moved, never computed, and
    keep their type.

    Args:
        image: `(H, W, C)`, any type.
        height: rows of the result.
        width: columns of the result.
    """
    rows, columns = _under(image.shape[0], height), _under(image.shape[1], width)
    return image[rows][:, columns]


def bilinear(image: Array, height: int, width: int) -> Floats:
    """The four pixels around each target pixel's centre: half-pixel centres, edges repeated, no antialiasing.

    All is float32, rounded after every single operation. For target row `y` of `height` (columns alike)::

        ratio  = H / height
        centre = clamp((y + 0.5) * ratio - 0.5, 0, H - 1)
        top    = floor(centre);  bottom = min(top + 1, H - 1);  down = centre - top

    and for each pixel, with `mix(a, b, t) = a + (b - a) * t`, along the row first::

        mix(mix(top left, top right, across), mix(bottom left, bottom right, across), down)

    Args:
        image: `(H, W, C)`, any type.
        height: rows of the result.
        width: columns of the result.
    """
    top, bottom, down = _taps(image.shape[0], height)
    left, right, across = _taps(image.shape[1], width)
    above, below = (
        _mix(row[:, left].astype(np.float32), row[:, right].astype(np.float32), across[:, None])
        for row in (image[top], image[bottom])
    )
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
