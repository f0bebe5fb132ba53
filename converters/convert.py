"""One way from any source to a `.tflite`: Keras model or float file, trained for integers or not."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy.typing as npt

from litesmith.calibration.same_contract import require_same
from litesmith.calibration.samples import CalibrationSet
from litesmith.converters import keras
from litesmith.converters.calibrated import Treatment
from litesmith.converters.diagnosis import Diagnosis
from litesmith.converters.fixed_batch import fix_batch
from litesmith.converters.judge import Demand, Judge, Judgement, Limits, Ships, as_it_is
from litesmith.converters.post_training import FloatModel
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.rescue import EVERY_REMEDY, Remedies, quantize_within
from litesmith.converters.stateful import needs_own_calibrator, refuse_unsupported
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.converters.tries import OnTry, Try
from litesmith.errors import ConversionError

FAST = Treatment()


@dataclass(frozen=True, slots=True)
class Acceptance:
    """When a file is good enough, and what is done where it is not.

    Attributes:
        samples: to judge with, other ones than the calibration samples.
        limits: what the file must keep.
        demands: what else it must have.
        ships: see `judge.Judge`, likewise `vectors`.
        vectors: see `ships`.
        remedies: what may be tried.
        on_try: told of each try.
    """

    samples: CalibrationSet
    limits: Limits = field(default_factory=Limits)
    demands: tuple[Demand, ...] = ()
    remedies: Remedies = EVERY_REMEDY
    on_try: OnTry = lambda _: None
    ships: Ships = as_it_is
    vectors: npt.NDArray[Any] | None = None

    def judge(self, model: TFLiteModel) -> Judge:
        """Who judges what comes of a float model."""
        return Judge(model, self.samples, self.limits, self.demands, self.ships, self.vectors)


@dataclass(frozen=True, slots=True)
class Conversion:
    """A converted file and how it came about.

    Attributes:
        model: proved to be what was asked for, or what the last try says.
        route: `converter` for TensorFlow's own, else the engine that quantized after training.
        applied: rewrites of the float graph.
        note: what the user should know about the route, empty if nothing.
        seconds: by step of post-training quantization.
        tries: what was tried and measured; empty if nothing was judged.
        chosen: the try that the file came from.
        diagnosis: where the file that was asked for loses what; None if nobody asked, or nothing was judged.
        judged: the float model's own judgement; None if nothing was judged.
    """

    model: TFLiteModel
    route: str
    applied: tuple[str, ...] = ()
    note: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
    tries: tuple[Try, ...] = ()
    chosen: Try | None = None
    diagnosis: Diagnosis | None = None
    judged: Judgement | None = None

    def tries_to_list(self) -> list[dict[str, Any]]:
        """The tries as plain values, `taken` the one that the file came from."""
        return [{**tried.to_dict(), "taken": tried is self.chosen} for tried in self.tries]

    @property
    def unmet(self) -> tuple[str, ...]:
        """The limits and demands that the file does not keep."""
        judgement = self.chosen.judgement if self.chosen is not None else None
        return judgement.unmet if judgement is not None else ()


def convert(
    source: Any,
    spec: QuantizationSpec,
    calibration: CalibrationSet | None = None,
    *,
    treatment: Treatment = FAST,
    engine: str | None = None,
    acceptance: Acceptance | None = None,
) -> Conversion:
    """Convert a functional tf_keras model or a float32 `TFLiteModel`.

    A Keras model goes to int8 by way of its float file, so that ranges, corrections and proofs are the same for both.
    TensorFlow's converter quantizes it where quantization-aware training has set the ranges, and in the other modes.

    Args:
        source: what to convert.
        spec: mode, I/O type and weight bits.
        calibration: representative samples; needed where activations are quantized.
        treatment: ranges and corrections.
        engine: see `engines.choose_engine`.
        acceptance: when the file is good enough; without it nothing is measured. Nor is it after quantization-aware
            training, whose float model is not at hand.

    Raises:
        CalibrationError: samples are missing or do not fit the model.
        ConversionError: an op is not supported, or the file is not what `spec` asked for.
        DataError: the samples to calibrate and to judge with went through different preprocessing contracts.
    """
    if calibration is not None and acceptance is not None:
        judged = acceptance.samples
        require_same(calibration.preprocess, calibration.source, judged.preprocess, judged.source)
    if treatment != FAST and not spec.needs_calibration:
        raise ConversionError(f"effort, method and ranges are of quantized activations, which {spec.mode} has none of")
    if isinstance(source, TFLiteModel) and spec.mode == "float32":
        return Conversion(fix_batch(source), "nothing to quantize")
    if isinstance(source, TFLiteModel):
        return _after_training(source, spec, calibration, treatment, engine, acceptance)
    if any(type(layer).__name__.startswith("Quantize") for layer in source.layers):
        return Conversion(keras.convert(source, spec, calibration), "converter")
    if calibration is not None:
        calibration = keras.check_samples(source, calibration)
    float_file = keras.convert(source, QuantizationSpec("float32"))
    if spec.mode == "int8" or spec.weight_bits == 4:
        return _after_training(float_file, spec, calibration, treatment, engine, acceptance)
    if spec.mode == "int16x8" and needs_own_calibrator(float_file):
        refuse_unsupported(float_file, spec)  # TensorFlow's calibrator takes the process down on loops
    return _by_converter(source, float_file, spec, calibration, acceptance)


def _by_converter(
    source: Any,
    float_file: TFLiteModel,
    spec: QuantizationSpec,
    calibration: CalibrationSet | None,
    acceptance: Acceptance | None,
) -> Conversion:
    start = time.perf_counter()
    model = keras.convert(source, spec, calibration)
    if acceptance is None:
        return Conversion(model, "converter")
    judge = acceptance.judge(float_file)
    tried = Try(spec.mode, judge(model), time.perf_counter() - start, "", spec)
    acceptance.on_try(tried)
    return Conversion(model, "converter", note=judge.doubt, tries=(tried,), chosen=tried, judged=judge.own)


def _after_training(
    model: TFLiteModel,
    spec: QuantizationSpec,
    calibration: CalibrationSet | None,
    treatment: Treatment,
    engine: str | None,
    acceptance: Acceptance | None,
) -> Conversion:
    floats = FloatModel(model, spec, calibration)
    if acceptance is None:
        done = floats.quantize(spec, treatment, engine)
        return Conversion(done.model, done.engine, done.applied, done.note, done.seconds)
    judge = acceptance.judge(floats.rewritten)
    found = quantize_within(
        floats, spec, treatment, judge, engine=engine, remedies=acceptance.remedies, on_try=acceptance.on_try
    )
    best = found.best
    note = "; ".join(text for text in (best.note, found.note, judge.doubt) if text)
    return Conversion(
        best.model, best.route, best.applied, note, best.seconds, found.tries, best.made, found.diagnosis, judge.own
    )
