"""Labels of the golden models, of small graphs written op by op, and of third-party files."""

import os
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from litesmith.converters.label import float_islands, judge, prove_integer_only, truth_label
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError

GOLDEN = Path(__file__).parents[1] / "golden"
DATA = os.environ.get("LITESMITH_DATA")
LABELS = {
    "float32_residual": "float32",
    "float32": "float32",
    "dynamic_batch_float": "float32",
    "float16": "float16",
    "dynamic_range": "dynamic-range",
    "int8": "full-int8",
    "int8_uint8_io": "full-int8",
    "int8_half_zeros": "full-int8",
    "int8_residual": "full-int8",
    "int8_dense_only": "full-int8",
    "two_inputs_int8": "full-int8",
    "gather_nd_int8": "full-int8",
    "int8_float_io": "int8-float-io",
    "int16x8": "int16x8",
    "int16x8_float_io": "int16x8",
    "mixed_float_island": "mixed",
}


def load(name):
    return TFLiteModel.from_file(GOLDEN / f"{name}.tflite")


def build(tensors, operators):
    """A model of `tensors` (name: type, in capitals where constant, with ! where quantized) and `operators`.

    What no operator writes is an input, what none reads an output.
    """
    model, graph, codes = schema.ModelT(), schema.SubGraphT(), []
    empty, full = schema.BufferT(), schema.BufferT()
    full.data = np.ones(64, np.uint8)
    places = {name: place for place, name in enumerate(tensors)}
    graph.tensors = [_tensor(name, kind) for name, kind in tensors.items()]
    graph.operators = []
    for op, inputs, outputs in operators:
        code, operator = schema.OperatorCodeT(), schema.OperatorT()
        code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, op.partition(":")[0])
        code.customCode, code.version = op.partition(":")[2] or None, 1
        codes.append(code)
        operator.opcodeIndex = len(codes) - 1
        operator.inputs = [places[name] for name in inputs.split()]
        operator.outputs = [places[name] for name in outputs.split()]
        graph.operators.append(operator)
    written = {place for operator in graph.operators for place in operator.outputs}
    read = {place for operator in graph.operators for place in operator.inputs}
    constants = {places[name] for name in tensors if name.isupper()}
    graph.inputs = [place for place in places.values() if place in read - written - constants]
    graph.outputs = [place for place in places.values() if place in written - read]
    model.version, model.operatorCodes, model.subgraphs, model.buffers = 3, codes, [graph], [empty, full]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return TFLiteModel(bytes(builder.Output()))


def _tensor(name, kind):
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.buffer = name, [1, 4], int(name.isupper())
    tensor.type = getattr(schema.TensorType, kind.rstrip("!").upper())
    tensor.isVariable = name.startswith("state")
    if kind.endswith("!"):
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = [0.5], [0]
    return tensor


@pytest.mark.parametrize(("name", "label"), LABELS.items())
def test_golden_models_are_what_their_names_say(name, label):
    assert truth_label(load(name)) == label


def test_every_golden_model_is_listed():
    assert {path.stem for path in GOLDEN.glob("*.tflite")} == set(LABELS)


INT8 = {"x": "int8!", "W": "int8!", "B": "int32!", "y": "int8!"}
DENSE = ("FULLY_CONNECTED", "x W B", "y")


@pytest.mark.parametrize(
    ("tensors", "operators", "label"),
    [
        (INT8, [DENSE], "full-int8"),
        (INT8 | {"z": "int64"}, [DENSE, ("ARG_MAX", "y", "z")], "full-int8"),
        (INT8 | {"state": "int16!"}, [("FULLY_CONNECTED", "x W B state", "y")], "full-int8"),
        (INT8 | {"W": "int4!"}, [DENSE], "mixed"),
        (INT8 | {"stray": "float32"}, [DENSE], "mixed"),
        (INT8 | {"z": "string"}, [DENSE, ("CUSTOM:Name", "y", "z")], "mixed"),
        (INT8 | {"y": "int16!"}, [DENSE], "mixed"),
        (INT8 | {"x": "int16!", "W": "int8!", "B": "int64!", "y": "int16!"}, [DENSE], "int16x8"),
        (INT8 | {"x": "int16!", "W": "int16!", "y": "int16!"}, [DENSE], "mixed"),
        (INT8 | {"z": "float32"}, [DENSE, ("DEQUANTIZE", "y", "z")], "int8-float-io"),
        (INT8 | {"z": "float32"}, [DENSE, ("CUSTOM:Decoder", "y", "z")], "mixed"),
        (INT8 | {"z": "float32", "p": "float32"}, [DENSE, ("DEQUANTIZE", "y", "z"), ("SOFTMAX", "z", "p")], "mixed"),
        ({"x": "int32", "y": "int32"}, [("NEG", "x", "y")], "mixed"),
        ({"x": "float32", "W": "float32", "y": "float32"}, [("FULLY_CONNECTED", "x W", "y")], "float32"),
        ({"x": "uint8", "f": "float32", "y": "float32"}, [("CAST", "x", "f"), ("TANH", "f", "y")], "float32"),
        ({"x": "float16", "y": "float16"}, [("TANH", "x", "y")], "mixed"),
        ({"x": "float32", "W": "int8!", "y": "float32"}, [("FULLY_CONNECTED", "x W", "y")], "dynamic-range"),
        (
            {"x": "float32", "W": "int8!", "w": "float32", "y": "float32"},
            [("DEQUANTIZE", "W", "w"), ("FULLY_CONNECTED", "x w", "y")],
            "mixed",
        ),
        (
            {"i": "int32", "T": "int8!", "e": "int8!", "x": "float32", "W": "int8!", "y": "float32"},
            [("GATHER", "T i", "e"), ("DEQUANTIZE", "e", "x"), ("FULLY_CONNECTED", "x W", "y")],
            "dynamic-range",
        ),
    ],
    ids=[
        "int8", "int64 result", "int16 state", "int4 kernel", "stray float", "string", "int8 to int16", "int16x8",
        "int16 kernel", "float output", "float from a custom op", "float softmax", "int32 only", "float32",
        "raw uint8 input", "float16 activations", "hybrid", "weight only", "hybrid with int8 embedding",
    ],
)  # fmt: skip
def test_the_label_follows_every_tensor(tensors, operators, label):
    assert truth_label(build(tensors, operators)) == label


def test_the_reason_names_what_computes_in_float_and_what_is_opaque():
    assert judge(load("mixed_float_island")).reason == "activations are int8, but it has SIN in float (2 tensors)"
    model = build(INT8 | {"z": "int8!"}, [DENSE, ("CUSTOM:Secret", "y", "z")])
    assert judge(model).label == "full-int8"
    assert "inside its custom operators (1) nothing can be read" in judge(model).reason


def test_float_tensors_of_other_subgraphs_count():
    content = schema.ModelT.InitFromPackedBuf(load("int8").content)
    content.subgraphs.append(schema.ModelT.InitFromPackedBuf(load("float32").content).subgraphs[0])
    for tensor in content.subgraphs[1].tensors:
        tensor.buffer = 0
    for operator in content.subgraphs[1].operators:
        operator.opcodeIndex = 0
    builder = flatbuffers.Builder(1024)
    builder.Finish(content.Pack(builder), b"TFL3")
    model = TFLiteModel(bytes(builder.Output()))
    assert truth_label(model) == "mixed"
    with pytest.raises(ConversionError):
        prove_integer_only(model, allow_float_io=True)


@pytest.mark.parametrize("name", [name for name, label in LABELS.items() if label == "full-int8"] + ["int16x8"])
def test_integer_files_are_proved(name):
    model = load(name)
    prove_integer_only(model, allow_float_io=False)
    assert float_islands(model) == ()


@pytest.mark.parametrize("name", ["int8_float_io", "int16x8_float_io"])
def test_float_inputs_and_outputs_pass_only_where_they_are_allowed(name):
    model = load(name)
    prove_integer_only(model, allow_float_io=True)
    with pytest.raises(ConversionError, match="ask for int8 or uint8 inputs and outputs") as caught:
        prove_integer_only(model, allow_float_io=False)
    assert "'serving_default_image:0' (float32): graph input -> QUANTIZE #0" in str(caught.value)
    assert "-> graph output" in str(caught.value)


def test_an_island_is_named_with_its_neighbours_and_a_way_out():
    model = load("mixed_float_island")
    with pytest.raises(ConversionError, match="2 of its tensors are float") as caught:
        prove_integer_only(model, allow_float_io=True)
    message = str(caught.value)
    assert "'with_op/op/Sin' (float32): SIN #3 -> QUANTIZE #4" in message
    assert "replace SIN by operators that have an integer kernel" in message
    assert [island.tensor.name for island in float_islands(model, allow_float_io=True)] == [
        "tfl.dequantize", "with_op/op/Sin"
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["float32", "float16", "dynamic_range"])
def test_an_uncalibrated_file_is_told_to_calibrate_and_its_list_is_cut(name):
    model = load(name)
    with pytest.raises(ConversionError, match="pass calibration data") as caught:
        prove_integer_only(model, allow_float_io=True)
    assert f"and {len(model.float_tensors) - 5} more" in str(caught.value)


def test_a_tensor_that_many_read_does_not_name_them_all():
    first, _ = float_islands(build({"x": "float32", "y": "float32"}, [("RELU", "x", "y")] * 30))
    assert str(first).endswith("RELU #4, and 25 more operators")


def test_kernels_in_another_file_are_no_activations():
    model = schema.ModelT.InitFromPackedBuf((GOLDEN / "int16x8.tflite").read_bytes())
    for tensor in model.subgraphs[0].tensors:
        if tensor.type == schema.TensorType.INT8:
            tensor.buffer, tensor.externalBuffer = 0, 1
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    assert truth_label(TFLiteModel(bytes(builder.Output()))) == "int16x8"


@pytest.mark.skipif(DATA is None, reason="LITESMITH_DATA does not name the folder of third-party models")
@pytest.mark.parametrize(
    ("pattern", "label"),
    [
        ("edgetpu_pairs/*mobilenet_v?_[01]*_quant.tflite", "full-int8"),
        ("edgetpu_pairs/*deeplab*_quant.tflite", "full-int8"),
        ("edgetpu_pairs/*face_detection*_quant.tflite", "int8-float-io"),
        ("edgetpu_pairs/*_decoder.tflite", "mixed"),
        ("mlperf_tiny/**/*_int8.tflite", "full-int8"),
        ("mlperf_tiny/**/*_float.tflite", "float32"),
    ],
)
def test_third_party_files_have_the_label_that_their_makers_claim(pattern, label):
    paths = sorted(Path(DATA).glob(pattern))
    assert paths
    assert {path.name: truth_label(TFLiteModel.from_file(path)) for path in paths} == {
        path.name: label for path in paths
    }
