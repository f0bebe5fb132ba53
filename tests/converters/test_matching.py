"""Operators of a quantized file are found again, whatever an engine put around them."""

import numpy as np
import pytest

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.activations import FileRun, each_sample, with_every_output
from litesmith.converters.editing import ModelEditor
from litesmith.converters.float_tensors import BRIDGES
from litesmith.converters.matching import detach, match_inputs, match_operators
from litesmith.converters.post_training import operator_names, quantize_float_model
from litesmith.converters.quantize import QuantizationSpec, exactly
from litesmith.converters.tflite_model import TFLiteModel


def quantized(golden, name, spec, engine):
    model = TFLiteModel.from_file(golden / f"{name}.tflite")
    x = np.random.default_rng(0).random((16, *model.inputs[0].shape[1:]), np.float32)
    samples = CalibrationSet.from_arrays(x) if spec.needs_calibration else None
    result = quantize_float_model(model, spec, samples, engine=engine)
    return result.rewritten, result.model, [x]


def check(model, file):
    """Every operator of the float model once, with an operator of its kind."""
    matches = match_operators(model, file)
    assert [match.operator for match in matches] == list(model.main.operators)
    for match in matches:
        assert match.counterpart.op == match.operator.op not in BRIDGES
        assert match.found.index in match.counterpart.outputs and match.found.shape == match.output.shape
    assert len({match.counterpart.index for match in matches}) == len(matches)
    return matches


SPECS = [QuantizationSpec(io=io) for io in ("int8", "uint8", "float32")] + [
    QuantizationSpec(weight_bits=4), QuantizationSpec("int16x8"), QuantizationSpec("dynamic"),
    QuantizationSpec("float16"), QuantizationSpec(io="float32", symmetric=True),
]  # fmt: skip


@pytest.mark.parametrize("name", ["float32", "float32_residual", "dynamic_batch_float"])
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.mode}-{spec.io}-{spec.weight_bits}")
def test_every_operator_of_every_kind_of_file_is_found(golden, name, spec):
    model, file, _ = quantized(golden, name, spec, "aeq")
    for match in check(model, file):
        assert match.found.dtype == ("float32" if spec.mode in ("dynamic", "float16") else spec.mode[:5].rstrip("x"))


@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
@pytest.mark.parametrize("name", ["float32", "float32_residual"])
def test_tensorflows_names_are_found_too(golden, name, io):
    model, file, _ = quantized(golden, name, QuantizationSpec(io=io), "mlir")
    assert all(match.found.dtype == "int8" for match in check(model, file))


def test_operators_in_other_precisions_are_found_before_they_are_converted(golden):
    names = operator_names(TFLiteModel.from_file(golden / "float32.tflite"))
    spec = QuantizationSpec(precision={exactly(names[1]): "float32", exactly(names[3]): "int16"})
    model, file, _ = quantized(golden, "float32", spec, "aeq")
    assert [match.found.dtype for match in check(model, file)] == [
        "int8", "float32", "int8", "int16", "int8", "int8"
    ]  # fmt: skip


@pytest.mark.parametrize("io", ["int8", "float32"])
def test_inputs_are_what_operators_read(golden, io):
    model, file, _ = quantized(golden, "float32", QuantizationSpec(io=io), "aeq")
    (found,) = match_inputs(model, file).values()
    assert found.dtype == "int8"
    assert found.index in next(op for op in file.main.operators if op.op == "CONV_2D").inputs


def test_inputs_in_float_have_no_counterpart(golden):
    model, file, _ = quantized(golden, "float32", QuantizationSpec("dynamic"), "aeq")
    assert match_inputs(model, file) == {}


def test_a_tensor_of_another_name_or_operator_is_not_guessed(golden):
    model, file, _ = quantized(golden, "float32", QuantizationSpec(), "aeq")
    editor = ModelEditor(file.content)
    editor.tensor(file.main.operators[2].outputs[0]).name = b"renamed"
    swapped = [file.main.operators[place].outputs[0] for place in (0, 1)]
    names = [editor.name(index) for index in swapped]
    for index, name in zip(swapped, reversed(names), strict=True):
        editor.tensor(index).name = name.encode()
    assert [match.operator.index for match in match_operators(model, TFLiteModel(editor.to_bytes()))] == [3, 4, 5]


def test_outputs_of_the_graph_are_found_under_any_name(golden):
    model, file, _ = quantized(golden, "float32", QuantizationSpec(), "aeq")
    editor = ModelEditor(file.content)
    editor.tensor(file.main.outputs[0]).name = b"scores"
    check(model, TFLiteModel(editor.to_bytes()))


def test_names_that_occur_twice_are_not_guessed(golden):
    model, file, _ = quantized(golden, "float32", QuantizationSpec(), "aeq")
    editor = ModelEditor(model.content)
    first, second = (model.main.operators[place].outputs[0] for place in (0, 2))
    editor.tensor(second).name = editor.tensor(first).name
    twice = TFLiteModel(editor.to_bytes())
    assert [match.operator.index for match in match_operators(twice, file)] == [1, 3, 4, 5]


@pytest.mark.parametrize("name", ["float32", "float32_residual"])
def test_detached_operators_give_the_models_values_on_the_models_values(golden, name):
    model = TFLiteModel.from_file(golden / f"{name}.tflite")
    detached = detach(model, match_operators(model, model))
    whole, alone = FileRun(with_every_output(model)), FileRun(detached.model)
    for sample in each_sample([np.random.default_rng(2).random((3, *model.inputs[0].shape[1:]), np.float32)]):
        whole.run(sample)
        alone.run([*sample, *(whole.read(index) for index in detached.feeds)])
        for operator in model.main.operators:
            place = operator.outputs[0]
            assert alone.read(place) == pytest.approx(whole.read(place), abs=1e-5)


def test_a_detached_operator_does_not_see_what_others_lose(golden):
    model = TFLiteModel.from_file(golden / "float32.tflite")
    detached = detach(model, match_operators(model, model))
    whole, alone = FileRun(with_every_output(model)), FileRun(detached.model)
    sample = [np.random.default_rng(2).random((1, 8, 8, 1), np.float32)]
    whole.run(sample)
    spoiled = model.main.operators[2].inputs[0]  # what the pooling reads
    fed = [whole.read(index) * (0 if index == spoiled else 1) for index in detached.feeds]
    alone.run([*sample, *fed])
    for operator in model.main.operators:
        place = operator.outputs[0]
        expected = whole.read(place) * (0 if operator.index == 2 else 1)
        assert alone.read(place) == pytest.approx(expected, abs=1e-5)
