"""Activations and integers against their definitions."""

from math import erf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from litesmith.calibration.ranges import Range
from litesmith.converters.text.integer import functions
from litesmith.converters.text.integer.functions import FUNCTIONS, IDENTITY_ABOVE, ZERO_BELOW
from litesmith.converters.text.integer.integers import int8_steps, int16_steps, kernel_integers, rounded

X = np.linspace(-12, 12, 4001, dtype=np.float32)
LIMITS = st.tuples(st.floats(-1e6, 1e6, width=32), st.floats(-1e6, 1e6, width=32)).map(sorted)


def test_the_error_function_is_within_float32s_rounding():
    np.testing.assert_allclose(functions.erf(X), [erf(x) for x in X], atol=5e-7)


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("gelu", lambda x: x * (1 + erf(x / 2**0.5)) / 2),
        ("gelu_tanh", lambda x: x * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3))) / 2),
        ("relu", lambda x: max(x, 0)),
        ("silu", lambda x: x / (1 + np.exp(-x))),
        ("tanh", np.tanh),
    ],
)
def test_activations_are_their_formulas(name, formula):
    np.testing.assert_allclose(FUNCTIONS[name](X), [formula(float(x)) for x in X], atol=2e-6)


@pytest.mark.parametrize("name", IDENTITY_ABOVE)
def test_above_its_limit_an_activation_is_the_identity_and_below_the_other_one_it_is_zero(name):
    above, below = X[IDENTITY_ABOVE[name] <= X], X[ZERO_BELOW[name] >= X]
    np.testing.assert_allclose(FUNCTIONS[name](above), above, atol=1e-4)
    np.testing.assert_allclose(FUNCTIONS[name](below), 0, atol=1e-4)


@given(LIMITS)
def test_all_integers_cover_the_range_and_zero_is_one_of_them(limits):
    low, high = limits
    steps = int8_steps(Range(low, high))
    assert -128 <= steps.zero_point <= 127
    assert (-128 - steps.zero_point) * steps.scale <= low + steps.scale
    assert (127 - steps.zero_point) * steps.scale >= high - steps.scale
    for symmetric, largest in (
        (int8_steps(Range(low, high), symmetric=True), 127),
        (int16_steps(Range(low, high)), 32767),
    ):
        assert symmetric.zero_point == 0
        assert symmetric.scale * largest == pytest.approx(max(-low, high, 1e-12))


@given(arrays(np.float32, (5, 4), elements=st.floats(-100, 100, width=32)))
def test_a_kernel_is_rounded_by_less_than_half_a_step_of_its_output(kernel):
    integers, scales = kernel_integers(kernel)
    assert integers.shape == (4, 5)
    assert (scales > 0).all()
    assert (np.abs(integers.T * scales - kernel) <= scales * 0.5001).all()


def test_values_beyond_the_range_are_cut():
    assert rounded(np.array([-9, 0.6, 9], np.float32), 1.0, 7, np.int8).tolist() == [-7, 1, 7]
