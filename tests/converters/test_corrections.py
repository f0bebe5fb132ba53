"""Corrections bring the outputs of rounded layers back to those of the float model."""

import numpy as np
import pytest

from litesmith.calibration.ranges import Range
from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.corrections import correct_at_once, correct_in_sequence, weight_grid
from litesmith.converters.editing import ModelEditor
from litesmith.converters.layers import linear_layers
from litesmith.converters.patches import window_means
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.rounding import nearest
from litesmith.converters.single_op import run_operator
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError
from litesmith.targets.runtimes import default

INT8 = QuantizationSpec("int8")


@pytest.fixture(scope="module")
def model(golden):
    return TFLiteModel.from_file(golden / "float32.tflite")


@pytest.fixture(scope="module")
def samples(model):
    shape = model.inputs[0].shape[1:]
    return np.random.default_rng(0).random((24, *shape), np.float32) ** 2


@pytest.fixture(scope="module")
def values(model, samples):
    return activations(model, samples)


@pytest.fixture(scope="module")
def ranges(values):
    return spans(values)


def activations(model, samples):
    """Every activation (N, 1, ...) by tensor index, one operator after the other."""
    editor = ModelEditor(model.content)
    found = {model.main.inputs[0]: samples[:, None]}
    for operator in model.main.operators:
        found.update(run_operator(editor, operator.index, found))
    return found


def spans(values):
    return {index: Range(float(value.min()), float(value.max())) for index, value in values.items()}


def outputs(model, samples):
    session = default().open(model.content)
    return np.concatenate([session.run([sample[None]])[0] for sample in samples])


def with_rounded_weights(model):
    """What a quantizer does to the weights, everything else float."""
    editor = ModelEditor(model.content)
    for layer in linear_layers(model):
        editor.set_constant(
            layer.operator.inputs[1], layer.stored(nearest(layer.rows, weight_grid(model, layer, INT8)).weights)
        )
    return TFLiteModel(editor.to_bytes())


def mean_error(model, expected, samples):
    return np.abs((outputs(with_rounded_weights(model), samples) - expected).mean(axis=0)).mean()


def mean_square(model, expected, samples):
    return float(np.mean((outputs(with_rounded_weights(model), samples) - expected) ** 2))


def coarse(model):
    """The same model with one huge weight a layer, so that int8 has few steps left for the others."""
    editor = ModelEditor(model.content)
    for layer in linear_layers(model):
        rows = layer.rows.copy()
        rows[..., 0] *= 30
        editor.set_constant(layer.operator.inputs[1], layer.stored(rows))
    return TFLiteModel(editor.to_bytes())


def test_one_operator_after_the_other_is_the_whole_model(model, samples, values):
    assert values[model.main.outputs[0]][:, 0] == pytest.approx(outputs(model, samples), abs=1e-5)


def test_layers_are_found_with_their_weights(model):
    layers = list(linear_layers(model))
    assert [layer.operator.op for layer in layers] == ["CONV_2D", "DEPTHWISE_CONV_2D", "CONV_2D", "FULLY_CONNECTED"]
    for layer in layers:
        stored = model.data(model.main.tensors[layer.operator.inputs[1]])
        assert np.array_equal(layer.stored(layer.rows), stored)


def test_rows_times_mean_inputs_are_mean_outputs(model, values):
    for layer in linear_layers(model):
        x = values[layer.source][:, 0]
        found = layer.outputs(layer.rows, layer.input_means(x)) + layer.bias
        out = values[layer.operator.outputs[0]][:, 0]
        if layer.operator.options["fused_activation_function"] == "NONE":
            assert found == pytest.approx(out.reshape(-1, out.shape[-1]).mean(axis=0), abs=1e-4)
        drawn = layer.input_rows(x, 10**9)
        assert layer.input_means(x) == pytest.approx(drawn.mean(axis=1), abs=1e-5)


def test_correction_at_once_lowers_the_mean_error(model, samples, values):
    spoiled = coarse(model)
    found = activations(spoiled, samples)
    means = {index: value.reshape(-1, value.shape[-1]).mean(axis=0) for index, value in found.items()}
    expected = outputs(spoiled, samples)
    corrected = correct_at_once(spoiled, INT8, means)
    assert corrected.layers == 4
    assert mean_error(corrected.model, expected, samples) < 0.7 * mean_error(spoiled, expected, samples)


@pytest.mark.parametrize("optimize_rounding", [False, True])
def test_correction_in_sequence_lowers_the_mean_error(model, samples, optimize_rounding):
    spoiled = coarse(model)
    found = activations(spoiled, samples)
    ranges = spans(found)
    expected = outputs(spoiled, samples)
    bound = CalibrationSet.from_arrays({spoiled.inputs[0].name: samples})
    corrected = correct_in_sequence(spoiled, INT8, ranges, bound, optimize_rounding=optimize_rounding)
    assert mean_error(corrected.model, expected, samples) < 0.5 * mean_error(spoiled, expected, samples)
    if optimize_rounding:
        plain = correct_in_sequence(spoiled, INT8, ranges, bound)
        assert mean_square(corrected.model, expected, samples) < mean_square(plain.model, expected, samples)


def test_optimized_weights_survive_rounding_to_the_nearest_step(model, samples, ranges):
    bound = CalibrationSet.from_arrays({model.inputs[0].name: samples})
    corrected = correct_in_sequence(model, INT8, ranges, bound, optimize_rounding=True).model
    for layer in linear_layers(corrected):
        assert nearest(layer.rows, weight_grid(model, layer, INT8)).weights == pytest.approx(
            layer.rows, rel=1e-5, abs=1e-9
        )


def test_the_model_that_was_given_is_left_alone(model, samples, ranges):
    before = model.content
    correct_in_sequence(model, INT8, ranges, CalibrationSet.from_arrays({model.inputs[0].name: samples}))
    assert model.content == before


def test_an_operator_needs_its_inputs(model):
    with pytest.raises(ConversionError, match="is not known"):
        run_operator(ModelEditor(model.content), 1, {})


def test_dead_channels_keep_their_bias(model, samples, ranges):
    editor = ModelEditor(model.content)
    layer = next(linear_layers(model))
    rows = layer.rows.copy()
    rows[0, 2] = 0
    editor.set_constant(layer.operator.inputs[1], layer.stored(rows))
    dead = TFLiteModel(editor.to_bytes())
    bound = CalibrationSet.from_arrays({model.inputs[0].name: samples})
    corrected = correct_in_sequence(dead, INT8, ranges, bound, optimize_rounding=True).model
    after = next(linear_layers(corrected))
    assert after.bias[2] == layer.bias[2] and np.all(after.rows[0, 2] == 0)
    assert np.isfinite(after.rows).all()


def test_border_effects_are_in_the_means():
    x = np.ones((1, 3, 3, 1), np.float32)
    from litesmith.converters.patches import Window

    means = window_means(x, Window((3, 3)))[:, 0]
    assert means[4] == 1 and means[0] == pytest.approx(4 / 9)


def test_layers_that_share_a_bias_are_corrected_each_on_its_own(samples):
    from litesmith.converters.backend import tf_keras
    from litesmith.converters.keras import convert

    keras = tf_keras()
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input(samples.shape[1:], name="image")
    for _ in range(2):
        x = keras.layers.Conv2D(4, 3, activation="relu")(x)  # untrained biases: all zero, stored once
    shared = convert(keras.Model(inputs, x), QuantizationSpec("float32"))
    first, second = linear_layers(shared)
    assert first.operator.inputs[2] == second.operator.inputs[2]
    bound = CalibrationSet.from_arrays({shared.inputs[0].name: samples})
    corrected = correct_in_sequence(shared, INT8, spans(activations(shared, samples)), bound)
    after = list(linear_layers(corrected.model))
    assert corrected.layers == 2 and not np.array_equal(after[0].bias, after[1].bias)
    assert np.any(after[0].bias != 0) and np.any(after[1].bias != 0)
