"""Puts what was observed beside what was predicted, without mixing the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from litesmith.targets.check import nothing_mapped_words
from litesmith.targets.profile import TargetProfile
from litesmith.targets.report import CPU, NOWHERE, UNKNOWN, Difference, Finding, OpPlacement, StatusCount, TargetReport


def observed_report(
    predicted: TargetReport,
    profile: TargetProfile,
    placements: Sequence[str],
    *,
    observed_in: str,
    segments: int | None,
    reasons: Mapping[int, str] | None = None,
    counts: Sequence[StatusCount] = (),
    findings: Sequence[Finding] = (),
) -> TargetReport:
    """The observed report on the model and target of `predicted`.

    Args:
        predicted: what the rules said.
        profile: the target.
        placements: where each operator of the main subgraph runs, in the order of the file; `unknown` where what
            was observed does not tell, `folded` where nothing is left to run.
        observed_in: what told, for people.
        segments: pieces that go to the accelerator; None where that is not known.
        reasons: what is known about why, by operator.
        counts: what a compiler log counts.
        findings: what else was observed.

    Raises:
        ValueError: the number of placements is not that of the operators.
    """
    known = reasons or {}
    ops = tuple(
        OpPlacement(op.index, op.op, place, None, known.get(op.index))
        for op, place in zip(predicted.ops, placements, strict=True)
    )
    report = TargetReport(
        predicted.target, "observed", predicted.accelerator, ops, segments, tuple(findings),
        observed_in=observed_in, differences=_misplaced(predicted, ops), counts=tuple(counts),
    )  # fmt: skip
    return _with_uncounted(_with_nothing_mapped(report, profile), predicted)


def refused_report(
    predicted: TargetReport,
    profile: TargetProfile,
    cause: str,
    *,
    observed_in: str,
    findings: Sequence[Finding] = (),
) -> TargetReport:
    """The observed report on a model that was not taken at all: an error, and no placements.

    Args:
        predicted: what the rules said.
        profile: the target.
        cause: what the runtime or compiler said.
        observed_in: what told, for people.
        findings: what else was observed.
    """
    fixes = [finding.fix for finding in predicted.errors if finding.op_index is not None]
    general = "No rule predicts this: quantize the model, replace the operator that is named, or take another version."
    fix = fixes[0] if fixes else general
    error = Finding("refused", None, "error", cause, fix, f"observed in {observed_in}")
    nowhere = [UNKNOWN] * predicted.total
    reasons = dict.fromkeys(range(predicted.total), "the whole model is refused")
    return observed_report(
        predicted, profile, nowhere, observed_in=observed_in, segments=None, reasons=reasons,
        findings=(error, *findings),
    )  # fmt: skip


def _misplaced(predicted: TargetReport, ops: Sequence[OpPlacement]) -> tuple[Difference, ...]:
    return tuple(
        Difference(op.index, op.op, guess.placement, op.placement)
        for guess, op in zip(predicted.ops, ops, strict=True)
        if op.placement != guess.placement and op.placement not in NOWHERE
    )


def _with_nothing_mapped(report: TargetReport, profile: TargetProfile) -> TargetReport:
    known = report.counts or any(op.placement != UNKNOWN for op in report.ops)
    if report.mapped or not known or not profile.accelerator_required:
        return report
    message, fix = nothing_mapped_words(report)
    error = Finding("nothing_mapped", None, "error", message, fix, f"observed in {report.observed_in}")
    return replace(report, findings=(error, *report.findings))


def _with_uncounted(report: TargetReport, predicted: TargetReport) -> TargetReport:
    """Add differences for the kinds of which only the number on the accelerator is known."""
    kinds = dict.fromkeys(count.op for count in report.counts)
    found = [difference for kind in kinds for difference in _by_number(kind, report, predicted)]
    return replace(report, differences=(*report.differences, *found))


def _by_number(kind: str, report: TargetReport, predicted: TargetReport) -> list[Difference]:
    rows = [count for count in report.counts if count.op == kind]
    if not any(op.placement == UNKNOWN and rows[0].covers(op.op) for op in report.ops):
        return []
    accelerator = report.accelerator
    counted = sum(row.observed for row in rows if row.placement == accelerator)
    guessed = sum(op.placement == accelerator and rows[0].covers(op.op) for op in predicted.ops)
    if counted == guessed:
        return []
    ends = (accelerator, CPU) if counted < guessed else (CPU, accelerator)
    return [Difference(None, kind, *ends, count=abs(counted - guessed))]
