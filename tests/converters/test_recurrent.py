"""LSTM models in int8: what comes out, what it computes, and what is refused rather than shipped."""

import numpy as np
import pytest

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters import recurrent as subject
from litesmith.converters.calibrated import Calibrated, Treatment
from litesmith.converters.editing import ModelEditor
from litesmith.converters.fidelity import compare, outputs
from litesmith.converters.label import prove_integer_only, truth_label
from litesmith.converters.lstm import HIDDEN_STATE, LSTM, cell_ranges
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.recurrent import RecurrentEngine, calibrate_and_quantize
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import CalibrationError, ConversionError

# The models that these files share are made once.
pytestmark = pytest.mark.xdist_group("recurrent")


def slow(*kinds):
    return [pytest.param(kind, marks=pytest.mark.slow) for kind in kinds]


INT8 = QuantizationSpec()
FUSED = ["lstm", "stack", "both_ways", "after_convolution", *slow("lstm-return_sequences", "of_ids", "largest")]
# Eight bits for the hidden state leave about 40 dB. TensorFlow's converter gives 15 for a bidirectional layer.
LEAST_SNR_DB = 32


@pytest.mark.parametrize("kind", FUSED)
def test_an_lstm_becomes_integer_only_and_says_what_keras_says(recurrent, kind):
    source = recurrent(kind)
    quantized = calibrate_and_quantize(source.float_file, INT8, source.samples)
    assert truth_label(quantized) == "full-int8"
    assert LSTM in quantized.ops
    found = outputs(quantized, source.samples)
    assert compare([source.outputs], found).snr_db > LEAST_SNR_DB
    assert np.abs(found[0] - source.outputs).max() < 4 * quantized.outputs[0].quantization.scales[0]


@pytest.mark.parametrize("io", ["uint8", "float32"])
def test_inputs_and_outputs_have_the_type_that_was_asked_for(recurrent, io):
    source = recurrent("lstm")
    quantized = calibrate_and_quantize(source.float_file, QuantizationSpec(io=io), source.samples)
    assert quantized.inputs[0].dtype == quantized.outputs[0].dtype == io
    assert compare([source.outputs], outputs(quantized, source.samples)).snr_db > LEAST_SNR_DB


@pytest.mark.parametrize("effort", ["none", "standard", "high"])
def test_corrections_go_as_far_as_an_lstm_lets_them(recurrent, effort):
    source = recurrent("after_convolution")
    quantized = calibrate_and_quantize(source.float_file, INT8, source.samples, Treatment(effort))
    fast = calibrate_and_quantize(source.float_file, INT8, source.samples)
    assert (quantized.sha256 == fast.sha256) == (effort != "none")


def test_ranges_by_another_method_leave_an_lstm_whole(recurrent):
    source = recurrent("both_ways")
    quantized = calibrate_and_quantize(source.float_file, INT8, source.samples, Treatment(method="mse"))
    assert compare([source.outputs], outputs(quantized, source.samples)).snr_db > LEAST_SNR_DB


@pytest.mark.parametrize("kind", ["gru-unroll-stateful", *slow("lstm-unroll-stateful", "rnn-unroll-stateful")])
def test_variables_that_run_on_become_integers(recurrent, kind):
    source = recurrent(kind)
    ranges = Calibrated(source.float_file, source.samples).ranges(Treatment())
    written = subject.write(source.float_file, ranges, INT8)
    prove_integer_only(written, allow_float_io=False)
    assert "READ_VARIABLE" in written.ops
    assert compare([source.outputs], outputs(written, source.samples)).snr_db > 24


@pytest.mark.parametrize("kind", ["gru", *slow("rnn", "masked", "lstm-stateful")])
def test_a_loop_is_refused_with_what_to_do(recurrent, kind):
    source = recurrent(kind)
    with pytest.raises(
        ConversionError, match=r"while' stays in float.*unroll=True.*or take float16 or dynamic"
    ) as caught:
        calibrate_and_quantize(source.float_file, INT8, source.samples)
    assert caught.value.op == "WHILE"


@pytest.mark.parametrize(
    "spec",
    [QuantizationSpec("int16x8"), QuantizationSpec(weight_bits=4), QuantizationSpec(precision={"lstm": "int16"})],
)
def test_what_has_no_kernel_is_refused(recurrent, spec):
    source = recurrent("lstm")
    with pytest.raises(ConversionError, match="int8 throughout, not int") as caught:
        calibrate_and_quantize(source.float_file, spec, source.samples)
    assert caught.value.op == LSTM
    assert not RecurrentEngine().supports(spec)


def test_samples_that_say_nothing_are_refused(recurrent):
    flat = CalibrationSet.from_arrays({"frames": np.zeros((3, 8, 5), np.float32)})
    with pytest.raises(CalibrationError, match="the same"):
        calibrate_and_quantize(recurrent("lstm").float_file, INT8, flat)


def test_a_file_that_says_something_else_is_not_given_out(recurrent):
    source = recurrent("lstm")
    frames = source.samples.inputs["frames"].copy()
    frames[-1] *= 1e4  # one outlier, and a step of the input is larger than all other values
    with pytest.raises(ConversionError, match=r"the integer file is wrong.*outliers"):
        calibrate_and_quantize(source.float_file, INT8, CalibrationSet.from_arrays({"frames": frames}))


def every_range(source):
    ranges = Calibrated(source.float_file, source.samples).ranges(Treatment())
    return ranges | cell_ranges(source.float_file, source.samples)


def test_an_engine_gives_the_same_bytes_every_time(recurrent):
    source = recurrent("both_ways")
    ranges = every_range(source)
    files = {RecurrentEngine().quantize(source.float_file, ranges, INT8).sha256 for _ in range(4)}
    assert len(files) == 1


def test_a_hidden_state_in_another_scale_than_the_output_is_found(recurrent):
    source = recurrent("lstm")
    editor = ModelEditor(RecurrentEngine().quantize(source.float_file, every_range(source), INT8).content)
    (operator,) = (one for one in editor.graph.operators if editor.op_name(one) == LSTM)
    subject._prove_hidden(editor, operator)
    editor.tensor(int(operator.inputs[HIDDEN_STATE])).quantization.scale = [1.0]
    with pytest.raises(ConversionError, match=f"^{LSTM}: .*another scale than its hidden state"):
        subject._prove_hidden(editor, operator)


def test_a_file_without_kernels_is_refused(recurrent):
    source = recurrent("lstm")
    editor = ModelEditor(RecurrentEngine().quantize(source.float_file, every_range(source), INT8).content)
    for operator in editor.graph.operators:
        operator.intermediates = None
    with pytest.raises(ConversionError, match=r"cannot be run .*num_intermediate_tensors.*take float16 or dynamic"):
        subject._prove_running(TFLiteModel(editor.to_bytes()))
