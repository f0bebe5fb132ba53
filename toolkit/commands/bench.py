"""`litesmith bench`: the latency of a model on a device."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from litesmith.commands.answer import Answer
from litesmith.errors import DeviceError

if TYPE_CHECKING:
    from litesmith.targets.latency import Latency

SUMMARY = "measure the latency of a .tflite file on a device"
EXAMPLE = "litesmith bench out/digits/model.tflite --on host --threads 2"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the model, the device and how to run it."""
    from litesmith.targets.runtimes import DELEGATES, RUNTIMES

    parser.add_argument("model", type=Path, metavar="X.tflite", help="the model; it runs in a child process")
    parser.add_argument("--on", default="host", metavar="DEVICE", help="where to run it (default: host)")
    parser.add_argument("--threads", type=_positive, default=1, metavar="N", help="default: 1")
    parser.add_argument(
        "--runs", type=_positive, metavar="N", help="timed runs (default: as many as fit in 2 s, 20 to 2000)"
    )
    parser.add_argument(
        "--delegate", choices=DELEGATES, default="xnnpack",
        help="none: optimized kernels without a delegate; reference: plain kernels (default: xnnpack)",
    )  # fmt: skip
    parser.add_argument("--runtime", choices=RUNTIMES, help="default: the first of these that is installed")
    parser.add_argument(
        "--timeout",
        type=_positive,
        default=300,
        metavar="SECONDS",
        help="give up after this time (default: 300)",
    )


def execute(args: argparse.Namespace) -> Answer:
    """Measure in a child process, because the file may be anyone's.

    Raises:
        DeviceError: the device is not one that can be measured on, or the runtime is not there.
        ModelError: the file cannot be run.
    """
    if args.on != "host":
        raise DeviceError(f"cannot measure on {args.on!r}: this version only supports `--on host`")
    from litesmith.converters.tflite_model import TFLiteModel
    from litesmith.targets.isolated import bench_isolated

    model = TFLiteModel.from_file(args.model)
    latency = bench_isolated(
        args.model, runs=args.runs, runtime=args.runtime, threads=args.threads, delegate=args.delegate,
        timeout_s=args.timeout,
    )  # fmt: skip
    document = {
        "model": str(args.model),
        "sha256": model.sha256,
        "requested_delegate": args.delegate,
        "latency": latency.to_dict(),
    }
    return Answer(document, _text(str(args.model), args.delegate, latency))


def _text(model: str, requested: str, latency: Latency) -> str:
    conditions = latency.conditions
    threads = "1 thread" if conditions.threads == 1 else f"{conditions.threads} threads"
    lines = [
        f"{model} on {conditions.device} ({conditions.cpu}, load average {conditions.load_average:.2f})",
        f"{conditions.runtime} {conditions.runtime_version}, delegate {conditions.delegate}, {threads}",
        f"p50 {latency.p50_ms:.4g} ms ({_error(latency)}), p90 {latency.p90_ms:.4g} ms, p99 {latency.p99_ms:.4g} ms",
        f"min {latency.min_ms:.4g} ms, mean {latency.mean_ms:.4g} ms; "
        f"{latency.runs} {'run' if latency.runs == 1 else 'runs'} after {latency.warmup_runs} for warm-up",
    ]
    if conditions.delegate != requested:
        lines.append(f"note: {requested} was asked for, but took no operator of this model")
    return "\n".join(lines)


def _error(latency: Latency) -> str:
    if latency.standard_error_ms is None:
        return "too few runs for a standard error"
    return f"standard error {latency.standard_error_ms:.2g} ms"


def _positive(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return value
