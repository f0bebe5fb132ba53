"""Steps 2, 4 and 6 of the contract: which pixels of an image are looked at, and where they are put.

Sizes and places are whole numbers; `//` rounds down, and no operand is negative. Products of two sides need 64 bits.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.errors import DataError

Array = npt.NDArray[Any]

ROTATIONS = (0, 90, 180, 270)


def upright(image: Array, rotate: int) -> Array:
    """Turn an `(H, W, C)` image clockwise by `rotate` degrees; pixels are moved, never computed.

    With `(h, w)` the size before: 90 gives `(w, h)` with `out[y][x] = in[h - 1 - x][y]`; 180 gives `(h, w)` with
    `out[y][x] = in[h - 1 - y][w - 1 - x]`; 270 gives `(w, h)` with `out[y][x] = in[x][w - 1 - y]`.

    Raises:
        DataError: `rotate` is not 0, 90, 180 or 270.
    """
    if rotate not in ROTATIONS:
        raise DataError(f"preprocess: an image is turned by 0, 90, 180 or 270 degrees, not {rotate}")
    return np.rot90(image, -(rotate // 90)) if rotate else image


def central_share(image: Array, share: float) -> Array:
    """The centre of an `(H, W, C)` image, `share` of each side.

    For each side of `size` pixels, in float64::

        kept  = max(1, floor(size * share + 0.5))
        start = (size - kept) // 2
    """
    height, width = (max(1, int(np.floor(size * np.float64(share) + 0.5))) for size in image.shape[:2])
    return _centre(image, height, width)


def central_aspect(image: Array, height: int, width: int) -> Array:
    """The largest centre of an `(h, w, C)` image that has about the proportions `height : width`.

    One side is kept, the other is cut to the nearest whole number, halves up::

        w * height > h * width:  kept = max(1, (2 * h * width + height) // (2 * height)) columns, all rows
        otherwise:               kept = max(1, (2 * w * height + width) // (2 * width))  rows, all columns
        start = (size - kept) // 2
    """
    rows, columns = image.shape[:2]
    if columns * height > rows * width:
        return _centre(image, rows, max(1, (2 * rows * width + height) // (2 * height)))
    return _centre(image, max(1, (2 * columns * height + width) // (2 * width)), columns)


def letterbox_size(rows: int, columns: int, height: int, width: int) -> tuple[int, int]:
    """Rows and columns that a `(rows, columns)` image has when it is scaled to just fit in `(height, width)`.

    ::

        columns * height > rows * width:  (max(1, (2 * rows * width + columns) // (2 * columns)), width)
        otherwise:                        (height, max(1, (2 * columns * height + rows) // (2 * rows)))
    """
    if columns * height > rows * width:
        return max(1, (2 * rows * width + columns) // (2 * columns)), width
    return height, max(1, (2 * columns * height + rows) // (2 * rows))


def on_canvas(image: Array, height: int, width: int, fill: int) -> Array:
    """An `(h, w, C)` image in the middle of a `(height, width, C)` canvas of its type whose values all are `fill`.

    Its first row is row `(height - h) // 2` of the canvas, its first column is column `(width - w) // 2`.
    """
    rows, columns, channels = image.shape
    canvas = np.full((height, width, channels), fill, image.dtype)
    top, left = (height - rows) // 2, (width - columns) // 2
    canvas[top : top + rows, left : left + columns] = image
    return canvas


def _centre(image: Array, height: int, width: int) -> Array:
    top, left = (image.shape[0] - height) // 2, (image.shape[1] - width) // 2
    return image[top : top + height, left : left + width]
