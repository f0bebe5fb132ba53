"""What one process of a runner measured: a block of runs that follow each other."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class OpTime:
    """Mean time of one node of the prepared graph.

    `name` is what the runner prints, often the output tensor; `node` is the runner's own number, which counts a
    delegate's piece as one. `kind` is the operator or the delegate.
    """

    kind: str
    name: str
    node: int | None
    mean_ms: float
    calls: int = 1


@dataclass(frozen=True, slots=True)
class Block:
    """Runs of one configuration in one process; every time is that of one inference in milliseconds.

    Attributes:
        count: timed runs, without those for warm-up.
        mean_ms, min_ms, max_ms: over these runs.
        warmup_runs: runs before them.
        delegate: what really ran, as far as the runner says it: `xnnpack`, `nnapi`, `gpu`, `none`, ...
        delegated_nodes, nodes: how many nodes of the graph the delegate took, and how many there are; None where the
            runner does not say it.
        runner: name and version of what ran the model.
        times_ms: each run in order; empty where the runner gives only sums.
        median_ms: None where the runner does not give it.
        init_ms: loading and preparing the model.
        first_ms: the first inference, with cold caches.
        profile: per-operator times, where they were asked for and the runner gives them.
        placements: where each operator of the main subgraph runs, `cpu` or the delegate, where the runner says it.
    """

    count: int
    mean_ms: float
    min_ms: float
    max_ms: float
    warmup_runs: int
    delegate: str
    runner: str
    times_ms: tuple[float, ...] = ()
    median_ms: float | None = None
    init_ms: float | None = None
    first_ms: float | None = None
    profile: tuple[OpTime, ...] = ()
    placements: tuple[str, ...] = ()
    delegated_nodes: int | None = None
    nodes: int | None = None

    def __post_init__(self) -> None:
        times = (self.mean_ms, self.min_ms, self.max_ms)
        if self.count < 1 or self.warmup_runs < 0:
            raise ValueError(f"a block needs at least one run: {self}")
        if not all(math.isfinite(time) for time in times) or not 0 < self.min_ms <= self.max_ms:
            raise ValueError(f"times must be positive and finite: {self}")
        if self.times_ms and len(self.times_ms) != self.count:
            raise ValueError(f"{len(self.times_ms)} times for {self.count} runs")

    @property
    def p50_ms(self) -> float:
        """The median of the runs; where the runner gives only sums, their mean."""
        if self.times_ms:
            return statistics.median(self.times_ms)
        return self.mean_ms if self.median_ms is None else self.median_ms

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Block:
        """The inverse of `to_dict`."""
        profile = tuple(OpTime(**time) for time in document["profile"])
        plain = {**document, "times_ms": tuple(document["times_ms"]), "placements": tuple(document["placements"])}
        return cls(**{**plain, "profile": profile})
