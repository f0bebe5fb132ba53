"""The one figure of a file: a share of right classes, or a mean cosine."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.converters.metric import ACCURACY, COSINE, accuracy, metric_of


def vectors(count, seed):
    return np.random.default_rng(seed).normal(0, 1, (count, 5)).astype(np.float32)


def test_labels_are_counted():
    assert accuracy(np.eye(3)[[0, 1, 2, 2]], np.array([0, 1, 2, 0])) == 0.75


@given(st.integers(0, 99), st.floats(0.01, 100))
def test_the_length_of_vectors_does_not_matter(seed, scale):
    found, wanted = vectors(7, seed), vectors(7, seed + 1)
    plain = [np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(found, wanted, strict=True)]
    figure = accuracy(found * scale, wanted)
    assert figure == pytest.approx(max(0, np.mean(plain)), abs=1e-6)
    assert 0 <= figure <= 1
    assert accuracy(wanted * scale, wanted) == pytest.approx(1)


def test_vectors_that_point_elsewhere_have_no_share_at_all():
    wanted = vectors(4, 0)
    assert accuracy(-wanted, wanted) == 0
    assert accuracy(wanted * 0, wanted) == 0


def test_each_figure_is_written_in_its_own_way():
    assert (metric_of(np.zeros(3)), metric_of(np.zeros((3, 0)))) == (ACCURACY, COSINE)
    assert (ACCURACY.text(0.98765), COSINE.text(0.98765)) == ("98.77%", "0.9877")
    assert (ACCURACY.difference(0.005), COSINE.difference(0.005)) == ("0.50 points", "0.0050")
    assert (ACCURACY.text(None), COSINE.text(None)) == ("-", "-")
