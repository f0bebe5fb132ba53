"""Weight rounding that knows what the layer is fed: GPTQ (Frantar et al., arXiv 2210.17323).

Rounding each weight to its nearest step minimises the error of the weights. What counts is the error of the layer's
output, `(W - W_hat) x`, whose mean square is `tr((W - W_hat) H (W - W_hat)^T)` with H the second moment of x.
GPTQ rounds one input column after the other and moves what it lost into the columns that are still to come.

Layers come as groups, so that a depthwise convolution (one group a channel) is solved in the same few array operations.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

# Shares of the largest weight that the scale is tried with: clipping the largest can pay for the many.
CLIPPINGS = (1.0, 0.96, 0.92, 0.88, 0.84)
# Added to H's diagonal, as a share of its mean (the paper's 1%).
DAMPING = 0.01
# A row whose largest weight is below this has no effect, and its scale would be no normal number.
DEAD = 1e-7
_BLOCK = 64


@dataclass(frozen=True, slots=True)
class Grid:
    """The steps that weights can take.

    Attributes:
        limit: the largest step, 127 for int8 and 7 for int4: TFLite's weights are symmetric about 0.
        per_row: one scale for each output; otherwise one for all of them.
    """

    limit: int = 127
    per_row: bool = True

    def widest(self, weights: Array) -> Array:
        """Scales (G, O) at which the largest weight of each scale is the largest step."""
        largest = np.abs(weights).max(axis=-1)
        if not self.per_row:
            largest = np.full_like(largest, largest.max())
        scales: Array = np.where(largest < DEAD, 1.0, largest) / self.limit
        return scales

    def steps(self, values: Array, scales: Array) -> Array:
        """Nearest steps of values, as floating-point numbers."""
        steps: Array = np.clip(np.rint(values / scales), -self.limit, self.limit)
        return steps


INT8 = Grid()


@dataclass(frozen=True, slots=True)
class Rounded:
    """Integer weights and their scales: `steps` int8 (G, O, I), symmetric about 0, and `scales` (G, O)."""

    steps: npt.NDArray[np.int8]
    scales: Array

    @property
    def weights(self) -> Array:
        """What the integers stand for (G, O, I)."""
        return self.steps * self.scales[..., None]


def nearest(weights: Array, grid: Grid = INT8) -> Rounded:
    """Round each weight to its nearest step: what converters do.

    Args:
        weights: (G, O, I), a row of I weights for each of O outputs in G groups.
        grid: the steps there are.
    """
    scales = grid.widest(weights)
    return Rounded(grid.steps(weights, scales[..., None]).astype(np.int8), scales)


def gptq(weights: Array, moments: Array, grid: Grid = INT8, clippings: tuple[float, ...] = CLIPPINGS) -> Rounded:
    """Round so that the outputs change least on inputs with the given second moments; never worse than `nearest`.

    The largest weight of each scale stays at the largest step, so that a converter that derives the scale from it
    arrives at the same integers.

    Args:
        weights: (G, O, I).
        moments: (G, I, I), mean of x x^T (about the mean of x where the bias is corrected as well).
        grid: the steps there are; with one scale for all rows, nothing is clipped.
        clippings: shares of the largest weight to try as the range; per row, the best is taken.
    """
    # Columns that matter most go first, while all others are left to make up for them (the paper's act-order).
    order = np.argsort(-np.diagonal(moments, axis1=-2, axis2=-1), axis=-1, kind="stable")
    columns, restore = order[:, None, :], np.argsort(order, axis=-1)[:, None, :]
    ordered = np.take_along_axis(weights, columns, axis=-1)
    factor = _update_factor(_damped(_permuted(moments, order)))
    best = nearest(weights, grid)
    best_loss = output_error(weights, best.weights, moments)
    for clipping in clippings if grid.per_row else (1.0,):
        scales = grid.widest(weights) * clipping
        steps = np.take_along_axis(_round_columns(ordered, factor, scales, grid), restore, axis=-1)
        loss = output_error(weights, steps * scales[..., None], moments)
        better = loss < best_loss
        best = Rounded(np.where(better[..., None], steps, best.steps), np.where(better, scales, best.scales))
        best_loss = np.minimum(loss, best_loss)
    return best


def output_error(weights: Array, rounded: Array, moments: Array) -> Array:
    """Mean squared change of each output (G, O): `d H d^T` for each row d of the difference."""
    difference = weights - rounded
    error: Array = np.einsum("goi,goi->go", difference @ moments, difference)
    return error


def _permuted(moments: Array, order: npt.NDArray[np.intp]) -> Array:
    rows = np.take_along_axis(moments, order[:, :, None], axis=1)
    return np.take_along_axis(rows, order[:, None, :], axis=2)


def _damped(moments: Array) -> Array:
    size = moments.shape[-1]
    mean = np.trace(moments, axis1=-2, axis2=-1) / size
    damped: Array = moments + (DAMPING * mean + 1e-12)[:, None, None] * np.eye(size)
    return damped


def _update_factor(moments: Array) -> Array:
    """Upper triangular U with H^-1 = U^T U: row i says where the error of column i goes (section 3.3 of the paper)."""
    inverse = np.linalg.inv(moments)
    lower = np.linalg.cholesky((inverse + inverse.swapaxes(-1, -2)) / 2)
    return np.ascontiguousarray(lower.swapaxes(-1, -2))


def _round_columns(weights: Array, factor: Array, scales: Array, grid: Grid) -> npt.NDArray[np.int8]:
    """The sweep over columns; what a block of columns lost reaches the columns behind it in one product."""
    left = weights.copy()
    steps = np.zeros(weights.shape, np.int8)
    lost = np.zeros(weights.shape)
    pinned = np.abs(weights) >= grid.widest(weights)[..., None] * grid.limit * (1 - 1e-9)
    size = weights.shape[-1]
    for start in range(0, size, _BLOCK):
        end = min(start + _BLOCK, size)
        for column in range(start, end):
            value = left[..., column]
            step = grid.steps(value, scales)
            step = np.where(pinned[..., column], np.copysign(grid.limit, weights[..., column]), step)
            steps[..., column] = step
            lost[..., column] = (value - step * scales) / factor[:, column, column, None]
            left[..., column + 1 : end] -= lost[..., column, None] * factor[:, None, column, column + 1 : end]
        left[..., end:] -= lost[..., start:end] @ factor[:, start:end, end:]
    steps[np.abs(weights).max(axis=-1) < DEAD] = 0
    return steps
