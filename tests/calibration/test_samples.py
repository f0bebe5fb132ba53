"""CalibrationSet: what it holds, what it refuses, and how it is matched to a model."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from litesmith.calibration.preprocess import Preprocess
from litesmith.calibration.samples import CalibrationSet, digest_arrays, overlap
from litesmith.errors import CalibrationError, DataError

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
    array, labels = X.copy(), np.array([0, 1, 0])
    samples = CalibrationSet.from_arrays(array, labels=labels)
    array[0] = labels[0] = -1
    assert np.array_equal(samples.inputs["x"], X) and samples.labels.tolist() == [0, 1, 0]
    taken, (part, rest) = samples.take(2, 0), samples.split(1, 0)
    for one in (samples, taken, samples.take(3, 0), part, rest, samples.head(2), samples.bind({"image": (1, 4)})):
        for values in (*one.inputs.values(), one.labels):
            with pytest.raises(ValueError, match="read-only"):
                values[0] = 1


def test_values_are_copied_once():
    array = np.random.default_rng(0).random((1000, 32, 32), np.float32)

    def peak(make):
        tracemalloc.start()
        made = make()
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return made, size / array.nbytes

    samples, copied = peak(lambda: CalibrationSet.from_arrays(array, labels=np.zeros(1000, int)))
    assert copied < 1.1
    shares = (
        lambda: samples.bind({"image": (1, 32, 32)}),
        lambda: samples.take(1000, 0),
        lambda: samples.head(900),
        lambda: samples.take(10, 0),
        lambda: samples.digest,
        lambda: list(samples),
    )
    assert max(peak(make)[1] for make in shares) < 0.1


def test_digests_stay_what_they_were():
    samples = CalibrationSet.from_arrays(X)
    assert samples.digest == "615844dae7792bbaf2d670e90e5230d37f1f4ecf9f0b0b09c413e30e1a4b1a29"
    taken, bound = samples.take(2, 7), samples.bind({"image": (1, 4)})
    assert taken.digest == "f062ff2b8ae94a481ee3e2d5bbe1dae3b39744ee0ea16ab240c643a4a13224ef"
    assert bound.digest == "6ec182e063a476a07ed9c4ed427abf888ff01aa9c06d9334fc6981f7c8e0ca53"
    assert bound.digest == CalibrationSet({"image": X}, labels=np.arange(3)).digest


def test_labels_follow_their_samples():
    place = np.arange(40)
    samples = CalibrationSet.from_arrays({"place": place}, labels=place % 4)
    drawn = samples.take(10, 1)
    assert sorted(np.bincount(drawn.labels)) == [2, 2, 3, 3]
    part, rest = samples.split(30, 1)
    for one in (drawn, part, rest, samples.head(7), samples.bind({"place": (1,)})):
        assert np.array_equal(one.labels, one.inputs["place"] % 4)


@given(st.integers(1, 30), st.integers(0, 2**31), st.data())
def test_a_split_is_what_is_taken_and_the_rest(total, seed, data):
    n = data.draw(st.integers(1, total))
    samples = CalibrationSet.from_arrays(np.arange(total), labels=np.arange(total) % 3)
    part, rest = samples.split(n, seed)
    assert part.digest == samples.take(n, seed).digest
    left = [] if rest is None else rest.inputs["x"].tolist()
    assert left == sorted(set(range(total)) - set(part.inputs["x"].tolist())) and (rest is None) == (n == total)


def test_the_head_is_the_first_samples():
    samples = CalibrationSet.from_arrays(X)
    assert np.array_equal(samples.head(2).inputs["x"], X[:2]) and len(samples.head(9)) == 3
    with pytest.raises(CalibrationError, match="ask for at least 1"):
        samples.head(0)


@pytest.mark.parametrize("labels", [[0, 1], [[0], [1], [2]], [0.0, 1.0, 2.0], ["a", "b", "c"], 3])
def test_labels_are_one_whole_number_a_sample(labels):
    with pytest.raises(CalibrationError, match=r"here: labels are .* for 3 samples"):
        CalibrationSet.from_arrays(X, labels=labels, source="here")


@pytest.mark.parametrize(
    ("items", "name", "values"),
    [
        ((row for row in X), "x", X),
        (X, "x", X),
        ([row.tolist() for row in X], "x", X),
        ((float(row[0]) for row in X), "x", X[:, 0]),
        (({"image": row} for row in X), "image", X),
        (([row[None]] for row in X), "x", X),
        (((row[None],) for row in X), "x", X),
    ],
)
def test_samples_one_by_one(items, name, values):
    samples = CalibrationSet.from_samples(items, seed=2, source="here")
    assert samples.digest == CalibrationSet.from_arrays({name: values}).digest
    assert (samples.seed, samples.source) == (2, "here")
    assert [list(one[name][0].flat) for one in samples] == [list(one[name][0].flat) for one in samples]


def test_one_buffer_may_be_handed_out_again_and_again():
    def fill():
        buffer = np.empty(4, np.float32)
        for row in X:
            buffer[:] = row
            yield buffer

    assert np.array_equal(CalibrationSet.from_samples(fill()).inputs["x"], X)


@pytest.mark.parametrize(
    ("items", "error", "message"),
    [
        ([], DataError, "here: gives no sample"),
        ([X, X[:2]], DataError, r"sample 1 has shape \(2, 4\) as 'x' but the first has \(3, 4\)"),
        ([{"a": X}, {"b": X}], DataError, "sample 1 has inputs b but the first has a"),
        ([{"a": X}, X], DataError, "sample 1 has inputs x but the first has a"),
        ([[X]], DataError, r"sample 0 is a list of arrays \(3, 4\); give one array of shape \(1, \.\.\.\)"),
        ([[X[None], X[None]]], DataError, "sample 0 is a list of arrays .* or inputs by name"),
        ([[[1], [1, 2]]], DataError, "sample 0 is no array"),
        ([{"a": "text"}], CalibrationError, "'a' holds text"),
        ([{1: None}], CalibrationError, "input '1' has type object"),
        ([np.nan], CalibrationError, "NaN"),
    ],
)
def test_unusable_items(items, error, message):
    with pytest.raises(error, match=message):
        CalibrationSet.from_samples(items, source="here")


def test_overlap_counts_samples_of_the_same_content():
    pixels = np.arange(40, dtype=np.uint8).reshape(10, 4)
    training = CalibrationSet.from_arrays(pixels[[0, 3, 3, 5]])
    for test in ({"image": pixels[3:]}, {"image": pixels[3:].astype(np.float32)}):
        assert overlap(training, CalibrationSet.from_arrays(test)) == 3
    assert overlap(training, CalibrationSet.from_arrays(pixels[6:])) == 0
    two = CalibrationSet.from_arrays({"a": pixels, "b": pixels[::-1]})
    assert overlap(two, CalibrationSet.from_arrays({"a": pixels[:5], "b": pixels[:5]})) == 0
    assert overlap(two.take(4, 0), two) == 4
    with pytest.raises(CalibrationError, match="cannot be compared"):
        overlap(training, CalibrationSet.from_arrays(pixels[..., None]))


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
        ({"x": np.array(["a"])}, "'x' holds text, .*--encode"),
        ({"b": np.array([b"a"]), "n": X[:1], "a": np.array(["a"])}, "'b', 'a' hold text"),
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


def test_drawing_from_a_folder_is_reading_all_and_taking(tmp_path, save_image):
    for place in range(30):
        save_image(tmp_path / ("rare" if place < 3 else "often") / f"{place:02}.png", np.full((2, 3), place, np.uint8))
    preprocess = Preprocess((2, 2, 1), "image", "nearest", 0.5, 1.0)
    whole = CalibrationSet.from_source(".", base=tmp_path, preprocess=preprocess)
    for count in (1, 5, 20, 30):
        drawn = CalibrationSet.from_source(".", base=tmp_path, preprocess=preprocess, count=count, seed=3)
        taken = whole.take(count, 3)
        assert drawn.digest == taken.digest and np.array_equal(drawn.labels, taken.labels)
    for count in (0, 31):
        with pytest.raises(CalibrationError, match=f"cannot take {count} of 30"):
            CalibrationSet.from_source(".", base=tmp_path, preprocess=preprocess, count=count)
