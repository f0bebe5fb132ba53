"""Fidelity against its definitions, and against what a runtime of its own gives."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.fidelity import compare, outputs
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.converters.verify import compare_outputs
from litesmith.errors import CalibrationError, ConversionError
from litesmith.targets.runtimes import default

LOGITS = arrays(np.float32, (6, 4), elements=st.floats(-100, 100, width=32))


@given(LOGITS, LOGITS)
def test_figures_are_those_of_their_definitions(expected, found):
    fidelity = compare([expected], [found])
    f, q = expected.astype(np.float64).ravel(), found.astype(np.float64).ravel()
    noise, signal = np.square(f - q).sum(), np.square(f).sum()
    if noise == 0:
        assert fidelity.snr_db == math.inf and fidelity.cosine == 1
    elif signal == 0:
        assert fidelity.snr_db == -math.inf and fidelity.cosine == 0
    else:
        assert fidelity.snr_db == pytest.approx(10 * np.log10(signal / noise))
        assert -1 - 1e-9 <= fidelity.cosine <= 1 + 1e-9
    assert fidelity.agreement == compare_outputs(expected, found, None).argmax_agreement
    for classes, values in ((fidelity.float_classes, expected), (fidelity.quantized_classes, found)):
        assert classes == tuple(int((values.argmax(axis=1) == place).sum()) for place in range(4))
    json.dumps(fidelity.to_dict(), allow_nan=False)


def test_a_tenth_of_the_signal_is_20_db_and_a_right_angle_is_0():
    f = np.array([[3.0, 4.0]], np.float32)
    assert compare([f], [1.1 * f]).snr_db == pytest.approx(20, abs=1e-4)
    assert compare([f], [1.1 * f]).cosine == pytest.approx(1)
    assert compare([f], [np.array([[4.0, -3.0]], np.float32)]).cosine == 0


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_file_that_gives_no_number_keeps_nothing(value):
    f = np.ones((2, 3), np.float32)
    found = f.copy()
    found[1, 2] = value
    fidelity = compare([f], [found])
    assert (fidelity.snr_db, fidelity.cosine) == (-math.inf, 0)
    assert fidelity.to_dict()["snr_db"] is None and fidelity.to_dict()["equal"] is False


def test_json_tells_equal_outputs_from_lost_ones():
    f = np.eye(3, dtype=np.float32)
    same, lost = compare([f], [f]).to_dict(), compare([0 * f], [f]).to_dict()
    assert (same["snr_db"], same["equal"], same["samples"]) == (None, True, 3)
    assert (lost["snr_db"], lost["equal"]) == (None, False)


def test_the_worst_of_several_outputs_counts_and_they_have_no_classes():
    f = np.arange(1, 7, dtype=np.float32).reshape(2, 3)
    fidelity = compare([f, f], [1.001 * f, 1.1 * f])
    assert fidelity.snr_db == pytest.approx(20, abs=1e-3)
    assert compare([f, f], [f, -f]).cosine == pytest.approx(-1)
    assert (fidelity.agreement, fidelity.float_classes, fidelity.quantized_classes) == (None, None, None)


@pytest.mark.parametrize("shape", [(4, 1), (4,)])
def test_one_number_is_no_class(shape):
    f = np.ones(shape, np.float32)
    assert compare([f], [2 * f]).agreement is None


def test_classes_of_every_place_count():
    f = np.zeros((2, 3, 3, 2), np.float32)
    found = f.copy()
    found[0, :, 0, 1] = 1
    fidelity = compare([f], [found])
    assert fidelity.agreement == 15 / 18
    assert (fidelity.float_classes, fidelity.quantized_classes) == ((18, 0), (15, 3))


@pytest.mark.parametrize(
    "expected, found", [([(2, 3)], [(3, 2)]), ([(2, 3)], [(2, 3), (2, 3)]), ([], []), ([(0, 3)], [(0, 3)])]
)
def test_what_cannot_be_compared_is_not(expected, found):
    with pytest.raises(ConversionError, match="cannot compare"):
        compare(*([np.zeros(shape, np.float32) for shape in shapes] for shapes in (expected, found)))


@pytest.mark.parametrize("name", ["float32", "float32_residual", "int8_float_io", "dynamic_range"])
def test_outputs_are_those_of_the_default_runtime(golden, name):
    model = TFLiteModel.from_file(golden / f"{name}.tflite")
    x = np.random.default_rng(0).random((4, *model.inputs[0].shape[1:]), np.float32)
    session = default().open(model.content)
    expected = np.concatenate([session.run([sample[None]])[0] for sample in x])
    (found,) = outputs(model, CalibrationSet.from_arrays(x))
    assert np.array_equal(found, expected)


def test_integers_come_back_as_real_values(golden):
    x = CalibrationSet.from_arrays(np.random.default_rng(1).random((16, 8, 8, 1), np.float32))
    model = TFLiteModel.from_file(golden / "int8.tflite")
    expected, found = outputs(TFLiteModel.from_file(golden / "float32.tflite"), x), outputs(model, x)
    steps = found[0] / np.float32(model.outputs[0].quantization.scales[0])
    assert found[0].shape == (16, 10) and np.abs(steps - np.rint(steps)).max() < 1e-3
    assert compare(expected, found).snr_db > 30


def test_samples_that_do_not_fit_are_refused(golden):
    model = TFLiteModel.from_file(golden / "int8.tflite")
    with pytest.raises(CalibrationError, match="shape"):
        outputs(model, CalibrationSet.from_arrays(np.ones((2, 4, 4, 1), np.float32)))
