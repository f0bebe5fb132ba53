"""What a latency is: figures of timed runs that hold, and the conditions they hold under."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

PercentilesOf = Literal["runs", "blocks"]


@dataclass(frozen=True, slots=True)
class LatencyConditions:
    """Without these a latency means nothing.

    `load_average` is the minute before the measurement, None where the device does not say.
    """

    device: str
    runtime: str
    runtime_version: str
    delegate: str
    threads: int
    cpu: str
    load_average: float | None
    emulated: bool

    def __post_init__(self) -> None:
        if self.threads < 1 or (self.load_average is not None and self.load_average < 0):
            raise ValueError(f"threads must be positive and the load average not negative: {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Milliseconds of one inference as measured, whether they mean something or not.

    Attributes:
        p50_ms: the percentiles are of single runs, or of the blocks' medians where `percentiles_of` says so: some
            runners give no single runs, and then p99 says little.
        standard_error_ms: that of the median. Of five blocks and more it covers what differs between processes; of
            fewer it only says how well the median of these runs is known. None of fewer than ten runs.
        runs: timed runs of all blocks.
        warmup_runs: runs before them, in all blocks.
        blocks: processes.
        drift: how much slower the end was than the beginning, relative; None where too little was measured.
    """

    p50_ms: float
    p90_ms: float
    p99_ms: float
    mean_ms: float
    min_ms: float
    standard_error_ms: float | None
    runs: int
    warmup_runs: int
    blocks: int = 1
    percentiles_of: PercentilesOf = "runs"
    drift: float | None = None

    def __post_init__(self) -> None:
        times = (self.min_ms, self.p50_ms, self.p90_ms, self.p99_ms)
        error_ms = 0.0 if self.standard_error_ms is None else self.standard_error_ms
        if not all(math.isfinite(value) for value in (*times, self.mean_ms, error_ms)):
            raise ValueError(f"a latency must be finite: {self}")
        if not 0 < self.min_ms <= self.p50_ms <= self.p90_ms <= self.p99_ms or self.mean_ms <= 0:
            raise ValueError(f"a latency must be positive and its percentiles in order: {self}")
        if min(self.runs, self.blocks) < 1 or self.warmup_runs < 0 or error_ms < 0:
            raise ValueError(f"a latency needs at least one run and a standard error of zero or more: {self}")

    @property
    def relative_error(self) -> float | None:
        """The standard error as a share of the median."""
        return None if self.standard_error_ms is None else self.standard_error_ms / self.p50_ms

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency(Spread):
    """A spread that holds under `conditions`. What an emulator took is none."""

    conditions: LatencyConditions

    def __post_init__(self) -> None:
        Spread.__post_init__(self)
        if self.conditions.emulated:
            raise ValueError(f"what was emulated has no latency: {self}")

    @classmethod
    def of(cls, spread: Spread, conditions: LatencyConditions) -> Latency:
        """The spread under these conditions."""
        return cls(**asdict(spread), conditions=conditions)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Latency:
        """The inverse of `to_dict`."""
        return cls(**{**document, "conditions": LatencyConditions(**document["conditions"])})
