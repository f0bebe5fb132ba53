"""Runs -> Latency: percentiles, spread, and the conditions they hold under."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

WARMUP_WINDOW_RUNS = 8
WARMUP_WINDOWS = 3
STEADY_TOLERANCE = 0.05
MAX_WARMUP_RUNS = 200
MAX_WARMUP_SECONDS = 3.0
MIN_RUNS = 20
MAX_RUNS = 2000
BOOTSTRAP_RESAMPLES = 200
# Fewer runs say too little about their own spread.
MIN_RUNS_FOR_ERROR = 10

Clock = Callable[[], int]


@dataclass(frozen=True, slots=True)
class LatencyConditions:
    """Without these a latency means nothing; `load_average` is the minute before the measurement."""

    device: str
    runtime: str
    runtime_version: str
    delegate: str
    threads: int
    cpu: str
    load_average: float
    emulated: bool

    def __post_init__(self) -> None:
        if self.threads < 1 or self.load_average < 0:
            raise ValueError(f"threads must be positive and the load average not negative: {self}")


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds of one inference.

    `standard_error_ms` is that of the median of these runs in this process, None of fewer than
    `MIN_RUNS_FOR_ERROR`. It is far smaller than the spread of single runs, and says nothing about how another
    process, another load or another clock frequency would shift them all.
    """

    p50_ms: float
    p90_ms: float
    p99_ms: float
    mean_ms: float
    min_ms: float
    standard_error_ms: float | None
    runs: int
    warmup_runs: int
    conditions: LatencyConditions

    def __post_init__(self) -> None:
        times = (self.min_ms, self.p50_ms, self.p90_ms, self.p99_ms)
        error_ms = 0.0 if self.standard_error_ms is None else self.standard_error_ms
        if not all(math.isfinite(value) for value in (*times, self.mean_ms, error_ms)):
            raise ValueError(f"a latency must be finite: {self}")
        if not 0 < self.min_ms <= self.p50_ms <= self.p90_ms <= self.p99_ms or self.mean_ms <= 0:
            raise ValueError(f"a latency must be positive and its percentiles in order: {self}")
        if self.runs < 1 or self.warmup_runs < 0 or error_ms < 0:
            raise ValueError(f"a latency needs at least one run and a standard error of zero or more: {self}")

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Latency:
        """The inverse of `to_dict`."""
        return cls(**{**document, "conditions": LatencyConditions(**document["conditions"])})


def measure(
    run: Callable[[], None],
    conditions: LatencyConditions,
    *,
    runs: int | None = None,
    seconds: float = 2.0,
    clock: Clock = time.perf_counter_ns,
) -> Latency:
    """Warm up until the time of a run is steady, then time it.

    Args:
        run: one inference.
        conditions: what the times will be valid for.
        runs: how many runs to time; None for as many as fit in `seconds`, but at least `MIN_RUNS`
            and at most `MAX_RUNS`.
        seconds: time to spend where `runs` is not given.
        clock: a monotonic clock in nanoseconds.
    """
    if runs is not None and runs < 1:
        raise ValueError(f"runs must be at least 1, not {runs}")
    warmup_runs = _warm_up(run, clock)
    times_ms: list[float] = []
    while not _enough(times_ms, runs, seconds):
        times_ms.append(_time_ms(run, clock))
    return summarise(times_ms, warmup_runs, conditions)


def summarise(times_ms: Sequence[float], warmup_runs: int, conditions: LatencyConditions) -> Latency:
    """Percentiles, mean and spread of timed runs."""
    if not times_ms:
        raise ValueError("there are no runs to summarise")
    times = np.asarray(times_ms, np.float64)
    p50, p90, p99 = (float(value) for value in np.percentile(times, (50, 90, 99)))
    return Latency(
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        mean_ms=float(times.mean()),
        min_ms=float(times.min()),
        standard_error_ms=_median_standard_error(times),
        runs=len(times),
        warmup_runs=warmup_runs,
        conditions=conditions,
    )


def _median_standard_error(times: np.ndarray[Any, np.dtype[np.float64]]) -> float | None:
    """Block bootstrap (Kunsch 1989, doi:10.1214/aos/1176347265): the deviation of resampled medians.

    Runs that follow each other share the state of caches and clock, so single runs are not independent: resampling
    them one by one gave a third of this. Blocks of sqrt(n) runs, the last ones going on with the first, keep that.
    Zero means that the median's value recurs in nearly all runs: its error is below the clock's resolution.
    """
    count = len(times)
    if count < MIN_RUNS_FOR_ERROR:
        return None
    length = math.isqrt(count)
    starts = np.random.default_rng(0).integers(0, count, (BOOTSTRAP_RESAMPLES, -(-count // length), 1))
    places = ((starts + np.arange(length)) % count).reshape(BOOTSTRAP_RESAMPLES, -1)[:, :count]
    return float(np.std(np.median(times[places], axis=1)))


def _warm_up(run: Callable[[], None], clock: Clock) -> int:
    times_ms: list[float] = []
    while len(times_ms) < MAX_WARMUP_RUNS and sum(times_ms) < MAX_WARMUP_SECONDS * 1e3:
        times_ms.append(_time_ms(run, clock))
        if len(times_ms) % WARMUP_WINDOW_RUNS == 0 and _is_steady(times_ms):
            break
    return len(times_ms)


def _is_steady(times_ms: list[float]) -> bool:
    recent = times_ms[-WARMUP_WINDOWS * WARMUP_WINDOW_RUNS :]
    if len(recent) < WARMUP_WINDOWS * WARMUP_WINDOW_RUNS:
        return False
    medians = np.median(np.reshape(recent, (WARMUP_WINDOWS, WARMUP_WINDOW_RUNS)), axis=1)
    return bool(medians.max() <= medians.min() * (1 + STEADY_TOLERANCE))


def _enough(times_ms: list[float], runs: int | None, seconds: float) -> bool:
    if runs is not None:
        return len(times_ms) >= runs
    return len(times_ms) >= MAX_RUNS or (len(times_ms) >= MIN_RUNS and sum(times_ms) >= seconds * 1e3)


def _time_ms(run: Callable[[], None], clock: Clock) -> float:
    start = clock()
    run()
    return (clock() - start) / 1e6
