"""What rules want to know of constants, each constant looked at once however many operators share it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.converters.graph import Tensor
from litesmith.errors import ModelError

MOST_LOOKS = 64  # an honest file holds a buffer for one constant, or for a few of equal bytes
_BLOCK = 1 << 20  # elements that are widened at once


class Constants:
    """Reads the constants of one model; facts that take a look at every element are kept.

    A file of a few megabytes can have 100,000 operators that share its one constant.
    """

    def __init__(self, read: Callable[[Tensor], npt.NDArray[np.generic]]) -> None:
        """Use `read` for the value of a constant tensor."""
        self._read = read
        self._known: dict[Hashable, Any] = {}
        self._looks: Counter[int] = Counter()

    def read(self, tensor: Tensor) -> npt.NDArray[np.generic]:
        """The value of a constant."""
        return self._read(tensor)

    def extremes(self, tensor: Tensor) -> tuple[int, int]:
        """The smallest and the largest element of an integer constant.

        Raises:
            ModelError: the constant is damaged, or its buffer is looked at in too many ways.
        """
        low, high = self._fact(tensor, "extremes", lambda values: (int(values.min()), int(values.max())))
        return low, high

    def largest_channel_sum(self, tensor: Tensor, *, last_axis: bool) -> int:
        """The largest sum of |weight - zero point| over one channel of an 8-bit constant.

        Args:
            tensor: the weights.
            last_axis: whether the channels lie along the last dimension instead of the first one.

        Raises:
            ModelError: the constant is damaged, or its buffer is looked at in too many ways.
        """
        zero = tensor.quantization.zero_points[0] if tensor.quantization else 0
        way = ("channel sum", last_axis, zero)
        return int(self._fact(tensor, way, lambda values: _largest_channel_sum(values, last_axis, zero)))

    def _fact(self, tensor: Tensor, way: Hashable, look: Callable[[npt.NDArray[Any]], Any]) -> Any:
        key = (tensor.buffer, tensor.dtype, tensor.shape, way)
        if key not in self._known:
            self._looks[tensor.buffer] += 1
            if self._looks[tensor.buffer] > MOST_LOOKS:
                raise ModelError(
                    f"buffer {tensor.buffer} stands for more than {MOST_LOOKS} different constants; "
                    "convert the model again"
                )
            self._known[key] = look(self._read(tensor))
        return self._known[key]


def _largest_channel_sum(values: npt.NDArray[Any], last_axis: bool, zero: int) -> int:
    values = np.atleast_1d(values)
    rows = values.reshape(-1, values.shape[-1]).T if last_axis else values.reshape(values.shape[0], -1)
    height, largest = max(_BLOCK // rows.shape[1], 1), 0
    for top in range(0, rows.shape[0], height):
        block = rows[top : top + height]
        pieces = (block[:, left : left + _BLOCK] for left in range(0, rows.shape[1], _BLOCK))
        largest = max(largest, int(sum(np.abs(piece.astype(np.int64) - zero).sum(axis=1) for piece in pieces).max()))
    return largest
