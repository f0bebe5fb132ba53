"""`litesmith check`: where each operator of a `.tflite` will run on a target, and why, without running it."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litesmith.commands.answer import Answer, printable, table

if TYPE_CHECKING:
    from litesmith.converters.tflite_model import TFLiteModel
    from litesmith.targets.report import Finding, OpPlacement, TargetReport

SUMMARY = "say where each operator of a .tflite file will run on a target, and why"
EXAMPLE = "litesmith check model.tflite --target edge_tpu --target nnapi@30 --json"

REASON_LENGTH = 76
KINDS_SHOWN = 3
UNMET = 1
# What differs between findings of one kind: names of tensors and shapes.
_PARTICULARS = re.compile(r"'[^']*'|\([\d, -]*\)")


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


def execute(args: argparse.Namespace) -> Answer:
    """Check every file against every target; exit 1 where one of them cannot be met.

    Raises:
        ModelError: a file cannot be read or is not a sound TFLite flatbuffer.
        UnknownTarget: there is no such target.
    """
    from litesmith.converters.tflite_model import TFLiteModel
    from litesmith.targets.check import check
    from litesmith.targets.profile import TargetProfile

    profiles = [TargetProfile.load(name) for name in args.targets]
    documents, texts, unmet = [], [], False
    for path in args.models:
        model = TFLiteModel.from_file(path)
        reports = [check(model, profile) for profile in profiles]
        documents.append(describe(model, reports))
        texts.append("\n\n".join((_heading(model), *(render(report) for report in reports))))
        unmet = unmet or any(report.errors for report in reports)
    document: Mapping[str, Any] = documents[0] if len(documents) == 1 else {"models": documents}
    return Answer(document, printable("\n\n\n".join(texts)), UNMET if unmet else 0)


def describe(model: TFLiteModel, reports: Sequence[TargetReport]) -> dict[str, Any]:
    """The JSON document of one model."""
    from litesmith.converters.label import truth_label

    return {
        "model": model.source,
        "sha256": model.sha256,
        "label": truth_label(model),
        "targets": [report.to_dict() for report in reports],
    }


def render(report: TargetReport) -> str:
    """One target for people: a line that sums up, the operators off the accelerator, the findings."""
    from litesmith.targets.report import SEVERITIES

    off = [op for op in report.ops if op.placement != report.accelerator]
    parts = [_summary(report)]
    if off:
        rows = [_row(ops) for ops in _grouped(off, lambda op: (op.rule, _kind(op.reason or "")))]
        parts.append(_indented(table(("ops", "operator", "rule", "reason"), rows)))
    findings = sorted(report.findings, key=lambda finding: SEVERITIES.index(finding.severity))
    kinds = _grouped(findings, lambda finding: (finding.severity, finding.rule, _kind(finding.message)))
    parts += [_finding_lines(findings) for findings in kinds]
    return "\n\n".join(parts)


def _heading(model: TFLiteModel) -> str:
    from litesmith.converters.label import truth_label

    return f"{model.source}: {truth_label(model)}, {len(model.main.operators)} ops"


def _summary(report: TargetReport) -> str:
    segments = f"{report.segments} segment{'' if report.segments == 1 else 's'}"
    line = (
        f"{report.target} ({report.basis}): {report.mapped} of {report.total} ops on {report.accelerator} in {segments}"
    )
    if report.first_break is None:
        return line
    first = next(op for op in report.ops if op.index == report.first_break)
    return f"{line}; first break at op {first.index} {first.op}: {first.reason}"


def _row(ops: Sequence[OpPlacement]) -> tuple[str, ...]:
    reason = ops[0].reason or ""
    if len(reason) > REASON_LENGTH:
        reason = f"{reason[: REASON_LENGTH - 3].rstrip()}..."
    return _ranges(op.index for op in ops), _kinds(ops), ops[0].rule or "", reason


def _finding_lines(findings: Sequence[Finding]) -> str:
    first = findings[0]
    places = [finding.op_index for finding in findings if finding.op_index is not None]
    where = f", op{'s' if len(places) > 1 else ''} {_ranges(places)}" if places else ""
    more = f" (and {len(findings) - 1} like it)" if len(findings) > 1 else ""
    lines = [f"  {first.severity}: {first.rule}{where}", f"    {first.message}{more}"]
    return "\n".join([*lines, f"    fix: {first.fix}", f"    source: {first.source}"])


def _grouped(items: Iterable[Any], key: Any) -> list[list[Any]]:
    """Items of equal key together, in the order in which the keys first occur."""
    groups: dict[Any, list[Any]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())


def _kind(message: str) -> str:
    return _PARTICULARS.sub("", message)


def _kinds(ops: Sequence[OpPlacement]) -> str:
    names = list(dict.fromkeys(op.op for op in ops))
    rest = f" and {len(names) - KINDS_SHOWN} more" if len(names) > KINDS_SHOWN else ""
    return ", ".join(names[:KINDS_SHOWN]) + rest


def _ranges(places: Iterable[int]) -> str:
    """Places in short: `3, 7-9`."""
    spans: list[list[int]] = []
    for place in sorted(set(places)):
        if spans and place == spans[-1][1] + 1:
            spans[-1][1] = place
        else:
            spans.append([place, place])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in spans)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
