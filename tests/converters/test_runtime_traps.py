"""Files that older runtimes refuse or compute wrongly say so, and the runtimes really do."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from litesmith.converters.editing import ModelEditor
from litesmith.converters.op_versions import needed_ops
from litesmith.converters.runtime_traps import oldest_runtime_of, traps_of
from litesmith.converters.runtime_versions import RuntimeVersion, oldest_runtime
from litesmith.converters.text.integer.graph_writer import GraphWriter
from litesmith.converters.tflite_model import TFLiteModel

GOLDEN = Path(__file__).parents[1] / "golden"
TYPES = [("int8", "int16"), ("uint8", "int16"), ("int16", "int8"), ("int8", "int8"), ("int16", "int16")]
TRAPPED = TYPES[:2]
VALUES = np.arange(-64, 64, dtype=np.int8)[None]


def requantized(before: str, after: str) -> bytes:
    writer = GraphWriter()
    given = writer.tensor("given", VALUES.shape, before, 0.05)
    result = writer.operator("QUANTIZE", [given], writer.tensor("result", VALUES.shape, after, 0.025))
    return writer.finish({"given": given}, {"result": result}, "")


def dense(scales: list[float], activation: str = "int8") -> bytes:
    writer = GraphWriter()
    given = writer.tensor("given", VALUES.shape, activation, 0.05)
    weights = np.random.default_rng(0).integers(-127, 128, (len(scales), VALUES.size)).astype(np.int8)
    steps = np.array(scales, np.float32)
    bias = np.zeros(len(scales), np.int32 if activation == "int8" else np.int64)
    inputs = [given, writer.constant("weights", weights, steps), writer.constant("bias", bias, steps * given.scale)]
    result = writer.tensor("result", (1, len(scales)), activation, 2.0)
    writer.operator("FULLY_CONNECTED", inputs, result, schema.FullyConnectedOptionsT())
    return writer.finish({"given": given}, {"result": result}, "")


@pytest.mark.parametrize(("before", "after"), TYPES)
def test_to_make_int16_of_8_bits_needs_litert(before, after):
    model = TFLiteModel(requantized(before, after))
    trapped = (before, after) in TRAPPED
    assert [trap.op for trap in traps_of(model)] == ["QUANTIZE"] * trapped
    found, by_versions = oldest_runtime_of(model), oldest_runtime(needed_ops(model))
    assert str(found) == ("LiteRT 2.1.3" if trapped else str(by_versions))
    assert found.named == ("LiteRT 2.1.3" if trapped else f"TensorFlow Lite {by_versions}")
    assert found.version == by_versions.version


@pytest.mark.skipif(importlib.util.find_spec("tflite_runtime") is None, reason="tflite-runtime is not installed")
@pytest.mark.parametrize(("before", "after"), TYPES)
def test_tflite_runtime_2_14_refuses_it_and_litert_does_not(before, after, tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(requantized(before, after))
    code = "import sys; from tflite_runtime.interpreter import Interpreter;Interpreter(sys.argv[1]).allocate_tensors()"
    done = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True)
    assert (done.returncode != 0) == ((before, after) in TRAPPED)
    assert ("output->type == kTfLiteInt8 was not true" in done.stderr) == ((before, after) in TRAPPED)
    given = VALUES.astype(before)  # uint8 has those below 0 above 191
    assert np.array_equal(computed(path.read_bytes(), given), np.clip(given.astype(int) * 2, *limits(after)))


@pytest.mark.parametrize("activation", ["int8", "int16"])
def test_weights_of_several_scales_need_2_10(activation):
    same, several = (TFLiteModel(dense(scales, activation)) for scales in ([0.01, 0.01], [0.01, 0.02]))
    assert oldest_runtime_of(same) == oldest_runtime(needed_ops(same))
    assert oldest_runtime_of(same).version < RuntimeVersion.parse("2.10.0")
    assert traps_of(same) == ()
    assert str(oldest_runtime_of(several)) == "2.10.0"
    assert traps_of(several)[0].what_happens.startswith("take the first scale")


@pytest.mark.skipif(importlib.util.find_spec("tflite_runtime") is None, reason="tflite-runtime is not installed")
def test_tflite_runtime_2_14_has_the_scale_of_each_channel():
    code = (
        "import json, sys, numpy as np; from tflite_runtime.interpreter import Interpreter\n"
        "one = Interpreter(model_content=sys.stdin.buffer.read()); one.allocate_tensors()\n"
        "one.set_tensor(0, np.arange(-64, 64, dtype=np.int8)[None]); one.invoke()\n"
        "print(json.dumps(one.get_tensor(one.get_output_details()[0]['index']).tolist()))"
    )
    content = dense([0.001, 0.01, 0.002])
    done = subprocess.run([sys.executable, "-c", code], input=content, capture_output=True, check=True)
    expected = computed(content, VALUES)
    assert np.abs(np.array(json.loads(done.stdout)) - expected).max() <= 1
    assert np.abs(expected).max() > 10


@pytest.mark.parametrize("name", ["dynamic_range", "float32", "float16"])
def test_weights_beside_float_activations_are_no_trap(name):
    assert traps_of(TFLiteModel.from_file(GOLDEN / f"{name}.tflite")) == ()


def test_operators_that_lack_tensors_are_no_trap():
    editor = ModelEditor(dense([0.01, 0.02]))
    editor.graph.operators[0].inputs = [0]
    assert traps_of(TFLiteModel(editor.to_bytes())) == ()


def computed(content: bytes, given: np.ndarray) -> np.ndarray:
    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], given)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def limits(kind: str) -> tuple[int, int]:
    return int(np.iinfo(kind).min), int(np.iinfo(kind).max)
