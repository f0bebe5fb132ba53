"""Warms a model up in this process and times it: one block."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from litesmith.targets.block import Block

WARMUP_WINDOW_RUNS = 8
WARMUP_WINDOWS = 3
STEADY_TOLERANCE = 0.05
MAX_WARMUP_RUNS = 200
MAX_WARMUP_SECONDS = 3.0
MIN_RUNS = 10
MAX_RUNS = 2000

Clock = Callable[[], int]


def time_block(
    run: Callable[[], None],
    *,
    runner: str,
    delegate: str,
    runs: int | None = None,
    seconds: float = 0.5,
    init_ms: float | None = None,
    placements: Sequence[str] = (),
    clock: Clock = time.perf_counter_ns,
) -> Block:
    """Warm up until the time of a run is steady, then time it.

    Args:
        run: one inference.
        runner: name and version of the runtime.
        delegate: what runs the model.
        runs: how many runs to time; None for as many as fit in `seconds`, but at least `MIN_RUNS`
            and at most `MAX_RUNS`.
        seconds: time to spend where `runs` is not given.
        init_ms: what loading and preparing the model took.
        placements: where each operator runs.
        clock: a monotonic clock in nanoseconds.
    """
    if runs is not None and runs < 1:
        raise ValueError(f"runs must be at least 1, not {runs}")
    warmup_ms = _warm_up(run, clock)
    times_ms: list[float] = []
    while not _enough(times_ms, runs, seconds):
        times_ms.append(_time_ms(run, clock))
    return Block(
        count=len(times_ms),
        mean_ms=float(np.mean(times_ms)),
        min_ms=min(times_ms),
        max_ms=max(times_ms),
        warmup_runs=len(warmup_ms),
        delegate=delegate,
        runner=runner,
        times_ms=tuple(times_ms),
        median_ms=float(np.median(times_ms)),
        init_ms=init_ms,
        first_ms=warmup_ms[0],
        placements=tuple(placements),
    )


def _warm_up(run: Callable[[], None], clock: Clock) -> list[float]:
    times_ms: list[float] = []
    while len(times_ms) < MAX_WARMUP_RUNS and sum(times_ms) < MAX_WARMUP_SECONDS * 1e3:
        times_ms.append(_time_ms(run, clock))
        if len(times_ms) % WARMUP_WINDOW_RUNS == 0 and _is_steady(times_ms):
            break
    return times_ms


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
    # A run below the clock's resolution took at most one step of it.
    return max(clock() - start, 1) / 1e6
