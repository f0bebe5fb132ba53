"""Arguments of `litesmith convert` that say when a file is good enough, and what they become."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from litesmith.commands.tries_text import outcome
from litesmith.errors import ConversionError

if TYPE_CHECKING:
    from litesmith.calibration.samples import CalibrationSet
    from litesmith.converters.convert import Acceptance, Conversion
    from litesmith.converters.tflite_model import TFLiteModel
    from litesmith.converters.tries import Try

_LIMITS = (
    "--min-agreement",
    "--min-snr",
    "--min-accuracy",
    "--max-accuracy-drop",
    "--max-bytes",
    "--max-host-ms",
    "--require",
)


def add_acceptance_arguments(parser: argparse.ArgumentParser) -> None:
    """When the file is good enough."""
    group = parser.add_argument_group("limits", "int8 that misses a limit on accuracy is rescued; exit 1 if none helps")
    group.add_argument(
        "--evaluate", metavar="DATA", help="samples to judge with (default: of DATA, not calibrated with)"
    )
    group.add_argument("--min-agreement", type=float, metavar="SHARE", help="with the float model's class, 0 to 1")
    group.add_argument("--min-snr", type=float, metavar="DB", help="of the outputs against the float model's")
    group.add_argument("--min-accuracy", type=float, metavar="SHARE", help="where the samples have labels")
    group.add_argument("--max-accuracy-drop", type=float, metavar="SHARE", help="below the float model, with labels")
    group.add_argument("--max-bytes", type=int, metavar="N", help="size of the file")
    group.add_argument("--max-host-ms", type=float, metavar="MS", help="median latency here, one thread")
    group.add_argument(
        "--require",
        action="append",
        default=[],
        metavar="TARGET[=SHARE]",
        help="it must run there, with that share of its operators on the accelerator (any); may be given again",
    )
    group.add_argument("--explain", action="store_true", help="say where int8 loses accuracy, limits or not")
    group.add_argument("--no-rescue", action="store_true", help="only make what was asked for")
    group.add_argument("--allow-float", action="store_true", help="the rescue may leave operators in float")


def acceptance(args: argparse.Namespace, samples: CalibrationSet) -> Acceptance:
    """What the arguments ask for, judged with `samples`.

    Raises:
        LitesmithError: a limit is no share, or a target is not known.
    """
    from litesmith.converters.convert import Acceptance
    from litesmith.converters.judge import Limits
    from litesmith.converters.rescue import Remedies
    from litesmith.demands import demands
    from litesmith.targets.requirement import Requirement

    for target in args.require:
        Requirement.parse(target)
    limits = Limits(
        min_agreement=args.min_agreement,
        min_snr_db=args.min_snr,
        min_accuracy=args.min_accuracy,
        max_accuracy_drop=args.max_accuracy_drop,
        max_bytes=args.max_bytes,
    )
    asked = demands(tuple(args.require), args.max_host_ms)
    remedies = Remedies(not args.no_rescue, args.explain, args.allow_float)
    return Acceptance(samples, limits, asked, remedies, _announce)


def refuse_unjudged(args: argparse.Namespace, done: Conversion, wanted: Acceptance | None) -> None:
    """A limit that nothing was measured for must not look as if it were kept.

    Raises:
        ConversionError: there are limits, and the file was not judged.
    """
    given = [option for option in _LIMITS if getattr(args, option[2:].replace("-", "_")) not in (None, [])]
    if given and not done.tries:
        fix = "pass samples to judge with, --evaluate DATA"
        if wanted is not None:
            fix = f"a file by way of {done.route!r} is not; leave them out, and look at it with inspect and check"
        raise ConversionError(f"{', '.join(given)}: the file must be judged for that; {fix}")


def required_lines(model: TFLiteModel, required: Sequence[str]) -> list[str]:
    """How much of a file runs on each target that was required and is met, and what the requirement asks for."""
    from litesmith.targets.check import check
    from litesmith.targets.requirement import Requirement

    wanted = [Requirement.parse(text) for text in required]
    reports = [check(model, one.target) for one in wanted]
    return [
        f"required: {one.told(found)}" for one, found in zip(wanted, reports, strict=True) if not one.missing(found)
    ]


def _announce(tried: Try) -> None:
    sys.stderr.write(f"{outcome(tried)}\n")
