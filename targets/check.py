"""Predicts where each operator of a model runs on a target, and why.

Nothing is run: the prediction comes from the rules of the target's profile and from the way its delegate or
compiler partitions a graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from litesmith.converters.graph import Subgraph
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ModelError
from litesmith.targets.advice import Advice
from litesmith.targets.compiled_model import EDGE_TPU, compiled_report, is_compiled
from litesmith.targets.float_model import float_findings
from litesmith.targets.gains import gains
from litesmith.targets.memory_use import memory_findings, memory_use
from litesmith.targets.model_rules import model_findings
from litesmith.targets.op_view import OpView, op_views
from litesmith.targets.partition import Segment, kept_for_readers, kept_segments, partition
from litesmith.targets.profile import TargetProfile
from litesmith.targets.recalled import recalled_finding
from litesmith.targets.report import CPU, SEVERITIES, Finding, OpPlacement, Severity, TargetReport
from litesmith.targets.rules import RuleUse, explain, reached


def check(model: TFLiteModel, target: str | TargetProfile) -> TargetReport:
    """Check the main subgraph of `model` against one target.

    Args:
        model: a parsed file; it is never run.
        target: a profile, or the name of one, such as `nnapi@30`.

    Raises:
        UnknownTarget: no profile has that name, or it has no such setting.
        ModelError: the file's operators depend on each other in a circle, or a constant is damaged.
    """
    profile = target if isinstance(target, TargetProfile) else TargetProfile.load(target)
    if profile.accelerator == EDGE_TPU and is_compiled(model):
        return compiled_report(model, profile)
    graph = model.main
    views = op_views(graph, model.data)
    own, unpacking = _broken_rules(graph, views, profile)
    found = _with_unpacking(graph, own, unpacking, profile)
    supported = set(range(len(views))).difference(found)
    try:
        segments = partition(graph, supported)
    except ValueError as error:
        raise ModelError(f"{error}; convert the model again", file=model.source) from error
    kept = kept_segments(segments, profile.keep, profile.max_segments)
    left_out = supported.difference(*(segment.ops for segment in kept))
    if left_out:
        found.update(_left_out(graph, left_out, segments, kept, profile))
    ops = tuple(_placement(view, found, profile.accelerator) for view in views)
    report = _with_model_findings(ops, found, len(kept), profile)
    placed = frozenset(op.index for op in ops if op.placement == profile.accelerator)
    use = memory_use(model, placed, profile.memory)
    whole = (*model_findings(model, profile), *float_findings(views, profile))
    findings = (*whole, *report.findings, *(memory_findings(use) if placed else ()))
    return replace(
        report, findings=findings, memory=use, gains=gains(graph, profile, own, unpacking, report.mapped)
    )  # fmt: skip


# The next rules are about the whole partition, not about one operator's own facts.


def one_segment() -> None:
    """It could run on {accelerator}, but only the first segment goes there, and operator {index} ({op}) ends it.

    Fix: replace operator {index} ({op}), or move it behind everything that {accelerator} can run.
    """


def segment_limit() -> None:
    """It could run on {accelerator}, but only the {maximum} largest segments go there and its own is smaller.

    Fix: remove the operators that divide the model into segments, or raise the delegate's limit.
    """


def unpacked_for_cpu() -> None:
    """It unpacks a constant that operator {index} ({op}) needs on the CPU.

    Fix: make operator {index} ({op}) run on {accelerator}.
    """


def nothing_mapped() -> None:
    """{none} on {accelerator}.

    Fix: resolve the findings of the first operators; full-integer quantization with fixed shapes suits most targets.
    """


def nothing_mapped_words(report: TargetReport) -> tuple[str, str]:
    """Message and advice where no operator of `report` runs on the accelerator."""
    none = "The only operator does not run" if report.total == 1 else f"None of the {report.total} operators runs"
    return explain(nothing_mapped, {"none": none, "accelerator": report.accelerator})


def _broken_rules(
    graph: Subgraph, views: tuple[OpView, ...], profile: TargetProfile
) -> tuple[dict[int, list[Finding]], list[int]]:
    """What operators break by themselves, by operator; and the places of those that unpack constants."""
    severity: Severity = "warning" if profile.accelerator_required else "info"
    general, advice = _general_uses(profile), Advice.of(graph)
    found: dict[int, list[Finding]] = {}
    unpacking: list[int] = []
    for view in views:
        uses = profile.runtime
        if _is_unpacked(view, profile):
            unpacking.append(view.operator.index)
        else:
            support = profile.ops.get(view.operator.op)
            uses = (*uses, *general, *(support.rules if support else ()), *profile.every_op)
        broken = reached([finding for finding in (use.finding(view, severity) for use in uses) if finding])
        if broken:
            # the sort is stable, so rules of one severity stay in the order of the profile
            broken.sort(key=lambda finding: SEVERITIES.index(finding.severity))
            found[view.operator.index] = [advice.applied(finding, view) for finding in broken]
    return found, unpacking


def _general_uses(profile: TargetProfile) -> tuple[RuleUse, ...]:
    known = {"known": frozenset(profile.ops)}
    custom = RuleUse("custom_op", known, profile.source, severity="warning")
    return (custom, RuleUse("unsupported_op", known, profile.source))


def _is_unpacked(view: OpView, profile: TargetProfile) -> bool:
    types = profile.folds.get(view.operator.op, ())
    first = view.operand(0)
    return first is not None and view.is_static(first) and first.dtype in types


def _with_unpacking(
    graph: Subgraph, own: Mapping[int, list[Finding]], unpacking: Sequence[int], profile: TargetProfile
) -> dict[int, list[Finding]]:
    """An operator that unpacks a constant is taken only if all that read the constant are."""
    found = {place: list(findings) for place, findings in own.items()}
    for place, keeper in kept_for_readers(graph, unpacking, own.keys()).items():
        facts = {"index": keeper, "op": graph.operators[keeper].op, "accelerator": profile.accelerator}
        message, fix = explain(unpacked_for_cpu, facts)
        unpacked = Finding("unpacked_for_cpu", place, "info", message, fix, profile.source.cite())
        found.setdefault(place, []).append(unpacked)
    return found


def _left_out(
    graph: Subgraph, places: Iterable[int], segments: Sequence[Segment], kept: Sequence[Segment], profile: TargetProfile
) -> dict[int, list[Finding]]:
    """Why operators that the accelerator can take stay on the CPU all the same."""
    facts: dict[str, object] = {"accelerator": profile.accelerator, "maximum": profile.max_segments}
    rule = segment_limit
    if profile.keep == "first" and profile.max_segments == 1:
        rule = one_segment
        blocking = segments[segments.index(kept[0]) + 1].ops[0]
        facts |= {"index": blocking, "op": graph.operators[blocking].op}
    message, fix = explain(rule, facts)
    cited = profile.partition_source.cite()
    return {place: [Finding(rule.__name__, place, "warning", message, fix, cited)] for place in places}


def _placement(view: OpView, found: Mapping[int, list[Finding]], accelerator: str) -> OpPlacement:
    index, op = view.operator.index, view.operator.op
    if index not in found:
        return OpPlacement(index, op, accelerator)
    first = found[index][0]
    return OpPlacement(index, op, CPU, first.rule, first.message)


def _with_model_findings(
    ops: tuple[OpPlacement, ...], found: Mapping[int, list[Finding]], segments: int, profile: TargetProfile
) -> TargetReport:
    findings = [finding for _, broken in sorted(found.items()) for finding in broken]
    notes = [Finding("note", None, "info", note.text, note.fix, note.source.cite()) for note in profile.notes]
    notes += recalled_finding(ops, profile)
    report = TargetReport(profile.label, "predicted", profile.accelerator, ops, segments, tuple(findings + notes))
    if report.mapped or not ops or not profile.accelerator_required:
        return report
    message, fix = nothing_mapped_words(report)
    error = Finding("nothing_mapped", None, "error", message, fix, profile.source.cite())
    return replace(report, findings=(error, *report.findings))
