"""CalibrationSet: what it holds, what it refuses, and how it is matched to a model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from litesmith.calibration.preprocess import Preprocess
from litesmith.calibration.samples import CalibrationSet, digest_arrays
from litesmith.errors import CalibrationError

X = np.arange(12, dtype=np.float32).reshape(3, 4)
arrays = hnp.arrays(
    st.sampled_from((np.float32, np.int32, np.uint8)),
    hnp.array_shapes(max_dims=3, max_side=5),
    elements=st.integers(0, 9),
)


@given(arrays)
def test_iterating_twice_gives_the_same_samples(array):
    samples = CalibrationSet.from_arrays(array)
    first, second = list(samples), list(samples)
    assert len(samples) == len(first) == len(array)
    for one, two, original in zip(first, second, array, strict=True):
        assert one["x"].shape == (1, *array.shape[1:])
        assert one["x"].dtype == array.dtype
        assert np.array_equal(one["x"], two["x"])
        assert np.array_equal(one["x"][0], original)


@given(arrays, st.integers(0, 2**31), st.data())
def test_take_is_a_seeded_draw_without_replacement(array, seed, data):
    samples = CalibrationSet.from_arrays({"x": array, "place": np.arange(len(array))})
    few, more = sorted(data.draw(st.tuples(*[st.integers(1, len(array))] * 2)))
    drawn = samples.take(more, seed)
    places = drawn.inputs["place"].tolist()
    assert len(drawn) == more == len(set(places))
    assert places == sorted(places)
    assert np.array_equal(drawn.inputs["x"], array[places])
    assert drawn.digest == samples.take(more, seed).digest
    assert set(samples.take(few, seed).inputs["place"].tolist()) <= set(places)
    assert drawn.seed == seed


def test_samples_are_copies_and_read_only():
    array = X.copy()
    samples = CalibrationSet.from_arrays(array)
    array[0] = -1
    assert np.array_equal(samples.inputs["x"], X)
    with pytest.raises(ValueError, match="read-only"):
        samples.inputs["x"][0] = 1


@pytest.mark.parametrize("dtype", [np.float64, np.float16, ">f4"])
def test_floating_point_becomes_float32(dtype):
    samples = CalibrationSet.from_arrays(X.astype(dtype))
    assert samples.inputs["x"].dtype == np.float32
    assert samples.digest == CalibrationSet.from_arrays(X).digest


def test_integers_stay_what_they_are():
    assert CalibrationSet.from_arrays(X.astype(np.int64)).inputs["x"].dtype == np.int64


def test_digest_depends_on_name_type_shape_and_bytes():
    variants = [{"x": X}, {"z": X}, {"x": X.astype(np.int32)}, {"x": X.reshape(3, 2, 2)}, {"x": X + 1}, {"x": X[:2]}]
    assert len({digest_arrays(variant) for variant in variants}) == len(variants)
    assert digest_arrays({"a": X, "b": X}) == digest_arrays({"b": X.astype(">f4"), "a": np.asfortranarray(X)})


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "is empty"),
        ({"x": X[:0]}, "is empty"),
        ({"a": X, "b": X[:2]}, r"a 3, b 2"),
        ({"x": np.array([[1.0], [np.nan]])}, "sample 1 holds NaN"),
        ({"x": np.array([[np.inf]], np.float32)}, "sample 0 holds NaN or infinity"),
        ({"x": np.array([[1e300]])}, "sample 0 holds NaN or infinity"),
        ({"x": np.array([None, 1])}, "type object"),
        ({"x": np.array(["a"])}, "float32 or integer"),
        ({"x": np.array([True])}, "float32 or integer"),
        ({"x": np.float32(1)}, "single number"),
    ],
)
def test_unusable_samples(inputs, message):
    with pytest.raises(CalibrationError, match=message):
        CalibrationSet.from_arrays(inputs, source="here")


@pytest.mark.parametrize(
    ("inputs", "constant"),
    [
        ({"x": np.full((3, 4), 0.5)}, True),
        ({"x": np.zeros((3, 4), np.int32)}, True),
        ({"a": np.zeros((3, 4)), "b": np.ones((3, 2))}, True),
        ({"x": np.zeros((3, 0))}, True),
        ({"x": X}, False),
        ({"x": np.repeat(X[:1], 3, axis=0)}, False),
        ({"x": np.repeat(X[:, :1], 4, axis=1)}, False),
        ({"a": X, "mask": np.ones((3, 2))}, False),
    ],
)
def test_one_value_everywhere_is_constant(inputs, constant):
    assert CalibrationSet.from_arrays(inputs).is_constant is constant


@pytest.mark.parametrize("n", [0, -1, 4])
def test_taking_more_than_there_is(n):
    with pytest.raises(CalibrationError, match=f"cannot take {n} of 3 .*; ask for 1 to 3"):
        CalibrationSet.from_arrays(X).take(n, seed=0)


@pytest.mark.parametrize("shape", [(1, 4), (None, 4), (-1, 4), (-1, None)])
def test_an_unnamed_input_fits_any_single_input(shape):
    bound = CalibrationSet.from_arrays(X, seed=5).bind({"serving_default_image:0": shape})
    assert list(bound.inputs) == ["serving_default_image:0"]
    assert np.array_equal(bound.inputs["serving_default_image:0"], X)
    assert bound.seed == 5


def test_named_inputs_come_in_the_models_order():
    bound = CalibrationSet.from_arrays({"a": X, "b": X[:, :2]}).bind({"b": (1, 2), "a": (1, 4)})
    assert list(bound.inputs) == ["b", "a"]


@pytest.mark.parametrize(
    ("inputs", "wanted"),
    [
        ({"a": X}, {"b": (1, 4)}),
        ({"x": X}, {"a": (1, 4), "b": (1, 4)}),
        ({"a": X, "b": X}, {"a": (1, 4)}),
        ({"x": X}, {}),
    ],
)
def test_names_that_do_not_match(inputs, wanted):
    with pytest.raises(CalibrationError, match="but the model has"):
        CalibrationSet.from_arrays(inputs).bind(wanted)


@pytest.mark.parametrize("shape", [(1, 5), (1, 4, 1), (4,), (2, 4), (1, 0)])
def test_shapes_that_do_not_match_are_both_named(shape):
    with pytest.raises(CalibrationError) as caught:
        CalibrationSet.from_arrays(X).bind({"image": shape})
    assert "(1, 4)" in str(caught.value)
    assert str(shape) in str(caught.value)


def test_from_source_preprocesses_and_draws(tmp_path, save_image):
    for value in range(6):
        save_image(tmp_path / f"{value}.png", np.full((2, 2 + value), value, np.uint8))
    preprocess = Preprocess((2, 2, 1), "image", "bilinear", 0.5, 1.0)
    samples = CalibrationSet.from_source(".", base=tmp_path, preprocess=preprocess, count=4, seed=3)
    values = samples.inputs["x"][:, 0, 0, 0]
    assert len(samples) == 4
    assert set(values) <= {0.5 * value + 1 for value in range(6)}
    assert samples.source == "."
    again = CalibrationSet.from_source(".", base=tmp_path, preprocess=preprocess, count=4, seed=3)
    assert again.digest == samples.digest


def test_from_source_without_preprocessing_keeps_named_inputs(tmp_path):
    np.savez(tmp_path / "d.npz", ids=X.astype(np.int32), mask=X, y=[0, 1, 2])
    samples = CalibrationSet.from_source("d.npz", base=tmp_path)
    assert {name: array.dtype for name, array in samples.inputs.items()} == {"ids": np.int32, "mask": np.float32}


def test_an_empty_source_is_an_empty_calibration_set(tmp_path):
    np.savez(tmp_path / "d.npz", x=X[:0])
    with pytest.raises(CalibrationError, match=r"d\.npz.*is empty"):
        CalibrationSet.from_source("d.npz", base=tmp_path)
