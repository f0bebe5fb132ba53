"""TensorFlow's native `benchmark_model`: its command line, and its output as a Block.

What is known of it is from tensorflow/lite/tools/benchmark: README.md, benchmark_model.cc and benchmark_tflite_model.cc
(tensorflow/tensorflow, several commits from 2018 to 2025), and for LiteRT's tool of the same name from
google-ai-edge/LiteRT, litert/tools/benchmark_litert_model.h.
"""

from __future__ import annotations

import math

from litesmith.errors import DeviceError
from litesmith.targets.block import Block
from litesmith.targets.devices.benchmark_delegates import read_delegate
from litesmith.targets.devices.benchmark_errors import failure, quoted, without_delegate
from litesmith.targets.devices.benchmark_flags import check_flags
from litesmith.targets.devices.benchmark_profile import read_profile
from litesmith.targets.devices.benchmark_timings import read_timings
from litesmith.targets.devices.device import Configuration, Demand

DELEGATES = ("xnnpack", "none", "cpu", "nnapi", "gpu")  # `cpu` is another word for `none`
# The tool's own default of half a second for warm-up would be as long as a whole block.
WARMUP_RUNS, WARMUP_SECONDS = 3, 0.2
EMULATED = "LITESMITH_EMULATED=1"


def arguments(graph: str, configuration: Configuration, demand: Demand) -> tuple[str, ...]:
    """The command line of one block, without the program.

    `min_secs` is always given, because its default of one second would add runs to those that were asked for.

    Args:
        graph: path of the model on the device.
        configuration: the delegate is one of `DELEGATES`; cores are the caller's.
        demand: `runs`, or at least `seconds` of runs.

    Raises:
        DeviceError: the tool has no such delegate.
    """
    least, seconds = (demand.runs, 0.0) if demand.runs is not None else (1, demand.seconds)
    return (
        f"--graph={graph}",
        f"--num_threads={configuration.threads}",
        *_delegate_flags(configuration.delegate),
        f"--warmup_runs={WARMUP_RUNS}",
        f"--warmup_min_secs={min(WARMUP_SECONDS, demand.seconds):g}",
        f"--num_runs={least}",
        f"--min_secs={seconds:g}",
        f"--max_secs={math.ceil(demand.timeout_s)}",
        *(["--enable_op_profiling=true"] if demand.profile else []),
    )


def read_block(log: str, exit_code: int, content: bytes, asked: Configuration, demand: Demand, runner: str) -> Block:
    """What a run of the tool measured.

    Args:
        log: stdout and stderr, one after the other or mixed by lines.
        exit_code: as a shell gives it: 128 and the number of a signal.
        content: the model, to say which runtime it needs.
        asked: what the tool was asked to do, likewise `demand`.
        demand: see `asked`.
        runner: for `Block.runner`.

    Raises:
        ModelError: the runtime cannot load or run the model, or is aborted by it.
        DeviceError: the delegate is not there, the tool does not know a flag, or this is not its output.
    """
    if exit_code != 0:
        raise failure(log, exit_code, content, asked.delegate)
    check_flags(log)
    if reason := without_delegate(log, asked.delegate):
        raise reason
    timings, taken = read_timings(log), read_delegate(log)
    profile = read_profile(log) if demand.profile else ()
    try:
        return Block(
            count=timings.runs.count,
            mean_ms=timings.runs.mean_us / 1000,
            min_ms=timings.runs.min_us / 1000,
            max_ms=timings.runs.max_us / 1000,
            warmup_runs=timings.warmup.count,
            delegate=taken.name,
            runner=runner,
            median_ms=None if timings.runs.median_us is None else timings.runs.median_us / 1000,
            init_ms=timings.init_us / 1000,
            first_ms=timings.first_us / 1000,
            profile=profile,
            delegated_nodes=taken.nodes,
            nodes=taken.of,
        )
    except ValueError as error:
        raise DeviceError(
            f"the runner gives times that no run can have ({error}): {quoted(log)}; it counts in microseconds, "
            "so a model that is faster cannot be measured with it"
        ) from error


def is_emulated(log: str) -> bool:
    """Whether the runner says of itself that its times are not those of a device."""
    return any(line.strip() == EMULATED for line in log.splitlines())


def _delegate_flags(delegate: str) -> tuple[str, ...]:
    """XNNPACK is switched on or off explicitly, because versions differ in what they do by default.

    With NNAPI and the GPU it is left to the runtime, as in an app: it takes what they leave.
    """
    if delegate not in DELEGATES:
        raise DeviceError(f"benchmark_model has no delegate {delegate!r}; choose one of {', '.join(DELEGATES)}")
    if delegate in ("nnapi", "gpu"):
        return (f"--use_{delegate}=true",)
    return (f"--use_xnnpack={str(delegate == 'xnnpack').lower()}",)
