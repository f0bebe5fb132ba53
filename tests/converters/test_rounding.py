"""GPTQ against exhaustive search and against nearest rounding."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litesmith.converters.rounding import INT8, Grid, gptq, nearest, output_error

ONE_SCALE = Grid(per_row=False)


def problem(seed, groups=1, rows=3, size=8, samples=64):
    random = np.random.default_rng(seed)
    mixing = random.normal(size=(groups, size, size))
    x = random.normal(size=(groups, samples, size)) @ mixing
    return random.normal(size=(groups, rows, size)), x.swapaxes(1, 2) @ x / samples


@given(st.integers(0, 10**6))
def test_nearest_is_within_half_a_step_and_uses_the_whole_range(seed):
    weights, _ = problem(seed, groups=2)
    rounded = nearest(weights)
    assert np.all(np.abs(weights - rounded.weights) <= rounded.scales[..., None] / 2 + 1e-12)
    assert np.all(np.abs(rounded.steps).max(axis=-1) == INT8.limit)


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.integers(1, 4))
def test_outputs_change_less_than_with_nearest_rounding(seed, groups):
    weights, moments = problem(seed, groups)
    ours = output_error(weights, gptq(weights, moments).weights, moments).sum()
    theirs = output_error(weights, nearest(weights).weights, moments).sum()
    assert ours <= theirs * (1 + 1e-9)


def test_on_correlated_inputs_most_of_the_error_goes():
    ratios = []
    for seed in range(20):
        weights, moments = problem(seed, rows=8, size=24)
        ours = output_error(weights, gptq(weights, moments).weights, moments).sum()
        ratios.append(ours / output_error(weights, nearest(weights).weights, moments).sum())
    assert np.median(ratios) < 0.6


def test_it_gains_much_of_what_the_best_of_all_roundings_would():
    gained = possible = 0.0
    for seed in range(30):
        weights, moments = problem(seed, rows=1, size=6)
        scale = nearest(weights).scales[0, 0]
        floor = np.floor(weights[0, 0] / scale)
        choices = (((floor + up) * scale)[None, None] for up in itertools.product((0, 1), repeat=6))
        best = min(float(output_error(weights, choice, moments)[0, 0]) for choice in choices)
        plain = float(output_error(weights, nearest(weights).weights, moments)[0, 0])
        gained += plain - float(output_error(weights, gptq(weights, moments, clippings=(1.0,)).weights, moments)[0, 0])
        possible += plain - best
    assert gained > 0.4 * possible


@given(st.integers(0, 10**6))
def test_a_converter_that_sees_the_weights_finds_the_same_integers(seed):
    weights, moments = problem(seed)
    found = gptq(weights, moments)
    again = nearest(found.weights.astype(np.float32).astype(np.float64))
    assert np.array_equal(again.steps, found.steps)


@given(st.integers(0, 10**6))
def test_with_one_scale_for_all_rows_a_converter_finds_the_same_integers_too(seed):
    weights, moments = problem(seed)
    found = gptq(weights, moments, ONE_SCALE)
    assert len(np.unique(found.scales)) == 1
    again = nearest(found.weights.astype(np.float32).astype(np.float64), ONE_SCALE)
    assert np.array_equal(again.steps, found.steps)
    loss = output_error(weights, found.weights, moments).sum()
    assert loss <= output_error(weights, nearest(weights, ONE_SCALE).weights, moments).sum() * (1 + 1e-9)


@pytest.mark.parametrize("method", [lambda w, h: nearest(w), gptq])
def test_rows_without_effect_stay_zero_and_finite(method):
    weights, moments = problem(0)
    weights[0, 1] = 0
    rounded = method(weights, moments)
    assert np.all(rounded.steps[0, 1] == 0) and np.isfinite(rounded.scales).all()


def test_inputs_that_never_vary_are_no_obstacle():
    weights, _ = problem(0)
    rounded = gptq(weights, np.zeros((1, 8, 8)))
    assert np.array_equal(rounded.steps, nearest(weights).steps)


def test_each_group_is_solved_on_its_own():
    weights, moments = problem(5, groups=3)
    together = gptq(weights, moments)
    for group in range(3):
        alone = gptq(weights[group : group + 1], moments[group : group + 1])
        assert np.array_equal(alone.steps[0], together.steps[group])
