"""What models say of their own input, read from files that TensorFlow's converter wrote."""

import numpy as np
import pytest

from litesmith.converters.backend import tensorflow, tf_keras
from litesmith.converters.input_scale import expected_scale
from litesmith.converters.tflite_model import TFLiteModel


def convert(*first):
    tf, keras = tensorflow(), tf_keras()
    image = x = keras.Input((8, 8, 3), batch_size=1, name="image")
    for layer in first:
        x = layer(x)
    # A pooling layer keeps the converter from folding the scaling into weights.
    x = keras.layers.Dense(2)(keras.layers.Flatten()(keras.layers.MaxPool2D(2)(x)))
    model = TFLiteModel(bytes(tf.lite.TFLiteConverter.from_keras_model(keras.Model(image, x)).convert()))
    return expected_scale(model, model.inputs[0])


def test_a_model_without_scaling_tells_nothing(golden):
    for name in ("float32", "float32_residual", "dynamic_batch_float"):
        model = TFLiteModel.from_file(golden / f"{name}.tflite")
        assert expected_scale(model, model.inputs[0]) is None


@pytest.mark.parametrize(("scale", "offset", "low", "high"), [(1 / 127.5, -1, 0, 255), (1 / 255, 0, -255, 255)])
def test_rescaling_tells_the_range_of_pixels(scale, offset, low, high):
    found = convert(tf_keras().layers.Rescaling(scale, offset))
    assert found.center[0] - found.spread[0] == pytest.approx(low, abs=1e-3)
    assert found.center[0] + found.spread[0] == pytest.approx(high)
    assert "MUL" in found.because


def test_normalization_tells_the_mean_and_deviation_of_each_channel():
    means, variances = [120.0, 110.0, 100.0], [3600.0, 2500.0, 4900.0]
    found = convert(tf_keras().layers.Normalization(mean=means, variance=variances))
    np.testing.assert_allclose(found.center, means, rtol=1e-4)
    np.testing.assert_allclose(found.spread, np.sqrt(variances), rtol=1e-4)


@pytest.mark.parametrize("name", ["int8_float_io", "int16x8_float_io"])
def test_a_model_that_quantizes_first_tells_what_it_was_calibrated_with(golden, name):
    model = TFLiteModel.from_file(golden / f"{name}.tflite")
    found = expected_scale(model, model.inputs[0])
    assert found.center[0] + found.spread[0] == pytest.approx(1, rel=0.01)
    assert found.because == "the model quantizes it first"
