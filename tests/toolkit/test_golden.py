import json
from dataclasses import replace
from pathlib import Path

import hypothesis.extra.numpy as npst
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.calibration.preprocess import Preprocess
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.data import load_dataset, split
from litesmith.dataset import Dataset
from litesmith.errors import ModelError
from litesmith.golden import MODEL_FILE, VECTORS_FILE, in_turns, make_golden, vector_count, verify_golden
from litesmith.golden_vectors import GoldenVectors, Tolerance, Vector, read_golden
from litesmith.measure import predict, to_tensor
from litesmith.targets.runtimes import default
from litesmith.targets.session import TensorSpec

FILES = ("int8", "int8_uint8_io", "int8_float_io", "int16x8", "float32", "dynamic_range")
FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    dataset = load_dataset("digits", base=Path(), image_shape=None, scale=None, offset=None)
    return split(dataset, seed=7, validation=0.08, calibration=0.07, test=0.25).test


@pytest.fixture(scope="module")
def few(digits) -> Dataset:
    """Each vector costs a child process."""
    return digits.select(np.arange(4), "few")


def model(golden: Path, name: str) -> TFLiteModel:
    return TFLiteModel.from_file(golden / f"{name}.tflite")


def written(folder: Path, file: TFLiteModel, vectors: GoldenVectors) -> Path:
    (folder / VECTORS_FILE).parent.mkdir()
    (folder / MODEL_FILE).write_bytes(file.content)
    (folder / VECTORS_FILE).write_text(vectors.to_json(), encoding="utf-8")
    return folder


@pytest.fixture
def bundle(golden, few, tmp_path) -> Path:
    file = model(golden, "int8")
    return written(tmp_path, file, make_golden(file, few, quantization_aware=False))


@pytest.mark.parametrize("name", FILES)
def test_vectors_hold_what_the_file_computes_and_survive_json_bit_by_bit(golden, digits, name):
    file = model(golden, name)
    made = make_golden(file, digits, quantization_aware=False)
    read = GoldenVectors.from_json(made.to_json())
    assert read.to_json() == made.to_json() == make_golden(file, digits, quantization_aware=False).to_json()
    expected = predict(file, digits.x)
    for vector in read.vectors:
        assert vector.input.tobytes() == digits.x[vector.sample].tobytes()
        assert vector.label == digits.y[vector.sample]
        assert vector.output_raw.tobytes() == expected.raw[vector.sample].tobytes()
        assert vector.output.tobytes() == expected.real[vector.sample].tobytes()
        assert vector.predicted == expected.real[vector.sample].argmax()


def test_ten_samples_cover_the_ten_classes(golden, digits):
    made = make_golden(model(golden, "int8"), digits, quantization_aware=False)
    assert [vector.label for vector in made.vectors] == list(range(10))


def test_samples_come_first_whose_class_rounding_cannot_change(golden, digits):
    file = model(golden, "int8")
    made = make_golden(file, digits, quantization_aware=True)
    ordered = np.sort(predict(file, digits.x).raw.astype(int))
    clear = ordered[:, -1] - ordered[:, -2] > 2 * 5
    skipped = 0
    for vector in made.vectors:
        of_class = np.flatnonzero(digits.y == vector.label)
        tried = of_class[:4]
        wanted = tried[clear[tried]][0] if clear[tried].any() else of_class[0]
        assert vector.sample == wanted
        skipped += wanted != of_class[0]
    assert skipped, "this data never made a difference"


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=40))
def test_every_class_has_its_turn(samples):
    labels, last = np.array([label for label, _ in samples]), np.array([flag for _, flag in samples])
    turns = in_turns(labels, last)
    assert sorted(turns) == list(range(len(samples)))
    assert len({labels[place] for place in turns[: len(set(labels))]}) == len(set(labels))
    for label in set(labels):
        of_class = [place for place in turns if labels[place] == label]
        assert of_class == sorted(of_class, key=lambda place: (last[place], place))


@pytest.mark.parametrize(
    ("classes", "values", "count"),
    [(2, 64, 10), (10, 64, 10), (20, 64, 20), (1000, 64, 32), (1000, 224 * 224 * 3, 3), (2, 10**7, 1)],
)
def test_there_are_as_many_vectors_as_classes_within_limits(classes, values, count):
    assert vector_count(classes, values) == count


def test_a_split_smaller_than_wanted_is_taken_whole(golden, digits):
    vectors = make_golden(model(golden, "int8"), digits.select(np.array([3, 5]), "two"), quantization_aware=False)
    assert {vector.sample for vector in vectors.vectors} == {0, 1}


def test_outputs_must_be_as_many_as_labels(golden, digits):
    three = Dataset(digits.x[:3], np.arange(3), ("a", "b", "c"), digits.preprocess, "three")
    with pytest.raises(ModelError, match=r"int8\.tflite: gives \[1, 10\], not one logit for each of 3 classes"):
        make_golden(model(golden, "int8"), three, quantization_aware=False)


def test_the_tolerance_follows_from_how_the_file_was_quantized(golden, digits):
    lsb = 0.005516841541975737  # the output's scale in int8.tflite

    def tolerance(name: str, aware: bool = False) -> Tolerance:
        return make_golden(model(golden, name), digits, quantization_aware=aware).tolerance

    assert (tolerance("int8").step, tolerance("int8").steps, tolerance("int8").unit) == (lsb, 1, "LSB")
    assert (tolerance("int8", aware=True).step, tolerance("int8", aware=True).steps) == (lsb, 5)
    # Float at the edge only: the LSB is that of the tensor behind DEQUANTIZE.
    behind = tolerance("int8_float_io")
    assert (behind.step, behind.unit) == (lsb, "LSB (0.00552) of the tensor behind the float output")
    assert 0 < tolerance("float32").step < 1e-3 * 2
    assert tolerance("float32").unit != "LSB"


def test_an_output_that_is_no_number_is_refused(golden):
    x = np.full((4, 8, 8, 1), 3e38, np.float32)
    dataset = Dataset(x, np.arange(4), tuple("0123456789"), Preprocess((8, 8, 1)), "huge")
    with pytest.raises(ModelError, match="test sample 0 gives"):
        make_golden(model(golden, "float32"), dataset, quantization_aware=False)


def test_the_same_runtime_computes_the_same(bundle):
    result = verify_golden(bundle)
    assert result.ok
    assert (result.vectors, result.values, result.different, result.max_steps) == (4, 40, 0, 0)
    assert result.runtime == "litert"


@pytest.mark.parametrize("name", ["int8", "int8_float_io", "float32"])
def test_the_plain_kernels_stay_within_the_tolerance_but_are_not_equal(golden, digits, tmp_path, name):
    file = model(golden, name)
    session = default().open(file.content, delegate="reference")
    plain = [session.run([to_tensor(x[None], session.inputs[0])])[0][0] for x in digits.x]
    differ = digits.select(np.flatnonzero((plain != predict(file, digits.x).raw).any(axis=1))[:4], "differ")
    folder = written(tmp_path, file, make_golden(file, differ, quantization_aware=False))
    result = verify_golden(folder, delegate="reference")
    assert result.ok
    assert result.delegate == "reference"
    assert 0 < result.max_steps <= 1.001  # the float32 outputs of int8_float_io are rounded too
    assert result.different >= result.vectors == 4


def test_another_model_is_found_out(bundle, golden):
    (bundle / MODEL_FILE).write_bytes(model(golden, "int8_half_zeros").content)
    result = verify_golden(bundle)
    assert not result.ok
    assert result.max_steps > 10
    assert 0 < len(result.wrong_class) <= result.vectors


def test_an_output_that_became_nan_is_found_out(golden, few, tmp_path):
    file = model(golden, "float32")
    folder = written(tmp_path, file, make_golden(file, few, quantization_aware=False))
    weight = next(file.kernels())
    poisoned = file.content.replace(file.data(weight).tobytes(), b"\xff" * weight.bytes)
    (folder / MODEL_FILE).write_bytes(poisoned)
    result = verify_golden(folder)
    assert not result.ok
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))["max_steps"] > 1e300


def test_a_model_with_other_outputs_or_none_is_an_error(bundle, golden):
    for name, message in (("int8_float_io", "is float32"), ("int8_residual", "16, 16, 3")):
        (bundle / MODEL_FILE).write_bytes(model(golden, name).content)
        with pytest.raises(ModelError, match=message):
            verify_golden(bundle)
    (bundle / MODEL_FILE).write_bytes(model(golden, "int8").content[:5000])
    with pytest.raises(ModelError, match=MODEL_FILE):
        verify_golden(bundle)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("version",), 2),
        (("vectors",), []),
        (("vectors", 0, "input_tensor", 3), 200),
        (("vectors", 0, "input_tensor", 3), 17),
        (("vectors", 0, "input", 3), 0.1),
        (("vectors", 0, "input", 3), 1e300),
        (("vectors", 0, "input", 3), None),
        (("vectors", 0, "input"), [1.0, 2.0]),
        (("vectors", 0, "output_raw", 0), 10**30),
        (("vectors", 0, "output", 0), 0.5),
        (("vectors", 0, "predicted", "index"), 9),
        (("tolerance", "steps"), 0),
        (("tolerance", "slack"), 3),
        (("input", "dtype"), "nonsense"),
        (("input", "shape"), 64),
    ],
)
def test_vectors_that_contradict_themselves_are_refused(bundle, path, value):
    document = json.loads((bundle / VECTORS_FILE).read_text())
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    (bundle / VECTORS_FILE).write_text(json.dumps(document))
    with pytest.raises(ModelError, match=r"vectors\.json: holds no golden vectors"):
        read_golden(bundle / VECTORS_FILE)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[]", b"{}", b'"text"', b"{"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "vectors.json"
    with pytest.raises(ModelError, match="cannot be read"):
        read_golden(path)
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"vectors\.json: holds no golden vectors"):
        read_golden(path)


@given(npst.arrays(np.float32, (1, 4), elements=FLOATS), npst.arrays(np.float32, (1, 3), elements=FLOATS))
def test_every_float32_survives_json(x, output):
    into = TensorSpec("x", (1, 4), "float32", None, None)
    vector = Vector(0, 1, int(output.argmax()), x, x, output, output)
    vectors = GoldenVectors(
        (vector,), into, replace(into, shape=(1, 3)), ("ä", "b", "c"), Tolerance(1.0, 1, "LSB", "why"), {}
    )
    (read,) = GoldenVectors.from_json(vectors.to_json()).vectors
    assert read.input.tobytes() == x.tobytes()
    assert read.output.tobytes() == output.tobytes()
