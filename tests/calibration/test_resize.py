"""Resizing, bit for bit, against loops over single pixels."""

import math
from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from litesmith.calibration.colour import to_gray
from litesmith.calibration.resize import bilinear, nearest

F = np.float32
sides = st.integers(1, 9)
images = hnp.arrays(np.uint8, st.tuples(sides, sides, st.sampled_from((1, 3))))
float_images = hnp.arrays(np.float32, st.tuples(sides, sides, st.just(1)), elements=st.floats(-1e3, 1e3, width=32))


def slow_tap(place, source, target):
    centre = F(F(F(F(place) + F(0.5)) * F(F(source) / F(target))) - F(0.5))
    centre = min(max(centre, F(0)), F(source - 1))
    low = math.floor(centre)
    return low, min(low + 1, source - 1), F(centre - F(low))


def slow_mix(a, b, t):
    return F(F(a) + F(F(F(b) - F(a)) * t))


def slow_bilinear(image, height, width):
    result = np.empty((height, width, image.shape[2]), F)
    for y in range(height):
        top, bottom, down = slow_tap(y, image.shape[0], height)
        for x in range(width):
            left, right, across = slow_tap(x, image.shape[1], width)
            for c in range(image.shape[2]):
                above = slow_mix(image[top, left, c], image[top, right, c], across)
                below = slow_mix(image[bottom, left, c], image[bottom, right, c], across)
                result[y, x, c] = slow_mix(above, below, down)
    return result


@given(images | float_images, sides, sides)
def test_bilinear_equals_the_slow_loop_bit_for_bit(image, height, width):
    result = bilinear(image, height, width)
    assert result.dtype == np.float32
    assert np.array_equal(result, slow_bilinear(image, height, width))


@given(images)
def test_same_size_changes_nothing(image):
    assert np.array_equal(bilinear(image, *image.shape[:2]), image)
    assert np.array_equal(nearest(image, *image.shape[:2]), image)


@given(images, sides, sides)
def test_bilinear_stays_between_the_extremes(image, height, width):
    result = bilinear(image, height, width)
    assert result.min() >= image.min() - 1e-3
    assert result.max() <= image.max() + 1e-3


def test_bilinear_by_hand():
    row = np.array([0, 100], np.uint8).reshape(1, 2, 1)
    assert bilinear(row, 1, 4).ravel().tolist() == [0, 25, 75, 100]
    assert bilinear(row, 1, 1).ravel().tolist() == [50]


@given(images, sides, sides)
def test_nearest_takes_the_pixel_under_the_centre(image, height, width):
    result = nearest(image, height, width)
    for y in range(height):
        for x in range(width):
            row = math.floor((y + Fraction(1, 2)) * image.shape[0] / height)
            column = math.floor((x + Fraction(1, 2)) * image.shape[1] / width)
            assert np.array_equal(result[y, x], image[row, column])


@given(hnp.arrays(np.uint8, (2, 2, 3)))
def test_gray_equals_the_slow_sum(image):
    for y in range(2):
        for x in range(2):
            red, green, blue = (F(value) for value in image[y, x])
            luma = F(F(F(F(0.299) * red) + F(F(0.587) * green)) + F(F(0.114) * blue))
            assert to_gray(image)[y, x, 0] == luma
