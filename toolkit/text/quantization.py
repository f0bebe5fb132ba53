"""A text encoder's full-integer file: by the rewrites for integers, judged like every other try."""

from __future__ import annotations

import time

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.convert import Acceptance, Conversion
from litesmith.converters.text.architecture import TextModel
from litesmith.converters.text.integer.quantize import quantize_text
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.converters.tries import Try

ROUTE = "rewrites for integers"


def integer_file(
    model: TextModel,
    float_file: TFLiteModel,
    calibration: CalibrationSet,
    acceptance: Acceptance,
    remedy: str = ROUTE,
) -> Conversion:
    """Quantize a text model to integers throughout and judge the file on the validation split.

    Args:
        model: the student.
        float_file: what it is compared with.
        calibration: one input of ids (N, length).
        acceptance: when the file is good enough; it has no remedies beyond the rewrites.
        remedy: how the model came about, in the words that its try is called by.

    Raises:
        ConversionError: the encoder is of a form that has no integer file.
    """
    start = time.perf_counter()
    (ids,) = calibration.inputs.values()
    made = quantize_text(model, ids)
    written = TFLiteModel(made.content, "<integers>")
    judge = acceptance.judge(float_file)
    tried = Try(remedy, judge(written), time.perf_counter() - start)
    acceptance.on_try(tried)
    return Conversion(written, ROUTE, made.rewrites, judge.doubt, tries=(tried,), chosen=tried, judged=judge.own)
