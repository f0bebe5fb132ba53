"""Golden vectors on a phone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DeviceError, ModelError
from litesmith.targets.devices.adb import AdbDevice
from litesmith.targets.devices.device import Configuration
from litesmith.targets.isolated import run_isolated
from tests.devices.faults import Faults
from tests.devices.fixtures import ConnectedPhone, PhoneFactory
from tests.targets.devices.adb_help import SHELLS, left_on, only

pytestmark = pytest.mark.usefixtures("no_settings")


@SHELLS
@pytest.mark.parametrize("name", ["int8", "two_inputs_int8", "float32"])
def test_outputs_of_given_inputs_are_those_of_the_host(
    phone: PhoneFactory, runner: Path, golden: Path, name: str, old_shell: bool
):
    content = (golden / f"{name}.tflite").read_bytes()
    inputs = [
        np.random.default_rng(place).integers(-100, 100, spec.shape).astype(spec.dtype)
        for place, spec in enumerate(TFLiteModel(content).inputs)
    ]
    one = phone(Faults(old_shell=old_shell))
    with only(one, runner) as device:
        run = device.run_vectors(content, inputs, Configuration("none"))
    expected = run_isolated(content, inputs, delegate="none").outputs
    assert [(array.shape, array.dtype) for array in run.outputs] == [(array.shape, array.dtype) for array in expected]
    assert all(np.array_equal(got, wanted) for got, wanted in zip(run.outputs, expected, strict=True))
    assert (run.runtime, run.delegate) == ("benchmark_model", "none")
    assert left_on(one) == []


def test_inputs_that_do_not_fit_are_refused(idle: tuple[ConnectedPhone, AdbDevice], int8_model: bytes):
    (spec,) = TFLiteModel(int8_model).inputs
    with pytest.raises(ModelError, match="takes 1 inputs, but was given 0"):
        idle[1].run_vectors(int8_model, [])
    with pytest.raises(ModelError, match="convert the array first"):
        idle[1].run_vectors(int8_model, [np.zeros(spec.shape, np.float32)])


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("WARN: Unconsumed cmdline flags: --output_filepath=/x", "it does not know --output_filepath"),
        ("INFO: STARTING!", "it wrote no outputs"),
    ],
)
def test_a_runner_that_writes_no_outputs_says_so(
    phone: PhoneFactory, int8_model: bytes, tmp_path: Path, script: str, words: str
):
    (tmp_path / "old").write_text(f'#!/bin/sh\necho "{script}"\n')
    (spec,) = TFLiteModel(int8_model).inputs
    with (
        only(phone(), tmp_path / "old") as device,
        pytest.raises(DeviceError, match=f"cannot run golden vectors: {words}"),
    ):
        device.run_vectors(int8_model, [np.zeros(spec.shape, np.int8)])
