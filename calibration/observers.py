"""Streaming statistics of one tensor, updated batch by batch, in memory that does not grow with the samples."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isfinite
from typing import Protocol

import numpy as np
import numpy.typing as npt

from litesmith.errors import CalibrationError

Floats = npt.NDArray[np.float32]

# Values that a second pass finds in the cache still.
_CACHED = 1 << 17
# Float32 additions in a row when channels are summed; float64 takes over after so many.
_ROWS = 256


class Observer(Protocol):
    """What a collector feeds."""

    def update(self, values: Floats) -> None:
        """Take in a batch, first axis the sample; `values` may be a view that is only valid during the call.

        Raises:
            CalibrationError: a value is NaN or infinite.
        """


@dataclass(slots=True)
class MinMax:
    """The smallest and the largest value; `low > high` until there is one."""

    low: float = inf
    high: float = -inf

    def update(self, values: Floats) -> None:
        """Widen to hold `values`."""
        if values.size:
            low, high = limits(values)
            self.low, self.high = min(self.low, low), max(self.high, high)


@dataclass(slots=True)
class MovingAverage:
    """Exponential moving averages of each sample's smallest and largest value, in the order of the samples.

    Attributes:
        decay: weight of the past, 0 to 1; 0.95 is what ai-edge-quantizer takes by default.
    """

    decay: float = 0.95
    low: float = inf
    high: float = -inf

    def __post_init__(self) -> None:
        if not 0 <= self.decay < 1:
            raise CalibrationError(f"a moving average has no decay {self.decay}; it must be at least 0 and below 1")

    def update(self, values: Floats) -> None:
        """Move towards each sample in turn."""
        for sample in values if values.size else ():
            low, high = limits(sample)
            first = self.low > self.high
            self.low = low if first else self.decay * self.low + (1 - self.decay) * low
            self.high = high if first else self.decay * self.high + (1 - self.decay) * high


@dataclass(slots=True)
class ChannelMoments:
    """Means per channel, the last axis, over samples and places; on demand also second moments.

    Attributes:
        second: whether to keep second moments, a matrix of channels x channels.
        count: places seen so far, `N * H * W` of an image.
    """

    second: bool = False
    count: int = 0
    _sums: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    _products: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))

    def update(self, values: Floats) -> None:
        """Add to the sums."""
        if not values.size:
            return
        places = values.reshape(-1, values.shape[-1] if values.ndim > 1 else 1)
        sums = _column_sums(places)
        if not np.isfinite(sums).all():
            raise CalibrationError(_NOT_FINITE)
        if not self.count:
            self._sums = np.zeros_like(sums)
            self._products = np.zeros((len(sums),) * 2) if self.second else self._products
        self._sums += sums
        if self.second:
            self._products += places.T @ places
        self.count += len(places)

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """`E[x]`, shape (C,).

        Raises:
            CalibrationError: nothing was observed.
        """
        return self._sums / self._observed()

    @property
    def second_moment(self) -> npt.NDArray[np.float64]:
        """`E[x x^T]`, shape (C, C).

        Raises:
            CalibrationError: nothing was observed, or second moments were not asked for.
        """
        if not self.second:
            raise CalibrationError("second moments were not kept; observe with ChannelMoments(second=True)")
        return self._products / self._observed()

    def _observed(self) -> int:
        if not self.count:
            raise CalibrationError("no value was observed; calibrate with at least one sample")
        return self.count


@dataclass(frozen=True, slots=True)
class Several:
    """Observers of the same tensor, all of them updated."""

    observers: tuple[Observer, ...]

    def update(self, values: Floats) -> None:
        """Pass `values` to each."""
        for observer in self.observers:
            observer.update(values)


_NOT_FINITE = "holds NaN or infinity; look for such values in the weights, or for samples of a wrong scale"


def limits(values: Floats) -> tuple[float, float]:
    """The smallest and the largest of some values, at least one.

    Raises:
        CalibrationError: one is NaN or infinite.
    """
    flat = values.reshape(-1)
    pieces = [flat[start : start + _CACHED] for start in range(0, flat.size, _CACHED)]
    ends = [float(reduce(piece)) for piece in pieces for reduce in (np.minimum.reduce, np.maximum.reduce)]
    if not all(map(isfinite, ends)):
        raise CalibrationError(_NOT_FINITE)
    return min(ends), max(ends)


def _column_sums(places: Floats) -> npt.NDArray[np.float64]:
    """Sums over the first axis.

    Few channels make short rows, which NumPy adds slowly: rows of many places are added in float32, a bounded number
    of them, then the places within the sum in float64.
    """
    wide = len(places) // _ROWS
    long_rows = places[: wide * _ROWS].reshape(_ROWS, wide * places.shape[1])
    rest: npt.NDArray[np.float64] = places[wide * _ROWS :].sum(axis=0, dtype=np.float64)
    return rest + long_rows.sum(axis=0).reshape(wide, -1).sum(axis=0, dtype=np.float64) if wide else rest
