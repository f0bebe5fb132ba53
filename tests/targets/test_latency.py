import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.targets import latency as module
from litesmith.targets.latency import Latency, LatencyConditions, measure, summarise

CONDITIONS = LatencyConditions("host", "litert", "2.3.0", "xnnpack", 1, "a CPU", 0.5, emulated=False)
TIMES_MS = st.lists(st.floats(1e-4, 1e5), min_size=1, max_size=60)


class Machine:
    """A clock that only runs while the model does; `durations_ms` says how long each run takes."""

    def __init__(self, *durations_ms: float) -> None:
        self.durations_ms = durations_ms
        self.runs = 0
        self.now_ns = 0

    def run(self) -> None:
        duration_ms = self.durations_ms[min(self.runs, len(self.durations_ms) - 1)]
        self.now_ns += round(duration_ms * 1e6)
        self.runs += 1

    def clock(self) -> int:
        return self.now_ns

    def measure(self, **options) -> Latency:
        return measure(self.run, CONDITIONS, clock=self.clock, **options)


@given(TIMES_MS)
def test_percentiles_are_ordered_and_within_the_runs(times_ms):
    result = summarise(times_ms, 3, CONDITIONS)
    assert min(times_ms) == result.min_ms <= result.p50_ms <= result.p90_ms <= result.p99_ms <= max(times_ms)
    assert (result.runs, result.warmup_runs) == (len(times_ms), 3)


@given(TIMES_MS)
def test_the_order_of_runs_does_not_matter_to_the_percentiles(times_ms):
    forward, backward = (summarise(times, 0, CONDITIONS) for times in (times_ms, times_ms[::-1]))
    assert (forward.p50_ms, forward.p90_ms, forward.p99_ms) == (
        backward.p50_ms,
        backward.p90_ms,
        backward.p99_ms,
    )


@given(TIMES_MS)
def test_a_latency_survives_json(times_ms):
    result = summarise(times_ms, 0, CONDITIONS)
    assert Latency.from_dict(json.loads(json.dumps(result.to_dict()))) == result


def test_the_standard_error_of_the_median_is_that_of_theory():
    times = np.random.default_rng(1).normal(10, 1, 400)
    result = summarise(list(times), 0, CONDITIONS)
    assert result.standard_error_ms == pytest.approx(np.sqrt(np.pi / 2 / 400), rel=0.4)
    assert result.standard_error_ms == summarise(list(times), 0, CONDITIONS).standard_error_ms


def test_runs_that_resemble_their_neighbours_say_less_about_the_median():
    random = np.random.default_rng(1)
    levels = np.repeat(random.normal(10, 1, 80), 25)
    times = levels + random.normal(0, 0.01, 2000)
    alike = summarise(list(times), 0, CONDITIONS).standard_error_ms
    shuffled = summarise(list(random.permutation(times)), 0, CONDITIONS).standard_error_ms
    assert alike == pytest.approx(np.sqrt(np.pi / 2 / 80), rel=0.5)
    assert alike > 2.5 * shuffled


@pytest.mark.parametrize(("runs", "known"), [(1, False), (9, False), (10, True)])
def test_few_runs_have_no_standard_error(runs, known):
    result = Machine(*range(1, 100)).measure(runs=runs)
    assert (result.standard_error_ms is not None) == known
    assert Latency.from_dict(json.loads(json.dumps(result.to_dict()))) == result


def test_equal_runs_have_no_spread():
    assert summarise([2.0] * 30, 0, CONDITIONS).standard_error_ms == 0


def test_warm_up_goes_on_until_the_time_is_steady():
    slow_start = [50.0 - run for run in range(40)]
    machine = Machine(*slow_start, 10.0)
    result = machine.measure(runs=30)
    assert result.p99_ms == pytest.approx(10.0)
    assert result.warmup_runs > 40
    assert machine.runs == result.warmup_runs + 30


def test_a_steady_model_warms_up_briefly():
    window = module.WARMUP_WINDOW_RUNS * module.WARMUP_WINDOWS
    assert Machine(1.0).measure(runs=5).warmup_runs == window


def test_warm_up_is_bounded_where_the_time_never_settles():
    never = [float(1 + run // 8 % 2) for run in range(1000)]
    assert Machine(*never).measure(runs=1).warmup_runs == module.MAX_WARMUP_RUNS
    assert Machine(2000.0).measure(runs=1).warmup_runs == 2


@pytest.mark.parametrize(("duration_ms", "runs"), [(0.01, module.MAX_RUNS), (10.0, 200), (5000.0, module.MIN_RUNS)])
def test_without_a_number_of_runs_the_time_decides(duration_ms, runs):
    assert Machine(duration_ms).measure(seconds=2.0).runs == runs


def test_a_measurement_needs_runs():
    with pytest.raises(ValueError, match="at least 1"):
        Machine(1.0).measure(runs=0)
    with pytest.raises(ValueError, match="no runs"):
        summarise([], 0, CONDITIONS)


@pytest.mark.parametrize(
    "change",
    [{"p50_ms": 0.0}, {"min_ms": -1.0}, {"p90_ms": 0.5}, {"p99_ms": float("nan")}, {"p99_ms": float("inf")},
     {"mean_ms": 0.0}, {"standard_error_ms": -1.0}, {"runs": 0}, {"warmup_runs": -1}],
)  # fmt: skip
def test_an_impossible_latency_cannot_be_made(change):
    with pytest.raises(ValueError, match="a latency"):
        dataclasses.replace(summarise([1.0, 2.0, 3.0] * 4, 0, CONDITIONS), **change)


@pytest.mark.parametrize("change", [{"threads": 0}, {"load_average": -0.1}])
def test_impossible_conditions_cannot_be_made(change):
    with pytest.raises(ValueError, match="threads must be positive"):
        dataclasses.replace(CONDITIONS, **change)
