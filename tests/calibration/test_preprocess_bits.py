"""The contract, bit for bit, against a second implementation that goes pixel by pixel."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from litesmith.calibration.affine import quantize
from litesmith.calibration.preprocess import Preprocess
from litesmith.calibration.resize import bilinear
from litesmith.calibration.weighted import antialiased, area
from tests.calibration.preprocess_vectors import golden_vectors, write_vectors
from tests.calibration.slow_preprocess import slow_apply

sides = st.integers(1, 9)
channels = st.sampled_from((1, 3))
floats = st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=True)
tame = st.floats(-1e4, 1e4, width=32)


def same_bits(a, b):
    """Equal to the last bit, the sign of zero too; what is not a number has many forms."""
    assert (a.dtype, a.shape) == (b.dtype, b.shape) == (np.float32, b.shape)
    unlike = a.view(np.int32) != b.view(np.int32)
    return not (unlike & ~(np.isnan(a) & np.isnan(b))).any()


@st.composite
def contracts(draw):
    resize, antialias = draw(
        st.sampled_from((("nearest", False), ("bilinear", False), ("bilinear", True), ("area", False)))
    )
    fit = draw(st.sampled_from(("stretch", "center_crop", "letterbox")))
    block = draw(st.sampled_from((1, 1, 1, 2, 4)))
    depth = 1 if block > 1 else draw(channels)
    number = st.floats(-300, 300).filter(lambda value: np.float32(value) != 0)
    numbers = number | st.tuples(*[number] * depth)
    crop = draw(st.just(1.0) | st.floats(1e-3, 1))
    fill = draw(st.integers(0, 255)) if fit == "letterbox" else 0
    return Preprocess(
        (draw(sides), draw(sides), depth), "image", resize, draw(numbers), draw(numbers), crop=crop, fit=fit,
        fill=fill, antialias=antialias, block=block, layout=draw(st.sampled_from(("nhwc", "nchw"))),
    )  # fmt: skip


@st.composite
def cases(draw):
    contract = draw(contracts())
    shape = draw(st.tuples(sides, sides, channels))
    eight_bit = hnp.arrays(np.uint8, shape)
    if contract.block > 1:
        rotate = draw(st.sampled_from((0, 180)))
        counts = hnp.arrays(np.uint8, contract.shape, elements=st.integers(0, contract.block**2))
        return contract, draw(counts if shape == contract.shape else eight_bit), rotate
    raw = draw(
        eight_bit | hnp.arrays(np.float32, shape, elements=tame) | hnp.arrays(np.float32, shape, elements=floats)
    )
    return contract, raw, draw(st.sampled_from((0, 90, 180, 270)))


@settings(deadline=None, max_examples=300)
@given(cases())
def test_every_contract_equals_the_slow_one(case):
    contract, raw, rotate = case
    with np.errstate(over="ignore", invalid="ignore"):
        expected = slow_apply(contract.to_dict(), raw, rotate)
    assert same_bits(contract.apply(raw, rotate), expected)
    assert Preprocess.from_dict(json.loads(json.dumps(contract.to_dict()))) == contract


@settings(deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 60), st.integers(1, 60), st.booleans())
def test_weighted_means_of_long_sides(rows, columns, height, width, is_area):
    image = np.random.default_rng(rows * 61 + columns).integers(0, 256, (rows, columns, 1), np.uint8)
    contract = Preprocess((height, width, 1), "image", "area" if is_area else "bilinear", antialias=not is_area)
    result = (area if is_area else antialiased)(image, height, width)
    expected = slow_apply({**contract.to_dict()}, image.astype(np.float32))
    if (rows, columns) != (height, width):
        assert same_bits(result, expected)
    assert image.min() <= result.min() <= result.max() <= image.max()


def test_area_by_hand():
    row = np.array([10, 20, 60], np.uint8).reshape(1, 3, 1)
    assert area(row, 1, 1).ravel().tolist() == [30]
    assert area(row, 1, 2).ravel().tolist() == [np.float32(40 / 3), np.float32(140 / 3)]  # (10 + 20 / 2) / 1.5
    assert area(row, 2, 6).tolist() == [[[10], [10], [20], [20], [60], [60]]] * 2


def test_antialiased_by_hand():
    row = np.array([0, 0, 8, 0], np.uint8).reshape(1, 4, 1)
    # Triangles of two pixels to either side around 1 and 3: weights 3, 3, 1 and 1, 3, 3.
    assert antialiased(row, 1, 2).ravel().tolist() == [np.float32(8 / 7), np.float32(24 / 7)]
    assert antialiased(row, 1, 4).ravel().tolist() == [0, 0, 8, 0]


@pytest.mark.parametrize(
    ("way", "method", "sizes"),
    [
        # Pillow's BOX takes a pixel whole or not at all, and its BILINEAR always antialiases.
        (area, Image.Resampling.BOX, [(3, 4), (11, 16), (33, 24), (1, 1)]),
        (antialiased, Image.Resampling.BILINEAR, [(3, 4), (7, 5), (20, 20), (33, 47), (50, 10)]),
        (bilinear, Image.Resampling.BILINEAR, [(33, 49), (40, 60), (99, 100)]),
    ],
)
def test_pillow_means_the_same(way, method, sizes):
    """Its weights and its 8-bit results are rounded, which is at most one step."""
    image = np.random.default_rng(1).integers(0, 256, (33, 48, 1), np.uint8)
    for height, width in sizes:
        theirs = np.asarray(Image.fromarray(image[..., 0]).resize((width, height), method))
        assert np.abs(way(image, height, width)[..., 0] - theirs).max() <= 1


def test_vectors_are_at_least_a_thousand_and_the_same_each_time(tmp_path):
    write_vectors(tmp_path / "one.jsonl", 60)
    write_vectors(tmp_path / "two.jsonl", 60)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()
    vectors = list(golden_vectors())
    assert len(vectors) >= 1000
    used = {(v["contract"]["resize"], v["contract"]["antialias"], v["contract"]["fit"]) for v in vectors}
    assert len(used) == 1 + 4 * 3  # nothing resized, and each way with each fit
    assert {v["rotate"] for v in vectors} == {0, 90, 180, 270}
    assert {v["contract"]["layout"] for v in vectors} == {"nhwc", "nchw"}
    assert {v["raw"]["dtype"] for v in vectors} == {"uint8", "float32"}
    assert {v["quantized"]["dtype"] for v in vectors} == {"int8", "uint8", "int16"}
    assert sum(v["contract"]["block"] > 1 for v in vectors) >= 100


def test_vectors_are_what_the_slow_implementation_gives():
    for vector in golden_vectors(330, seed=1):
        raw = vector["raw"]
        dtype = np.int32 if raw["dtype"] == "float32" else np.uint8
        values = np.array(raw["values"], dtype).view(raw["dtype"]).reshape(raw["shape"])
        with np.errstate(over="ignore", invalid="ignore"):
            expected = slow_apply(vector["contract"], values, vector["rotate"])
        tensor = np.array(vector["tensor"]["bits"], np.int32).view(np.float32).reshape(vector["tensor"]["shape"])
        assert same_bits(tensor, expected)
        fed = vector["quantized"]
        again = quantize(tensor, fed["scale"], fed["zero_point"], fed["dtype"])
        assert again.ravel().tolist() == fed["values"]
