"""TFLite metadata: what is written is what is read, by us and by the library that Android's readers go with."""

import json
import os
import struct
import subprocess
import zipfile
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litesmith.calibration.preprocess import Preprocess
from litesmith.converters.associated_files import append_files, appended_files
from litesmith.converters.metadata import ENTRY, labels_text, read_metadata, refuse_other_files, with_metadata
from litesmith.converters.metadata_reader import parse_metadata
from litesmith.converters.metadata_tables import AssociatedFile, ModelFacts, TensorFacts, metadata_bytes
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DataError, ModelError
from litesmith.targets.runtimes import default

GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = tuple("0123456789")
DIGITS = Preprocess((8, 8, 1), "image", "area", 1 / 16, fit="letterbox", block=4)
IMAGENET = Preprocess((4, 6, 3), "image", "bilinear", (1 / 64, 1 / 32, 1.0), (-2.0, 0.0, 1.0), layout="nchw")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
floats = st.lists(st.floats(width=32, allow_nan=False), max_size=4).map(tuple)
files = st.lists(st.builds(AssociatedFile, texts, texts, st.integers(0, 6)), max_size=2).map(tuple)
sizes = st.none() | st.tuples(st.integers(1, 2**14), st.integers(1, 2**14))


@st.composite
def tensors(draw):
    size = draw(sizes)
    colour = draw(st.sampled_from(("", "gray", "rgb"))) if size else ""
    return TensorFacts(draw(texts), draw(texts), *(draw(floats) for _ in range(4)), colour, size, draw(files))


@pytest.fixture(scope="module")
def model():
    return TFLiteModel.from_file(GOLDEN / "int8.tflite")


@pytest.fixture(scope="module")
def described(model):
    return with_metadata(model, DIGITS, NAMES, name="digits")


@given(texts, texts, st.lists(tensors(), max_size=3), st.lists(tensors(), max_size=2), texts)
def test_facts_come_back(name, description, inputs, outputs, version):
    facts = ModelFacts(name, description, tuple(inputs), tuple(outputs), version)
    content = metadata_bytes(facts)
    assert parse_metadata(content) == facts
    assert metadata_bytes(facts) == content


def test_the_input_is_normalized_as_the_contract_says(described):
    found = read_metadata(described)
    (image,), (scores,) = found.facts.inputs, found.facts.outputs
    assert (image.mean, image.std, image.low, image.high) == ((0.0,), (16.0,), (0.0,), (16.0,))
    assert (image.colour, image.size) == ("gray", (8, 8))
    assert (image.name, scores.name) == (described.inputs[0].name, described.outputs[0].name)
    quantization = described.outputs[0].quantization
    assert scores.high[0] - scores.low[0] == pytest.approx(255 * quantization.scales[0])
    assert [file.name for file in (*image.files, *scores.files)] == ["preprocess.json", "labels.txt"]
    assert found.facts.min_parser_version == "1.0.0"


def test_channels_have_their_own_mean_and_deviation():
    facts = read_metadata(with_metadata(TFLiteModel.from_file(GOLDEN / "float32.tflite"), IMAGENET, NAMES, name="x"))
    image = facts.facts.inputs[0]
    assert (image.mean, image.std, image.colour) == ((128.0, 0.0, -1.0), (64.0, 32.0, 1.0), "rgb")
    assert facts.facts.outputs[0].high == ()
    values = np.array([[[10, 20, 30]] * 6] * 4, np.uint8)
    assert np.allclose(IMAGENET.apply(values)[:, 0, 0], (values[0, 0] - np.array(image.mean)) / image.std)


def test_one_number_stands_for_all_channels():
    contract = replace(IMAGENET, scale=0.5)
    image = read_metadata(
        with_metadata(TFLiteModel.from_file(GOLDEN / "float32.tflite"), contract, NAMES, name="x")
    ).facts.inputs[0]
    assert (image.mean, image.std) == ((4.0, 0.0, -2.0), (2.0, 2.0, 2.0))


@pytest.mark.parametrize("name", sorted(path.stem for path in GOLDEN.glob("*.tflite")))
def test_any_file_computes_what_it_did(name):
    before = TFLiteModel.from_file(GOLDEN / f"{name}.tflite")
    if len(before.inputs) != 1 or len(before.outputs) != 1:
        with pytest.raises(ModelError, match="written for one of each"):
            with_metadata(before, DIGITS, NAMES, name="x")
        return
    after = with_metadata(before, DIGITS, NAMES, name="x")
    assert [(op.op, op.inputs) for op in after.main.operators] == [(op.op, op.inputs) for op in before.main.operators]
    assert {key: value for key, value in after.metadata.items() if key != ENTRY} == before.metadata
    assert after.float_tensors == before.float_tensors
    random = np.random.default_rng(0)
    tensor = before.inputs[0]
    shape = [max(1, size) for size in tensor.shape]
    values = (random.integers(-100, 100, shape) if tensor.dtype != "float32" else random.random(shape)).astype(
        tensor.dtype
    )
    outputs = [default().open(file.content).run([values])[0] for file in (before, after)]
    assert np.array_equal(*outputs)


def test_same_arguments_same_bytes_and_twice_is_once(model, described):
    assert with_metadata(model, DIGITS, NAMES, name="digits").content == described.content
    assert with_metadata(described, DIGITS, NAMES, name="digits").content == described.content
    other = with_metadata(described, IMAGENET, ("a", "b"), name="other")
    assert read_metadata(other).files["labels.txt"] == b"a\nb\n"
    assert other.content == with_metadata(model, IMAGENET, ("a", "b"), name="other").content


def test_appended_files_are_stored_at_places_of_the_whole_file(described):
    """Android's reader takes the bytes from the mapped file: neither compressed nor counted from the zip's start."""
    content = described.content
    with zipfile.ZipFile(BytesIO(content)) as archive:
        assert archive.namelist() == ["labels.txt", "preprocess.json"]
        for entry in archive.infolist():
            assert entry.compress_type == zipfile.ZIP_STORED
            header = content[entry.header_offset : entry.header_offset + 30]
            assert header[:4] == b"PK\x03\x04"
            start = entry.header_offset + 30 + sum(struct.unpack("<HH", header[26:]))
            assert content[start : start + entry.file_size] == archive.read(entry)
    assert Preprocess.from_dict(json.loads(appended_files(content)["preprocess.json"])) == DIGITS


def test_a_file_without_them_has_none(model):
    assert read_metadata(model) is None
    assert appended_files(model.content) == {}
    refuse_other_files(model, {"labels.txt": b"x\n"})


def test_files_beside_must_be_the_files_inside(described):
    inside = read_metadata(described).files
    refuse_other_files(described, inside)
    refuse_other_files(described, {"other.txt": b""})
    with pytest.raises(DataError, match=r"the labels\.txt inside it"):
        refuse_other_files(described, {**inside, "labels.txt": b"x\n"})


@pytest.mark.parametrize("name", ["a\nb", "", "a\r", "a\u2028b"])
def test_a_label_is_one_line(name):
    with pytest.raises(DataError, match="one line"):
        labels_text(["fine", name])


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_damaged_metadata_are_one_error(data):
    facts = ModelFacts("m", "d", (TensorFacts("t", "", (1.0,), (2.0,), (0.0,), (1.0,), "rgb", (2, 3)),), ())
    content = bytearray(metadata_bytes(facts))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    cut = bytes(content[: data.draw(st.integers(0, len(content)))]) if data.draw(st.booleans()) else bytes(content)
    try:
        assert isinstance(parse_metadata(cut), ModelFacts)
    except ModelError as error:
        assert "metadata" in str(error)


def test_a_damaged_zip_is_one_error(described):
    at = described.content.rindex(b"PK\x01\x02")
    damaged = described.content[:at] + b"XXXX" + described.content[at + 4 :]
    with pytest.raises(ModelError, match="cannot be read"):
        read_metadata(TFLiteModel(damaged))
    twice = append_files(append_files(b"model", {"a": b"1"}), {})
    assert appended_files(twice) == {"a": b"1"}
    with pytest.warns(UserWarning, match="Duplicate"):
        double = append_files(append_files(b"model", {"a": b"1"}), {"a": b"2"})
    with pytest.raises(ModelError, match="twice"):
        appended_files(double)


def test_the_tflite_support_library_reads_the_same(described, tmp_path):
    """It needs packages of its own that go with no TensorFlow of today, so it is asked in another environment."""
    python = os.environ.get("LITESMITH_TFLITE_SUPPORT")
    if not python:
        pytest.skip("LITESMITH_TFLITE_SUPPORT names no Python that has tflite-support 0.4.4")
    path = tmp_path / "model.tflite"
    path.write_bytes(described.content)
    code = (
        "import sys, json; from tflite_support import metadata\n"
        "from tensorflow_lite_support.metadata.cc.python import _pywrap_metadata_version as version\n"
        "content = open(sys.argv[1], 'rb').read()\n"
        "display = metadata.MetadataDisplayer.with_model_buffer(content)\n"
        "buffer = metadata.get_metadata_buffer(content)\n"
        "metadata.MetadataPopulator.with_model_buffer(content).load_metadata_buffer(bytearray(buffer))\n"
        "files = display.get_packed_associated_file_list()\n"
        "texts = {name: display.get_associated_file_buffer(name).decode() for name in files}\n"
        "print(json.dumps([json.loads(display.get_metadata_json()), texts,\n"
        "                  version.GetMinimumMetadataParserVersion(bytes(buffer))]))\n"
    )
    result = subprocess.run([python, "-c", code, str(path)], capture_output=True, text=True, check=True)
    document, texts, version = json.loads(result.stdout)
    ours = read_metadata(described)
    assert texts == {name: content.decode() for name, content in ours.files.items()}
    assert version == document["min_parser_version"] == ours.facts.min_parser_version
    (image,) = document["subgraph_metadata"][0]["input_tensor_metadata"]
    assert image["process_units"] == [
        {"options_type": "NormalizationOptions", "options": {"mean": [0.0], "std": [16.0]}}
    ]
    assert image["content"]["content_properties"] == {
        "color_space": "GRAYSCALE", "default_size": {"width": 8, "height": 8},
    }  # fmt: skip
    assert image["stats"] == {"max": [16.0], "min": [0.0]}
    (scores,) = document["subgraph_metadata"][0]["output_tensor_metadata"]
    assert scores["associated_files"][0]["type"] == "TENSOR_AXIS_LABELS"
