"""Post-training quantization of a float `.tflite`: rewrite, calibrate, quantize, prove."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from litesmith.calibration.collect import collect
from litesmith.calibration.observers import ChannelMoments, Observer, Several
from litesmith.calibration.ranges import Range, make_observer, range_of
from litesmith.calibration.samples import CalibrationSet
from litesmith.converters import corrections
from litesmith.converters.engines import activations, choose_engine
from litesmith.converters.fixed_batch import fix_batch
from litesmith.converters.keras import refuse_constant
from litesmith.converters.label import truth_label
from litesmith.converters.quantize import EFFORTS, QuantizationSpec
from litesmith.converters.rewrites import rewrite
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
    methods: Mapping[int, str] | None = None,
    engine: str | None = None,
) -> PostTraining:
    """Quantize a float32 `.tflite` without training.

    Args:
        model: batch 1, or an open batch, which becomes 1.
        spec: mode and I/O type.
        calibration: representative samples; needed where activations are quantized.
        effort: what is done about the rounding of weights, one of `EFFORTS`: nothing; the mean error of each layer
            moved into its bias; that again for what the layers before it really give; and GPTQ rounding on top. Used
            where activations are quantized, to int8.
        method: how ranges are found, one of `calibration.ranges.RANGE_METHODS`. Inputs and outputs of the graph
            get min/max all the same: clipping logits costs accuracy.
        methods: by tensor index of the float file, over `method` and also for inputs and outputs.
        engine: `mlir` or `aeq`; chosen if None.

    Raises:
        ConversionError: the model is not a plain float32 one of fixed shapes, or the engine did not do what was asked.
        CalibrationError: samples are missing or do not fit the model.
    """
    check_float(model, spec)
    if effort not in EFFORTS:
        raise ConversionError(f"unknown effort {effort!r}; choose one of {', '.join(EFFORTS)}")
    if spec.needs_calibration and calibration is None:
        raise CalibrationError(f"{spec.mode} needs representative samples; pass a calibration set")
    if calibration is not None:
        refuse_constant(calibration)
    chosen = choose_engine(spec, engine)
    seconds: dict[str, float] = {}
    with _timed(seconds, "rewrite"):
        rewritten = rewrite(fix_batch(model))
    ranges: dict[int, Range] = {}
    note = ""
    corrected = rewritten.model
    if spec.needs_calibration and calibration is not None:
        with _timed(seconds, "calibrate"):
            ranges, means, note = find_ranges(rewritten.model, calibration, method, methods or {})
        if spec.mode == "int8":
            with _timed(seconds, "correct"):
                correction = _correct(rewritten.model, spec, calibration, effort, ranges, means)
                corrected = correction.model
                if not correction.layers and effort != "none":
                    note = f"{note}; " * bool(note) + "no layer has constant weights and a bias that could be corrected"
    with _timed(seconds, "quantize"):
        quantized = chosen.quantize(corrected, ranges, spec)
    return PostTraining(quantized, rewritten.model, ranges, rewritten.applied, chosen.name, note, seconds)


def find_ranges(
    model: TFLiteModel, calibration: CalibrationSet, method: str, methods: Mapping[int, str]
) -> tuple[dict[int, Range], dict[int, npt.NDArray[np.float64]], str]:
    """Range of every activation, channel means of those that layers read, and the collector's note."""
    ends = frozenset((*model.main.inputs, *model.main.outputs))
    chosen = {tensor.index: "minmax" if tensor.index in ends else method for tensor in activations(model)}
    chosen |= dict(methods)
    moments = {index: ChannelMoments() for index in corrections.sources(model)}

    def make(index: int, shape: tuple[int, ...]) -> Observer:
        observers[index] = make_observer(chosen[index])
        return Several((observers[index], moments[index])) if index in moments else observers[index]

    observers: dict[int, Observer] = {}
    collected = collect(model.content, calibration, make, only=chosen.keys())
    ranges = {index: range_of(observer, chosen[index]) for index, observer in observers.items()}
    return ranges, {index: moment.mean for index, moment in moments.items()}, collected.note


def _correct(
    model: TFLiteModel,
    spec: QuantizationSpec,
    calibration: CalibrationSet,
    effort: str,
    ranges: Mapping[int, Range],
    means: Mapping[int, npt.NDArray[np.float64]],
) -> corrections.Corrected:
    if effort == "none":
        return corrections.Corrected(model, 0)
    if effort == "fast":
        return corrections.correct_at_once(model, spec, means)
    return corrections.correct_in_sequence(model, spec, ranges, calibration, optimize_rounding=effort == "high")


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
    if spec.needs_calibration and len(model.subgraphs) > 1:
        raise ConversionError(
            f"{model.source} has {len(model.subgraphs)} subgraphs (control flow or an RNN loop), whose tensors cannot "
            "be calibrated one by one; convert it without loops or from its Keras model"
        )
    for tensor in model.main.tensors:
        if tensor.is_constant and tensor.dtype == "float32" and not np.isfinite(model.data(tensor)).all():
            raise ConversionError(f"the constant {tensor.name!r} holds NaN or infinity; repair the trained model")


@contextmanager
def _timed(seconds: dict[str, float], step: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[step] = time.perf_counter() - start
