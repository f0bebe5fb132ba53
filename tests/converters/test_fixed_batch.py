"""A model with an open batch, fixed: the same numbers, and every shape in the file."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from litesmith.converters.editing import ModelEditor
from litesmith.converters.fixed_batch import fix_batch
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError


def outputs(model, x):
    interpreter = Interpreter(model_content=model.content, num_threads=1)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def test_a_model_that_is_fixed_is_returned_as_it_is(golden):
    model = TFLiteModel.from_file(golden / "float32.tflite")
    assert fix_batch(model) is model


def test_the_golden_model_with_an_open_batch_gives_the_same_when_fixed(golden):
    model = TFLiteModel.from_file(golden / "dynamic_batch_float.tflite")
    fixed = fix_batch(model)
    assert not any(tensor.is_dynamic for tensor in fixed.main.tensors)
    x = np.random.default_rng(5).normal(size=(1, 8, 8, 1)).astype(np.float32)
    assert np.array_equal(outputs(fixed, x), outputs(model, x))


def test_shapes_inside_are_worked_out_and_not_taken_from_the_file(golden):
    """Converters leave what they cannot infer open and store a 1 for it."""
    editor = ModelEditor((golden / "dynamic_batch_float.tflite").read_bytes())
    place = editor.graph.operators[2].outputs[0]
    editor.tensor(place).shapeSignature, editor.tensor(place).shape = [-1, -1, -1, 8], [1, 1, 1, 8]
    fixed = fix_batch(TFLiteModel(editor.to_bytes()))
    assert fixed.main.tensors[place].shape == fixed.main.tensors[place].shape_signature == (1, 4, 4, 8)


def test_another_open_dimension_is_named(golden):
    editor = ModelEditor((golden / "dynamic_batch_float.tflite").read_bytes())
    editor.tensor(editor.graph.inputs[0]).shapeSignature = [-1, -1, 8, 1]
    with pytest.raises(ConversionError, match=r"image:0' has shape \(-1, -1, 8, 1\); fix every dimension"):
        fix_batch(TFLiteModel(editor.to_bytes()))


def test_shapes_that_depend_on_values_are_refused(golden):
    """WHERE gives as many rows as its input has values that are not zero."""
    editor = ModelEditor((golden / "dynamic_batch_float.tflite").read_bytes())
    last = editor.graph.operators[-1]
    rows = editor.add_constant("rows", np.zeros((1, 2), np.int64))
    editor.tensor(rows).buffer, editor.tensor(rows).shapeSignature = 0, [-1, 2]
    last.opcodeIndex, last.builtinOptions, last.builtinOptionsType = editor.op_code("WHERE"), None, 0
    last.inputs, last.outputs, editor.graph.outputs = [last.inputs[0]], [rows], [rows]
    editor.graph.operators, editor.model.signatureDefs = [last], []
    last.inputs = [editor.graph.inputs[0]]
    with pytest.raises(ConversionError, match="'rows' depends on the input's values"):
        fix_batch(TFLiteModel(editor.to_bytes()))


def test_a_model_that_cannot_run_is_one_clear_error(golden):
    editor = ModelEditor((golden / "dynamic_batch_float.tflite").read_bytes())
    kernel = editor.graph.operators[0].inputs[1]
    editor.tensor(kernel).shape = [8, 1, 1, 9]
    with pytest.raises(ConversionError, match="LiteRT cannot run"):
        fix_batch(TFLiteModel(editor.to_bytes()))
