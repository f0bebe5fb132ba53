"""From what was observed of a tensor to the range that its integers stand for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.entropy import entropy_bins
from litesmith.calibration.histogram import Histogram
from litesmith.calibration.observers import MinMax, MovingAverage, Observer, Several
from litesmith.errors import CalibrationError

Doubles = npt.NDArray[np.float64]

# Fractions of the range tried by the MSE search: steps of 4% down to 1/64.
_SHRINK = 2.0 ** -(np.arange(97) / 16)
_MSE_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Range:
    """The real values, `low` to `high`, that a tensor's integers cover.

    Raises:
        CalibrationError: at construction, if a limit is not finite or `low > high`.
    """

    low: float
    high: float

    def __post_init__(self) -> None:
        if not (isfinite(self.low) and isfinite(self.high)) or self.low > self.high:
            raise CalibrationError(f"{self.low} to {self.high} is no range; both must be finite, the lower first")

    def with_zero(self) -> Range:
        """The range widened to hold zero, which padding and ReLU need to be exact."""
        return Range(min(self.low, 0.0), max(self.high, 0.0))


def make_observer(method: str, **params: float) -> Observer:
    """An observer that keeps what `method` needs.

    Args:
        method: one of `RANGE_METHODS`.
        params: `decay` for moving_average; those of `range_of` are accepted and not used.

    Raises:
        CalibrationError: no such method or parameter.
    """
    chosen = _method(method, params)
    return MovingAverage(params.get("decay", 0.95)) if method == "moving_average" else chosen.observers[0]()


def range_of(observer: Observer, method: str, **params: float) -> Range:
    """The range that `method` gives for what was observed.

    minmax holds every value. moving_average is the mean of recent samples' limits and cuts the others.
    percentile keeps `percentile` % of the values on either side. mse is the range whose integers of `bits` have
    the smallest expected squared error, among ranges shrunk by steps of 4% from either end. entropy is what
    TensorRT documents, see `calibration.entropy`.

    Args:
        observer: one made by `make_observer(method)`, or `Several` that hold such a one.
        method: one of `RANGE_METHODS`.
        params: `percentile` (99.99) for percentile; `bits` (8) for mse and entropy.

    Raises:
        CalibrationError: no such method or parameter, the observer does not keep what it needs, or saw nothing.
    """
    chosen = _method(method, params)
    every = observer.observers if isinstance(observer, Several) else (observer,)
    fitting = [one for one in every if isinstance(one, chosen.observers)]
    if not fitting:
        names = ", ".join(type(one).__name__ for one in every)
        needed = chosen.observers[0].__name__
        raise CalibrationError(f"{method} needs a {needed}, but {names} was kept; calibrate again with make_observer")
    found: Any = fitting[0]
    if found.low > found.high:
        raise CalibrationError("no value was observed; calibrate with at least one sample")
    return chosen.find(found, **{**chosen.defaults, **params})


def _limits(observer: MinMax | MovingAverage | Histogram, **_: float) -> Range:
    return Range(observer.low, observer.high)


def _percentile(observer: Histogram, percentile: float) -> Range:
    """The innermost edges of bins with at most the tail's share of values beyond them."""
    if not 50 < percentile <= 100:
        raise CalibrationError(f"a percentile of {percentile} keeps no range; it must be above 50 and at most 100")
    counts, edges = observer.counts, observer.edges
    beyond = counts.sum() * (100 - percentile) / 100
    low = edges[:-1][np.cumsum(counts) - counts <= beyond][-1]
    high = edges[1:][counts.sum() - np.cumsum(counts) <= beyond][0]
    return Range(max(float(low), observer.low), min(float(high), observer.high))


def _mse(observer: Histogram, bits: float) -> Range:
    """Coordinate descent from the full range: the best upper end, then the best lower end, until neither moves."""
    counts, edges = observer.counts, observer.edges
    filled = counts > 0
    values, weights = ((edges[:-1] + edges[1:]) / 2)[filled], counts[filled].astype(np.float64)
    full = Range(observer.low, observer.high).with_zero()
    lows, highs = full.low * _SHRINK, full.high * _SHRINK
    low, high = full.low, full.high
    for _ in range(_MSE_ROUNDS):
        before = low, high
        high = float(highs[np.argmin(_errors(values, weights, np.full_like(highs, low), highs, bits))])
        low = float(lows[np.argmin(_errors(values, weights, lows, np.full_like(lows, high), bits))])
        if (low, high) == before:
            break
    return Range(low, high)


def _errors(values: Doubles, weights: Doubles, lows: Doubles, highs: Doubles, bits: float) -> Doubles:
    """Sums of squared errors of an affine quantizer with a rounded zero point, for each of several ranges."""
    steps = 2**bits - 1
    scale = np.maximum((highs - lows) / steps, np.finfo(np.float32).tiny)[:, None]
    zero_point = np.rint(-lows[:, None] / scale)
    rounded = np.clip(np.rint(values / scale), -zero_point, steps - zero_point) * scale
    errors: Doubles = np.square(rounded - values) @ weights
    return errors


def _entropy(observer: Histogram, bits: float) -> Range:
    """One threshold for both signs; a tensor without a sign has all integers for its magnitudes."""
    bins = np.rint(observer.edges[:-1] / observer.width).astype(np.int64)
    # A negative bin -(k + 1) holds the magnitudes of bin k.
    magnitudes = np.bincount(np.where(bins < 0, -bins - 1, bins), observer.counts).astype(np.int64)
    full = Range(observer.low, observer.high).with_zero()
    signed = full.low < 0 < full.high
    threshold = entropy_bins(magnitudes, 2 ** int(bits - signed)) * observer.width
    return Range(max(full.low, -threshold), min(full.high, threshold))


@dataclass(frozen=True, slots=True)
class _Method:
    observers: tuple[type[Any], ...]
    find: Callable[..., Range]
    defaults: Mapping[str, float]


_METHODS: Mapping[str, _Method] = MappingProxyType(
    {
        "minmax": _Method((MinMax, Histogram), _limits, {}),
        "moving_average": _Method((MovingAverage,), _limits, {"decay": 0.95}),
        "percentile": _Method((Histogram,), _percentile, {"percentile": 99.99}),
        "mse": _Method((Histogram,), _mse, {"bits": 8}),
        "entropy": _Method((Histogram,), _entropy, {"bits": 8}),
    }
)
RANGE_METHODS = tuple(_METHODS)


def _method(name: str, params: Mapping[str, float]) -> _Method:
    if name not in _METHODS:
        raise CalibrationError(f"{name!r} is no range method; use one of {', '.join(RANGE_METHODS)}")
    unknown = params.keys() - _METHODS[name].defaults.keys()
    if unknown:
        accepted = ", ".join(_METHODS[name].defaults) or "none"
        raise CalibrationError(f"{name} takes no parameter {', '.join(sorted(unknown))}; it takes: {accepted}")
    return _METHODS[name]
