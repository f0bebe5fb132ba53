"""Blocks -> Spread: percentiles, the error of the median, drift, and what the first inference took."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.targets.block import Block
from litesmith.targets.latency import Spread

RESAMPLES = 200
# Fewer processes say too little about how processes differ, and fewer runs about their own spread.
MIN_BLOCKS = 5
MIN_RUNS_FOR_ERROR = 10
# Processes compared for drift, at least: one alone may be slow by luck.
MIN_DRIFT_BLOCKS = 2
QUANTILES = 101

Times = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cold:
    """What a model takes before it is warm: medians over processes in milliseconds, None where nothing tells."""

    init_ms: float | None
    first_ms: float | None
    blocks: int

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)


def spread_of(blocks: Sequence[Block]) -> Spread:
    """Summarise the blocks of one configuration, in the order in which they were measured."""
    if not blocks:
        raise ValueError("there are no blocks to summarise")
    single = all(block.times_ms for block in blocks)
    middles = np.asarray([block.p50_ms for block in blocks], np.float64)
    figures = np.concatenate([block.times_ms for block in blocks]) if single else middles
    p50, p90, p99 = (float(value) for value in np.percentile(figures, (50, 90, 99)))
    runs = sum(block.count for block in blocks)
    return Spread(
        p50_ms=p50,
        p90_ms=p90,
        p99_ms=p99,
        mean_ms=sum(block.mean_ms * block.count for block in blocks) / runs,
        # A runner that rounds may print a mean below its least run.
        min_ms=min(p50, *(block.min_ms for block in blocks)),
        standard_error_ms=_standard_error([np.asarray(block.times_ms) for block in blocks] if single else middles),
        runs=runs,
        warmup_runs=sum(block.warmup_runs for block in blocks),
        blocks=len(blocks),
        percentiles_of="runs" if single else "blocks",
        drift=_drift(middles, figures),
    )


def cold_of(blocks: Sequence[Block]) -> Cold:
    """The median of what each process took to start."""

    def middle(times: list[float | None]) -> float | None:
        known = [time for time in times if time is not None]
        return float(np.median(known)) if known else None

    init_ms = middle([block.init_ms for block in blocks])
    return Cold(init_ms, middle([block.first_ms for block in blocks]), len(blocks))


def _standard_error(blocks: Sequence[Times] | Times) -> float | None:
    """The deviation of the median over bootstrap samples, which draw whole processes.

    Runs of one process share its memory layout, its place on the cores and the clock of that moment, so they are not
    independent: drawing single runs would give an error that is too small by far. See Davison & Hinkley, Bootstrap
    Methods and their Application (1997), section 3.8, on hierarchical data.
    """
    if len(blocks) < MIN_BLOCKS:
        return _error_within(np.asarray(blocks[0])) if len(blocks) == 1 else None
    drawn = [_thinned(np.atleast_1d(block)) for block in blocks]
    draws = np.random.default_rng(0).integers(0, len(blocks), (RESAMPLES, len(blocks)))
    medians = [np.median(np.concatenate([drawn[index] for index in draw])) for draw in draws]
    return float(np.std(medians))


def _thinned(times: Times) -> Times:
    """The quantiles of a process stand for its runs: this is asked after every round, and must not take long."""
    return times if times.size <= QUANTILES else np.quantile(times, np.linspace(0, 1, QUANTILES))


def _error_within(times: Times) -> float | None:
    """Block bootstrap (Kunsch 1989, doi:10.1214/aos/1176347265) over the runs of the only process.

    Runs that follow each other share the state of caches and clock: resampling them one by one gave a third of this.
    Stretches of sqrt(n) runs, the last ones going on with the first, keep that. Zero means that the median's value
    recurs in nearly all runs: its error is below the clock's resolution.
    """
    count = times.size
    if count < MIN_RUNS_FOR_ERROR:
        return None
    length = math.isqrt(count)
    starts = np.random.default_rng(0).integers(0, count, (RESAMPLES, -(-count // length), 1))
    places = ((starts + np.arange(length)) % count).reshape(RESAMPLES, -1)[:, :count]
    return float(np.std(np.median(times[places], axis=1)))


def _drift(middles: Times, figures: Times) -> float | None:
    """The last tenth against the first, of processes where there are enough of them, else of runs."""
    if len(middles) >= MIN_BLOCKS:
        return _change(middles, max(MIN_DRIFT_BLOCKS, len(middles) // 10))
    if len(middles) > 1 or len(figures) < MIN_RUNS_FOR_ERROR:
        return None
    return _change(figures, len(figures) // 10)


def _change(values: Times, tenth: int) -> float:
    return float(np.median(values[-tenth:]) / np.median(values[:tenth])) - 1
