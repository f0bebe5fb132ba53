"""One way from any source to a `.tflite`: Keras model or float file, trained for integers or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters import keras
from litesmith.converters.fixed_batch import fix_batch
from litesmith.converters.post_training import check_float, quantize_float_model
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError


@dataclass(frozen=True, slots=True)
class Conversion:
    """A converted file and how it came about.

    Attributes:
        model: proved to be what was asked for.
        route: `converter` for TensorFlow's own, else the engine that quantized after training.
        applied: rewrites of the float graph.
        note: what the user should know about the route, empty if nothing.
        seconds: by step of post-training quantization.
    """

    model: TFLiteModel
    route: str
    applied: tuple[str, ...] = ()
    note: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)


def convert(
    source: Any,
    spec: QuantizationSpec,
    calibration: CalibrationSet | None = None,
    *,
    effort: str = "fast",
    method: str = "minmax",
    engine: str | None = None,
) -> Conversion:
    """Convert a functional tf_keras model or a float32 `TFLiteModel`.

    A Keras model goes to int8 by way of its float file, so that ranges, corrections and proofs are the same for both.
    TensorFlow's converter quantizes it where quantization-aware training has set the ranges, in the other modes, and
    where the float graph cannot be calibrated tensor by tensor, which the note then says.

    Args:
        source: what to convert.
        spec: mode, I/O type and weight bits.
        calibration: representative samples; needed where activations are quantized.
        effort: see `post_training.quantize_float_model`, likewise `method` and `engine`.
        method: see `effort`.
        engine: see `effort`.

    Raises:
        CalibrationError: samples are missing or do not fit the model.
        ConversionError: an op is not supported, or the file is not what `spec` asked for.
    """
    if isinstance(source, TFLiteModel) and spec.mode == "float32":
        return Conversion(fix_batch(source), "nothing to quantize")
    if isinstance(source, TFLiteModel):
        return _after_training(source, spec, calibration, effort, method, engine)
    if not _goes_by_float(source, spec):
        return Conversion(keras.convert(source, spec, calibration), "converter")
    if calibration is not None:
        calibration = keras.check_samples(source, calibration)
    float_file = keras.convert(source, QuantizationSpec("float32"))
    try:
        check_float(float_file, spec)
    except ConversionError as error:
        note = f"TensorFlow's own calibrator and rounding were used, because {error}"
        return Conversion(keras.convert(source, spec, calibration), "converter", note=note)
    return _after_training(float_file, spec, calibration, effort, method, engine)


def _goes_by_float(model: Any, spec: QuantizationSpec) -> bool:
    if spec.weight_bits == 4:
        return True
    trained_for_integers = any(type(layer).__name__.startswith("Quantize") for layer in model.layers)
    return spec.mode == "int8" and not trained_for_integers


def _after_training(
    model: TFLiteModel,
    spec: QuantizationSpec,
    calibration: CalibrationSet | None,
    effort: str,
    method: str,
    engine: str | None,
) -> Conversion:
    result = quantize_float_model(model, spec, calibration, effort=effort, method=method, engine=engine)
    return Conversion(result.model, result.engine, result.applied, result.note, result.seconds)
