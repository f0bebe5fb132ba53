"""Audit: would the model do better on the same samples if they were scaled otherwise?

Without training data to compare with, the model itself tells a wrong scale. Values 255 times too small leave only
its biases, and every sample gets the same scores; values 255 times too large drive every softmax to 0 or 1; and
where there are labels, it is right less often.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.audit_finding import AuditFinding, Severity
from litesmith.calibration.audit_scale import conversions, describe_scaling, describe_values

Array = npt.NDArray[Any]
Doubles = npt.NDArray[np.float64]
Run = Callable[[Array], Array]

# Small nets trained on 0..1, -1..1, 0..255 and standardised pixels were given each of the others: with pixels of
# 0..255 where small values were meant, 89% to 100% of the samples were certain (at most 58% as trained); small
# values where 0..255 was meant gave at most 0.02 nat (at least 0.25 as trained).
_CERTAIN, _SURE = 0.999, 0.85
_UNSURE = 0.7
_NO_INFORMATION, _INFORMATION = 0.03, 0.15
# With labels: how much more often right, at least, and in how many standard errors of the paired difference.
_GAIN, _ERRORS = 0.08, 4.0
# Share of all the information that scores can have, log(classes), beyond which a change is no accident.
_PLENTY = 0.25
_FEWEST = 8


@dataclass(frozen=True, slots=True)
class _Scores:
    """What a model makes of some samples.

    Attributes:
        probabilities: `(N, classes)`.
        are_logits: whether they come from scores that are none, such as logits.
        right: which samples have the highest score on their label, if that is known.
    """

    probabilities: Doubles
    are_logits: bool
    right: npt.NDArray[np.bool_] | None

    @property
    def information(self) -> float:
        """Mutual information of sample and class in nats: none if every sample gets the same probabilities."""
        return float(_entropy(self.probabilities.mean(axis=0)) - _entropy(self.probabilities).mean())

    @property
    def certain(self) -> float:
        """Share of samples with nearly all probability on one class."""
        return float((self.probabilities.max(axis=1) > _CERTAIN).mean())

    def evidence(self) -> dict[str, float]:
        """The measures as plain numbers."""
        found = {"information": self.information, "certain": self.certain}
        return found if self.right is None else {**found, "accuracy": float(self.right.mean())}


@dataclass(frozen=True, slots=True)
class _Change:
    """Another way to hand over the same samples."""

    words: str
    fix: str
    check: str
    apply: Callable[[Array], Array] = field(repr=False)


def check_scores(name: str, array: Array, labels: Array | None, run: Run) -> tuple[AuditFinding, ...]:
    """Compare the scores of samples as they are with those after each conventional change of scale.

    Args:
        name: of the model's only input.
        array: some samples, finite float32.
        labels: of these samples, if they are places among the scores.
        run: gives the scores `(N, classes)` of such samples.
    """
    if len(array) < _FEWEST:
        return ()
    given = _scores(run(array), labels)
    better = []
    for change in _changes(array, reverse=labels is not None):
        other = _scores(run(change.apply(array)), labels)
        if (reason := _reason(given, other)) is not None:
            better.append((change, other, reason))
    if not better:
        return ()
    better.sort(key=lambda found: -_merit(found[1]))
    change, other, (severity, words) = better[0]
    # Only labels tell which of several changes is the right one.
    fixes = [found[0].fix for found in (better if labels is None else better[:1])]
    described, summary = describe_values(name, array)
    evidence = {
        "input": name, **summary, "samples": len(array), "as_given": given.evidence(), "changed": other.evidence(),
        "change": change.words,
    }  # fmt: skip
    message = f"{described}; {words.format(change.words)}"
    return (AuditFinding(change.check, severity, message, evidence, f"{'; '.join(fixes)}; --trained-on settles it"),)


def _reason(given: _Scores, other: _Scores) -> tuple[Severity, str] | None:
    """Why `other` shows `given` to be wrong, and how surely; None if it does not. `{}` stands for the change."""
    if given.right is not None and other.right is not None:
        difference = other.right.astype(np.float64) - given.right
        gain, error = float(difference.mean()), float(difference.std()) / np.sqrt(len(difference))
        before, after = float(given.right.mean()), float(other.right.mean())
        if gain > max(_GAIN, _ERRORS * error):
            return "error", f"the model is right on {before:.1%} of the samples as they are, and on {after:.1%} {{}}"
        # A model that is right less often, or hardly ever, tells nothing by being sure.
        if gain < -_GAIN or after < 2 / other.probabilities.shape[1]:
            return None
    if given.information < _NO_INFORMATION and other.information > max(_INFORMATION, 10 * given.information):
        # An untrained model that gives logits looks like this too.
        plenty = other.information > _PLENTY * np.log(other.probabilities.shape[1]) and not given.are_logits
        words = "every sample gets the same scores, as if nothing but the biases counted, but not so {}"
        return ("error" if plenty else "warning"), words
    # The other way must keep some of what the scores say; else the model is sure of itself, and right to be.
    if given.certain > _SURE and other.certain < _UNSURE and other.information > given.information / 4:
        return "warning", f"{given.certain:.0%} of the samples saturate the scores, but only {other.certain:.0%} {{}}"
    return None


def _merit(scores: _Scores) -> float:
    return scores.information if scores.right is None else float(scores.right.mean())


def _changes(array: Array, *, reverse: bool) -> Iterator[_Change]:
    for range_name, (scale, offset) in conversions(float(array.min()), float(array.max())).items():
        yield _Change(
            f"when brought to {range_name}",
            f"if the model was trained on {range_name}, calibrate with {describe_scaling(scale, offset)}",
            "scale",
            partial(_scaled, scale=scale, offset=offset),
        )
    # Without labels the scores do not tell RGB from BGR.
    if reverse and array.ndim == 4 and array.shape[-1] == 3:
        fix = "read the images as RGB, not BGR: x[..., ::-1]"
        yield _Change("with the channels reversed", fix, "channels", _reversed)


def _scaled(array: Array, scale: float, offset: float) -> Array:
    return (array * np.float32(scale) + np.float32(offset)).astype(np.float32)


def _reversed(array: Array) -> Array:
    return np.ascontiguousarray(array[..., ::-1])


def _scores(values: Array, labels: Array | None) -> _Scores:
    scores = values.astype(np.float64)
    are_logits = bool(scores.min() < 0 or not np.allclose(scores.sum(axis=1), 1, atol=1e-3))
    right = None if labels is None else scores.argmax(axis=1) == labels
    return _Scores(_softmax(scores) if are_logits else scores, are_logits, right)


def _softmax(scores: Doubles) -> Doubles:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    result: Doubles = powers / powers.sum(axis=1, keepdims=True)
    return result


def _entropy(probabilities: Doubles) -> Doubles:
    logarithms = np.log(probabilities, out=np.zeros_like(probabilities), where=probabilities > 0)
    result: Doubles = -(probabilities * logarithms).sum(axis=-1)
    return result
