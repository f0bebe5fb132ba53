"""What was seen of every tensor of the program: limits for each token's place and each channel."""

from __future__ import annotations

import numpy as np

from litesmith.calibration.ranges import Range
from litesmith.converters.text.integer.blocks import Array
from litesmith.converters.text.integer.float_operations import Valid
from litesmith.errors import CalibrationError, ModelError


class Observations:
    """Streaming minimum and maximum; what padding holds is never looked at.

    Args:
        length: texts have up to so many tokens.
        origin: of the network, for messages.

    Attributes:
        wide: how many of the first rows have sums in int16.
    """

    def __init__(self, length: int, origin: str = "") -> None:
        self.wide = 0
        self._origin = origin
        self._length = length
        self._low: dict[str, Array] = {}
        self._high: dict[str, Array] = {}

    def __call__(self, name: str, values: Array, valid: Valid) -> None:
        """Take in values (N, rows, ...) of the rows (N, rows) that are tokens; texts may be cut to their tokens.

        Raises:
            ModelError: one is NaN or infinite.
        """
        shown = valid.reshape(*valid.shape, *(1,) * (values.ndim - 2))
        low = np.where(shown, values, np.inf).min(0)
        high = np.where(shown, values, -np.inf).max(0)
        # A row without tokens is (inf, -inf).
        if not ((low > -np.inf) & (high < np.inf)).all():
            raise ModelError(
                f"the network computes NaN or infinity for the calibration texts (first in {name}); check the weights",
                file=self._origin or None,
            )
        if name not in self._low:
            room = (self._length, *low.shape[1:])
            self._low[name], self._high[name] = np.full(room, np.inf), np.full(room, -np.inf)
        rows = slice(0, len(low))
        np.minimum(self._low[name][rows], low, out=self._low[name][rows])
        np.maximum(self._high[name][rows], high, out=self._high[name][rows])

    def low(self, name: str) -> Array:
        """Smallest value of each channel."""
        lowest: Array = np.min(self._checked(name, self._low), axis=0)
        return lowest

    def high(self, name: str) -> Array:
        """Largest value of each channel."""
        highest: Array = np.max(self._checked(name, self._high), axis=0)
        return highest

    def size(self, name: str, *, narrow: bool = False) -> Array:
        """Largest magnitude of each channel; narrow: without the wide rows, unless all are wide."""
        sizes = self._sizes(name)
        largest: Array = np.max(sizes[self.wide :] if narrow and self.wide < len(sizes) else sizes, axis=0)
        return largest

    def row_sizes(self, name: str) -> Array:
        """Largest magnitude of each row; 0 for rows that no text reached."""
        sizes = self._sizes(name)
        largest: Array = np.max(sizes.reshape(len(sizes), -1), axis=1)
        return largest

    def _sizes(self, name: str) -> Array:
        low, high = self._checked(name, self._low), self._checked(name, self._high)
        return np.where(high >= low, np.maximum(np.abs(low), np.abs(high)), 0).astype(np.float32)

    def range(self, name: str) -> Range:
        """Limits of the whole tensor."""
        return Range(float(self._checked(name, self._low).min()), float(self._checked(name, self._high).max()))

    def _checked(self, name: str, limits: dict[str, Array]) -> Array:
        if name not in limits:
            raise CalibrationError(f"{name} was not observed; calibrate this network first")
        return limits[name]
