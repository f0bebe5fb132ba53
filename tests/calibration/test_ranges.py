"""Ranges against brute force over the values themselves."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litesmith.calibration.affine import dequantize, quantize
from litesmith.calibration.entropy import entropy_bins
from litesmith.calibration.histogram import Histogram
from litesmith.calibration.observers import ChannelMoments, MinMax, Several
from litesmith.calibration.ranges import RANGE_METHODS, Range, make_observer, range_of
from litesmith.errors import CalibrationError

seeds = st.integers(0, 2**32 - 1)


def values_of(kind, seed, size=5000):
    random = np.random.default_rng(seed)
    values = {
        "normal": lambda: random.normal(0.3, 1, size),
        "relu": lambda: np.maximum(random.normal(0, 1, size), 0),
        "outliers": lambda: np.append(random.laplace(0, 1, size), [80, -35]),
        "negative": lambda: -random.gamma(2, 1, size),
        "far from zero": lambda: random.normal(100, 1, size),
        "constant": lambda: np.full(size, 2.5),
        "zero": lambda: np.zeros(size),
    }[kind]()
    return values.astype(np.float32)[None]


KINDS = ("normal", "relu", "outliers", "negative", "far from zero", "constant", "zero")
kinds = st.sampled_from(KINDS)


def found_range(method, values, **params):
    observer = make_observer(method)
    observer.update(values)
    return range_of(observer, method, **params)


def quantization_error(values, limits):
    """Mean squared error of int8 through the product's own affine map."""
    scale = max((limits.high - limits.low) / 255, 1e-30)
    zero_point = int(np.rint(-limits.low / scale)) - 128
    there = quantize(values, scale, zero_point, "int8")
    return float(np.square(dequantize(there, scale, zero_point).astype(np.float64) - values).mean())


@pytest.mark.parametrize("limits", [(1.0, 0.0), (float("nan"), 1.0), (0.0, float("inf"))])
def test_a_range_has_finite_limits_in_order(limits):
    with pytest.raises(CalibrationError, match="no range"):
        Range(*limits)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_with_zero_is_the_smallest_range_that_holds_zero_and_the_range(low, width):
    wide = Range(low, low + width).with_zero()
    assert wide.low <= 0 <= wide.high
    assert {wide.low, wide.high} <= {low, low + width, 0.0}
    assert wide.low <= low and low + width <= wide.high


@given(kinds, seeds)
def test_minmax_is_exact_from_either_observer(kind, seed):
    values = values_of(kind, seed)
    exact = Range(float(values.min()), float(values.max()))
    histogram = Histogram()
    histogram.update(values)
    assert found_range("minmax", values) == range_of(histogram, "minmax") == exact


@given(kinds, seeds, st.floats(90, 100))
def test_percentile_cuts_at_most_its_share_from_either_tail(kind, seed, percentile):
    values = values_of(kind, seed)
    limits = found_range("percentile", values, percentile=percentile)
    beyond = values.size * (100 - percentile) / 100
    assert (values < limits.low).sum() <= beyond
    assert (values > limits.high).sum() <= beyond
    # One bin further in would cut more: bins are 1/2048 of the range that holds zero, or finer.
    bin_width = (max(values.max(), 0) - min(values.min(), 0)) / 2047 + 1e-12
    assert (values < limits.low + bin_width * 1.001).sum() > beyond - 1
    assert (values > limits.high - bin_width * 1.001).sum() > beyond - 1


def test_the_default_percentile_drops_a_lone_outlier():
    values = np.append(np.random.default_rng(0).uniform(-1, 1, 30_000), [1000, -500]).astype(np.float32)[None]
    limits = found_range("percentile", values)
    assert -2 < limits.low < -0.9
    assert 0.9 < limits.high < 2


@settings(max_examples=40)
@given(kinds, seeds)
def test_mse_is_as_good_as_a_search_over_all_pairs_of_limits(kind, seed):
    values = values_of(kind, seed)
    limits = found_range("mse", values)
    full = Range(float(values.min()), float(values.max())).with_zero()
    shrink = np.geomspace(1, 1 / 64, 25)
    pairs = [Range(full.low * a, full.high * b) for a in shrink for b in shrink if full.high * b > full.low * a]
    best = min((quantization_error(values, pair) for pair in pairs), default=0.0)
    # Inside a bin all values count as its centre, which is why it cannot be exact.
    assert quantization_error(values, limits) <= 1.05 * best + 1e-5 * (full.high - full.low) ** 2 / 255**2


def test_mse_clips_outliers_and_keeps_what_is_evenly_spread():
    even = np.linspace(-1, 1, 9001, dtype=np.float32)[None]
    kept = found_range("mse", even)
    assert (kept.low, kept.high) == pytest.approx((-1, 1), rel=0.05)
    # Clipping one value at 1 costs 81; steps wide enough for it would cost 150 over a million others.
    spiked = np.append(np.tile(even, 111), [[10]], axis=1).astype(np.float32)
    assert found_range("mse", spiked).high < 5


def slow_entropy_bins(counts, levels, candidates):
    """The pseudo-code of the TensorRT slides, bin by bin."""
    counts = [float(count) for count in counts]
    counts[0] = counts[1]
    best = (np.inf, None)
    for kept in candidates:
        p = counts[:kept]
        p[-1] += sum(counts[kept:])
        groups = [[] for _ in range(levels)]
        for place in range(kept):
            groups[place * levels // kept].append(place)
        q = [0.0] * kept
        for group in groups:
            filled = [place for place in group if counts[place] > 0]
            for place in filled:
                q[place] = sum(counts[other] for other in filled) / len(filled)
        total_p, total_q = sum(p), sum(q)
        divergence = 0.0
        for a, b in zip(p, q, strict=True):
            if a > 0:
                divergence += np.inf if b == 0 else a / total_p * np.log(a / total_p / (b / total_q))
        if not np.isnan(divergence) and divergence <= best[0] + 1e-12:
            best = (divergence, kept)
    return best[1]


@settings(max_examples=30)
@given(seeds, st.sampled_from(["half normal", "exponential", "sparse"]))
def test_entropy_finds_what_the_published_procedure_finds(seed, kind):
    random = np.random.default_rng(seed)
    draw = {"half normal": np.abs(random.normal(size=3000)), "exponential": random.exponential(size=3000)}
    draw["sparse"] = random.integers(0, 20, 60) ** 2
    counts = np.histogram(draw[kind], bins=120)[0]
    assert entropy_bins(counts, 16) == slow_entropy_bins(counts, 16, range(16, 121))


@given(kinds, seeds)
def test_entropy_stays_within_the_values_and_zero(kind, seed):
    values = values_of(kind, seed)
    limits = found_range("entropy", values)
    full = Range(float(values.min()), float(values.max())).with_zero()
    assert full.low <= limits.low <= 0 <= limits.high <= full.high
    if full.low < 0 < full.high:
        clipped = [end for end, whole in ((-limits.low, -full.low), (limits.high, full.high)) if end < whole]
        assert len(set(clipped)) <= 1, "one threshold for both signs"


def test_entropy_clips_outliers():
    assert found_range("entropy", values_of("outliers", 0)).high < 40


@pytest.mark.parametrize("method", RANGE_METHODS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_method_gives_a_range_for_every_kind(method, kind):
    values = values_of(kind, 1)
    limits = found_range(method, values)
    whole = Range(float(values.min()), float(values.max())).with_zero()
    assert whole.low <= limits.low <= limits.high <= whole.high


@pytest.mark.parametrize("method", RANGE_METHODS)
def test_a_range_of_nothing_is_refused(method):
    with pytest.raises(CalibrationError, match="no value"):
        range_of(make_observer(method), method)


def test_moving_average_takes_its_decay():
    observer = make_observer("moving_average", decay=0.5)
    observer.update(np.array([[0, 4], [2, 8]], np.float32))
    assert range_of(observer, "moving_average") == Range(1, 6)


def test_the_fitting_one_of_several_observers_is_taken():
    several = Several((ChannelMoments(), MinMax()))
    several.update(np.array([[1, 5]], np.float32))
    assert range_of(several, "minmax") == Range(1, 5)
    with pytest.raises(CalibrationError, match="mse needs a Histogram, but ChannelMoments, MinMax was kept"):
        range_of(several, "mse")


@pytest.mark.parametrize(
    ("method", "params", "message"),
    [
        ("median", {}, "'median' is no range method; use one of minmax"),
        ("minmax", {"percentile": 99}, "minmax takes no parameter percentile"),
        ("percentile", {"percentile": 40}, "above 50"),
    ],
)
def test_unknown_methods_and_parameters_are_refused(method, params, message):
    histogram = Histogram()
    histogram.update(np.ones((1, 2), np.float32))
    with pytest.raises(CalibrationError, match=message):
        range_of(histogram, method, **params)
