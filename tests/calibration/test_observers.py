"""Observers against NumPy over all values at once."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from litesmith.calibration.histogram import BINS, Histogram
from litesmith.calibration.observers import ChannelMoments, MinMax, MovingAverage, Several
from litesmith.errors import CalibrationError

# What is nearer to zero is zero: its squares and quotients are no float32.
finite = st.floats(-1e6, 1e6, width=32).map(lambda value: value if abs(value) > 1e-15 else 0.0)


@st.composite
def batches(draw, max_side=6):
    """Batches of one tensor: equal shapes but for the first axis."""
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, max_side=max_side))
    sizes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    return [draw(hnp.arrays(np.float32, (size, *shape), elements=finite)) for size in sizes]


def observed(observer, arrays):
    for array in arrays:
        observer.update(array)
    return observer


@given(batches())
def test_min_max_is_that_of_all_values(arrays):
    found = observed(MinMax(), arrays)
    every = np.concatenate(arrays)
    assert (found.low, found.high) == (every.min(), every.max())


@given(batches(), st.floats(0, 0.99))
def test_moving_average_follows_samples_whatever_the_batches(arrays, decay):
    every = np.concatenate(arrays)
    low, high = float(every[0].min()), float(every[0].max())
    for sample in every[1:]:
        low = decay * low + (1 - decay) * float(sample.min())
        high = decay * high + (1 - decay) * float(sample.max())
    for split in (arrays, [every], list(every[:, None])):
        found = observed(MovingAverage(decay), split)
        assert (found.low, found.high) == pytest.approx((low, high), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("decay", [-0.1, 1, float("nan")])
def test_a_decay_that_forgets_or_keeps_everything_is_refused(decay):
    with pytest.raises(CalibrationError, match="decay"):
        MovingAverage(decay)


@given(batches())
def test_channel_moments_are_those_over_samples_and_places(arrays):
    found = observed(ChannelMoments(second=True), arrays)
    every = np.concatenate(arrays).astype(np.float64)
    places = every.reshape(-1, every.shape[-1] if every.ndim > 1 else 1)
    size = max(np.abs(places).max(), 1e-30)
    np.testing.assert_allclose(found.mean, places.mean(axis=0), rtol=0, atol=1e-5 * size)
    np.testing.assert_allclose(found.second_moment, places.T @ places / len(places), rtol=0, atol=1e-4 * size**2)
    assert found.count == len(places)


@given(st.integers(1, 2000), st.integers(1, 9), st.integers(0, 2**32 - 1))
def test_means_stay_exact_over_many_places(places, channels, seed):
    values = np.random.default_rng(seed).normal(3, 1, (2, places, channels)).astype(np.float32)
    expected = values.reshape(-1, channels).mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(observed(ChannelMoments(), [values]).mean, expected, rtol=2e-6)


def test_second_moments_are_only_kept_on_demand():
    with pytest.raises(CalibrationError, match="second=True"):
        _ = observed(ChannelMoments(), [np.ones((1, 2), np.float32)]).second_moment


def floor_histogram(every, width):
    """Counts of floor(value / width) from the lowest bin to the highest, computed apart."""
    bins = np.floor(every.astype(np.float64).ravel() / width).astype(int)
    return np.bincount(bins - bins.min())


@given(batches())
def test_histogram_counts_every_value_in_its_bin_whatever_the_order(arrays):
    every = np.concatenate(arrays)
    found = observed(Histogram(), arrays)
    assert (found.low, found.high) == (every.min(), every.max())
    assert np.log2(found.width).is_integer()
    np.testing.assert_array_equal(found.counts, floor_histogram(every, found.width))
    assert found.edges[0] <= every.min() < found.edges[1]
    assert found.edges[-2] <= every.max() < found.edges[-1]
    again = observed(Histogram(), [every[::-1]])
    assert again.width == found.width
    np.testing.assert_array_equal(again.counts, found.counts)


@given(batches())
def test_histogram_is_as_fine_as_its_bins_allow(arrays):
    found = observed(Histogram(), arrays)
    low, high = min(found.low, 0), max(found.high, 0)

    def bins(width):
        return np.floor(high / width) - np.floor(low / width) + 1

    assert bins(found.width) <= BINS
    assert found.width == 2.0**-100 or bins(found.width / 2) > BINS


def test_histogram_grows_by_many_orders_and_keeps_every_count():
    found = observed(Histogram(), [np.full((3, 2), value, np.float32) for value in (0, 1e-20, -1e-3, 7, -1e30)])
    assert found.counts.sum() == 30
    # On the scale of 1e30 all others are in the bins at zero.
    assert found.counts[0] == 6
    assert found.counts[-1] == 18


def test_histogram_of_a_big_tensor_equals_numpy():
    values = np.random.default_rng(0).normal(size=(3, 40_000)).astype(np.float32)
    found = observed(Histogram(), [values])
    expected, _ = np.histogram(values.astype(np.float64), bins=found.edges)
    np.testing.assert_array_equal(found.counts, expected)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("make", [MinMax, MovingAverage, ChannelMoments, Histogram])
def test_values_that_are_not_finite_are_refused(make, bad):
    values = np.ones((2, 3), np.float32)
    values[1, 2] = bad
    with pytest.raises(CalibrationError, match="NaN or infinity"):
        make().update(values)


@pytest.mark.parametrize("make", [MinMax, MovingAverage, ChannelMoments, Histogram])
def test_empty_tensors_change_nothing(make):
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    with_empty = observed(make(), [values[:0], values, np.zeros((2, 0), np.float32)])
    alone = observed(make(), [values])
    if make is ChannelMoments:
        np.testing.assert_array_equal(with_empty.mean, alone.mean)
    else:
        assert (with_empty.low, with_empty.high) == (alone.low, alone.high)


@pytest.mark.parametrize("attribute", ["counts", "edges"])
def test_an_empty_histogram_says_so(attribute):
    with pytest.raises(CalibrationError, match="no value"):
        getattr(Histogram(), attribute)


def test_a_mean_of_nothing_says_so():
    with pytest.raises(CalibrationError, match="no value"):
        _ = ChannelMoments().mean


def test_several_observers_see_the_same():
    both = Several((MinMax(), ChannelMoments()))
    both.update(np.array([[1, 2], [3, 6]], np.float32))
    extremes, moments = both.observers
    assert (extremes.low, extremes.high) == (1, 6)
    np.testing.assert_array_equal(moments.mean, [2, 4])
