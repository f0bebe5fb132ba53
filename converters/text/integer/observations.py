"""What was seen of every tensor of the program: limits for each token's place and each channel."""

from __future__ import annotations

import numpy as np

from litesmith.calibration.ranges import Range
from litesmith.converters.text.integer.float_operations import Valid
from litesmith.converters.text.integer.network import Array
from litesmith.errors import CalibrationError


class Observations:
    """Streaming minimum and maximum; what padding holds is never looked at."""

    def __init__(self, length: int) -> None:
        """Texts have up to `length` tokens."""
        self._length = length
        self._low: dict[str, Array] = {}
        self._high: dict[str, Array] = {}

    def __call__(self, name: str, values: Array, valid: Valid) -> None:
        """Take in values (N, rows, ...) of the rows (N, rows) that are tokens; texts may be cut to their tokens."""
        shown = valid.reshape(*valid.shape, *(1,) * (values.ndim - 2))
        low = np.where(shown, values, np.inf).min(0)
        high = np.where(shown, values, -np.inf).max(0)
        if name not in self._low:
            room = (self._length, *low.shape[1:])
            self._low[name], self._high[name] = np.full(room, np.inf), np.full(room, -np.inf)
        rows = slice(0, len(low))
        np.minimum(self._low[name][rows], low, out=self._low[name][rows])
        np.maximum(self._high[name][rows], high, out=self._high[name][rows])

    def low(self, name: str, *, start: int = 0) -> Array:
        """Smallest value of each channel, over the rows from `start`."""
        return self._checked(name, self._low)[start:].min(0)

    def high(self, name: str, *, start: int = 0) -> Array:
        """Largest value of each channel, over the rows from `start`."""
        return self._checked(name, self._high)[start:].max(0)

    def size(self, name: str, *, start: int = 0) -> Array:
        """Largest magnitude of each channel, over the rows from `start`; 0 for rows that no text reached."""
        low, high = self.low(name, start=start), self.high(name, start=start)
        reached = high >= low
        return np.where(reached, np.maximum(np.abs(low), np.abs(high)), 0).astype(np.float32)

    def row_sizes(self, name: str) -> Array:
        """Largest magnitude of each row; 0 for rows that no text reached."""
        low, high = self._checked(name, self._low), self._checked(name, self._high)
        sizes = np.where(high >= low, np.maximum(np.abs(low), np.abs(high)), 0)
        return sizes.reshape(len(sizes), -1).max(1).astype(np.float32)

    def range(self, name: str) -> Range:
        """Limits of the whole tensor."""
        return Range(float(self._checked(name, self._low).min()), float(self._checked(name, self._high).max()))

    def _checked(self, name: str, limits: dict[str, Array]) -> Array:
        if name not in limits:
            raise CalibrationError(f"{name} was not observed; calibrate this network first")
        return limits[name]
