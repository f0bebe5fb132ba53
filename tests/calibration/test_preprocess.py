"""The preprocessing contract: what it computes, what it refuses, and its JSON form."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from litesmith.calibration.preprocess import Preprocess
from litesmith.calibration.resize import bilinear, to_gray
from litesmith.errors import DataError

sides = st.integers(1, 8)
raw_images = hnp.arrays(np.uint8, st.tuples(sides, sides) | st.tuples(sides, sides, st.sampled_from((1, 3))))
numbers = st.floats(-1e6, 1e6)
scales = numbers.filter(lambda value: np.float32(value) != 0)


@st.composite
def preprocesses(draw):
    scale, offset = draw(scales), draw(numbers)
    if draw(st.booleans()):
        return Preprocess(tuple(draw(st.lists(sides, min_size=1, max_size=4))), "tensor", "none", scale, offset)
    shape = (draw(sides), draw(sides), draw(st.sampled_from((1, 3))))
    return Preprocess(shape, "image", draw(st.sampled_from(("none", "nearest", "bilinear"))), scale, offset)


@given(preprocesses())
def test_json_round_trip(preprocess):
    assert Preprocess.from_dict(json.loads(json.dumps(preprocess.to_dict()))) == preprocess


@given(raw_images, sides, sides, st.sampled_from((1, 3)), st.sampled_from(("nearest", "bilinear")))
def test_any_image_becomes_the_models_tensor(raw, height, width, channels, resize):
    preprocess = Preprocess((height, width, channels), "image", resize, 1 / 255, -0.5)
    result = preprocess.apply(raw)
    assert result.shape == preprocess.shape
    assert result.dtype == np.float32
    assert result.min() >= -0.5
    assert result.max() <= 0.5 + 1e-6


@given(raw_images, sides, sides, st.sampled_from((1, 3)))
def test_pixels_may_be_stored_instead_of_the_image(raw, height, width, channels):
    preprocess = Preprocess((height, width, channels), "image", "bilinear", 2.0, 1.0)
    pixels = preprocess.pixels(raw)
    assert pixels.dtype == np.uint8
    assert np.array_equal(preprocess.apply(pixels), preprocess.apply(raw))


@given(hnp.arrays(np.float32, 5, elements=st.floats(-1e3, 1e3, width=32)), scales, numbers)
def test_scale_then_offset_in_float32(values, scale, offset):
    result = Preprocess((5,), "tensor", "none", scale, offset).apply(values)
    expected = [np.float32(np.float32(v * np.float32(scale)) + np.float32(offset)) for v in values]
    assert np.array_equal(result, np.array(expected, np.float32))


def test_eight_bit_images_are_rounded_once_after_gray_and_resize():
    raw = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    expected = np.floor(bilinear(to_gray(raw), 4, 4) + np.float32(0.5))
    assert np.array_equal(Preprocess((4, 4, 1), "image", "bilinear").apply(raw), expected)


def test_float_images_are_not_rounded():
    raw = np.array([[0.25, 0.75]], np.float64)
    assert Preprocess((1, 1, 1), "image", "bilinear").apply(raw).tolist() == [[[0.5]]]


def test_gray_becomes_rgb_by_repeating():
    raw = np.array([[3, 200]], np.uint8)
    assert Preprocess((1, 2, 3)).apply(raw).tolist() == [[[3, 3, 3], [200, 200, 200]]]


def test_wider_integers_are_images_if_they_fit_eight_bits():
    raw = np.array([[0, 255]], np.int64)
    assert Preprocess((1, 2, 1)).pixels(raw).dtype == np.uint8
    with pytest.raises(DataError, match="0 to 255"):
        Preprocess((1, 2, 1)).apply(raw + 1)


def test_batch_of_different_sizes():
    preprocess = Preprocess((2, 2, 1), "image", "bilinear")
    raws = [np.full((3, 5), 7, np.uint8), np.full((2, 2, 3), 9, np.uint8)]
    batch = preprocess.apply_batch(raws)
    assert batch.shape == (2, 2, 2, 1)
    assert all(np.array_equal(batch[i], preprocess.apply(raw)) for i, raw in enumerate(raws))
    assert preprocess.apply_batch([]).shape == (0, 2, 2, 1)


def test_scale_is_the_float32_that_is_used():
    assert Preprocess((1,), "tensor", scale=1 / 255).to_dict()["scale"] == float(np.float32(1 / 255))


@pytest.mark.parametrize(("shape", "channels"), [((2, 2, 1), "gray"), ((2, 2, 3), "rgb")])
def test_channels_follow_the_shape(shape, channels):
    assert Preprocess(shape).channels == channels
    assert Preprocess(shape, "tensor").channels is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((),), "positive whole numbers"),
        (((0, 2, 1),), "positive whole numbers"),
        (((2.5, 2, 1),), "positive whole numbers"),
        (((2, 2, 4),), "1 or 3"),
        (((2, 2),), "1 or 3"),
        (((2, 2, 1), "audio"), "kind 'audio'"),
        (((2, 2, 1), "image", "bicubic"), "resize 'bicubic'"),
        (((2,), "tensor", "bilinear"), "cannot be resized"),
        (((2, 2, 1), "image", "none", float("nan")), "scale nan"),
        (((2, 2, 1), "image", "none", 1.0, 1e39), "offset 1e\\+39"),
        (((2, 2, 1), "image", "none", 0), "scale 0 makes every sample the same"),
        (((2, 2, 1), "image", "none", 1e-50), "scale 0 makes every sample the same"),
        (((2, 2, 1), "image", "none", "1"), "must be a number"),
    ],
)
def test_impossible_contracts_are_refused(arguments, message):
    with pytest.raises(DataError, match=message):
        Preprocess(*arguments)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (np.zeros((3, 3), np.uint8), "3x3 does not fit 2x2"),
        (np.zeros((2, 2, 4), np.uint8), "is no image"),
        (np.zeros((0, 2), np.uint8), "is no image"),
        (np.zeros(4, np.uint8), "is no image"),
        (np.zeros((2, 2), np.bool_), "uint8 or float32"),
    ],
)
def test_unfit_images_are_refused(raw, message):
    with pytest.raises(DataError, match=message):
        Preprocess((2, 2, 1)).apply(raw)


def test_unfit_tensors_are_refused():
    with pytest.raises(DataError, match=r"\(3,\) does not fit \(2,\)"):
        Preprocess((2,), "tensor").apply(np.zeros(3, np.float32))
    with pytest.raises(DataError, match="not numbers"):
        Preprocess((2,), "tensor").apply(np.array(["a", "b"]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "version 2"),
        ({"crop": 1}, "unknown key crop"),
        ({"channels": "rgb"}, "contradict"),
        ({"shape": 4}, "must be a list"),
        ({"scale": None}, "must be a number"),
        ({"kind": ["image"]}, "kind"),
    ],
)
def test_other_documents_are_refused(change, message):
    document = Preprocess((2, 2, 1)).to_dict() | change
    with pytest.raises(DataError, match=message):
        Preprocess.from_dict(document)


def test_a_missing_key_is_named():
    document = Preprocess((2, 2, 1)).to_dict()
    del document["offset"]
    with pytest.raises(DataError, match="missing key offset"):
        Preprocess.from_dict(document)
