"""The weights of real files, put back into the float model."""

import numpy as np
import pytest

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.activations import FileRun, with_every_output
from litesmith.converters.corrections import weight_grid
from litesmith.converters.editing import ModelEditor
from litesmith.converters.fidelity import compare, outputs
from litesmith.converters.layers import linear_layers
from litesmith.converters.matching import match_operators
from litesmith.converters.post_training import quantize_float_model
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.rounding import nearest
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.converters.weight_loss import weight_facts, with_weights_of

SAMPLES = CalibrationSet.from_arrays(np.random.default_rng(4).random((16, 8, 8, 1), np.float32))


@pytest.fixture(scope="module")
def model(golden):
    return TFLiteModel.from_file(golden / "float32.tflite")


def weights_of(model, file):
    return with_weights_of(FileRun(with_every_output(file)), model, match_operators(model, file))


@pytest.mark.parametrize(
    "spec",
    [QuantizationSpec(), QuantizationSpec(weight_bits=4), QuantizationSpec(per_channel="all"),
     QuantizationSpec(per_channel="none")],
    ids=["int8", "int4", "all", "none"],
)  # fmt: skip
def test_weights_are_those_that_rounding_to_the_grid_gives(model, spec):
    file = quantize_float_model(model, spec, SAMPLES, effort="none", engine="aeq").model
    found = {layer.operator.index: layer for layer in linear_layers(weights_of(model, file))}
    for layer in linear_layers(model):
        expected = nearest(layer.rows, weight_grid(model, layer, spec)).weights
        assert found[layer.operator.index].rows == pytest.approx(expected, abs=1e-6)
        assert found[layer.operator.index].bias == pytest.approx(layer.bias, abs=1e-3)  # biases have steps too


def test_biases_that_corrections_moved_come_along(model):
    file = quantize_float_model(model, QuantizationSpec(weight_bits=4), SAMPLES, effort="fast", engine="aeq").model
    expected = outputs(model, SAMPLES)
    plain = quantize_float_model(model, QuantizationSpec(weight_bits=4), SAMPLES, effort="none", engine="aeq").model
    moved, still = (compare(expected, outputs(weights_of(model, one), SAMPLES)) for one in (file, plain))
    assert moved.snr_db > still.snr_db + 1


def test_a_file_of_float_activations_is_its_weights(model):
    file = quantize_float_model(model, QuantizationSpec("float16"), None).model
    found, expected = outputs(weights_of(model, file), SAMPLES), outputs(file, SAMPLES)
    assert found[0] == pytest.approx(expected[0], abs=1e-5)
    assert not np.array_equal(found[0], outputs(model, SAMPLES)[0])


def test_layers_that_share_a_bias_get_each_its_own():
    from litesmith.converters.backend import tf_keras
    from litesmith.converters.keras import convert

    keras = tf_keras()
    keras.utils.set_random_seed(0)
    x = inputs = keras.Input((8, 8, 1))
    for _ in range(2):
        x = keras.layers.Conv2D(4, 3, activation="relu")(x)  # untrained biases: all zero, stored once
    shared = convert(keras.Model(inputs, x), QuantizationSpec("float32"))
    file = quantize_float_model(shared, QuantizationSpec(), SAMPLES, effort="standard", engine="aeq").model
    first, second = linear_layers(weights_of(shared, file))
    assert np.any(first.bias != 0) and np.any(second.bias != 0) and not np.array_equal(first.bias, second.bias)


def test_facts_tell_scales_and_bits(model):
    editor = ModelEditor(model.content)
    dense = model.main.operators[-1].inputs[1]
    values = editor.constant(dense)
    values[3] *= 200
    editor.set_constant(dense, values)
    uneven = TFLiteModel(editor.to_bytes())
    for spec, bits in ((QuantizationSpec(), 8), (QuantizationSpec(weight_bits=4), 4)):
        file = quantize_float_model(uneven, spec, SAMPLES, engine="aeq").model
        facts = {match.operator.op: weight_facts(uneven, file, match) for match in match_operators(uneven, file)}
        assert (facts["CONV_2D"].bits, facts["DEPTHWISE_CONV_2D"].bits) == (bits, 8)
        assert facts["MAX_POOL_2D"] is None and facts["CONV_2D"].channel_ratio is None
        shared = facts["FULLY_CONNECTED"]
        if bits == 8:  # one scale for all channels
            largest = np.abs(values).max(axis=1)
            assert shared.channel_ratio == pytest.approx(largest.max() / largest.min())
            assert shared.peak == pytest.approx(np.abs(values).max() / np.sqrt(np.square(values).mean()), rel=1e-4)
        else:
            assert shared.channel_ratio is None and shared.peak < 3


def test_channels_that_are_all_zero_do_not_count(model):
    editor = ModelEditor(model.content)
    for operator in model.main.operators:
        if operator.op in ("CONV_2D", "FULLY_CONNECTED"):
            values = editor.constant(operator.inputs[1])
            values[1] = 0
            editor.set_constant(operator.inputs[1], values)
    dead = TFLiteModel(editor.to_bytes())
    file = quantize_float_model(dead, QuantizationSpec(), SAMPLES, engine="aeq").model
    for match in match_operators(dead, file):
        facts = weight_facts(dead, file, match)
        assert facts is None or (facts.peak < 5 and (facts.channel_ratio or 1) < 5)
