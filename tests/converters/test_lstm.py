"""The cell state of a fused LSTM, against the equations of the layer."""

import numpy as np
import pytest

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.editing import ModelEditor
from litesmith.converters.lstm import CELL_STATE, HIDDEN_STATE, LSTM, cell_ranges, lstm_places, variant
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import CalibrationError

# The models that these files share are made once.
pytestmark = pytest.mark.xdist_group("recurrent")


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cells(layer, values):
    """Cell states (N, steps, units) of a Keras layer, each sample begun from zero."""
    kernel, recurrent_kernel, bias = (weight.astype(np.float64) for weight in layer.get_weights())
    hidden = cell = np.zeros((len(values), layer.units))
    seen = []
    for step in values.swapaxes(0, 1):
        into, forget, new, out = np.split(step @ kernel + hidden @ recurrent_kernel + bias, 4, axis=1)
        cell = sigmoid(forget) * cell + sigmoid(into) * np.tanh(new)
        hidden = sigmoid(out) * np.tanh(cell)
        seen.append(cell)
    return np.stack(seen, 1)


def test_the_range_holds_every_step_of_every_sample_and_no_more(recurrent):
    source = recurrent("lstm")
    (found,) = cell_ranges(source.float_file, source.samples).values()
    expected = cells(source.keras.layers[1], source.samples.inputs["frames"])
    assert (found.low, found.high) == pytest.approx((expected.min(), expected.max()), abs=1e-5)
    # Neither the last step alone nor a state that runs on would do.
    assert expected[:, -1].max() < expected.max()


def test_samples_do_not_depend_on_those_before(recurrent):
    source = recurrent("lstm")
    frames = source.samples.inputs["frames"]
    together = cell_ranges(source.float_file, source.samples)
    backwards = cell_ranges(source.float_file, CalibrationSet.from_arrays({"frames": frames[::-1]}))
    assert together == backwards


def test_every_layer_has_a_range_of_its_own(recurrent):
    source = recurrent("both_ways")
    found = cell_ranges(source.float_file, source.samples)
    operators = (source.float_file.main.operators[place] for place in lstm_places(source.float_file))
    assert found.keys() == {operator.inputs[CELL_STATE] for operator in operators}
    frames = source.samples.inputs["frames"]
    layer = source.keras.layers[1]
    expected = [cells(one, values) for one, values in
                ((layer.forward_layer, frames), (layer.backward_layer, frames[:, ::-1]))]  # fmt: skip
    limits = sorted((value.min(), value.max()) for value in expected)
    assert sorted((one.low, one.high) for one in found.values()) == [pytest.approx(one, abs=1e-5) for one in limits]


def test_a_model_without_lstm_has_no_cells(golden):
    model = TFLiteModel.from_file(golden / "float32.tflite")
    assert lstm_places(model) == []
    assert cell_ranges(model, CalibrationSet.from_arrays(np.zeros((1, 8, 8, 1), np.float32))) == {}


def test_samples_that_do_not_fit_are_refused(recurrent):
    with pytest.raises(CalibrationError, match="shape"):
        cell_ranges(recurrent("lstm").float_file, CalibrationSet.from_arrays({"frames": np.zeros((2, 8, 4), "f4")}))


def with_inputs(model, changes):
    """The model, its first LSTM reading at some places what it reads at others, or nothing."""
    editor = ModelEditor(model.content)
    operator = next(one for one in editor.graph.operators if editor.op_name(one) == LSTM)
    inputs = [int(index) for index in operator.inputs]
    for place, other in changes.items():
        inputs[place] = -1 if other is None else inputs[other]
    operator.inputs = inputs
    return TFLiteModel(editor.to_bytes())


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({}, ""),
        ({10: 1}, "peepholes"),
        ({16: 5}, "a projection"),
        ({21: 12, 9: 12}, "peepholes and layer normalization"),
        *(({place: None}, "fewer inputs") for place in (1, 5, 12)),
        ({HIDDEN_STATE: None}, "fewer inputs"),
    ],
)
def test_variants_are_told_from_the_plain_lstm(recurrent, changes, found):
    model = with_inputs(recurrent("lstm").float_file, changes)
    assert variant(model, lstm_places(model)[0]) == found
