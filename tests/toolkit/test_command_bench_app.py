"""`litesmith bench --runner app`: the demo app's own Kotlin on an emulated phone, through the real adb client."""

import json
from pathlib import Path

import numpy as np
import pytest

from litesmith.cli import main
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.data import load_dataset
from litesmith.golden import MODEL_FILE, VECTORS_FILE, make_golden
from tests.devices.app import PACKAGE

QUICK = ("--runs", "3", "--patience", "0.001", "--json")


@pytest.fixture
def bundle_of(golden: Path, tmp_path: Path):
    """Makes the folder of a bundle with one of the golden models."""

    def make(name: str) -> Path:
        folder = tmp_path / "bundle"
        (folder / VECTORS_FILE).parent.mkdir(parents=True)
        model = TFLiteModel.from_file(golden / f"{name}.tflite")
        digits = load_dataset("digits", base=Path(), image_shape=None, scale=None, offset=None)
        vectors = make_golden(model, digits.select(np.arange(2), "few"), quantization_aware=False)
        (folder / MODEL_FILE).write_bytes(model.content)
        (folder / VECTORS_FILE).write_text(vectors.to_json(), encoding="utf-8")
        return folder

    return make


def bench(capsys, *arguments) -> tuple[int, dict]:
    code = main(["bench", *map(str, arguments), *QUICK])
    return code, json.loads(capsys.readouterr().out)


def test_the_app_measures_and_computes_what_was_recorded(phone_with_app, bundle_of, capsys):
    one = phone_with_app()
    code, told = bench(capsys, bundle_of("float32") / MODEL_FILE, "--on", f"adb:{one.serial}", "--runner", "app")
    (found,) = told["measurements"]
    assert code == 0
    assert found["device"]["kind"] == "adb" and found["runner"].startswith(f"{PACKAGE} emulated (TFLite ")
    assert found["emulated"] and found["latency"] is None  # a JVM is no phone
    assert (found["outputs"]["vectors"], found["outputs"]["wrong"]) == (2, None)


def test_a_runtime_of_the_app_that_computes_something_else_shows(phone_with_app, bundle_of, capsys):
    """The dense layer has a scale for each channel; TFLite 2.6 takes the first for all, without a word."""
    one = phone_with_app()
    code, told = bench(capsys, bundle_of("int8") / MODEL_FILE, "--on", f"adb:{one.serial}", "--runner", "app")
    (found,) = told["measurements"]
    assert code == 1
    assert found["outputs"]["wrong"].startswith("its outputs are wrong, so how fast it is means nothing: 2 golden")


def test_what_fails_in_the_app_is_the_devices_failure_and_leaves_the_others_alone(phone_with_app, golden, capsys):
    model, one = golden / "int8.tflite", phone_with_app()
    on = ("--on", f"adb:{one.serial}", "--runner", "app")
    code, told = bench(capsys, model, *on, "--on", "host", "--delegates", "gpu,xnnpack")
    assert code == 3
    gpu, xnnpack = (each for each in told["measurements"] if each["device"]["kind"] == "adb")
    assert gpu["error"] == "DeviceError" and "gpu is not available for this model in the app" in gpu["refused"]
    assert xnnpack["error"] is None

    one.faults.app = "missing"
    assert main(["bench", str(model), *on, *QUICK]) == 3
    assert f"the app {PACKAGE} is not installed" in capsys.readouterr().err


def test_the_app_is_none_of_this_computer(golden, capsys):
    assert main(["bench", str(golden / "int8.tflite"), "--runner", "app", *QUICK]) == 2
    assert "--runner app measures in the demo app on a phone; give --on adb too" in capsys.readouterr().err
