"""The arguments of `litesmith bench`, and what they mean; nothing here loads numpy."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from litesmith.targets.bench_session import Effort
    from litesmith.targets.devices.device import Configuration

DELEGATES = ("xnnpack", "cpu", "nnapi", "gpu", "none", "reference")
APP = "app"
LEAST_BLOCKS = 5
MOST_THREADS = 256


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the models, the devices and how to run them."""
    parser.add_argument("models", type=Path, nargs="*", metavar="X.tflite", help="they run in processes of their own")
    parser.add_argument(
        "--on", action="append", metavar="DEVICE",
        help="host, adb, adb:SERIAL, adb:all, ssh:USER@HOST, or arm[:CPU], which verifies and times nothing; may be "
        "given several times (default: host)",
    )  # fmt: skip
    _add_configurations(parser)
    _add_effort(parser)
    _add_keeping(parser)


def _add_configurations(parser: argparse.ArgumentParser) -> None:
    from litesmith.targets.runtimes import RUNTIMES

    parser.add_argument(
        "--delegates", "--delegate", type=_delegates, default=("xnnpack",), metavar="NAMES",
        help=f"of {', '.join(DELEGATES)}, with commas; cpu (on the host also none) has no delegate, reference is "
        "the host's plain kernels (default: xnnpack)",
    )  # fmt: skip
    parser.add_argument("--threads", type=_counts, default=(1,), metavar="N,N", help="default: 1")
    parser.add_argument("--cores", metavar="CORES", help="big, little, or a hexadecimal mask (default: all)")
    parser.add_argument("--runtime", choices=RUNTIMES, help="on host and ssh (default: the first that is installed)")
    parser.add_argument(
        "--runner", type=_runner, metavar="FILE|app",
        help="for adb: a benchmark_model, or app to measure inside the demo app as users feel it (docs/adb.md); a "
        "file of that name is ./app",
    )  # fmt: skip
    parser.add_argument("--profile", action="store_true", help="time each operator, where the runner can")


def _add_effort(parser: argparse.ArgumentParser) -> None:
    amount = parser.add_mutually_exclusive_group()
    amount.add_argument("--runs", type=_positive, metavar="N", help="timed runs in each process")
    amount.add_argument(
        "--seconds", type=_seconds, default=0.5, metavar="S", help="timed runs in each process for S seconds (0.5)"
    )
    parser.add_argument("--blocks", type=_blocks, default=LEAST_BLOCKS, metavar="N", help="processes, at least 5 (5)")
    parser.add_argument(
        "--patience", type=_seconds, default=30.0, metavar="S",
        help="start more processes until the figure holds, for S seconds in each configuration (30)",
    )  # fmt: skip
    parser.add_argument("--timeout", type=_seconds, default=120.0, metavar="S", help="end a process after S s (120)")


def _add_keeping(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--store", type=Path, metavar="FILE", help="append the results to this SQLite file")
    parser.add_argument(
        "--compare", nargs=2, metavar=("A", "B"),
        help="of the store: names of models, starts of their sha256, or days (YYYY-MM-DD); exit 1 if B is slower",
    )  # fmt: skip
    parser.add_argument(
        "--margin", type=_share, metavar="SHARE",
        help="by how much B may be slower all the same (0 for two measured in one session, else 0.1)",
    )  # fmt: skip
    parser.add_argument(
        "--budget", type=Path, metavar="RECIPE",
        help="hold the medians against its [budget.max_latency_ms]; exit 1 if one is above it or not known",
    )  # fmt: skip


def configurations(args: argparse.Namespace) -> tuple[Configuration, ...]:
    """Every delegate with every number of threads."""
    from litesmith.targets.devices.device import Configuration

    return tuple(
        Configuration(delegate, threads, args.cores) for delegate in args.delegates for threads in args.threads
    )


def effort(args: argparse.Namespace) -> Effort:
    """How much to measure."""
    from litesmith.targets.bench_session import Effort
    from litesmith.targets.devices.device import Demand

    demand = Demand(runs=args.runs, seconds=args.seconds, profile=args.profile, timeout_s=args.timeout)
    return Effort(args.blocks, args.patience, demand)


def _delegates(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(text.split(",")))
    unknown = [name for name in names if name not in DELEGATES]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(DELEGATES)}")
    return names


def _runner(text: str) -> Path | str:
    """A path is never equal to the word."""
    return APP if text == APP else Path(text)


def _counts(text: str) -> tuple[int, ...]:
    counts = tuple(dict.fromkeys(_positive(part) for part in text.split(",")))
    if max(counts) > MOST_THREADS:
        raise argparse.ArgumentTypeError(
            f"{max(counts)} threads are more than any device has cores; at most {MOST_THREADS}"
        )
    return counts


def _positive(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return value


def _blocks(text: str) -> int:
    # The same as spread.MIN_BLOCKS, which loads numpy.
    if (value := _positive(text)) < LEAST_BLOCKS:
        raise argparse.ArgumentTypeError(
            f"{text} processes say too little about how processes differ; at least {LEAST_BLOCKS}"
        )
    return value


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a share of 0 or more")
    return value


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value
