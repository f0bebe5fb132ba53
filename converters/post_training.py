"""Post-training quantization of a float `.tflite`: rewrite, calibrate, quantize, prove."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from litesmith.calibration.ranges import Range
from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.calibrated import Calibrated, Treatment, check_matches
from litesmith.converters.engines import choose_engine
from litesmith.converters.fixed_batch import fix_batch
from litesmith.converters.keras import refuse_constant
from litesmith.converters.label import truth_label
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.recurrent import calibrate_and_quantize
from litesmith.converters.rewrites import rewrite
from litesmith.converters.stateful import needs_own_calibrator, refuse_unsupported
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import CalibrationError, ConversionError


@dataclass(frozen=True, slots=True)
class PostTraining:
    """A quantized model and how it came about.

    Attributes:
        model: proved to be what was asked for.
        rewritten: the float model that was calibrated and quantized.
        ranges: by tensor index of `rewritten`; empty where only weights were quantized.
        applied: names of the rewrites that changed the model.
        engine: name of the quantizer.
        note: what the collector has to say, empty if nothing.
        seconds: by step: rewrite, calibrate, correct, quantize.
    """

    model: TFLiteModel
    rewritten: TFLiteModel
    ranges: Mapping[int, Range]
    applied: tuple[str, ...]
    engine: str
    note: str
    seconds: Mapping[str, float]


def quantize_float_model(
    model: TFLiteModel,
    spec: QuantizationSpec,
    calibration: CalibrationSet | None,
    *,
    effort: str = "fast",
    method: str = "minmax",
    methods: Mapping[str, str] | None = None,
    engine: str | None = None,
) -> PostTraining:
    """Quantize a float32 `.tflite` without training.

    Args:
        model: batch 1, or an open batch, which becomes 1.
        spec: mode, I/O type and what is special to some operators.
        calibration: representative samples; needed where activations are quantized.
        effort: see `calibrated.Treatment`; used where activations are quantized, to int8.
        method: see `calibrated.Treatment`, likewise `methods`.
        methods: see `method`.
        engine: `mlir` or `aeq`; chosen if None.

    Raises:
        ConversionError: the model is not a plain float32 one of fixed shapes, or the engine did not do what was asked.
        CalibrationError: samples are missing or do not fit the model.
    """
    return FloatModel(model, spec, calibration).quantize(spec, Treatment(effort, method, methods or {}), engine)


class FloatModel:
    """A float32 `.tflite` that can be quantized in several ways; what they share is computed once.

    Attributes:
        rewritten: the model that is calibrated and quantized.
        applied: names of the rewrites that changed it.

    Raises:
        ConversionError: at construction, if it is not a plain float32 model of fixed shapes.
        CalibrationError: at construction, if samples are missing, or say nothing.
    """

    def __init__(self, model: TFLiteModel, spec: QuantizationSpec, calibration: CalibrationSet | None) -> None:
        check_float(model, spec)
        if spec.needs_calibration and calibration is None:
            raise CalibrationError(f"{spec.mode} needs representative samples; pass a calibration set")
        if calibration is not None:
            refuse_constant(calibration)
        start = time.perf_counter()
        rewritten = rewrite(fix_batch(model))
        self._rewrite_seconds = time.perf_counter() - start
        self.rewritten, self.applied = rewritten.model, rewritten.applied
        self._calibrated = Calibrated(self.rewritten, calibration) if calibration is not None else None

    def quantize(self, spec: QuantizationSpec, treatment: Treatment, engine: str | None = None) -> PostTraining:
        """Calibrate, correct, quantize, prove.

        Args:
            spec: of the same mode as at construction.
            treatment: ranges and corrections; used where activations are quantized.
            engine: `mlir` or `aeq`; chosen if None.

        Raises:
            ConversionError: the engine did not do what was asked, or a pattern fits nothing.
            CalibrationError: samples do not fit the model.
        """
        if self._calibrated is not None and spec.needs_calibration and (reason := needs_own_calibrator(self.rewritten)):
            return self._with_state(spec, treatment, engine, reason, self._calibrated.samples)
        chosen = choose_engine(spec, engine)
        check_matches(spec.precision, operator_names(self.rewritten), "operator")
        seconds = {"rewrite": self._rewrite_seconds}
        ranges: dict[int, Range] = {}
        corrected, notes = self.rewritten, []
        if spec.needs_calibration and self._calibrated is not None:
            with _timed(seconds, "calibrate"):
                ranges = self._calibrated.ranges(treatment)
            notes = [self._calibrated.note] if self._calibrated.note else []
            if spec.mode == "int8":
                with _timed(seconds, "correct"):
                    correction = self._calibrated.corrected(spec, treatment)
                corrected = correction.model
                if not correction.layers and treatment.effort != "none":
                    notes.append("no layer has constant weights and a bias that could be corrected")
        with _timed(seconds, "quantize"):
            quantized = chosen.quantize(corrected, ranges, spec)
        note = "; ".join(notes)
        return PostTraining(quantized, self.rewritten, ranges, self.applied, chosen.name, note, seconds)

    def _with_state(
        self, spec: QuantizationSpec, treatment: Treatment, engine: str | None, reason: str, samples: CalibrationSet
    ) -> PostTraining:
        if engine not in (None, "mlir"):
            raise ConversionError(f"the {engine} engine cannot quantize it, because {reason}; use the mlir engine")
        seconds = {"rewrite": self._rewrite_seconds}
        with _timed(seconds, "quantize"):
            quantized = calibrate_and_quantize(self.rewritten, spec, samples, treatment)
        note = f"it was calibrated one sample at a time, because {reason}"
        return PostTraining(quantized, self.rewritten, {}, self.applied, "mlir", note, seconds)


def operator_names(model: TFLiteModel) -> list[str]:
    """Name of the first output of every operator: what patterns of `QuantizationSpec.precision` are searched in."""
    return [model.main.tensors[operator.outputs[0]].name for operator in model.main.operators if operator.outputs]


def check_float(model: TFLiteModel, spec: QuantizationSpec) -> None:
    """Refuse what cannot be quantized after training.

    Raises:
        ConversionError: the model is quantized already, has custom operators, holds a constant that is not finite,
            or has control flow and `spec` needs ranges.
    """
    label = truth_label(model)
    if label != "float32":
        raise ConversionError(f"{model.source} is {label} already; quantize the float32 file that it came from")
    custom = [op.partition(":")[2] for op in model.ops if op.startswith("CUSTOM")]
    if custom:
        raise ConversionError("it is a custom operator, which no quantizer knows; replace it", op=custom[0])
    if spec.needs_calibration and needs_own_calibrator(model):
        refuse_unsupported(model, spec)
    for tensor in model.main.tensors:
        if tensor.is_constant and tensor.dtype == "float32" and not np.isfinite(model.data(tensor)).all():
            raise ConversionError(f"the constant {tensor.name!r} holds NaN or infinity; repair the trained model")


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[step] = time.perf_counter() - start
