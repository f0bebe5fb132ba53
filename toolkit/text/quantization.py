"""A text encoder's full-integer file: by the rewrites for integers, judged like every other try."""

from __future__ import annotations

import time
from dataclasses import replace

from litesmith import qat
from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.convert import Acceptance, Conversion
from litesmith.converters.judge import Judge
from litesmith.converters.text.architecture import TextModel
from litesmith.converters.text.integer.quantize import IntegerText, quantize_text
from litesmith.converters.text.integer.retrained import with_weights
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.converters.tries import Try

ROUTE = "rewrites for integers"


def integer_file(
    model: TextModel,
    float_file: TFLiteModel,
    calibration: CalibrationSet,
    acceptance: Acceptance,
    trained: TextModel | None = None,
    *,
    wide_rows: int | None = None,
) -> Conversion:
    """Quantize a text model to integers throughout and judge the file on the validation split.

    Args:
        model: the student.
        float_file: what it is compared with.
        calibration: one input of ids (N, length).
        acceptance: when the file is good enough; it has no remedies beyond the rewrites.
        trained: the student after training on the grids of its file; both files are judged, and the better one is
            taken. The other one costs seconds.
        wide_rows: first tokens whose sums are int16; None finds out.

    Raises:
        ConversionError: the encoder is of a form that has no integer file.
    """
    start = time.perf_counter()
    (ids,) = calibration.inputs.values()
    made = quantize_text(model, ids, wide=wide_rows)
    judge = acceptance.judge(float_file)
    files = [_judged(made, ROUTE, judge, acceptance, start)]
    if trained is not None:
        start = time.perf_counter()
        files.insert(0, _judged(with_weights(made, model, trained), qat.REMEDY, judge, acceptance, start))
    best = max(files, key=lambda one: one.tries[0].score)
    return replace(best, tries=tuple(one.tries[0] for one in files))


def _judged(made: IntegerText, remedy: str, judge: Judge, acceptance: Acceptance, start: float) -> Conversion:
    written = TFLiteModel(made.content, "<integers>")
    tried = Try(remedy, judge(written), time.perf_counter() - start)
    acceptance.on_try(tried)
    return Conversion(written, ROUTE, made.rewrites, judge.doubt, tries=(tried,), chosen=tried, judged=judge.own)
