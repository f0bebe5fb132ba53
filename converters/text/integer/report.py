"""Where an integer file differs from float32, layer by layer, and what each rewrite gains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from litesmith.converters.text.architecture import TextModel
from litesmith.converters.text.integer.blocks import Array
from litesmith.converters.text.integer.calibrate import run_float
from litesmith.converters.text.integer.float_operations import Ids
from litesmith.converters.text.integer.layer_errors import LayerError, layer_errors
from litesmith.converters.text.integer.noise import Noise
from litesmith.converters.text.integer.quantize import IntegerText, quantize_text
from litesmith.converters.text.integer.rewrites import NAMES, REQUIRED
from litesmith.converters.text.integer.run_integers import IntegerRun

_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class Agreement:
    """Answers of a file beside those of float32.

    Attributes:
        cosine: mean over the texts, or over the tokens where each has an answer.
        least_cosine: of the worst one.
        decibels: signal-to-noise ratio of all answers.
    """

    cosine: float
    least_cosine: float
    decibels: float


@dataclass(frozen=True, slots=True)
class Gain:
    """What a rewrite is good for.

    Attributes:
        rewrite: its name.
        without: the agreement of a file without it and with all others; None where integers need it.
        decibels: of the answers, lost without it; negative where the file is better without it. None likewise.
    """

    rewrite: str
    without: Agreement | None
    decibels: float | None


@dataclass(frozen=True, slots=True)
class IntegerReport:
    """How far a file is from float32, and why.

    Attributes:
        texts: that it was measured on.
        answer: of the file.
        layers: in the order of computation.
        gains: of the rewrites in their order; empty where they were not asked for.
    """

    texts: int
    answer: Agreement
    layers: tuple[LayerError, ...]
    gains: tuple[Gain, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    def to_text(self) -> str:
        """Tables for a terminal; errors as signal-to-noise ratios in dB, of which more is better."""
        answer = self.answer
        lines = [
            f"answers   cosine {answer.cosine:.4f}, worst {answer.least_cosine:.4f}, {answer.decibels:.1f} dB "
            f"({self.texts} texts)",
            "",
            f"{'':28}{'rows':>8}  {'type':5}  {'sum':>7}  {'read':>7}",
            *(layer.to_line() for layer in self.layers),
        ]
        if self.gains:
            lines += ["", f"{'without':28}{'cosine':>8}  {'gains':>9}", *(_gain_line(gain) for gain in self.gains)]
        return "\n".join(lines)


def report(made: IntegerText, ids: Ids, *, gains: Sequence[Gain] = ()) -> IntegerReport:
    """Measure a file on texts.

    Args:
        made: the file with the network that it approximates.
        ids: (N, L), other texts than those of the calibration.
        gains: as `rewrite_gains` measured them.
    """
    return IntegerReport(len(ids), agreement(made, ids), layer_errors(made, ids), tuple(gains))


def rewrite_gains(
    model: TextModel,
    calibration: Ids,
    texts: Ids,
    *,
    on_progress: Callable[[str], None] = lambda rewrite: None,
    **options: Any,
) -> tuple[Gain, ...]:
    """Quantize a model once more without each rewrite, and see what that loses.

    Args:
        model: that is quantized; every rewrite takes as long as `quantize_text`.
        calibration: ids (N, L) that it is calibrated on.
        texts: ids (N, L) that it is measured on.
        on_progress: is told which rewrite is left out next.
        options: of `quantize_text`.
    """
    whole = agreement(quantize_text(model, calibration, **options), texts)
    gains = []
    for rewrite in NAMES:
        if rewrite in REQUIRED:
            gains.append(Gain(rewrite, None, None))
            continue
        on_progress(rewrite)
        without = agreement(quantize_text(model, calibration, without=(rewrite,), **options), texts)
        gains.append(Gain(rewrite, without, whole.decibels - without.decibels))
    return tuple(gains)


def agreement(made: IntegerText, ids: Ids) -> Agreement:
    """Answers to texts, of the file and of its network in float32; those to padding do not count."""
    run, noise = IntegerRun(made.content), Noise()
    cosines: list[Array] = []
    for place in range(len(ids)):
        wanted = run_float(made.network, made.rows, ids[place : place + 1])[0]
        found = run.answer(ids[place])[: len(wanted)]
        if len(found) > 1:  # an answer for each token
            valid = ids[place, : len(wanted)] != made.network.pad_id
            wanted, found = wanted[valid], found[valid]
        noise.add(wanted, found)
        sizes = np.linalg.norm(wanted, axis=1) * np.linalg.norm(found, axis=1)
        cosines.append((wanted * found).sum(1) / np.maximum(sizes, _TINY))
    together = np.concatenate(cosines)
    return Agreement(float(together.mean()), float(together.min()), noise.decibels)


def _gain_line(gain: Gain) -> str:
    if gain.without is None or gain.decibels is None:
        return f"{gain.rewrite:28}{'-':>8}  integers need it"
    return f"{gain.rewrite:28}{gain.without.cosine:8.4f}  {gain.decibels:+6.1f} dB"
