import pytest

from litesmith.targets import timing as module
from litesmith.targets.block import Block
from litesmith.targets.timing import time_block


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

    def block(self, **options) -> Block:
        return time_block(self.run, runner="a runtime 1", delegate="none", clock=self.clock, **options)


def test_warm_up_goes_on_until_the_time_is_steady():
    slow_start = [50.0 - run for run in range(40)]
    machine = Machine(*slow_start, 10.0)
    result = machine.block(runs=30)
    assert result.max_ms == pytest.approx(10.0)
    assert result.warmup_runs > 40
    assert machine.runs == result.warmup_runs + 30


def test_the_first_inference_is_told_apart():
    result = Machine(7.0, 1.0).block(runs=3, init_ms=20.0)
    assert (result.first_ms, result.init_ms, result.max_ms) == (pytest.approx(7.0), 20.0, pytest.approx(1.0))


def test_a_steady_model_warms_up_briefly():
    window = module.WARMUP_WINDOW_RUNS * module.WARMUP_WINDOWS
    assert Machine(1.0).block(runs=5).warmup_runs == window


def test_warm_up_is_bounded_where_the_time_never_settles():
    never = [float(1 + run // 8 % 2) for run in range(1000)]
    assert Machine(*never).block(runs=1).warmup_runs == module.MAX_WARMUP_RUNS
    assert Machine(2000.0).block(runs=1).warmup_runs == 2


@pytest.mark.parametrize(("duration_ms", "runs"), [(0.01, module.MAX_RUNS), (10.0, 200), (5000.0, module.MIN_RUNS)])
def test_without_a_number_of_runs_the_time_decides(duration_ms, runs):
    assert Machine(duration_ms).block(seconds=2.0).count == runs


def test_a_run_below_the_resolution_of_the_clock_still_took_time():
    assert Machine(0.0).block(runs=3).min_ms > 0


def test_a_block_needs_runs():
    with pytest.raises(ValueError, match="at least 1"):
        Machine(1.0).block(runs=0)
