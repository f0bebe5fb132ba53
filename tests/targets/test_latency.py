import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.targets.block import Block
from litesmith.targets.latency import Latency, LatencyConditions, Spread
from litesmith.targets.spread import cold_of, spread_of

CONDITIONS = LatencyConditions("host", "litert", "2.3.0", "xnnpack", 1, "a CPU", 0.5, emulated=False)
TIMES_MS = st.lists(st.floats(1e-4, 1e5), min_size=1, max_size=60)
BLOCKS_MS = st.lists(TIMES_MS, min_size=1, max_size=8)


def block(times_ms, *, single=True, **others) -> Block:
    """What a runner says of these runs; without `single` only their sums."""
    return Block(
        count=len(times_ms), mean_ms=float(np.mean(times_ms)), min_ms=min(times_ms), max_ms=max(times_ms),
        warmup_runs=3, delegate="xnnpack", runner="litert 2.3.0", times_ms=tuple(times_ms) if single else (), **others,
    )  # fmt: skip


def blocks_around(middles, deviation=0.01, runs=50, **options):
    random = np.random.default_rng(1)
    return [block(list(np.abs(random.normal(middle, deviation, runs))), **options) for middle in middles]


@given(BLOCKS_MS)
def test_percentiles_of_runs_are_ordered_and_within_the_runs(blocks_ms):
    every = [time for times in blocks_ms for time in times]
    result = spread_of([block(times) for times in blocks_ms])
    assert min(every) == result.min_ms <= result.p50_ms <= result.p90_ms <= result.p99_ms <= max(every)
    assert result.p50_ms == pytest.approx(np.median(every))
    assert (result.runs, result.warmup_runs, result.blocks) == (len(every), 3 * len(blocks_ms), len(blocks_ms))
    assert result.percentiles_of == "runs"


@given(BLOCKS_MS)
def test_without_single_runs_the_percentiles_are_those_of_blocks_and_say_so(blocks_ms):
    blocks = [block(times, single=False) for times in blocks_ms]
    result = spread_of(blocks)
    assert result.percentiles_of == "blocks"
    assert result.p50_ms == pytest.approx(np.median([one.mean_ms for one in blocks]))
    assert result.min_ms == min(result.p50_ms, *(one.min_ms for one in blocks))


def test_a_median_from_the_runner_is_better_than_its_mean():
    assert spread_of([block([1.0, 1.0, 9.0], single=False, median_ms=1.0)]).p50_ms == 1.0


@given(BLOCKS_MS)
def test_a_latency_and_its_blocks_survive_json(blocks_ms):
    blocks = [block(times, init_ms=1.5, placements=("cpu",)) for times in blocks_ms]
    result = Latency.of(spread_of(blocks), CONDITIONS)
    assert Latency.from_dict(json.loads(json.dumps(result.to_dict()))) == result
    assert [Block.from_dict(json.loads(json.dumps(one.to_dict()))) for one in blocks] == blocks


def test_the_error_of_one_process_is_that_of_theory():
    times = np.random.default_rng(1).normal(10, 1, 400)
    result = spread_of([block(list(times))])
    assert result.standard_error_ms == pytest.approx(np.sqrt(np.pi / 2 / 400), rel=0.4)
    assert result.standard_error_ms == spread_of([block(list(times))]).standard_error_ms


def test_runs_that_resemble_their_neighbours_say_less_about_the_median():
    random = np.random.default_rng(1)
    times = np.repeat(random.normal(10, 1, 80), 25) + random.normal(0, 0.01, 2000)
    alike = spread_of([block(list(times))]).standard_error_ms
    shuffled = spread_of([block(list(random.permutation(times)))]).standard_error_ms
    assert alike == pytest.approx(np.sqrt(np.pi / 2 / 80), rel=0.5)
    assert alike > 2.5 * shuffled


@pytest.mark.parametrize("single", [True, False])
def test_what_differs_between_processes_is_in_the_error(single):
    middles = np.random.default_rng(2).normal(10, 1, 40)
    result = spread_of(blocks_around(middles, single=single))
    assert result.standard_error_ms == pytest.approx(np.sqrt(np.pi / 2 / 40), rel=0.5)
    # As single runs, these 2000 would promise an error of 0.03.
    assert result.standard_error_ms > 3 * np.sqrt(np.pi / 2 / 2000)


@pytest.mark.parametrize(("blocks", "runs", "known"), [(1, 9, False), (1, 10, True), (4, 50, False), (5, 1, True)])
def test_little_that_was_measured_has_no_error(blocks, runs, known):
    result = spread_of(blocks_around([10.0] * blocks, runs=runs))
    assert (result.standard_error_ms is not None) == known
    assert (result.relative_error is not None) == known


def test_equal_runs_have_no_spread():
    assert spread_of([block([2.0] * 30)] * 5).standard_error_ms == 0


@pytest.mark.parametrize(
    ("middles", "drift"),
    [([10.0] * 6, 0.0), ([10.0, 10.0, 11.0, 12.0, 13.0, 13.0], 0.3), ([20.0] * 3 + [10.0] * 17, -0.5)],
)
def test_drift_is_the_end_against_the_beginning(middles, drift):
    assert spread_of(blocks_around(middles)).drift == pytest.approx(drift, abs=0.01)


def test_one_slow_process_at_the_end_is_no_drift_of_its_whole_size():
    assert spread_of(blocks_around([10.0] * 5 + [14.0])).drift == pytest.approx(0.2, abs=0.01)


def test_drift_within_one_process_is_that_of_its_runs():
    assert spread_of([block([10.0] * 5 + [11.0] * 40 + [15.0] * 5)]).drift == pytest.approx(0.5)
    assert spread_of([block([10.0] * 9)]).drift is None


def test_cold_figures_are_medians_over_processes_and_apart_from_the_warm_ones():
    blocks = [block([1.0] * 10, init_ms=init, first_ms=first) for init, first in ((5, 30), (6, 10), (7, None))]
    cold = cold_of(blocks)
    assert (cold.init_ms, cold.first_ms, cold.blocks) == (6, 20, 3)
    assert spread_of(blocks).p99_ms == 1.0
    assert cold_of([block([1.0])]).first_ms is None


def test_a_spread_needs_blocks():
    with pytest.raises(ValueError, match="no blocks"):
        spread_of([])


@pytest.mark.parametrize(
    "change",
    [{"p50_ms": 0.0}, {"min_ms": -1.0}, {"p90_ms": 0.5}, {"p99_ms": float("nan")}, {"p99_ms": float("inf")},
     {"mean_ms": 0.0}, {"standard_error_ms": -1.0}, {"runs": 0}, {"warmup_runs": -1}, {"blocks": 0}],
)  # fmt: skip
@pytest.mark.parametrize("kind", [Spread, Latency])
def test_an_impossible_latency_cannot_be_made(change, kind):
    spread = spread_of([block([1.0, 2.0, 3.0] * 4)])
    sound = Latency.of(spread, CONDITIONS) if kind is Latency else spread
    with pytest.raises(ValueError, match="a latency"):
        dataclasses.replace(sound, **change)


def test_what_an_emulator_took_is_no_latency():
    emulated = dataclasses.replace(CONDITIONS, emulated=True)
    with pytest.raises(ValueError, match="emulated has no latency"):
        Latency.of(spread_of([block([1.0] * 20)]), emulated)


@pytest.mark.parametrize("change", [{"threads": 0}, {"load_average": -0.1}])
def test_impossible_conditions_cannot_be_made(change):
    with pytest.raises(ValueError, match="threads must be positive"):
        dataclasses.replace(CONDITIONS, **change)
