"""Compares stored measurements of two models, or of one model on two days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from litesmith.bench_select import are_days, selected
from litesmith.bench_store import Stored
from litesmith.errors import DataError

RESAMPLES = 10_000
# Between sessions a machine changes as a whole, which the blocks of neither session show: the same model on the same
# shared virtual machine was up to 20 % apart in sessions a few seconds from each other.
OTHER_SESSION_MARGIN = 0.10
CONFIDENCE_PERCENT = 95

Key = tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One configuration on one device: `ratio` is B's median over A's, `low` to `high` its 95 % interval.

    `skipped` says why there is none. `one_session` is whether both took turns; else the ratio holds what the device
    did in between too. By `margin` B may be slower or faster before that is said.
    """

    model: str
    sha256: tuple[str, str]
    device: str
    configuration: str
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    one_session: bool = False
    margin: float = 0.0
    skipped: str | None = None

    @property
    def changed(self) -> bool:
        """Whether a model of one name has another content on the other day."""
        return " -> " not in self.model and self.sha256[0] != self.sha256[1]

    @property
    def verdict(self) -> str:
        """In words, for people."""
        if self.low is None or self.high is None:
            return "not compared"
        if self.low > 1 + self.margin:
            return "slower"
        return "faster" if self.high < 1 / (1 + self.margin) else "no difference shown"

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {**asdict(self), "verdict": self.verdict}


def compare(stored: Sequence[Stored], a: str, b: str, *, margin: float | None = None) -> tuple[Comparison, ...]:
    """B against A in every configuration and on every device that both were measured on.

    Args:
        stored: the oldest first.
        a: a day (YYYY-MM-DD, UTC), the path or name of a model, or the start of its sha256.
        b: the same.
        margin: None for none within a session and `OTHER_SESSION_MARGIN` between sessions.

    Raises:
        DataError: the store has nothing of one of them, or of both nothing in common.
    """
    by_day = are_days(a, b)
    first, second = (_by_key(selected(stored, name), by_model=by_day) for name in (a, b))
    common = [key for key in first if key in second]
    if not common:
        raise DataError(
            f"{a} and {b} were never measured on the same device in the same configuration; measure both with --store"
        )
    return tuple(_compared(first[key], second[key], margin) for key in common)


def ratio_interval(a_ms: Sequence[float], b_ms: Sequence[float]) -> tuple[float, float, float]:
    """Ratio of the medians of B's and A's blocks, and the percentile bootstrap's interval over blocks.

    See Efron & Tibshirani, An Introduction to the Bootstrap (1993), chapter 13.
    """
    random = np.random.default_rng(0)
    medians = [
        np.median(np.asarray(blocks)[random.integers(0, len(blocks), (RESAMPLES, len(blocks)))], axis=1)
        for blocks in (a_ms, b_ms)
    ]
    tail = (100 - CONFIDENCE_PERCENT) / 2
    low, high = np.percentile(medians[1] / medians[0], (tail, 100 - tail))
    return float(np.median(b_ms) / np.median(a_ms)), float(low), float(high)


def _by_key(stored: Sequence[Stored], *, by_model: bool) -> dict[Key, list[Stored]]:
    groups: dict[Key, list[Stored]] = {}
    for one in stored:
        device, configuration = one.document["device"], one.document["configuration"]
        model = one.document["model"] if by_model else None
        key = (model, device["label"], device["model"], *configuration.values())
        groups.setdefault(key, []).append(one)
    return groups


def _compared(first: Sequence[Stored], second: Sequence[Stored], margin: float | None) -> Comparison:
    """The latest session that has both, or else the latest of each."""
    shared = {one.session for one in first} & {one.session for one in second}
    a = next((one for one in reversed(first) if one.session in shared), first[-1])
    b = next((one for one in reversed(second) if one.session == a.session), second[-1])
    one_session = a.session == b.session
    names = (a.document["model"], b.document["model"])
    comparison = Comparison(
        model=names[0] if names[0] == names[1] else " -> ".join(names),
        sha256=(a.document["sha256"], b.document["sha256"]),
        device=b.document["device"]["label"],
        configuration=_configuration(b.document["configuration"]),
        one_session=one_session,
        margin=margin if margin is not None else 0.0 if one_session else OTHER_SESSION_MARGIN,
    )
    refused = [one.document["refused"] for one in (a, b) if one.document["refused"]]
    if refused:
        return replace(comparison, skipped=f"refused: {refused[0]}")
    ratio, low, high = ratio_interval(a.document["blocks_p50_ms"], b.document["blocks_p50_ms"])
    return replace(comparison, ratio=ratio, low=low, high=high)


def _configuration(values: dict[str, Any]) -> str:
    from litesmith.targets.devices.device import Configuration

    return str(Configuration(**values))
