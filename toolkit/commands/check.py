"""`litesmith check`: where each operator of a `.tflite` will run on a target, and why, without running it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litesmith.commands import check_observed
from litesmith.commands.answer import Answer, counted, one_line, printable
from litesmith.commands.check_text import overview, render, without_told
from litesmith.commands.fit_text import terminal_width
from litesmith.errors import DeviceTimeout, LitesmithError, ModelError, TargetError

if TYPE_CHECKING:
    from litesmith.converters.tflite_model import TFLiteModel
    from litesmith.targets.profile import TargetProfile
    from litesmith.targets.report import TargetReport

SUMMARY = "say where each operator of a .tflite file will run on a target, and why"
EXAMPLE = "litesmith check model.tflite --target edge_tpu --target nnapi@30 --compiled model_edgetpu.tflite --json"

UNMET = 1
EXIT_CODES = """exit codes:
  0  every target is met
  1  one is not: there is an error (an accelerator that is required takes nothing, or the file cannot be
     loaded there), with --require-all an operator is off the accelerator, or with --require-share too many are
  2  a file, a log or an argument is wrong
  3  what should be asked is not installed or does not answer
What was observed counts more than what was predicted. docs/check.md describes the JSON."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `check`."""
    parser.add_argument("models", type=Path, nargs="+", metavar="X.tflite", help="the files to check")
    parser.add_argument(
        "--target",
        dest="targets",
        action="append",
        required=True,
        metavar="NAME[@SETTING]",
        help="a target such as edge_tpu, nnapi@30 or arm_cpu; may be given several times",
    )
    parser.add_argument(
        "--require-all",
        action="store_true",
        help="exit 1 where any operator is off the accelerator of its target",
    )
    parser.add_argument(
        "--require-share",
        type=float,
        metavar="SHARE",
        help="exit 1 where a smaller share of the operators is on the accelerator, 0 to 1",
    )
    check_observed.add_arguments(parser)
    parser.epilog = "\n\n".join(filter(None, (parser.epilog, EXIT_CODES)))


@dataclass(frozen=True, slots=True)
class Checked:
    """One file with its reports, or with the error that kept it from being checked."""

    source: str
    document: Mapping[str, Any]
    heading: str
    reports: tuple[TargetReport, ...] = ()
    error: LitesmithError | None = None
    share: float = 0.0

    @property
    def exit_code(self) -> int:
        """That of an error, 1 where a target is not met; what was observed counts more than what was predicted."""
        if self.error is not None:
            return self.error.exit_code
        decisive = {report.target: report for report in self.reports}  # an observed report follows the predicted one
        return UNMET if any(self.result(report) == "unmet" for report in decisive.values()) else 0

    def result(self, report: TargetReport) -> str:
        """Whether one report meets its target."""
        return "unmet" if report.errors or report.mapped < self.share * report.total else "met"

    def text(self, told: set[tuple[str, str]], width: int | None = None) -> str:
        """The file for people; notes that are `told` already are left out, and the others are added to them.

        Args:
            told: notes that stand above.
            width: of the terminal; None where there is none.
        """
        return "\n\n".join((self.heading, *(render(without_told(report, told), width) for report in self.reports)))


def execute(args: argparse.Namespace) -> Answer:
    """Check every file against every target; exit 1 where one of them cannot be met, 2 where a file is broken.

    Of several files a broken one is told in its place, and the others are checked all the same.

    Raises:
        ModelError: the only file cannot be read or is not a sound TFLite flatbuffer, or the compiled file or the log
            does not belong to it.
        TargetError: there is no such target, or nothing can be observed about any of them.
        DeviceError: what has to be asked is not installed, or does not answer.
    """
    from litesmith.targets.profile import TargetProfile

    if args.require_share is not None and not 0 <= args.require_share <= 1:
        raise TargetError(f"--require-share {args.require_share:g} is no share; give 0 to 1, such as 0.9")
    profiles = list({profile.label: profile for profile in map(TargetProfile.load, args.targets)}.values())
    check_observed.refuse_stray(args, profiles)
    if len(args.models) == 1:
        checked = [_checked(args.models[0], profiles, args)]
    else:
        checked = [_checked_or_broken(path, profiles, args) for path in args.models]
    documents = [one.document for one in checked]
    told: set[tuple[str, str]] = set()
    texts = [one.text(told, terminal_width()) for one in checked]
    if len(checked) > 1:
        rows = [(one_line(one.source), [(report, one.result(report)) for report in one.reports]) for one in checked]
        texts.append(overview(rows))
    document: Mapping[str, Any] = documents[0] if len(documents) == 1 else {"models": documents}
    return Answer(document, printable("\n\n\n".join(texts)), max(one.exit_code for one in checked))


def describe(model: TFLiteModel, reports: Sequence[TargetReport]) -> dict[str, Any]:
    """The JSON document of one model."""
    from litesmith.converters.label import truth_label

    return {
        "model": model.source,
        "sha256": model.sha256,
        "label": truth_label(model),
        "targets": [report.to_dict() for report in reports],
    }


def _checked_or_broken(path: Path, profiles: Sequence[TargetProfile], args: argparse.Namespace) -> Checked:
    try:
        return _checked(path, profiles, args)
    except (ModelError, DeviceTimeout) as error:
        told = {"type": type(error).__name__, "message": str(error)}
        return Checked(str(path), {"model": str(path), "error": told}, one_line(f"error: {error}"), error=error)


def _checked(path: Path, profiles: Sequence[TargetProfile], args: argparse.Namespace) -> Checked:
    from litesmith.converters.label import truth_label
    from litesmith.converters.tflite_model import TFLiteModel

    model = TFLiteModel.from_file(path)
    reports = tuple(report for profile in profiles for report in _reports(model, profile, args))
    heading = one_line(f"{model.source}: {truth_label(model)}, {counted(len(model.main.operators), 'op')}")
    return Checked(
        model.source,
        describe(model, reports),
        heading,
        reports,
        share=1.0 if args.require_all else args.require_share or 0.0,
    )


def _reports(model: TFLiteModel, profile: TargetProfile, args: argparse.Namespace) -> tuple[TargetReport, ...]:
    """The prediction, and what was observed where something tells it."""
    from litesmith.targets.check import check

    return check_observed.with_observed(model, profile, check(model, profile), args)
