"""`litesmith verify`: does another processor compute what the file promises?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from litesmith.commands.answer import Answer
from litesmith.errors import ModelError

SUMMARY = "run a bundle or a .tflite file on emulated ARM processors and compare the outputs"
EXAMPLE = "litesmith verify out/digits --on arm:cortex-a53,cortex-a76"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what to run, and where."""
    parser.add_argument(
        "path", type=Path, metavar="BUNDLE_OR_MODEL", help="a run's folder, a bundle, or a .tflite file"
    )
    parser.add_argument(
        "--on",
        default="arm",
        metavar="DEVICE",
        help="arm, arm:cortex-a53,cortex-a76,max or armhf:cortex-a7,cortex-a15, all of them emulated; "
        "or host, which runs the golden vectors of a bundle on this machine (default: arm)",
    )
    parser.add_argument(
        "--inputs", type=_positive, default=8, metavar="N", help="random inputs for a file without vectors (default: 8)"
    )
    parser.add_argument(
        "--max-lsb", type=_positive, metavar="N", help="how far integer outputs may be apart (default: see docs/arm.md)"
    )
    parser.add_argument(
        "--timeout", type=_positive, default=600, metavar="SECONDS", help="for each processor (default: 600)"
    )


def execute(args: argparse.Namespace) -> Answer:
    """Run and compare; exit code 1 where outputs differ by more than is allowed, 3 where a processor gave none.

    Raises:
        ModelError: there is no such file, or it cannot be run.
        DeviceError: there is no such device, or it cannot be set up.
    """
    if args.on == "host":
        return _on_host(args.path)
    from litesmith.targets.devices.arm_cpus import parse_cpus
    from litesmith.verify import verify_on_arm
    from litesmith.verify_text import verification_text

    cpus = parse_cpus(args.on)
    found = verify_on_arm(
        args.path, cpus, inputs=args.inputs, max_lsb=args.max_lsb, timeout_s=args.timeout, on_progress=_tell
    )
    return Answer(found.to_dict(), verification_text(found), found.exit_code)


def _on_host(path: Path) -> Answer:
    from litesmith.bundle import read_bundle
    from litesmith.golden import verify_golden

    if path.is_file():
        raise ModelError("has no golden vectors to compare with; give a bundle, or --on arm", file=path)
    bundle = read_bundle(path)
    golden = verify_golden(bundle.folder)
    document = {"ok": golden.ok, "bundle": str(bundle.folder), "device": "host", "emulated": False}
    classes = "" if golden.wrong_class is None else f"; {len(golden.wrong_class)} give another class"
    text = (
        f"{bundle.folder} on host: {golden.vectors} golden vectors on {golden.runtime} {golden.runtime_version} "
        f"({golden.delegate}): {golden.different} of {golden.values} values differ, by at most {golden.max_steps:.3g} "
        f"{golden.unit} ({golden.tolerance_steps} allowed){classes}\n"
        + ("ok" if golden.ok else "unmet: this machine computes something else")
    )
    return Answer({**document, "golden": golden.to_dict()}, text, 0 if golden.ok else 1)


def _tell(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _positive(text: str) -> int:
    value = int(text) if text.isdecimal() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return value
