"""Parity figures against their definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from litesmith.converters.graph import Quantization
from litesmith.converters.verify import compare_outputs
from litesmith.errors import ConversionError

OUTPUTS = arrays(np.float32, (5, 3), elements=st.floats(-100, 100, width=32))


@given(OUTPUTS, OUTPUTS, st.floats(0.01, 2))
def test_differences_are_counted_in_steps_of_the_output_scale(expected, found, scale):
    parity = compare_outputs(expected, found, Quantization((scale,), (0,), 0))
    difference = np.abs(expected.astype(np.float64) - found)
    assert parity.max_lsb == pytest.approx(difference.max() / scale)
    assert parity.mean_lsb == pytest.approx(difference.mean() / scale)
    assert parity.argmax_agreement == np.mean(expected.argmax(1) == found.argmax(1))


def test_equal_outputs_are_equal_and_float_files_have_no_lsb():
    outputs = np.eye(3, dtype=np.float32)
    parity = compare_outputs(outputs, outputs, None)
    assert (parity.max_difference, parity.max_lsb, parity.argmax_agreement, parity.samples) == (0, None, 1, 3)


@pytest.mark.parametrize("shapes", [((2, 3), (3, 2)), ((0, 3), (0, 3))])
def test_what_cannot_be_compared_is_not(shapes):
    with pytest.raises(ConversionError, match="cannot compare"):
        compare_outputs(np.zeros(shapes[0], np.float32), np.zeros(shapes[1], np.float32), None)
