"""`litesmith bench`: latencies of models on devices, with the spread that says whether they mean something."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from litesmith.commands import bench_options
from litesmith.commands.answer import Answer, printable
from litesmith.commands.bench_answer import UNMET, answer_of, opened_store, stored
from litesmith.commands.bench_devices import EMULATED_KINDS, kind_of, open_devices
from litesmith.commands.bench_text import comparisons_text
from litesmith.errors import LitesmithError

if TYPE_CHECKING:
    from threading import Event

    from litesmith.targets.bench_session import BlockDone
    from litesmith.targets.devices.device import Device
    from litesmith.targets.measurement import Measurement

SUMMARY = "measure the latency of .tflite files on devices, or refuse to where it means nothing"
EXAMPLE = "litesmith bench a.tflite b.tflite --on host --delegates xnnpack,cpu --threads 1,2 --store bench.sqlite"

add_arguments = bench_options.add_arguments


def execute(args: argparse.Namespace) -> Answer:
    """Measure, or compare what was measured before.

    Exit code 3 where a device failed, 2 where a model did, 1 where a budget is not shown to be met, or where B is
    slower than A; what the others gave is in the answer all the same.

    Raises:
        DeviceError: the only device cannot be reached.
        ModelError: a file is no model.
        RecipeError: the budget has no limit for such a device.
        DataError: the store does not have what is to be compared.
    """
    if args.compare:
        return _compare(args)
    if not args.models:
        raise LitesmithError("there is nothing to measure; give a model, or --compare A B --store FILE")
    if any(kind_of(name) in EMULATED_KINDS for name in args.on or ()):
        return _verify(args)
    return _measure(args)


def _measure(args: argparse.Namespace) -> Answer:
    from litesmith.converters.tflite_model import TFLiteModel
    from litesmith.golden_device import bundle_beside, with_outputs
    from litesmith.targets.bench_session import Measurements, run_session
    from litesmith.targets.parallel_sessions import run_sessions

    limits = _limits(args)
    models = [TFLiteModel.from_file(path) for path in args.models]
    configurations, effort = bench_options.configurations(args), bench_options.effort(args)
    store = opened_store(args)
    devices, failures = open_devices(args)
    progress = _Progress()
    bundles = {model.sha256: bundle for model in models if (bundle := bundle_beside(model)) is not None}

    def session(device: Device, stop: Event) -> Measurements:
        measured = run_session(device, models, configurations, effort, progress, stop)
        return with_outputs(device, measured, bundles)

    sessions, failed = run_sessions(devices, session)
    progress.clear()
    failures += failed
    items = [item for session in sessions for item in session.items]
    answer = answer_of(items, failures, sessions, _unmet(limits, items), profile=args.profile)
    return answer if store is None else stored(store, items, answer)


def _limits(args: argparse.Namespace) -> dict[str, float] | None:
    """Read before anything is measured: a recipe that says nothing of the device is an error."""
    if args.budget is None:
        return None
    from litesmith.latency_budget import latency_limits

    return dict(latency_limits(args.budget, [kind_of(name) for name in args.on or ["host"]]))


def _unmet(limits: dict[str, float] | None, items: Sequence[Measurement]) -> tuple[str, ...]:
    if limits is None:
        return ()
    from litesmith.latency_budget import unmet_limits

    return unmet_limits(limits, items)


def _compare(args: argparse.Namespace) -> Answer:
    if args.store is None:
        raise LitesmithError("--compare reads a store; give --store FILE")
    from litesmith.bench_compare import compare
    from litesmith.bench_store import BenchStore

    a, b = args.compare
    comparisons = compare(BenchStore(args.store).read(), a, b, margin=args.margin)
    document = {"a": a, "b": b, "comparisons": [one.to_dict() for one in comparisons]}
    slower = any(one.verdict == "slower" for one in comparisons)
    nothing_shown = all(one.ratio is None for one in comparisons)
    return Answer(document, printable(comparisons_text(a, b, comparisons)), UNMET if slower or nothing_shown else 0)


def _verify(args: argparse.Namespace) -> Answer:
    """What an emulator takes is no latency; what it computes can be compared."""
    from litesmith.targets.believable import EMULATED
    from litesmith.targets.devices.arm_cpus import parse_cpus
    from litesmith.verify import verify_on_arm
    from litesmith.verify_text import verification_text

    if len(args.on) > 1 or args.store is not None or args.budget is not None:
        raise LitesmithError(
            "an emulated processor verifies and times nothing: give it --on alone, without --store and --budget"
        )
    cpus = parse_cpus(args.on[0])
    progress = _Progress()
    found = [verify_on_arm(path, cpus, timeout_s=args.timeout, on_progress=progress.write) for path in args.models]
    progress.clear()
    document = {"measurements": [], "refused": EMULATED, "verified": [one.to_dict() for one in found]}
    text = "\n\n".join([f"no latency: {EMULATED}", *(verification_text(one) for one in found)])
    return Answer(document, text, max(one.exit_code for one in found))


class _Progress:
    """One line on stderr, where someone looks at it, that says what is being measured."""

    def __call__(self, done: BlockDone) -> None:
        self.write(f"{done.device}: {done.model}, {done.configuration}: process {done.number}")

    def clear(self) -> None:
        """Make room for what comes next."""
        self.write("")

    def write(self, line: str) -> None:
        """Replace what the line says."""
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\033[K{printable(line)}")
            sys.stderr.flush()
