"""Operator versions follow the types of the tensors, so that a runtime that is too old says so."""

from pathlib import Path

import pytest

from litesmith.converters.editing import ModelEditor
from litesmith.converters.engines import choose_engine
from litesmith.converters.op_versions import needed_ops, raise_op_versions
from litesmith.converters.post_training import quantize_float_model
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.tflite_model import TFLiteModel

GOLDEN = Path(__file__).parents[1] / "golden"


def versions(model):
    return {op: count.max_version for op, count in model.ops.items()}


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        (QuantizationSpec("dynamic"), {"CONV_2D": 5, "DEPTHWISE_CONV_2D": 6, "FULLY_CONNECTED": 3, "MAX_POOL_2D": 1}),
        (QuantizationSpec("dynamic", per_channel="all"), {"CONV_2D": 5, "FULLY_CONNECTED": 12}),
        (QuantizationSpec("dynamic", weight_bits=4), {"CONV_2D": 7, "DEPTHWISE_CONV_2D": 6, "FULLY_CONNECTED": 10}),
        (QuantizationSpec("float16"), {"CONV_2D": 1, "DEQUANTIZE": 3}),
    ],
)
def test_versions_of_files_with_quantized_weights(golden, spec, expected):
    source = TFLiteModel.from_file(golden / "float32.tflite")
    made = quantize_float_model(source, spec, None).model
    assert choose_engine(spec).name == "aeq"
    assert {op: version for op, version in versions(made).items() if op in expected} == expected


@pytest.mark.parametrize("name", ["int8", "int8_residual", "two_inputs_int8", "int8_float_io", "float32"])
def test_files_of_tensorflow_have_these_versions_already(golden, name):
    content = (golden / f"{name}.tflite").read_bytes()
    editor = ModelEditor(content)
    raise_op_versions(editor)
    assert versions(TFLiteModel(editor.to_bytes())) == versions(TFLiteModel(content))


def test_int16_activations_need_the_kernels_that_brought_them(golden):
    editor = ModelEditor((golden / "int16x8.tflite").read_bytes())
    raise_op_versions(editor)
    assert versions(TFLiteModel(editor.to_bytes())) == {
        "CONV_2D": 4, "DEPTHWISE_CONV_2D": 5, "FULLY_CONNECTED": 7, "MAX_POOL_2D": 3, "RESHAPE": 1
    }  # fmt: skip


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.tflite")), ids=lambda path: path.stem)
def test_what_a_file_needs_is_what_raising_would_give_it(path):
    editor = ModelEditor(path.read_bytes())
    raise_op_versions(editor)
    assert needed_ops(TFLiteModel.from_file(path)) == TFLiteModel(editor.to_bytes()).ops


@pytest.mark.parametrize("inputs", [[], [0], [0, -1, -1]])
def test_operators_that_lack_tensors_need_what_they_say(golden, inputs):
    editor = ModelEditor((golden / "float32.tflite").read_bytes())
    for operator in editor.graph.operators:
        operator.inputs, operator.outputs = inputs, []
    model = TFLiteModel(editor.to_bytes())
    assert needed_ops(model) == model.ops
