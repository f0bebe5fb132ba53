"""What a spec accepts, and that engines write exactly what it asks for."""

import numpy as np
import pytest

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.editing import ModelEditor
from litesmith.converters.post_training import operator_names, quantize_float_model
from litesmith.converters.quantize import INT4_OPS, QuantizationSpec, exactly, last_match
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError

SAMPLES = CalibrationSet.from_arrays(np.random.default_rng(2).uniform(0, 1, (24, 16, 16, 3)).astype(np.float32))
ENGINES = ("mlir", "aeq")


@pytest.fixture(scope="module")
def model(golden):
    return TFLiteModel.from_file(golden / "float32_residual.tflite")


def int8_activations(made):
    constants = {tensor.index for tensor in made.main.tensors if tensor.is_constant}
    return [t for t in made.main.tensors if t.dtype == "int8" and t.index not in constants]


def weights(made):
    """Constants of int8 that operators multiply with."""
    return [t for t in made.main.tensors if t.is_constant and t.dtype == "int8"]


@pytest.mark.parametrize("engine", ENGINES)
def test_symmetric_activations_have_no_zero_point_and_still_hold_every_value(model, engine):
    plain = quantize_float_model(model, QuantizationSpec(), SAMPLES, engine=engine).model
    made = quantize_float_model(model, QuantizationSpec(symmetric=True), SAMPLES, engine=engine).model
    assert any(t.quantization.zero_points != (0,) for t in int8_activations(plain))
    free = [t for t in int8_activations(made) if t not in made.outputs]  # TFLite prescribes that of a softmax
    assert len(free) > 4
    assert {t.quantization.zero_points for t in free} == {(0,)}
    ranges = quantize_float_model(model, QuantizationSpec(), SAMPLES, engine=engine).ranges
    given = made.inputs[0].quantization
    largest = max(abs(ranges[model.main.inputs[0]].low), abs(ranges[model.main.inputs[0]].high))
    assert given.scales[0] * 127 == pytest.approx(largest, rel=1e-6)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("choice", "conv", "dense"), [("none", 1, 1), ("conv", 2, 1), ("all", 2, 2)])
def test_weights_have_a_scale_for_each_channel_only_where_it_was_asked_for(model, engine, choice, conv, dense):
    made = quantize_float_model(model, QuantizationSpec(per_channel=choice), SAMPLES, engine=engine).model
    for operator in made.main.operators:
        if operator.op in ("CONV_2D", "FULLY_CONNECTED"):
            scales = len(made.main.tensors[operator.inputs[1]].quantization.scales)
            assert min(scales, 2) == (conv if operator.op == "CONV_2D" else dense), operator.op


@pytest.mark.parametrize("effort", ["fast", "high"])
@pytest.mark.parametrize("precision", ["int16", "float32"])
def test_one_operator_computes_in_another_precision_and_no_other_does(model, precision, effort):
    names = operator_names(model)
    chosen = names[1]
    spec = QuantizationSpec(precision={exactly(chosen): precision})
    made = quantize_float_model(model, spec, SAMPLES, effort=effort).model
    types = {
        made.main.tensors[op.outputs[0]].name: made.main.tensors[op.outputs[0]].dtype
        for op in made.main.operators
        if op.op not in ("QUANTIZE", "DEQUANTIZE")
    }
    assert types.pop(chosen) == precision
    assert set(types.values()) == {"int8"}
    if precision == "float32":  # it keeps its own weights: what is not rounded must not be corrected
        index = model.main.operators[1].inputs[1]
        kept = next(t for t in made.main.tensors if t.dtype == "float32" and t.is_constant and len(t.shape) == 4)
        assert np.array_equal(made.data(kept), model.data(model.main.tensors[index]))


def test_everything_in_16_bits_is_closer_to_the_float_model_than_everything_in_8(model):
    from litesmith.converters.fidelity import compare, outputs

    expected = outputs(model, SAMPLES)
    found = {
        name: compare(expected, outputs(quantize_float_model(model, spec, SAMPLES).model, SAMPLES)).snr_db
        for name, spec in {
            "int8": QuantizationSpec(io="float32"),
            "int16": QuantizationSpec(io="float32", precision={".": "int16"}),
        }.items()
    }
    assert found["int16"] > found["int8"] + 10


def test_an_int8_output_behind_an_int16_softmax_is_as_fine_as_that_of_an_int8_one(model):
    spec = QuantizationSpec(precision={exactly(operator_names(model)[-1]): "int16"})
    made = quantize_float_model(model, spec, SAMPLES).model
    assert made.outputs[0].quantization.scales == (1 / 256,)
    assert made.outputs[0].quantization.zero_points == (-128,)


def test_a_pattern_that_fits_nothing_is_an_error_and_not_a_plain_int8_file(model):
    with pytest.raises(ConversionError, match="no operator of the model has a name like 'conv9'"):
        quantize_float_model(model, QuantizationSpec(precision={"conv9": "int16"}), SAMPLES)
    with pytest.raises(ConversionError, match="no tensor of the model has a name like 'conv9'"):
        quantize_float_model(model, QuantizationSpec(), SAMPLES, methods={"conv9": "mse"})


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"precision": {"(": "int16"}}, "no regular expression"),
        ({"precision": {"x": "int4"}}, "choose int8 or int16 or float32"),
        ({"mode": "float16", "precision": {"x": "int16"}}, "go with int8"),
        ({"mode": "int16x8", "symmetric": True}, "a choice of int8"),
        ({"per_channel": "some"}, "none, conv, all"),
        ({"per_channel": "none", "weight_bits": 4}, "need a scale for each channel"),
    ],
)
def test_what_does_not_go_together_is_refused(choice, message):
    with pytest.raises(ConversionError, match=message):
        QuantizationSpec(**choice)


def test_the_last_pattern_that_fits_counts():
    choices = {"conv": "int16", "conv_2": "float32"}
    assert [last_match(choices, name) for name in ("conv_1", "conv_2", "dense")] == ["int16", "float32", None]
    assert exactly("a+b") == r"^a\+b$"


def test_zeros_among_4_bit_weights_are_counted(golden):
    editor = ModelEditor(TFLiteModel.from_file(golden / "float32.tflite").content)
    kernels = [op.inputs[1] for op in editor.graph.operators if editor.op_name(op) in INT4_OPS]
    for index in kernels:
        editor.set_constant(index, np.maximum(editor.constant(index), 0))
    half = TFLiteModel(editor.to_bytes())
    samples = CalibrationSet.from_arrays(np.random.default_rng(1).random((8, 8, 8, 1), np.float32))
    made = quantize_float_model(half, QuantizationSpec(weight_bits=4), samples, effort="none").model
    assert 0.2 < half.weight_sparsity < 0.8
    assert made.weight_sparsity == pytest.approx(half.weight_sparsity, abs=0.02)  # the smallest become zero too
