"""The golden vectors of a bundle on a phone."""

import json
from pathlib import Path

import numpy as np
import pytest

from litesmith.cli import main
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.data import load_dataset
from litesmith.errors import ModelError
from litesmith.golden import MODEL_FILE, VECTORS_FILE, make_golden
from litesmith.golden_device import bundle_beside, check_outputs, verify_golden_on
from litesmith.targets.devices import ssh
from litesmith.targets.devices.adb import connect
from litesmith.targets.devices.device import Configuration


@pytest.fixture
def bundle(golden: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "bundle"
    (folder / VECTORS_FILE).parent.mkdir(parents=True)
    content = (golden / "int8.tflite").read_bytes()
    digits = load_dataset("digits", base=Path(), image_shape=None, scale=None, offset=None)
    vectors = make_golden(TFLiteModel(content), digits.select(np.arange(3), "few"), quantization_aware=False)
    (folder / MODEL_FILE).write_bytes(content)
    (folder / VECTORS_FILE).write_text(vectors.to_json(), encoding="utf-8")
    return folder


@pytest.mark.parametrize("delegate", ["xnnpack", "none"])
def test_a_phone_computes_what_was_recorded(phone, runner, bundle, delegate):
    phone()
    with connect("", runner=runner)[0] as device:
        result = verify_golden_on(device, bundle, Configuration(delegate))
    assert result.ok
    assert (result.vectors, result.runtime, result.delegate) == (3, "benchmark_model", delegate)
    assert result.max_steps <= 1


def test_outputs_that_are_not_the_recorded_ones_show(phone, runner, bundle, golden):
    (bundle / MODEL_FILE).write_bytes((golden / "int8_half_zeros.tflite").read_bytes())
    phone()
    with connect("", runner=runner)[0] as device:
        result = verify_golden_on(device, bundle)
    assert not result.ok
    assert result.different > 0


def test_vectors_that_the_model_does_not_take_are_refused(phone, runner, bundle, golden):
    (bundle / MODEL_FILE).write_bytes((golden / "float32.tflite").read_bytes())
    phone()
    with connect("", runner=runner)[0] as device, pytest.raises(ModelError, match="convert the array first"):
        verify_golden_on(device, bundle)


def test_a_board_computes_what_was_recorded(board, bundle):
    device = ssh.connect(board.address)
    try:
        result = verify_golden_on(device, bundle, Configuration("cpu"))
    finally:
        device.close()
    assert result.ok
    assert (result.vectors, result.runtime, result.delegate) == (3, "litert", "none")


def test_the_bundle_of_a_file_is_the_one_that_holds_it(bundle, golden, tmp_path):
    beside = tmp_path / "model.tflite"
    beside.write_bytes((bundle / MODEL_FILE).read_bytes())
    other = tmp_path / "other.tflite"
    other.write_bytes((golden / "float32.tflite").read_bytes())

    assert bundle_beside(TFLiteModel.from_file(bundle / MODEL_FILE)) == bundle
    assert bundle_beside(TFLiteModel.from_file(beside)) == bundle
    assert bundle_beside(TFLiteModel.from_file(other)) is None
    assert bundle_beside(TFLiteModel.from_file(golden / "int8.tflite")) is None


def test_bench_runs_the_vectors_in_every_configuration(bundle, capsys):
    code = main(["bench", str(bundle / MODEL_FILE), "--delegates", "xnnpack,cpu", "--runs", "3", "--json"])
    told = json.loads(capsys.readouterr().out)

    assert code == 0
    for item in told["measurements"]:
        assert item["outputs"]["vectors"] == 3
        assert item["outputs"]["wrong"] is None


def test_a_file_that_computes_something_else_has_no_latency(bundle, golden, capsys):
    (bundle / MODEL_FILE).write_bytes((golden / "int8_half_zeros.tflite").read_bytes())

    code = main(["bench", str(bundle / MODEL_FILE), "--runs", "3", "--json"])
    (item,) = json.loads(capsys.readouterr().out)["measurements"]

    assert code == 1
    assert item["latency"] is None
    assert item["refused"].startswith("its outputs are wrong, so how fast it is means nothing: 3 golden vectors")


def test_vectors_that_are_damaged_are_told(bundle, capsys):
    vectors = (bundle / VECTORS_FILE).read_text()
    (bundle / VECTORS_FILE).write_text(vectors[: len(vectors) // 2])

    code = main(["bench", str(bundle / MODEL_FILE), "--runs", "3", "--json"])
    (item,) = json.loads(capsys.readouterr().out)["measurements"]

    assert code == 1
    assert item["outputs"]["found"] == "the golden vectors do not fit the model"
    assert "vectors.json" in item["refused"]


def test_a_runner_that_gives_no_outputs_is_told(phone, bundle, tmp_path):
    older = tmp_path / "older"
    older.write_text('#!/bin/sh\necho "WARN: Unconsumed cmdline flags: --output_filepath=/x"\n')
    phone()
    with connect("", runner=older)[0] as device:
        told = check_outputs(device, bundle, Configuration())
    assert (told.vectors, told.wrong) == (0, None)
    assert told.found.startswith("golden vectors were not run: ")
    assert "it does not know --output_filepath" in told.found
