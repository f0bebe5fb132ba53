"""The preprocessing contract: what it computes, what it refuses, and its JSON form."""

import hashlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from litesmith.calibration.colour import to_gray
from litesmith.calibration.preprocess import Preprocess
from litesmith.calibration.resize import bilinear
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
    preprocess = Preprocess((height, width, channels), "image", "bilinear", 2.0, 1.0, crop=0.5, layout="nchw")
    pixels = preprocess.pixels(raw)
    assert pixels.dtype == np.uint8
    assert pixels.shape == preprocess.shape
    assert np.array_equal(preprocess.scaled(pixels), preprocess.apply(raw))
    assert np.array_equal(preprocess.scaled(pixels[None]), preprocess.apply_batch([raw]))


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
        (((2, 2, 3), "image", "none", (1.0, 2.0)), "scale has 2 numbers for 3 channels"),
        (((2, 2, 3), "image", "none", (1.0, 0.0, 1.0)), "scale 0 makes every sample the same"),
        (((2, 2, 3), "image", "none", 1.0, (1.0, float("inf"), 1.0)), "offset inf"),
        (((2**14 + 1, 2, 1),), "too large"),
        (((2**13, 2**13 + 1, 1),), "too large"),
    ],
)
def test_impossible_contracts_are_refused(arguments, message):
    with pytest.raises(DataError, match=message):
        Preprocess(*arguments)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"crop": 0}, "crop 0.0 is not a share"),
        ({"crop": 1.5}, "crop 1.5 is not a share"),
        ({"crop": float("nan")}, "crop nan is not a share"),
        ({"crop": "1"}, "crop must be a number"),
        ({"fit": "cover"}, "fit 'cover' is not one of stretch, center_crop, letterbox"),
        ({"fit": "letterbox", "resize": "none"}, "needs a resize"),
        ({"fit": "center_crop", "resize": "none"}, "needs a resize"),
        ({"fill": 114}, "fill is for fit 'letterbox'"),
        ({"fill": 256, "fit": "letterbox"}, "fill must be a whole number of 0 to 255"),
        ({"fill": 0.5, "fit": "letterbox"}, "fill must be a whole number of 0 to 255"),
        ({"antialias": True, "resize": "area"}, "antialias goes with resize 'bilinear'"),
        ({"antialias": 1}, "antialias must be true or false"),
        ({"block": 16}, "block must be a whole number of 1 to 15"),
        ({"block": 2, "shape": (2, 2, 3)}, "blocks are counted in gray images"),
        ({"block": 15, "shape": (2000, 2, 1)}, "too large"),
        ({"layout": "chw"}, "layout 'chw' is not one of nhwc, nchw"),
    ],
)
def test_steps_that_do_not_go_together_are_refused(fields, message):
    with pytest.raises(DataError, match=message):
        Preprocess(**{"shape": (2, 2, 1), "resize": "bilinear", **fields})


@pytest.mark.parametrize(
    "fields",
    [{"crop": 0.5}, {"fit": "letterbox"}, {"fill": 1}, {"antialias": True}, {"block": 2}, {"layout": "nchw"}],
)
def test_a_tensor_has_no_steps_of_images(fields):
    with pytest.raises(DataError, match=f"a tensor cannot be given {next(iter(fields))}"):
        Preprocess((2, 2, 1), "tensor", **fields)


def test_each_channel_has_its_own_numbers():
    raw = np.array([[[10, 20, 30]]], np.uint8)
    contract = Preprocess((1, 1, 3), scale=(1.0, 0.5, 2.0), offset=(0.0, 1.0, -60.0))
    assert contract.apply(raw).tolist() == [[[10, 11, 0]]]
    assert Preprocess((2,), "tensor", scale=(1.0, 3.0)).apply(np.array([5, 5])).tolist() == [5, 15]


def test_channels_may_come_first():
    raw = np.arange(2 * 4 * 3, dtype=np.uint8).reshape(2, 4, 3)
    contract = Preprocess((2, 4, 3), layout="nchw")
    assert contract.tensor_shape == (3, 2, 4)
    assert np.array_equal(contract.apply(raw), raw.transpose(2, 0, 1))
    assert contract.apply_batch([raw, raw]).shape == (2, 3, 2, 4)


@pytest.mark.parametrize(("rotate", "expected"), [(0, [1, 2, 3]), (90, [1, 2, 3]), (180, [3, 2, 1]), (270, [3, 2, 1])])
def test_rotation_is_clockwise(rotate, expected):
    row = np.array([[1, 2, 3]], np.uint8)
    shape = (1, 3, 1) if rotate in (0, 180) else (3, 1, 1)
    assert Preprocess(shape).apply(row, rotate).ravel().tolist() == expected
    with pytest.raises(DataError, match="0, 90, 180 or 270 degrees, not 45"):
        Preprocess((1, 3, 1)).apply(row, 45)


def test_a_drawing_becomes_counts_and_counts_stay():
    digits = Preprocess((8, 8, 1), "image", "area", 1 / 16, fit="letterbox", block=4)
    drawing = np.zeros((320, 320), np.uint8)
    drawing[:40, :60] = 255  # 4 rows and 6 columns of the bitmap
    counts = digits.pixels(drawing)
    assert counts[0, :, 0].tolist() == [16, 8, 0, 0, 0, 0, 0, 0]
    assert counts.sum() == 24
    assert np.array_equal(digits.apply(counts), digits.apply(drawing))
    assert np.array_equal(digits.apply(counts[..., 0].astype(np.float64)), digits.apply(drawing))
    assert digits.apply(np.full((1, 1), 255, np.uint8)).max() == 1.0
    for bad in (np.full((8, 8), 17, np.uint8), np.full((8, 8), -0.5), np.full((8, 8), np.nan)):
        with pytest.raises(DataError, match="holds block counts of 0 to 16"):
            digits.apply(bad)
    with pytest.raises(DataError, match="counted in 8-bit images"):
        digits.apply(np.zeros((32, 32), np.float32))


@pytest.mark.parametrize("shape", [(10_000, 10_000), (10_000, 10_000, 3), (2**14 + 1, 1)])
@pytest.mark.parametrize("resize", ["area", "nearest"])
def test_huge_images_are_refused_before_anything_is_computed(shape, resize):
    huge = np.broadcast_to(np.uint8(0), shape)
    with pytest.raises(DataError, match="is too large; at most 16,384 pixels a side and 67,108,864 in all"):
        Preprocess((8, 8, 1), "image", resize).apply(huge)


@pytest.mark.parametrize(
    "fields", [{"resize": "area"}, {"resize": "bilinear", "antialias": True}, {"resize": "nearest"}]
)
def test_the_longest_side_is_allowed(fields):
    long = np.repeat(np.arange(256, dtype=np.uint8), 64)[:, None]
    assert len(long) == 2**14
    result = Preprocess((4, 1, 1), **fields).apply(long).ravel()
    assert np.abs(result - [31.5, 95.5, 159.5, 223.5]).max() <= 20


def test_version_1_computes_what_it_always_did():
    document = {
        "version": 1, "kind": "image", "shape": [2, 2, 3], "channels": "rgb", "resize": "bilinear", "scale": 0.5,
        "offset": 1.0,
    }  # fmt: skip
    contract = Preprocess.from_dict(document)
    assert contract == Preprocess((2, 2, 3), "image", "bilinear", 0.5, 1.0)
    assert contract.to_dict()["version"] == 2
    with pytest.raises(DataError, match="unknown key crop"):
        Preprocess.from_dict(document | {"crop": 1.0})


def test_the_digest_is_that_of_the_file():
    one, other = Preprocess((2, 2, 1)), Preprocess((2, 2, 1), crop=0.5)
    assert one.digest == hashlib.sha256(one.to_json().encode()).hexdigest() == Preprocess((2, 2, 1)).digest
    assert one.digest != other.digest
    assert Preprocess.from_dict(json.loads(other.to_json())) == other


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (np.zeros((3, 3), np.uint8), "3x3 does not fit 2x2"),
        (np.zeros((2, 2, 4), np.uint8), "is no image.* without alpha"),
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
        ({"version": 3}, "version 3"),
        ({"version": None}, "version None"),
        ({"version": [2]}, r"version \[2\]"),
        ({"mirror": 1}, "unknown key mirror"),
        ({"scale": ["1"]}, "must be a number"),
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
