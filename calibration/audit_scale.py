"""Audit: are the values on the scale that the model was trained on, and the channels in the same order?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.audit_finding import AuditFinding, ModelInput, Severity

Array = npt.NDArray[Any]
Doubles = npt.NDArray[np.float64]

# Pixels are brought to these ranges before training, nearly always.
CONVENTIONS: Mapping[str, tuple[float, float]] = {"0..1": (0, 1), "-1..1": (-1, 1), "0..255": (0, 255)}
# A shift in standard deviations of the training data, or a ratio of deviations: worth a look, and certainly wrong.
# -1..1 for 0..1 is a ratio of 2.
_SHIFTS, _RATIOS = (0.5, 1.0), (1.4, 1.9)
# Deviations from `Expected.center` in spreads: raw pixels after their own scaling have about 0.5, and a
# standardised input has 1.
_EXPECTED_DEVIATION = (0.02, 8.0)
# How much worse, as a sum of squares in standard errors, the given order of channels must fit than another.
_SWAPPED = 15.0
_FEW_CHANNELS = (2, 3, 4)


@dataclass(frozen=True, slots=True)
class _Moments:
    """Mean and deviation of every channel, the last axis, and over all."""

    mean: Doubles
    deviation: Doubles
    low: float
    high: float

    @classmethod
    def of(cls, array: Array) -> _Moments:
        places = array.reshape(-1, array.shape[-1] if array.ndim > 1 else 1)
        return cls(
            places.mean(axis=0, dtype=np.float64),
            places.std(axis=0, dtype=np.float64),
            float(places.min()),
            float(places.max()),
        )

    def summary(self) -> dict[str, float]:
        """Plain numbers over all channels."""
        mean = float(self.mean.mean())
        deviation = float(np.sqrt(np.mean(self.deviation**2 + (self.mean - mean) ** 2)))
        return {"min": self.low, "max": self.high, "mean": mean, "std": deviation}


def check_trained_on(name: str, array: Array, reference: Array) -> tuple[AuditFinding, ...]:
    """Compare an input with what the model was trained on.

    Args:
        name: of the input.
        array: calibration samples `(N, ...)`, finite float32, and of another length `reference`.
        reference: as the model saw them in training.
    """
    return (*_check_moments(name, _Moments.of(array), _Moments.of(reference)), *_check_channels(name, array, reference))


def check_expected(one: ModelInput, array: Array) -> tuple[AuditFinding, ...]:
    """Compare an input with what the model's own first steps take it to be."""
    if one.expected is None:
        return ()
    center, spread = np.array(one.expected.center), np.array(one.expected.spread)
    distance = (array.reshape(len(array), -1, center.size if center.size > 1 else 1) - center) / spread
    deviation, mean = float(distance.std(dtype=np.float64)), float(distance.mean(dtype=np.float64))
    least, most = _EXPECTED_DEVIATION
    if least <= deviation <= most and abs(mean) <= most:
        return ()
    low, high = float((center - spread).min()), float((center + spread).max())
    summary = _Moments.of(array).summary()
    suited = f"{one.expected.because}, which suits values of about {low:.4g} to {high:.4g}"
    message = f"{_describe(one.name, summary)}, but {suited}"
    evidence = {"input": one.name, **summary, "expected_low": low, "expected_high": high}
    fix = "give the values as they are before that step; scaling twice leaves next to nothing of them"
    return (AuditFinding("scale", "error", message, evidence, fix),)


def conversions(low: float, high: float) -> dict[str, tuple[float, float]]:
    """`scale` and `offset` to each conventional range, from the one that such values seem to have."""
    start, end = _seeming_range(low, high)
    if end <= start:
        return {}
    found = {}
    for name, (first, last) in CONVENTIONS.items():
        scale = (last - first) / (end - start)
        if (start, end) != (first, last):
            found[name] = (scale, first - scale * start)
    return found


def describe_scaling(scale: float, offset: float) -> str:
    """`x * scale + offset` as a formula and as options of the command."""
    formula, options = f"x * {scale:.6g}", f"--scale {scale:.6g}"
    return f"{formula} + {offset:.6g} ({options} --offset {offset:.6g})" if offset else f"{formula} ({options})"


def _describe(name: str, summary: Mapping[str, float]) -> str:
    return f"input {name!r} has values from {summary['min']:.4g} to {summary['max']:.4g}, mean {summary['mean']:.4g}"


def describe_values(name: str, array: Array) -> tuple[str, dict[str, float]]:
    """An input's values in words, and as evidence."""
    summary = _Moments.of(array).summary()
    return _describe(name, summary), summary


def _seeming_range(low: float, high: float) -> tuple[float, float]:
    """The narrowest usual range that holds the values, if they fill at least half of it."""
    for first, last in ((0.0, 1.0), (-1.0, 1.0), (-128.0, 127.0), (0.0, 255.0)):
        slack = 1e-3 * (last - first)
        if first - slack <= low and high <= last + slack and high - low >= (last - first) / 2:
            return first, last
    return low, high


def _check_moments(name: str, given: _Moments, trained: _Moments) -> tuple[AuditFinding, ...]:
    # Pixels at the edge of every digit are 0, so they have no deviation to measure in.
    varied = trained.deviation > 1e-3 * trained.deviation.max(initial=0.0)
    if not varied.any() or given.mean.size != trained.mean.size:
        return ()
    shift = float(np.median(np.abs(given.mean - trained.mean)[varied] / trained.deviation[varied]))
    ratio = float(np.median(given.deviation[varied] / trained.deviation[varied]))
    apart = max(ratio, 1 / max(ratio, 1e-12))
    severity: Severity | None = None
    if shift > _SHIFTS[0] or apart > _RATIOS[0]:
        severity = "error" if shift > _SHIFTS[1] or apart > _RATIOS[1] else "warning"
    if severity is None:
        return ()
    ours, theirs = given.summary(), trained.summary()
    message = (
        f"{_describe(name, ours)}, but the model was trained on {theirs['min']:.4g} to {theirs['max']:.4g}, "
        f"mean {theirs['mean']:.4g}"
    )
    evidence = {"input": name, "given": ours, "trained_on": theirs, "shift_in_std": shift, "ratio_of_std": ratio}
    return (AuditFinding("scale", severity, message, evidence, _scaling_advice(ours, theirs)),)


def _scaling_advice(given: Mapping[str, float], trained: Mapping[str, float]) -> str:
    """The conventional scaling that brings the one to the other, or the one computed from mean and deviation."""
    if given["std"] <= 0:
        return "look at how the data are read: they do not vary"
    scale = trained["std"] / given["std"]
    offset = trained["mean"] - scale * given["mean"]
    for usual, shift in conversions(given["min"], given["max"]).values():
        off = abs(usual * given["mean"] + shift - trained["mean"])
        if abs(usual / scale - 1) < 0.2 and off < 0.3 * trained["std"]:
            return (
                f"preprocess as in training: x * {usual:.6g} + {shift:.6g} (--scale {usual:.6g} --offset {shift:.6g})"
            )
    return f"preprocess as in training: about x * {scale:.4g} + {offset:.4g}; look up the exact values"


def _check_channels(name: str, array: Array, reference: Array) -> tuple[AuditFinding, ...]:
    """Whether the means of the channels fit those of training much better in another order.

    Brightness and scale, which all channels share, are taken out; what is left is weighed by its standard error.
    """
    count = array.shape[-1]
    if array.ndim < 3 or reference.ndim != array.ndim or reference.shape[-1] != count or count not in _FEW_CHANNELS:
        return ()
    given, trained = _channel_means(array), _channel_means(reference)
    misfits = {order: _misfit(given, trained, order) for order in permutations(range(count))}
    same, best = tuple(range(count)), min(misfits, key=lambda order: misfits[order])
    if misfits[same] - misfits[best] < _SWAPPED or misfits[best] > misfits[same] / 3:
        return ()
    evidence = {
        "input": name, "order": list(best), "means": _Moments.of(array).mean.tolist(),
        "trained_on": _Moments.of(reference).mean.tolist(),
        "misfit_as_given": misfits[same], "misfit_reordered": misfits[best],
    }  # fmt: skip
    message = f"input {name!r}: the channels' means fit the training data's in the order {best}, not as they are"
    fix = f"reorder the channels, such as BGR to RGB: x[..., {list(best)}]"
    return (AuditFinding("channels", "error", message, evidence, fix),)


def _channel_means(array: Array) -> tuple[Doubles, Doubles]:
    """Means of the channels against the mean of all, in deviations, and their standard errors over samples."""
    samples = array.reshape(len(array), -1, array.shape[-1]).mean(axis=1, dtype=np.float64)
    apart = (samples - samples.mean(axis=1, keepdims=True)) / max(float(array.std(dtype=np.float64)), 1e-12)
    # A handful of samples says little about the spread between samples.
    error = apart.std(axis=0) / np.sqrt(max(len(apart) - 1, 1)) + 1e-6
    return apart.mean(axis=0), error


def _misfit(given: tuple[Doubles, Doubles], trained: tuple[Doubles, Doubles], order: Sequence[int]) -> float:
    (means, errors), places = given, list(order)
    variance = np.square(errors[places]) + np.square(trained[1])
    return float((np.square(means[places] - trained[0]) / variance).sum())
