"""Step 5 of the contract: resizing by weighted means, `area` and bilinear with antialiasing.

Both are one sum with different whole-number weights. For target place `i` of `m` and source place `k` of `n`,
0 <= k < n, in whole numbers that need 64 bits:

    area:        w = max(0, min((k + 1) * m, (i + 1) * n) - max(k * m, i * n))
    antialiased: w = max(0, 2 * max(n, m) - |(2 * k + 1) * m - (2 * i + 1) * n|)

The first is the overlap of the two pixels, the second a triangle around the target's centre, as wide as one pixel of
the coarser of both grids to either side. What lies beyond an edge has no weight: the sum of the weights is divided by.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Whole = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
Weigh = Callable[[Whole, Whole, int, int], Whole]


def area(image: Array, height: int, width: int) -> npt.NDArray[np.float32]:
    """The mean of the source under each target pixel, parts of pixels by their share; see `antialiased`.

    Args:
        image: `(H, W, C)`, any type.
        height: rows of the result.
        width: columns of the result.
    """
    return _weighted(image, height, width, _overlap)


def antialiased(image: Array, height: int, width: int) -> npt.NDArray[np.float32]:
    """Bilinear whose triangle is stretched over all source pixels when an image becomes smaller.

    All is float64 (Kotlin's Double), every product and every sum rounded on its own. `w` are the weights along the
    row, `v` those down the column; only places with a weight above zero are summed, in ascending order, starting
    from 0.0::

        across[r][x] = sum over k of w[x][k] * in[r][k]             for each row r
        down[y][x]   = sum over r of v[y][r] * across[r][x]
        out[y][x]    = float32(down[y][x] / float64(sum(w[x]) * sum(v[y])))

    The product of the two sums of weights is a whole number of up to 64 bits. The division is rounded to float64,
    its result to float32.

    Args:
        image: `(H, W, C)`, any type.
        height: rows of the result.
        width: columns of the result.
    """
    return _weighted(image, height, width, _triangle)


def _weighted(image: Array, height: int, width: int, weigh: Weigh) -> npt.NDArray[np.float32]:
    # Contiguous columns: three times as fast.
    across, row_sums = _sums(np.ascontiguousarray(image.transpose(1, 0, 2)), width, weigh)
    down, column_sums = _sums(np.ascontiguousarray(across.transpose(1, 0, 2)), height, weigh)
    total = column_sums[:, None] * row_sums
    result: npt.NDArray[np.float32] = (down / total.astype(np.float64)[..., None]).astype(np.float32)
    return result


def _sums(values: Array, target: int, weigh: Weigh) -> tuple[Doubles, Whole]:
    """Weighted sums along the first axis `(n, ...)` to `(target, ...)`, and the sum of the weights of each."""
    source = len(values)
    places = np.arange(target, dtype=np.int64)
    # No weight reaches further than one pixel of the coarser grid and a half to either side of the centre.
    reach = max(source, target) // target + 1
    first = places * source // target - reach
    result = np.zeros((target, *values.shape[1:]), np.float64)
    weights = np.zeros(target, np.int64)
    for step in range(2 * reach + source // target + 2):
        k = first + step
        weight = np.where((k >= 0) & (k < source), weigh(k, places, source, target), 0)
        used = np.flatnonzero(weight > 0)
        if used.size:
            factors = weight[used].astype(np.float64).reshape(-1, *[1] * (values.ndim - 1))
            result[used] += factors * values[k[used]].astype(np.float64)
            weights[used] += weight[used]
    return result, weights


def _overlap(k: Whole, i: Whole, source: int, target: int) -> Whole:
    overlap: Whole = np.minimum((k + 1) * target, (i + 1) * source) - np.maximum(k * target, i * source)
    return overlap


def _triangle(k: Whole, i: Whole, source: int, target: int) -> Whole:
    return 2 * max(source, target) - np.abs((2 * k + 1) * target - (2 * i + 1) * source)
