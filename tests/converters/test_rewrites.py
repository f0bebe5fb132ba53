"""Every rewrite gives the same numbers in float, and only where its conditions hold."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from litesmith.calibration.native import quiet_native
from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.backend import tensorflow, tf_keras
from litesmith.converters.editing import ModelEditor
from litesmith.converters.fixed_batch import fix_batch
from litesmith.converters.post_training import quantize_float_model
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.rewrites import rewrite
from litesmith.converters.tflite_model import TFLiteModel


def outputs(model, x):
    interpreter = Interpreter(model_content=model.content, num_threads=1)
    given = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(given, x.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(given, x)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def samples(model):
    return np.random.default_rng(5).normal(size=(1, *model.inputs[0].shape[1:])).astype(np.float32)


def converted(pool, reshape):
    """A convolution, an average pool and a dense layer, perhaps one on each of several rows; the batch open."""
    keras = tf_keras()
    keras.utils.set_random_seed(3)
    image = keras.Input((6, 8, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", activation="relu")(image)
    x = keras.layers.AveragePooling2D(pool)(x)
    x = keras.layers.Reshape((4, 12))(x) if reshape else keras.layers.Flatten()(x)
    model = keras.Model(image, keras.layers.Softmax()(keras.layers.Dense(5)(x)))
    with quiet_native():
        return TFLiteModel(bytes(tensorflow().lite.TFLiteConverter.from_keras_model(model).convert()))


@pytest.fixture(scope="module")
def pooled():
    return converted((6, 8), reshape=False)


@pytest.fixture(scope="module")
def reshaped():
    return converted((2, 2), reshape=True)


def test_a_pool_over_the_whole_image_becomes_a_mean(pooled):
    rewritten = rewrite(pooled)
    assert rewritten.applied == ("pool_to_mean",)
    assert "MEAN" in rewritten.model.ops
    assert "AVERAGE_POOL_2D" not in rewritten.model.ops
    x = samples(pooled)
    assert np.abs(outputs(rewritten.model, x) - outputs(pooled, x)).max() < 1e-5
    assert rewritten.model.main.tensors[: len(pooled.main.tensors)] == pooled.main.tensors


def test_a_pool_that_is_not_global_or_has_an_activation_stays(pooled, reshaped):
    assert "pool_to_mean" not in rewrite(reshaped).applied
    editor = ModelEditor(pooled.content)
    pool = next(operator for operator in editor.graph.operators if editor.op_name(operator) == "AVERAGE_POOL_2D")
    pool.builtinOptions.fusedActivationFunction = schema.ActivationFunctionType.RELU
    assert rewrite(TFLiteModel(editor.to_bytes())).applied == ()


def test_an_open_batch_is_fixed_and_computed_shapes_become_constants(reshaped):
    assert "SHAPE" in reshaped.ops
    fixed = fix_batch(reshaped)
    assert not any(tensor.is_dynamic for tensor in fixed.main.tensors)
    rewritten = rewrite(fixed)
    assert rewritten.applied == ("constant_reshape",)
    assert set(rewritten.model.ops) == {"AVERAGE_POOL_2D", "CONV_2D", "FULLY_CONNECTED", "RESHAPE", "SOFTMAX"}
    x = samples(reshaped)
    expected = outputs(reshaped, x)
    assert np.abs(outputs(fixed, x) - expected).max() < 1e-5
    assert np.abs(outputs(rewritten.model, x) - expected).max() < 1e-5


def test_computed_shapes_stay_while_the_batch_is_open(reshaped):
    assert rewrite(reshaped).applied == ()


def test_a_shape_that_the_file_only_guesses_is_not_made_constant(reshaped):
    editor = ModelEditor(fix_batch(reshaped).content)
    for operator in editor.graph.operators:
        if editor.op_name(operator) == "RESHAPE":
            editor.tensor(operator.outputs[0]).shape = [1, 1, 2]
    assert rewrite(TFLiteModel(editor.to_bytes())).applied == ()


def test_a_model_without_anything_to_rewrite_is_returned_as_it_is(golden):
    model = TFLiteModel.from_file(golden / "float32.tflite")
    assert rewrite(model).model is model


@pytest.mark.parametrize("engine", ["mlir", "aeq"])
def test_computed_shapes_leave_no_float_behind(reshaped, engine):
    x = np.random.default_rng(5).normal(size=(8, 6, 8, 3)).astype(np.float32)
    result = quantize_float_model(reshaped, QuantizationSpec(), CalibrationSet.from_arrays(x), engine=engine)
    assert result.applied == ("constant_reshape",)
    assert set(result.model.ops) == {"AVERAGE_POOL_2D", "CONV_2D", "FULLY_CONNECTED", "RESHAPE", "SOFTMAX"}
