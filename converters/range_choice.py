"""Which method finds the best range of each tensor: tried on real files, one tensor at a time."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from litesmith.converters.calibrated import Treatment
from litesmith.converters.judge import Judge
from litesmith.converters.post_training import FloatModel
from litesmith.converters.quantize import QuantizationSpec, exactly
from litesmith.errors import ConversionError

# What is tried beside min/max; moving averages only lose values by chance.
_METHODS = ("percentile", "mse", "entropy")
# A gain below this is noise of the samples.
_GAIN_DB = 0.3


def choose_ranges(
    floats: FloatModel, spec: QuantizationSpec, treatment: Treatment, judge: Judge, names: Iterable[str]
) -> Treatment:
    """The treatment with other methods for the tensors where they raise the SNR of the outputs.

    Inputs and outputs of the graph are left alone: clipping logits costs accuracy that SNR does not show.

    Args:
        floats: the model, calibrated.
        spec: what is made.
        treatment: where to start.
        judge: runs the files.
        names: of the tensors to try, the most suspicious first.
    """
    main = floats.rewritten.main
    ends = {main.tensors[index].name for index in (*main.inputs, *main.outputs)}
    # Corrections cost seconds with higher efforts, and make up for weights, not for ranges.
    best = replace(treatment, effort="fast")
    best_db = judge.snr_db(floats.quantize(spec, best).model)
    for name in names:
        if name in ends:
            continue
        start = best
        for method in _METHODS:
            candidate = replace(start, methods={**start.methods, exactly(name): method})
            found_db = _snr_db(floats, spec, candidate, judge)
            if found_db > best_db + _GAIN_DB:
                best, best_db = candidate, found_db
    return replace(best, effort=treatment.effort)


def _snr_db(floats: FloatModel, spec: QuantizationSpec, candidate: Treatment, judge: Judge) -> float:
    try:
        made = floats.quantize(spec, candidate)
    except ConversionError:
        return -math.inf  # a range so narrow that no kernel takes the ratio of scales
    return judge.snr_db(made.model)
