"""How good answers are, as one number: the share of right classes, or how well vectors point where they should."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Metric:
    """What a figure between 0 and 1 is called, and how people write it."""

    name: str
    percent: bool

    def text(self, value: float | None) -> str:
        """A value; a dash for None."""
        if value is None:
            return "-"
        return f"{100 * value:.2f}%" if self.percent else f"{value:.4f}"

    def difference(self, value: float) -> str:
        """How far two values are apart."""
        return f"{100 * value:.2f} points" if self.percent else f"{value:.4f}"


ACCURACY, COSINE = Metric("accuracy", percent=True), Metric("cosine", percent=False)
METRICS = {metric.name: metric for metric in (ACCURACY, COSINE)}


def metric_of(targets: Array) -> Metric:
    """What `accuracy` is for these targets."""
    return COSINE if targets.ndim == 2 else ACCURACY


def accuracy(found: Array, targets: Array) -> float:
    """Share of samples whose largest logit is the label's; of vectors, the mean cosine to those wanted.

    A mean cosine below 0 counts as 0, so that every figure is a share; a vector of zeros has the cosine 0.

    Args:
        found: logits (N, classes), or vectors (N, H).
        targets: labels (N,), or vectors (N, H).
    """
    if metric_of(targets) is ACCURACY:
        return float(np.mean(found.argmax(axis=-1) == targets))
    return float(np.clip(np.mean(np.sum(_unit(found) * _unit(targets), axis=-1)), 0, 1))


def _unit(vectors: Array) -> npt.NDArray[np.float64]:
    """Each vector at length 1, or as it is where it has none."""
    sizes = np.linalg.norm(vectors.astype(np.float64), axis=-1, keepdims=True)
    unit: npt.NDArray[np.float64] = vectors / np.where(sizes > 0, sizes, 1)
    return unit
