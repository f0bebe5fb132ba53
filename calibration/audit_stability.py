"""Audit: do the ranges of one half of the samples hold the other half?

The range of min/max grows for ever with the samples, by a few percent at each doubling, so its growth alone does not
tell few samples from enough. What a fresh sample loses does: a range that m samples gave is exceeded by a further one
with probability 2 / (m + 1) at most, whatever the distribution, and this falls as the samples grow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.audit_finding import AuditFinding, Severity
from litesmith.errors import CalibrationError

Doubles = npt.NDArray[np.float64]

# A sample that leaves the range by more than this share of it loses more than 8-bit rounding does, many times over.
_MARGIN = 0.05
# Share of fresh samples that leave the range of the worst tensor: too many, and far too many.
_MANY, _FAR_TOO_MANY = 0.03, 0.25
_SPLITS = 16
_TINY = 1e-30
_LISTED = 5


@dataclass(slots=True)
class SampleLimits:
    """An observer that keeps the smallest and the largest value of each sample; memory grows by 8 bytes a sample."""

    lows: list[npt.NDArray[np.float32]] = field(default_factory=list)
    highs: list[npt.NDArray[np.float32]] = field(default_factory=list)

    def update(self, values: npt.NDArray[np.float32]) -> None:
        """Take in a batch, first axis the sample."""
        rows = values.reshape(len(values), -1)
        if not rows.size:
            return
        low, high = rows.min(axis=1), rows.max(axis=1)
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            raise CalibrationError(
                "holds NaN or infinity; look for such values in the weights, or at the samples' scale"
            )
        self.lows.append(low)
        self.highs.append(high)


def check_stability(tensors: Sequence[tuple[str, SampleLimits]]) -> tuple[AuditFinding, ...]:
    """Whether there are enough samples, and whether some activation never changes.

    Args:
        tensors: name of each activation and what was seen of it, all of them with the same samples.
    """
    seen = [(name, limits) for name, limits in tensors if limits.lows]
    if not seen:
        return ()
    lows = np.stack([np.concatenate(one.lows) for _, one in seen], axis=1).astype(np.float64)
    highs = np.stack([np.concatenate(one.highs) for _, one in seen], axis=1).astype(np.float64)
    names = [name for name, _ in seen]
    return (*_dead(names, lows, highs), *_too_few(names, lows, highs))


def _dead(names: list[str], lows: Doubles, highs: Doubles) -> list[AuditFinding]:
    same = np.flatnonzero(lows.min(axis=0) == highs.max(axis=0))
    if not same.size:
        return []
    listed = [{"name": names[place], "value": float(lows[0, place])} for place in same[:_LISTED]]
    evidence = {"constant": int(same.size), "of": len(names), "tensors": listed}
    message = (
        f"{same.size} of {len(names)} activations hold one value only on all samples, such as {_short(names[same[0]])}"
    )
    fix = "if the model should use them, look at the scale of the samples: it may never reach that part"
    return [AuditFinding("dead", "warning", message, evidence, fix)]


def _too_few(names: list[str], lows: Doubles, highs: Doubles) -> list[AuditFinding]:
    count = len(lows)
    if count < 2:
        fix = "give about 100"
        return [AuditFinding("stability", "error", "one sample does not make a range", {"samples": count}, fix)]
    beyond, missed = _halves(lows, highs)
    worst = float(beyond.max())
    if worst <= _MANY:
        return []
    severity: Severity = "error" if worst > _FAR_TOO_MANY else "warning"
    needed = _rounded(count * worst / _MANY)
    order = np.argsort(-beyond)[:_LISTED]
    listed = [{"name": names[place], "beyond": float(beyond[place]), "missed": float(missed[place])} for place in order]
    message = (
        f"{count} samples are too few: ranges of one half are left by more than {_MARGIN:.0%} by {worst:.1%} of the "
        f"other half's samples, worst in {_short(names[order[0]])}; a half misses {np.median(missed):.1%} (median) to "
        f"{missed.max():.1%} of the whole range"
    )
    evidence: dict[str, Any] = {"samples": count, "worst": worst, "needed": needed, "tensors": listed}
    return [AuditFinding("stability", severity, message, evidence, f"about {needed} samples would likely do")]


def _halves(lows: Doubles, highs: Doubles) -> tuple[Doubles, Doubles]:
    """By tensor, over several splits: share of samples beyond the other half's range, and of the range missed."""
    random, half = np.random.default_rng(0), len(lows) // 2
    beyond, missed = np.zeros(lows.shape[1]), np.zeros(lows.shape[1])
    whole = np.maximum(highs.max(axis=0) - lows.min(axis=0), _TINY)
    for _ in range(_SPLITS):
        order = random.permutation(len(lows))
        for ours, theirs in ((order[:half], order[half:]), (order[half:], order[:half])):
            low, high = lows[ours].min(axis=0), highs[ours].max(axis=0)
            # What leaves a range of a single value leaves it by any share.
            margin = _MARGIN * np.maximum(high - low, _TINY)
            beyond += (np.maximum(low - lows[theirs], highs[theirs] - high) > margin).mean(axis=0)
            missed += np.where(whole > _TINY, 1 - (high - low) / whole, 0)
    return beyond / (2 * _SPLITS), missed / (2 * _SPLITS)


def _rounded(count: float) -> int:
    """Up to two digits: 13 stays, 137 becomes 140, and 1,370 becomes 1,400."""
    unit = 10 ** max(len(str(ceil(count))) - 2, 0)
    return int(ceil(count / unit) * unit)


def _short(name: str) -> str:
    """The first of the names that a converter joins when it fuses operators."""
    return repr(name.split(";")[0])
