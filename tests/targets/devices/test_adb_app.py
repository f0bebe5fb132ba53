"""Measuring inside the demo app: its own Kotlin on the JVM of this machine, through the real adb client."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets.devices.adb_app import AppDevice
from litesmith.targets.devices.device import Configuration, Demand
from litesmith.targets.isolated import run_isolated
from tests.devices.app import PACKAGE
from tests.devices.fixtures import ConnectedPhone, PhoneFactory
from tests.devices.phone import PhoneModel
from tests.targets.devices.adb_help import QUICK, device_of, left_by_app, packed

pytestmark = pytest.mark.usefixtures("no_settings")
CPU = Configuration("none")


@pytest.mark.parametrize(("asked", "ran"), [("xnnpack", "xnnpack"), ("none", "none"), ("cpu", "none")])
def test_a_block_has_every_single_run_of_the_app(
    in_app: tuple[ConnectedPhone, AppDevice], int8_model: bytes, asked: str, ran: str
):
    one, device = in_app
    block = device.block(int8_model, Configuration(asked, 2), Demand(runs=7, seconds=0.01))
    assert block.count == len(block.times_ms) == 7
    assert all(time_ms > 0 for time_ms in block.times_ms)
    assert block.warmup_runs >= 3
    assert block.delegate == ran
    assert block.runner == f"{PACKAGE} emulated (TFLite 2.6.2)"
    assert block.init_ms is not None and block.first_ms is not None and block.init_ms > 0 < block.first_ms
    assert device.facts.label == f"adb:{one.serial}" and device.facts.kind == "adb"
    device.close()
    assert left_by_app(one) == []


def test_a_block_goes_on_for_as_long_as_it_is_asked(in_app: tuple[ConnectedPhone, AppDevice], int8_model: bytes):
    one, device = in_app
    block = device.block(int8_model, CPU, Demand(seconds=0.25))
    assert sum(block.times_ms) >= 250 > sum(block.times_ms[:-1])
    device.close()
    assert left_by_app(one) == []


def test_every_block_is_a_process_of_its_own_and_the_model_is_pushed_once(
    in_app: tuple[ConnectedPhone, AppDevice], int8_model: bytes
):
    one, device = in_app
    numbers = set()
    for _ in range(2):
        device.block(int8_model, CPU, QUICK)
        numbers.add(one.adb("shell", f"pidof {PACKAGE}").stdout.decode().strip())
    assert len(numbers) == 2 and "" not in numbers
    assert one.counters.pushes == 1
    device.close()
    assert left_by_app(one) == []


def test_a_phone_that_is_none_is_found_out_by_what_the_app_says(phone_with_app: PhoneFactory, int8_model: bytes):
    device = device_of(phone_with_app(model=PhoneModel(emulated=False)))
    assert not device.facts.emulated
    device.block(int8_model, CPU, QUICK)
    assert device.facts.emulated


def per_tensor(content: bytes) -> bytes:
    """With one scale for all weights of a dense layer: TFLite 2.6 takes the first of several for all."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    (graph,) = model.subgraphs
    for op in graph.operators:
        if model.operatorCodes[op.opcodeIndex].builtinCode == schema.BuiltinOperator.FULLY_CONNECTED:
            source, weights, bias = (graph.tensors[place].quantization for place in op.inputs)
            if weights is not None and weights.scale is not None:
                weights.scale, weights.zeroPoint, weights.quantizedDimension = weights.scale[:1], np.zeros(1), 0
                bias.scale, bias.zeroPoint = weights.scale * source.scale[0], np.zeros(1)
    return packed(model)


@pytest.mark.parametrize("name", ["int8", "two_inputs_int8", "float32"])
def test_outputs_of_given_inputs_are_those_of_the_host(
    in_app: tuple[ConnectedPhone, AppDevice], golden: Path, name: str
):
    one, device = in_app
    content = per_tensor((golden / f"{name}.tflite").read_bytes())
    model = TFLiteModel(content)
    inputs = [
        np.random.default_rng(place).integers(-100, 100, spec.shape).astype(spec.dtype)
        for place, spec in enumerate(model.inputs)
    ]
    run = device.run_vectors(content, inputs, CPU)
    device.close()
    expected = run_isolated(content, inputs, delegate="none").outputs
    assert [(array.shape, array.dtype) for array in run.outputs] == [(array.shape, array.dtype) for array in expected]
    for output, wanted, tensor in zip(run.outputs, expected, model.outputs, strict=True):
        # TFLite 2.6 and LiteRT of today may round one step apart; random outputs are many steps apart.
        allowed = 1 if tensor.quantization is not None else 1e-4 * float(np.abs(wanted).max())
        assert np.abs(output.astype(np.float64) - wanted.astype(np.float64)).max() <= allowed
    assert (run.runtime, run.runtime_version, run.delegate) == ("tflite in the app", "2.6.2", "none")
    assert left_by_app(one) == []
