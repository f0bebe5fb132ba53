"""Step 7 of the contract: counts of the pixels that are on, as the handwritten digits of UCI were made.

There a 32x32 bitmap became 8x8 counts of 0 to 16 (E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten
Digits", UCI Machine Learning Repository, 1998).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.errors import DataError

Array = npt.NDArray[Any]

# The smallest 8-bit value that is on: the upper half. Ink has to be bright and paper dark.
ON = 128


def block_counts(bitmap: Array, block: int) -> npt.NDArray[np.uint8]:
    """How many pixels are on in each `block` x `block` square.

    ::

        out[y][x] = number of (i, j), 0 <= i, j < block, with in[y * block + i][x * block + j] >= 128

    Args:
        bitmap: uint8 `(H * block, W * block, 1)`.
        block: side of a square, 1 to 15, so that a count fits in 8 bits.

    Returns:
        uint8 `(H, W, 1)`, values 0 to `block * block`.
    """
    height, width = bitmap.shape[0] // block, bitmap.shape[1] // block
    squares = (bitmap >= ON).reshape(height, block, width, block, 1)
    counts: npt.NDArray[np.uint8] = squares.sum(axis=(1, 3), dtype=np.uint8)
    return counts


def checked_counts(counts: Array, block: int) -> Array:
    """Values that are block counts already.

    Raises:
        DataError: one is below 0 or above `block * block`.
    """
    low, high = counts.min(), counts.max()
    if not (low >= 0 and high <= block * block):  # the other way round would let NaN pass
        raise DataError(
            f"preprocess: an image of {counts.shape[0]}x{counts.shape[1]} holds block counts of 0 to {block * block}, "
            f"but these values are {low} to {high}; give counts, or a drawing of "
            f"{counts.shape[0] * block}x{counts.shape[1] * block} pixels"
        )
    return counts
