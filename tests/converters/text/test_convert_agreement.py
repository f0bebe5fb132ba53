"""Agreement of a file's answers with the float network's."""

import math

import numpy as np
import pytest

from litesmith.converters.text.convert_agreement import compare_answers

VALID = np.array([[1, 1, 0], [1, 1, 1]], np.bool_)


def test_embeddings_are_compared_by_their_angle():
    one, other = np.array([[1.0, 0], [0, 2]]), np.array([[2.0, 0], [1, 1]])
    found = compare_answers("embedding", one, other, VALID)
    assert found.cosine_mean == found.share == pytest.approx((1 + math.sqrt(0.5)) / 2)
    assert found.cosine_p5 == pytest.approx(0.95 * math.sqrt(0.5) + 0.05)
    assert found.same is None
    assert compare_answers("embedding", one, 0 * one, VALID).share == 0
    assert compare_answers("embedding", one, one, VALID).to_dict()["snr_db"] is None


def test_classes_are_compared_by_the_largest():
    found = compare_answers("sequence", np.array([[1.0, 0], [0, 1]]), np.array([[2.0, 0], [3, 1]]), VALID)
    assert (found.same, found.share, found.cosine_mean) == (0.5, 0.5, None)
    assert found.snr_db == pytest.approx(10 * math.log10(2 / 10))


def test_padding_is_not_looked_at():
    one = np.zeros((2, 3, 2))
    one[:, :, 1] = 1
    other = one.copy()
    other[0, 2] = [9, 0]  # padding
    assert compare_answers("token", one, other, VALID).same == 1
    assert compare_answers("token", one, other, VALID).snr_db == math.inf
    other[0, 1] = [9, 0]
    assert compare_answers("token", one, other, VALID).same == 0.8


def test_answers_are_compared_by_where_they_start_and_end():
    one = np.zeros((2, 3, 2))
    one[:, 1] = 1
    other = one.copy()
    other[0, 2] = 9  # padding
    assert compare_answers("answer", one, other, VALID).same == 1
    other[1, 2, 1] = 9  # an end
    assert compare_answers("answer", one, other, VALID).same == 0.75
