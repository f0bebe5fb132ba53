"""int8 for models with state: LSTM layers and variables need more than a range for each activation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from litesmith.calibration.native import quiet_native
from litesmith.calibration.ranges import Range
from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.activations import FileRun
from litesmith.converters.backend import tensorflow
from litesmith.converters.calibrated import Calibrated, Treatment
from litesmith.converters.editing import ModelEditor
from litesmith.converters.engines import describe, limits
from litesmith.converters.fidelity import compare, outputs
from litesmith.converters.fixed_batch import fix_batch
from litesmith.converters.keras import refuse_constant
from litesmith.converters.lstm import CELL_STATE, HIDDEN_STATE, INTERMEDIATES, LSTM, cell_ranges, lstm_places
from litesmith.converters.one_scale import prove_scales, share_ranges
from litesmith.converters.proof import prove
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.rewrites import rewrite
from litesmith.converters.stateful import needs_own_calibrator, refuse_unsupported
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError, ModelError

__all__ = ["RecurrentEngine", "calibrate_and_quantize", "needs_own_calibrator", "refuse_unsupported"]

# An error half as large as what the model says is not inaccuracy: noise alone gives 0 to 5 dB, a sound file over 20.
_LEAST_SNR_DB = 6.0
_COMPARED_SAMPLES = 16


def calibrate_and_quantize(
    model: TFLiteModel, spec: QuantizationSpec, samples: CalibrationSet, treatment: Treatment | None = None
) -> TFLiteModel:
    """Quantize a float32 `.tflite` with state to int8.

    Args:
        model: batch 1, or an open batch, which becomes 1.
        spec: int8, with any inputs and outputs.
        samples: representative; each is a sequence that begins from a state of zero.
        treatment: ranges and corrections; the default ones if None. An LSTM cannot be run with rounded weights, so
            corrections go no further than `fast`.

    Raises:
        ConversionError: the model cannot become integer-only, or the integer file cannot be run or is wrong.
        CalibrationError: samples do not fit the model.
    """
    refuse_unsupported(model, spec)
    refuse_constant(samples)
    rewritten = rewrite(fix_batch(model)).model
    treatment = treatment or Treatment()
    treatment = treatment if treatment.effort == "none" else replace(treatment, effort="fast")
    calibrated = Calibrated(rewritten, samples)
    ranges = calibrated.ranges(treatment) | cell_ranges(rewritten, samples)
    corrected = calibrated.corrected(spec, treatment).model
    quantized = RecurrentEngine().quantize(corrected, ranges, spec)
    _compare(rewritten, quantized, samples)
    return quantized


class RecurrentEngine:
    """TensorFlow's quantizer, given what it needs beside the ranges of activations, and put right where it errs.

    Before: an LSTM gets the tensors of its intermediate results, and all that must have the scale of its output one
    range. After: placeholders of results that it does not compute are no longer float, and the scales are looked at.
    """

    name = "mlir"

    def supports(self, spec: QuantizationSpec) -> bool:
        """Only int8 throughout, with any inputs and outputs."""
        return spec.mode == "int8" and spec.weight_bits == 8 and not spec.precision

    def quantize(self, model: TFLiteModel, ranges: Mapping[int, Range], spec: QuantizationSpec) -> TFLiteModel:
        """See `Engine.quantize`; `ranges` also hold those of `lstm.cell_ranges`.

        Raises:
            ConversionError: see there; also where the model cannot become integer-only, or LiteRT cannot run it.
        """
        if not self.supports(spec):
            raise ConversionError(f"a model with state can become int8, not {describe(spec)}; take int8")
        refuse_unsupported(model, spec)
        quantized = write(model, ranges, spec)
        prove(model, quantized, spec)
        prove_scales(quantized)
        _prove_running(quantized)
        return quantized


def write(model: TFLiteModel, ranges: Mapping[int, Range], spec: QuantizationSpec) -> TFLiteModel:
    """Quantize; `RecurrentEngine.quantize` proves the result.

    Raises:
        ConversionError: the quantizer refused the model, or gave an LSTM scales that do not fit together.
    """
    editor = ModelEditor(model.content)
    operators = [editor.graph.operators[place] for place in lstm_places(model)]
    shared = share_ranges(model, ranges, [int(operator.outputs[0]) for operator in operators])
    for index, found in limits(model, shared, spec).items():
        _set_range(editor.tensor(index), found)
    for operator in operators:
        hidden = editor.tensor(int(operator.outputs[0])).quantization
        cell = ranges[int(operator.inputs[CELL_STATE])]
        # Its 16 bits are symmetric, with a power of two for the scale.
        size = max(-cell.low, cell.high) or 1.0
        editor.tensor(int(operator.inputs[HIDDEN_STATE])).quantization = hidden
        _set_range(editor.tensor(int(operator.inputs[CELL_STATE])), (-size, size))
        _add_intermediates(editor, operator, hidden)
    written = ModelEditor(_run_quantizer(editor.to_bytes(), spec))
    for operator in written.graph.operators:
        if written.op_name(operator) == LSTM:
            _prove_hidden(written, operator)
            for index in operator.intermediates[:-1]:  # only read with layer normalization
                written.tensor(int(index)).type = schema.TensorType.INT8
    return TFLiteModel(written.to_bytes(), model.source)


def _set_range(tensor: Any, found: tuple[float, float]) -> None:
    tensor.quantization = schema.QuantizationParametersT()
    tensor.quantization.min, tensor.quantization.max = [found[0]], [found[1]]


def _add_intermediates(editor: ModelEditor, operator: Any, hidden: Any) -> None:
    operator.intermediates = list(range(len(editor.graph.tensors), len(editor.graph.tensors) + INTERMEDIATES))
    for number in range(INTERMEDIATES):
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = f"lstm_intermediate_{number}", [0], schema.TensorType.FLOAT32
        tensor.quantization = hidden if number == INTERMEDIATES - 1 else None
        editor.graph.tensors.append(tensor)


def _prove_hidden(editor: ModelEditor, operator: Any) -> None:
    """The kernel writes its hidden state as its output: both, and what says how to round it, must have one scale."""
    places = (operator.outputs[0], operator.inputs[HIDDEN_STATE], operator.intermediates[-1])
    found = [editor.tensor(int(place)).quantization for place in places]
    if len({(tuple(one.scale), tuple(one.zeroPoint)) for one in found}) > 1:
        raise ConversionError("the quantizer gave its output another scale than its hidden state", op=LSTM)


def _run_quantizer(content: bytes, spec: QuantizationSpec) -> bytes:
    tf = tensorflow()
    from tensorflow.lite.python.convert import mlir_quantize

    io = tf.dtypes.as_dtype(spec.io)
    try:
        with quiet_native():
            return bytes(
                mlir_quantize(
                    content,
                    input_data_type=io,
                    output_data_type=io,
                    disable_per_channel=spec.per_channel == "none",
                    disable_per_channel_for_dense_layers=not spec.per_channel_of("FULLY_CONNECTED"),
                    enable_variable_quantization=True,
                )
            )
    except Exception as error:  # the converter's errors share no base class
        raise ConversionError(f"TensorFlow's quantizer refused the model ({error})") from error


def _prove_running(model: TFLiteModel) -> None:
    """Not every file that the quantizer writes has kernels."""
    zeros = [np.zeros(tensor.shape, np.float32 if tensor.quantization else tensor.dtype) for tensor in model.inputs]
    try:
        FileRun(model).run(zeros)
    except ModelError as error:
        raise ConversionError(f"the integer file cannot be run ({error}); take float16 or dynamic instead") from error


def _compare(model: TFLiteModel, quantized: TFLiteModel, samples: CalibrationSet) -> None:
    some = samples.head(min(_COMPARED_SAMPLES, len(samples)))
    fidelity = compare(outputs(model, some), outputs(quantized, some))
    if fidelity.snr_db < _LEAST_SNR_DB:
        raise ConversionError(
            f"the integer file is wrong: its outputs are {fidelity.snr_db:.1f} dB above their error on "
            f"{fidelity.samples} calibration samples; look for outliers in the samples, or take float16 or dynamic"
        )
