"""What a layer's weights are multiplied with: windows of a convolution's input, or the rows of a dense layer's.

TFLite's padding: SAME puts the odd pixel at the end, and windows reach over the border into zeros.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

SAME, VALID = 0, 1  # as in the flatbuffer


@dataclass(frozen=True, slots=True)
class Window:
    """Geometry of a convolution: kernel (height, width), strides, dilations, padding SAME or VALID."""

    kernel: tuple[int, int]
    strides: tuple[int, int] = (1, 1)
    dilations: tuple[int, int] = (1, 1)
    padding: int = SAME

    def __post_init__(self) -> None:
        if min(*self.kernel, *self.strides, *self.dilations) < 1 or self.padding not in (SAME, VALID):
            raise ValueError(f"{self} is no window")

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns of the output for an input of that size."""
        reach = self._reach()
        if self.padding == SAME:
            return -(-height // self.strides[0]), -(-width // self.strides[1])
        return (height - reach[0]) // self.strides[0] + 1, (width - reach[1]) // self.strides[1] + 1

    def offsets(self, height: int, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
        """Padding (before, after) in height and width."""
        rows, columns = self.output_size(height, width)
        return (
            _padding(rows, self.strides[0], self._reach()[0], height),
            _padding(columns, self.strides[1], self._reach()[1], width),
        )

    def _reach(self) -> tuple[int, int]:
        return tuple((size - 1) * step + 1 for size, step in zip(self.kernel, self.dilations, strict=True))  # type: ignore[return-value]


def windows(x: Array, window: Window, places: int | None = None, seed: int = 0) -> Array:
    """Windows of the input at output places: (places, kernel height * kernel width, C).

    Args:
        x: input (N, H, W, C).
        window: geometry.
        places: how many places to draw with `seed`, over all samples; all of them if None or fewer exist.
        seed: for drawing.
    """
    padded, rows, columns = _padded(x, window)
    total = len(x) * rows * columns
    chosen = np.arange(total)
    if places is not None and places < total:
        chosen = np.sort(np.random.default_rng(seed).permutation(total)[:places])
    sample, row, column = np.unravel_index(chosen, (len(x), rows, columns))
    top, left = row * window.strides[0], column * window.strides[1]
    return np.stack(
        [
            padded[sample, top + dy * window.dilations[0], left + dx * window.dilations[1]]
            for dy in range(window.kernel[0])
            for dx in range(window.kernel[1])
        ],
        axis=1,
    )


def window_means(x: Array, window: Window) -> npt.NDArray[np.float64]:
    """Mean over samples and places of every window element: (kernel height * kernel width, C), exact at borders."""
    padded, rows, columns = _padded(x.mean(axis=0, dtype=np.float64, keepdims=True), window)
    means = []
    for dy in range(window.kernel[0]):
        for dx in range(window.kernel[1]):
            top, left = dy * window.dilations[0], dx * window.dilations[1]
            part = padded[
                0,
                top : top + (rows - 1) * window.strides[0] + 1 : window.strides[0],
                left : left + (columns - 1) * window.strides[1] + 1 : window.strides[1],
            ]
            means.append(part.mean(axis=(0, 1)))
    return np.stack(means)


def _padded(x: npt.NDArray[Any], window: Window) -> tuple[npt.NDArray[Any], int, int]:
    height, width = x.shape[1:3]
    rows, columns = window.output_size(height, width)
    vertical, horizontal = window.offsets(height, width)
    return np.pad(x, ((0, 0), vertical, horizontal, (0, 0))), rows, columns


def _padding(outputs: int, stride: int, reach: int, size: int) -> tuple[int, int]:
    total = max((outputs - 1) * stride + reach - size, 0)
    return total // 2, total - total // 2
