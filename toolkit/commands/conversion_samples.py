"""Which samples `litesmith convert` calibrates with, and which it judges with."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import Any

from litesmith.calibration.samples import CalibrationSet, overlap
from litesmith.commands.calibration_data import calibration_set, sample_shape
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import CalibrationError

DEFAULT_SAMPLES = 200
EVALUATION_SAMPLES = 200


@dataclass(frozen=True, slots=True)
class Samples:
    """What a conversion looks at.

    Attributes:
        calibration: None where only weights are quantized.
        evaluation: what the file is judged with; None where there is nothing to judge with.
        note: what the user should know about them, empty if nothing.
    """

    calibration: CalibrationSet | None
    evaluation: CalibrationSet | None
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Where they came from, for `--json`; None for what there is not."""
        parts = {"calibration": self.calibration, "evaluation": self.evaluation}
        return {
            name: None if part is None else {"source": part.source, "samples": len(part), "digest": part.digest}
            for name, part in parts.items()
        }


def conversion_samples(args: argparse.Namespace, model: Any, *, calibrate: bool) -> Samples:
    """Draw both sets; without `--evaluate` those are judged with that were not drawn to calibrate with.

    Raises:
        CalibrationError: there are not so many, or samples to judge with are among those to calibrate with.
        DataError: a source cannot be read.
    """
    shape = sample_shape(model) if isinstance(model, TFLiteModel) else model.inputs[0].shape[1:]
    judged_with = args.evaluate if calibrate or args.evaluate is not None else args.calibration
    limit = None if args.evaluate is not None else EVALUATION_SAMPLES
    given = None if judged_with is None else calibration_set(args, shape, judged_with, limit=limit)
    if not calibrate:
        return Samples(None, given)
    wanted = args.samples if args.samples is not None else DEFAULT_SAMPLES
    extra = EVALUATION_SAMPLES if given is None else 0
    drawn = calibration_set(args, shape, args.calibration, limit=wanted + extra)
    if args.samples is None:
        wanted = min(wanted, len(drawn))
    calibration, rest = drawn.split(wanted, args.seed)
    if given is not None:
        if shared := overlap(given, calibration):
            raise CalibrationError(
                f"{args.evaluate}: {shared} of its samples are among those to calibrate with; judge with others"
            )
        return Samples(calibration, given)
    few = "one sample says little of real input; calibrate with a hundred" if len(calibration) == 1 else ""
    if rest is not None:
        return Samples(calibration, rest, few)
    note = "judged with the samples that it was calibrated with, for want of others: give more, or --evaluate"
    return Samples(calibration, calibration, "; ".join(text for text in (few, note) if text))
