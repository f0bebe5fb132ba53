"""Which pixels are looked at and where they are put, by hand; `test_preprocess_bits` has the arithmetic."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.calibration.geometry import central_aspect, central_share, letterbox_size, on_canvas, upright
from litesmith.errors import DataError

sides = st.integers(1, 300)


def numbered(height, width):
    return np.arange(height * width, dtype=np.int64).reshape(height, width, 1)


@pytest.mark.parametrize(
    ("size", "share", "kept"),
    [(10, 0.5, range(2, 7)), (9, 0.5, range(2, 7)), (4, 0.01, range(1, 2)), (1, 0.01, range(1)), (8, 0.875, range(7))],
)
def test_the_central_share_is_rounded_up_at_halves(size, share, kept):
    assert central_share(numbered(size, 1), share).ravel().tolist() == list(kept)
    assert central_share(numbered(1, size), share).ravel().tolist() == list(kept)


@given(sides, sides, st.integers(1, 40), st.integers(1, 40))
def test_the_centre_keeps_one_side_and_the_other_is_as_near_as_can_be(rows, columns, height, width):
    kept = central_aspect(np.empty((rows, columns, 0)), height, width)
    assert rows in kept.shape[:2] or columns in kept.shape[:2]
    wanted = (min(rows, columns * height / width), min(columns, rows * width / height))
    assert all(abs(got - best) <= 0.5 or got == 1 for got, best in zip(kept.shape[:2], wanted, strict=True))


@given(sides, sides, sides, sides)
def test_a_letterbox_fits_and_touches(rows, columns, height, width):
    inner = letterbox_size(rows, columns, height, width)
    assert inner[0] <= height
    assert inner[1] <= width
    assert inner[0] == height or inner[1] == width
    assert min(inner) >= 1


def test_the_same_proportions_leave_no_border():
    assert letterbox_size(480, 640, 240, 320) == (240, 320)
    assert letterbox_size(640, 480, 240, 320) == (240, 180)


def test_an_odd_rest_goes_below_and_to_the_right():
    result = on_canvas(np.full((1, 2, 1), 7, np.uint8), 4, 3, 9)
    assert result[..., 0].tolist() == [[9, 9, 9], [7, 7, 9], [9, 9, 9], [9, 9, 9]]


@given(st.integers(1, 5), st.integers(1, 5))
def test_four_quarters_are_none(height, width):
    image = numbered(height, width)
    turned = upright(upright(upright(upright(image, 90), 90), 90), 90)
    assert np.array_equal(turned, image)
    assert np.array_equal(upright(image, 180), upright(upright(image, 90), 90))
    assert np.array_equal(upright(image, 270), upright(upright(image, 180), 90))


def test_other_angles_are_refused():
    with pytest.raises(DataError, match="not -90"):
        upright(numbered(2, 2), -90)
