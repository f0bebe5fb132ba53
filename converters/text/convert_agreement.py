"""How far the answers of a file agree with those of the float network."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.converters.fidelity import finite_or_none, snr_db
from litesmith.converters.text.architecture import Kind

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Answers of a file against the float network's; padding is not looked at.

    Attributes:
        texts: how many were compared.
        snr_db: of all answers, as `fidelity.Fidelity` has it.
        cosine_mean: of embeddings; None for other answers.
        cosine_p5: the 5th percentile over texts; None likewise.
        same: share of texts with the same class; of tokens, where each has one; of starts and ends, where those are
            the answer. None for embeddings.
    """

    texts: int
    snr_db: float
    cosine_mean: float | None = None
    cosine_p5: float | None = None
    same: float | None = None

    @property
    def share(self) -> float:
        """The one number to compare files by, 1 where they agree: the mean cosine, or the same answers."""
        share = self.cosine_mean if self.same is None else self.same
        assert share is not None  # each kind of head sets one of them
        return share

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; an infinite `snr_db` is null."""
        return {**asdict(self), "snr_db": finite_or_none(self.snr_db)}

    def __str__(self) -> str:
        if self.same is None:
            return f"cosine {self.cosine_mean:.4f} on average, {self.cosine_p5:.4f} at the 5th percentile"
        return f"{100 * self.same:.2f}% same answers, SNR {self.snr_db:.1f} dB"


def compare_answers(kind: Kind, expected: Array, found: Array, valid: Array) -> Agreement:
    """Compare answers.

    Args:
        kind: of the head.
        expected: of the float network: (N, H), (N, C), or (N, L, C).
        found: of the file, likewise.
        valid: (N, L), where there is a token.
    """
    expected, found = expected.astype(np.float64), found.astype(np.float64)
    if kind in ("token", "answer"):
        one, other = (np.where(valid[:, :, None], values, 0.0) for values in (expected, found))
    else:
        one, other = expected, found
    ratio = snr_db(float(np.square(one).sum()), float(np.square(one - other).sum()))
    if kind == "embedding":
        cosines = _cosines(expected, found)
        return Agreement(len(found), ratio, float(cosines.mean()), float(np.percentile(cosines, 5)))
    return Agreement(len(found), ratio, same=_same(kind, expected, found, valid))


def _same(kind: Kind, expected: Array, found: Array, valid: Array) -> float:
    if kind == "answer":  # the most likely start and end among the tokens
        starts = (np.where(valid[:, :, None], values, -np.inf).argmax(axis=1) for values in (expected, found))
        return float(np.mean(np.equal(*starts)))
    same = expected.argmax(axis=-1) == found.argmax(axis=-1)
    return float(np.mean(same[valid] if kind == "token" else same))


def _cosines(one: Array, other: Array) -> Array:
    lengths = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    cosines: Array = (one * other).sum(axis=1) / np.where(lengths > 0, lengths, np.inf)
    return cosines
