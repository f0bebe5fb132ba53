"""Operators that copy numbers: one range before, one scale after."""

import pytest

from litesmith.calibration.ranges import Range
from litesmith.converters.editing import ModelEditor
from litesmith.converters.engines import activations
from litesmith.converters.one_scale import prove_scales, share_ranges
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError

# The models that these files share are made once.
pytestmark = pytest.mark.xdist_group("recurrent")


def place_of(model, op):
    return next(operator for operator in model.main.operators if operator.op == op)


def test_ranges_spread_through_what_copies_and_stop_at_what_computes(recurrent):
    model = recurrent("both_ways").float_file
    concatenation = place_of(model, "CONCATENATION")
    (joined,), outside = concatenation.outputs, (model.main.inputs[0], model.main.outputs[0])
    ranges = {index: Range(-index / 100, index / 200) for index in (tensor.index for tensor in activations(model))}
    shared = share_ranges(model, ranges, [place_of(model, "UNIDIRECTIONAL_SEQUENCE_LSTM").outputs[0]])
    group = {index for index in ranges if shared[index] != ranges[index]} | {joined}
    assert {*concatenation.inputs, joined} <= group
    assert {shared[index] for index in group} == {Range(-max(group) / 100, max(group) / 200)}
    assert all(shared[index] == ranges[index] for index in outside)


def test_without_sources_nothing_changes(recurrent):
    ranges = {0: Range(-1, 1)}
    assert share_ranges(recurrent("both_ways").float_file, ranges, []) == ranges


@pytest.mark.parametrize("name", ["int8", "int8_residual", "two_inputs_int8", "int8_dense_only", "int16x8", "float32"])
def test_sound_files_pass(golden, name):
    prove_scales(TFLiteModel.from_file(golden / f"{name}.tflite"))


def test_a_copy_in_another_scale_is_found(golden):
    content = (golden / "int8.tflite").read_bytes()
    operator = next(one for one in TFLiteModel(content).main.operators if one.op in ("RESHAPE", "MAX_POOL_2D"))
    editor = ModelEditor(content)
    editor.tensor(operator.outputs[0]).quantization.scale = [0.5]
    with pytest.raises(ConversionError, match=f"^{operator.op}: .*another scale than what it is made of"):
        prove_scales(TFLiteModel(editor.to_bytes()))
