"""A histogram whose range grows as values come."""

from __future__ import annotations

from math import floor, frexp, inf

import numpy as np
import numpy.typing as npt

from litesmith.calibration.observers import Floats, limits
from litesmith.errors import CalibrationError

BINS = 4096
# 2^-100 is far below any activation that matters, and its inverse is still a float32.
_NARROWEST = -100
# Values at a time: what is computed on the way stays in the cache.
_CHUNK = 1 << 15


class Histogram:
    """Counts of values in bins `[k * width, (k + 1) * width)` for integer k.

    The width is the smallest power of two with which `BINS` bins hold zero and all values so far; when a value
    falls outside, it doubles and bins are merged in pairs. A power of two divides exactly in float32, so the
    counts are those of `floor(value / width)` and depend neither on the order of the values nor on the batches.

    Attributes:
        low: the smallest value; above `high` until there is one.
        high: the largest value.
    """

    __slots__ = ("_counts", "_exponent", "_first", "high", "low")

    def __init__(self) -> None:
        self.low, self.high = inf, -inf
        self._counts = np.zeros(BINS, np.int64)
        self._exponent = _NARROWEST
        self._first = 0

    def update(self, values: Floats) -> None:
        """Count `values`, any shape.

        Raises:
            CalibrationError: a value is NaN or infinite.
        """
        if not values.size:
            return
        low, high = limits(values)
        if low < self.low or high > self.high:
            self._hold(min(low, self.low), max(high, self.high))
        inverse = np.float32(2.0**-self._exponent)
        flat = values.reshape(-1)
        for start in range(0, flat.size, _CHUNK):
            places = flat[start : start + _CHUNK] * inverse
            np.floor(places, out=places)
            places -= np.float32(self._first)
            self._counts += np.bincount(places.astype(np.intp), minlength=BINS)

    @property
    def width(self) -> float:
        """Width of a bin, a power of two."""
        return float(2.0**self._exponent)

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Counts of the bins from that of `low` to that of `high`.

        Raises:
            CalibrationError: nothing was observed.
        """
        first, last = self._bin(self.low), self._bin(self.high)
        return self._counts[first - self._first : last - self._first + 1].copy()

    @property
    def edges(self) -> npt.NDArray[np.float64]:
        """Edges of those bins, one more than there are counts."""
        return np.arange(self._bin(self.low), self._bin(self.high) + 2) * self.width

    def _bin(self, value: float) -> int:
        if self.low > self.high:
            raise CalibrationError("no value was observed; calibrate with at least one sample")
        return floor(value / self.width)

    def _hold(self, low: float, high: float) -> None:
        """Double until zero and both fit, and move the bins to begin at the lowest."""
        bottom, top = min(low, 0.0), max(high, 0.0)
        exponent = max(self._exponent, frexp((top - bottom) / BINS or 2.0**_NARROWEST)[1] - 1)
        while floor(top / 2.0**exponent) - floor(bottom / 2.0**exponent) >= BINS:
            exponent += 1
        counted = np.flatnonzero(self._counts)
        merged = (counted + self._first) >> (exponent - self._exponent) if counted.size else counted
        first = floor(bottom / 2.0**exponent)
        grown = np.zeros(BINS, np.int64)
        np.add.at(grown, merged - first, self._counts[counted])
        self.low, self.high = low, high
        self._counts, self._exponent, self._first = grown, exponent, first
