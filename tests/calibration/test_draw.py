"""Which samples are taken."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.calibration.draw import draw, draw_at_most
from litesmith.errors import CalibrationError

classes = st.lists(st.sampled_from((-1, 0, 3, 70_000)), min_size=1, max_size=40)
seeds = st.integers(0, 2**31)


@given(classes, seeds, st.data())
def test_classes_take_turns(labels, seed, data):
    labels = np.array(labels)
    few, more = sorted(data.draw(st.tuples(*[st.integers(1, len(labels))] * 2)))
    places = draw(len(labels), more, seed, labels, source="here")
    assert places.tolist() == sorted(set(places.tolist())) and len(places) == more
    assert set(draw(len(labels), few, seed, labels, source="here")) <= set(places)
    found = {one: int((labels[places] == one).sum()) for one in np.unique(labels)}
    not_used_up = [count for one, count in found.items() if count < (labels == one).sum()]
    assert all(count >= max(found.values()) - 1 for count in not_used_up)


@given(st.integers(1, 40), seeds, st.data())
def test_without_classes_or_with_one_it_is_the_first_of_a_permutation(total, seed, data):
    n = data.draw(st.integers(1, total))
    expected = np.sort(np.random.default_rng(seed).permutation(total)[:n])
    assert np.array_equal(draw(total, n, seed, None, source="here"), expected)
    assert np.array_equal(draw(total, n, seed, np.full(total, 7), source="here"), expected)


def test_which_class_gets_one_more_depends_on_the_seed():
    labels = np.repeat(np.arange(5), 10)
    firsts = {int(labels[draw(50, 1, seed, labels, source="here")[0]]) for seed in range(40)}
    assert firsts == set(range(5))


@pytest.mark.parametrize(("limit", "count"), [(None, 5), (3, 3), (5, 5), (9, 5)])
def test_at_most(limit, count):
    assert len(draw_at_most(5, limit, 0, None, source="here")) == count


@pytest.mark.parametrize("n", [0, -1, 6])
def test_impossible_counts(n):
    with pytest.raises(CalibrationError, match=f"here: cannot take {n} of 5 .*; ask for 1 to 5"):
        draw(5, n, 0, None, source="here")
    if n < 1:
        with pytest.raises(CalibrationError, match="ask for 1 to 5"):
            draw_at_most(5, n, 0, None, source="here")
