import json

import pytest

from litesmith.bundle import Bundle
from litesmith.bundle_facts import bundle_facts
from litesmith.calibration.preprocess import Preprocess
from litesmith.converters.metadata import with_metadata
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ModelError
from tests.toolkit.made_bundle import NAMES, bundle_of, changed


@pytest.fixture(scope="module")
def bundle(golden, tmp_path_factory, quantize_details) -> Bundle:
    return bundle_of(golden / "int8.tflite", tmp_path_factory.mktemp("int8"), quantize_details)


def test_files_that_agree_give_their_facts(bundle, golden):
    facts = bundle_facts(bundle)
    model = TFLiteModel.from_file(golden / "int8.tflite")
    assert (facts.name, facts.sha256, facts.labels) == ("noise", model.sha256, NAMES)
    assert (facts.input.dtype, facts.input.shape) == ("int8", (1, 8, 8, 1))
    assert facts.oldest_runtime == bundle.manifest["oldest_runtime"]


@pytest.mark.parametrize("file", ["float32", "int8_uint8_io", "int8_half_zeros", "int16x8", "dynamic_range"])
def test_another_model_than_the_manifests_is_refused(bundle, golden, file):
    other = changed(bundle, model=(golden / f"{file}.tflite").read_bytes())
    with pytest.raises(ModelError, match=r"the manifest promises|but the file has"):
        bundle_facts(other)


@pytest.mark.parametrize(
    ("key", "value"),
    [("dtype", "uint8"), ("shape", [1, 8, 8]), ("scale", 0.5), ("zero_point", 3), ("scale", None),
     ("zero_point", None)],
)  # fmt: skip
@pytest.mark.parametrize("side", ["inputs", "outputs"])
def test_a_manifest_that_contradicts_the_file_is_refused(bundle, side, key, value):
    stated = {**bundle.manifest[side][0], key: value}
    with pytest.raises(ModelError, match=rf"manifest\.json: {side} is .*, but the file has"):
        bundle_facts(changed(bundle, {side: [stated]}))


@pytest.mark.parametrize("stated", [None, [], [{}], [None], ["x"], [{"name": "x", "shape": 3}]])
def test_a_manifest_without_tensors_is_refused(bundle, stated):
    with pytest.raises(ModelError, match=r"manifest\.json: inputs"):
        bundle_facts(changed(bundle, {"inputs": stated}))


def test_several_inputs_are_refused(bundle):
    with pytest.raises(ModelError, match="convert a model of one input"):
        bundle_facts(changed(bundle, {"inputs": bundle.manifest["inputs"] * 2}))


@pytest.mark.parametrize("stated", ["1.5.0", "2.17.0", None])
def test_the_oldest_runtime_is_read_off_the_file(bundle, stated):
    with pytest.raises(ModelError, match=rf"oldest_runtime is {stated}, but the operators of the model need \d"):
        bundle_facts(changed(bundle, {"oldest_runtime": stated}))


@pytest.mark.parametrize("count", [0, 1, 9, 11])
def test_there_is_one_label_for_each_class(bundle, count):
    labels = "".join(f"{name}\n" for name in ("a", *NAMES)[:count]).encode()
    with pytest.raises(ModelError, match=rf"labels\.txt: names {count} classes, but the model gives \(1, 10\)"):
        bundle_facts(changed(bundle, labels=labels))


def test_labels_are_utf8(bundle):
    with pytest.raises(ModelError, match=r"labels\.txt: is no UTF-8"):
        bundle_facts(changed(bundle, labels=b"caf\xe9\n" * 10))


def test_a_contract_of_another_shape_is_refused(bundle):
    other = Preprocess((4, 4, 1)).to_json().encode()
    with pytest.raises(ModelError, match=r"gives \(4, 4, 1\), but the model takes \(8, 8, 1\)"):
        bundle_facts(changed(bundle, preprocess=other))


@pytest.mark.parametrize(
    ("change", "message"),
    [({"version": 99}, "version 99"), ({"dither": True}, "unknown key dither"), ({"resize": "lanczos"}, "lanczos"),
     ({"crop": 0}, "crop 0"), ({"scale": 0}, "scale 0")],
)  # fmt: skip
def test_a_contract_that_nobody_has_is_refused(bundle, change, message):
    other = json.dumps({**Preprocess((8, 8, 1)).to_dict(), **change}).encode()
    with pytest.raises(ModelError, match=rf"preprocess\.json: .*{message}"):
        bundle_facts(changed(bundle, preprocess=other))


@pytest.mark.parametrize("content", [b"", b"\xff", b"{", b"[]", b"null", b"3"])
def test_a_contract_that_is_no_document_is_refused(bundle, content):
    with pytest.raises(ModelError, match=r"preprocess\.json: "):
        bundle_facts(changed(bundle, preprocess=content))


def test_the_contract_inside_the_model_is_the_one_beside_it(golden, tmp_path, quantize_details):
    plain = TFLiteModel.from_file(golden / "int8.tflite")
    inside = tmp_path / "model.tflite"
    inside.write_bytes(with_metadata(plain, Preprocess((8, 8, 1)), NAMES, name="noise").content)
    made = bundle_of(inside, tmp_path, quantize_details)
    assert bundle_facts(made).labels == NAMES
    with pytest.raises(ModelError, match=r"the preprocess\.json inside it is not that of the data"):
        bundle_facts(changed(made, preprocess=Preprocess((8, 8, 1), scale=0.5).to_json().encode()))
