import dataclasses
import json
import tomllib
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest

from litesmith.bundle import Bundle, Provenance, read_bundle, write_bundle
from litesmith.calibration.preprocess import Preprocess
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.dataset import Dataset
from litesmith.errors import ModelError, OutputError
from litesmith.kotlin_app import CATALOGUE, SOURCE, VECTORS, app_files, write_app_files
from litesmith.kotlin_checks import MOST_LABELS, check_labels, check_steps
from litesmith.kotlin_contract import KotlinContract
from litesmith.ledger import Ledger, Row
from litesmith.splits import Splits
from litesmith.targets.session import TensorSpec

NAMES = tuple("abcdefghij")


def bundle_of(path, folder, quantize_details) -> Bundle:
    """A real bundle of one of the small models, which all take 8x8 gray images and know ten classes."""
    model = TFLiteModel.from_file(path)
    x = np.random.default_rng(0).random((10, 8, 8, 1), np.float32)
    part = Dataset(x, np.arange(10), NAMES, Preprocess((8, 8, 1)), "noise")
    row = Row("student", "full-int8", "litert", 0.5, 0.5, 10, 0.0, 1.0, model.sha256, 8_624, 5_827)
    parity = {"samples": 10, "max_difference": 0.0, "mean_difference": 0.0, "max_lsb": None, "argmax_agreement": 1.0}
    locked = {"recipe": {"name": "noise", "task": "classification"}, "versions": {"litesmith": "0.1.0"},
              "digests": {"recipe": "r", "data": "d"}}  # fmt: skip
    details = {"quantize": quantize_details(steps=["student"], parity=parity)}
    provenance = Provenance(locked, Ledger((row,)), details, {})
    return read_bundle(write_bundle(folder / "bundle", model, Splits(part, part, part, part), provenance))


@pytest.fixture(scope="module")
def bundle(golden, tmp_path_factory, quantize_details) -> Bundle:
    return bundle_of(golden / "int8.tflite", tmp_path_factory.mktemp("int8"), quantize_details)


@pytest.fixture
def app(tmp_path):
    (tmp_path / CATALOGUE).parent.mkdir()
    (tmp_path / CATALOGUE).write_text('[versions]\ntensorflow-lite = "2.16.1"\n')
    return tmp_path


def changed(bundle: Bundle, manifest=None, **contents) -> Bundle:
    """As if someone had written another file or manifest, with digests that agree."""
    files = {"labels": "labels.txt", "preprocess": "preprocess.json"}
    new = {files[name]: content for name, content in contents.items()}
    return dataclasses.replace(
        bundle, manifest={**bundle.manifest, **(manifest or {})}, contents={**bundle.contents, **new}
    )


def test_an_app_gets_the_class_and_the_vectors(bundle, app):
    files = app_files(bundle, app)
    write_app_files(app, files)
    source = (app / SOURCE).read_text(encoding="utf-8")
    assert f'"{bundle.manifest["files"]["model.tflite"]["sha256"]}"' in source
    assert "ElementType.INT8" in source
    assert (app / VECTORS).read_bytes() == bundle.contents["golden/vectors.json"]


@pytest.mark.parametrize(
    ("file", "into", "out"),
    [("int8_uint8_io", "UINT8", "UINT8"), ("int8_float_io", "FLOAT32", "FLOAT32"), ("float32", "FLOAT32", "FLOAT32"),
     ("int16x8", "INT16", "INT16")],
)  # fmt: skip
def test_types_are_those_of_the_file(golden, app, tmp_path, quantize_details, file, into, out):
    made = bundle_of(golden / f"{file}.tflite", tmp_path / "made", quantize_details)
    source = app_files(made, app)[SOURCE].decode()
    types = [line.split("ElementType.")[1].split(",")[0] for line in source.splitlines() if "= TensorSpec(" in line]
    assert types == [into, out]


def test_a_runtime_that_is_too_old_is_refused(bundle, app):
    newer = changed(bundle, {"oldest_runtime": "2.17.0"})
    with pytest.raises(ModelError, match=r"needs TFLite 2\.17\.0, but the app has 2\.16\.1; raise tensorflow-lite in"):
        app_files(newer, app)
    same = changed(bundle, {"oldest_runtime": "2.16.1"})
    assert app_files(same, app)


def test_a_runtime_that_nobody_knows_is_refused(bundle, app):
    with pytest.raises(ModelError, match="unknown"):
        app_files(changed(bundle, {"oldest_runtime": "unknown (MY_OP)"}), app)


@pytest.mark.parametrize("text", ["", "[versions]\n", '[versions]\ntensorflow-lite = "new"\n', "[versions"])
def test_a_catalogue_without_the_pin_is_an_error(bundle, app, text):
    (app / CATALOGUE).write_text(text)
    with pytest.raises(OutputError, match="has no version 'tensorflow-lite'"):
        app_files(bundle, app)


def test_an_app_without_a_catalogue_is_not_looked_at(bundle, tmp_path):
    assert set(app_files(bundle, tmp_path)) == {SOURCE, VECTORS}


def test_fewer_labels_than_classes_are_refused(bundle, app):
    with pytest.raises(ModelError, match=r"labels\.txt: names 9 classes, but the model gives \(1, 10\)"):
        app_files(changed(bundle, labels="".join(f"{name}\n" for name in NAMES[:9]).encode()), app)


def test_a_broken_promise_is_refused(bundle, app):
    with pytest.raises(ModelError, match="is full-int8, but the manifest promises float32"):
        app_files(changed(bundle, {"label": "float32"}), app)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("dtype", "uint8"),
        ("shape", [1, 8, 8]),
        ("scale", 0.5),
        ("zero_point", 3),
        ("scale", None),
        ("zero_point", None),
    ],
)
def test_a_manifest_that_contradicts_the_file_is_refused(bundle, app, key, value):
    stated = {**bundle.manifest["inputs"][0], key: value}
    with pytest.raises(ModelError, match="but the file has"):
        app_files(changed(bundle, {"inputs": [stated]}), app)


def test_several_inputs_are_refused(bundle, app):
    with pytest.raises(ModelError, match="feeds one tensor"):
        app_files(changed(bundle, {"inputs": bundle.manifest["inputs"] * 2}), app)


def test_a_contract_of_another_shape_is_refused(bundle, app):
    other = json.dumps(Preprocess((4, 4, 1)).to_dict()).encode()
    with pytest.raises(ModelError, match=r"gives \(4, 4, 1\), but the model takes \(8, 8, 1\)"):
        app_files(changed(bundle, preprocess=other), app)


def test_a_contract_of_another_version_is_refused(bundle, app):
    later = json.dumps({**Preprocess((8, 8, 1)).to_dict(), "version": 99}).encode()
    with pytest.raises(ModelError, match="version 99"):
        app_files(changed(bundle, preprocess=later), app)


@pytest.mark.parametrize(("field", "value"), [("resize", "lanczos"), ("fit", "tile"), ("dither", True)])
def test_a_step_that_the_app_lacks_is_refused(tmp_path, field, value):
    document = Preprocess((8, 8, 1)).to_dict()
    check_steps(document, tmp_path)
    with pytest.raises(ModelError, match=f"{field} {value!r} is a step that the app cannot do"):
        check_steps({**document, field: value}, tmp_path)


def test_more_labels_than_a_class_can_hold_are_refused():
    many = MOST_LABELS + 1
    spec = TensorSpec("out", (1, many), "float32", None, None)
    contract = KotlinContract("x", "", "1.0.0", spec, spec, ("a",) * many, Preprocess((many,), "tensor"))
    with pytest.raises(ModelError, match=f"at most {MOST_LABELS}"):
        check_labels(Path("labels.txt"), contract)


def test_maven_and_gradle_have_the_same_versions(request):
    demo = request.config.rootpath / "android_demo"
    pins = tomllib.loads((demo / CATALOGUE).read_text(encoding="utf-8"))["versions"]
    for place in (demo / "tools" / "pom.xml", demo / "jvm" / "pom.xml"):
        spaces = {"m": "http://maven.apache.org/POM/4.0.0"}
        properties = ElementTree.parse(place).find("m:properties", spaces)
        found = {one.tag.split("}")[1].removesuffix(".version"): one.text for one in properties}
        shared = found.keys() & pins.keys()
        assert "kotlin" in shared
        assert {name: found[name] for name in shared} == {name: pins[name] for name in shared}
