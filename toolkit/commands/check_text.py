"""The answer of `litesmith check` for people: a summary of each target, what stays on the CPU, why, and what helps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from litesmith.commands.answer import counted, one_line, table
from litesmith.commands.check_findings import alike, finding_lines, grouped, kind_of_message, worth_telling
from litesmith.commands.fit_text import fitted_table, ranges, wrapped

if TYPE_CHECKING:
    from litesmith.targets.memory_use import MemoryUse
    from litesmith.targets.observed_vela import VelaEstimate
    from litesmith.targets.report import Difference, Gain, OpPlacement, StatusCount, TargetReport

REASON_LENGTH = 76
ROOM_FOR_REASONS = 100  # columns of a terminal
KINDS_SHOWN = 3
GAINS_SHOWN = 5
DIFFERENCES_SHOWN = 20


def without_told(report: TargetReport, told: set[tuple[str, str]]) -> TargetReport:
    """The report without the notes about its target that are in `told` already; its own are added."""
    notes = {(finding.message, finding.fix) for finding in report.findings if finding.rule == "note"}
    known = notes & told
    told.update(notes)
    findings = (one for one in report.findings if one.rule != "note" or (one.message, one.fix) not in known)
    return replace(report, findings=tuple(findings))


def render(report: TargetReport, width: int | None = None) -> str:
    """One target for people: a line that sums up, the operators off the accelerator, the findings, what helps.

    Args:
        report: on the target.
        width: of the terminal, which no line exceeds and in which long lists of places are cut; None for whole lines.
    """
    from litesmith.targets.report import SEVERITIES

    off = [op for op in report.ops if op.placement != report.accelerator]
    parts = [wrapped(_summary(report), width, 2)]
    if report.memory is not None:
        parts[0] += f"\n{wrapped(_memory_line(report.memory, report.accelerator), width, 4)}"
    if report.estimate is not None:
        parts[0] += f"\n{wrapped(_estimate_line(report.estimate), width, 4)}"
    if off:
        parts.append(_off_table(report, off, width))
    if report.counts:
        parts.append(_counts_table(report.counts))
    if report.basis == "observed":
        parts.append(_wrapped_lines(_differences(report), width))
    findings = sorted(worth_telling(report), key=lambda finding: SEVERITIES.index(finding.severity))
    names = {op.index: op.op for op in report.ops}
    kinds = grouped(findings, lambda finding: alike(finding, names))
    parts += [_wrapped_lines(finding_lines(findings, names, short=width is not None), width) for findings in kinds]
    if report.gains:
        parts.append(_wrapped_lines(_gain_lines(report.gains, short=width is not None), width))
    return "\n\n".join(parts)


def overview(checked: Sequence[tuple[str, Sequence[tuple[TargetReport, str]]]]) -> str:
    """One line for each file and target with its result; a file without reports has an error."""
    rows: list[tuple[str, ...]] = []
    for source, reports in checked:
        rows += [
            (
                source, report.target, report.basis, str(report.mapped), str(report.total), _count(report.segments),
                _count(report.first_break), result,
            )
            for report, result in reports
        ]  # fmt: skip
        if not reports:
            rows.append((source, "", "", "", "", "", "", "error"))
    return table(("model", "target", "basis", "mapped", "ops", "segments", "first break", "result"), rows)


def _summary(report: TargetReport) -> str:
    pieces = "" if report.segments is None else f" in {counted(report.segments, 'segment')}"
    basis = report.basis if report.observed_in is None else f"{report.basis} in {report.observed_in}"
    operators = counted(report.total, "op")
    line = f"{report.target} ({one_line(basis)}): {report.mapped} of {operators} on {report.accelerator}{pieces}"
    if report.first_break is None:
        return line
    first = next(op for op in report.ops if op.index == report.first_break)
    return f"{line}; first break at op {first.index} {first.op}: {first.reason}"


def _memory_line(use: MemoryUse, accelerator: str) -> str:
    """What the model needs, and the memory that it has to fit where its size is known."""
    from litesmith.targets.memory_use import in_units

    weights, placed = in_units(use.weights_bytes), in_units(use.placed_weights_bytes)
    cached = use.limit is not None and use.limit.holds == "weights"
    part = f" ({placed} of them on {accelerator})" if cached and placed != weights else ""
    peak = use.peak_activation_bytes if use.arena_bytes is None else use.arena_bytes
    where = "" if use.peak_op_index is None else f", most at op {use.peak_op_index}"
    line = f"  memory: {weights} of weights{part}, {in_units(peak)} of activations{where}"
    if use.limit is None or use.limit.bytes is None:
        return line
    judged = ": near" if use.near_limit else "" if use.within_limit else ": exceeded"
    return f"{line}; limit {in_units(use.limit.bytes)} of {use.limit.name}{judged}"


def _estimate_line(estimate: VelaEstimate) -> str:
    from litesmith.targets.memory_use import in_units

    if not estimate.cycles:
        return "  Vela's estimate, no measurement: nothing is compiled for the accelerator"
    memories = {"SRAM": estimate.sram_bytes, "DRAM": estimate.dram_bytes, "flash": estimate.flash_bytes}
    used = ", ".join(f"{in_units(number)} {name}" for name, number in memories.items() if number)
    conditions = f"{estimate.macs:,} MACs; {estimate.system_config}, {estimate.memory_mode}"
    return f"  Vela's estimate, no measurement: {used}, {estimate.cycles:,} cycles of the accelerator ({conditions})"


def _off_table(report: TargetReport, off: Sequence[OpPlacement], width: int | None) -> str:
    """Operators off the accelerator; what is observed names no rule, but may not know where an operator is."""
    groups = grouped(off, lambda op: (op.rule, op.placement, kind_of_message(op.reason or "")))
    predicted = report.basis == "predicted"
    rows = [
        _row(ops, (ops[0].rule or "") if predicted else ops[0].placement, short=width is not None) for ops in groups
    ]
    header = ("ops", "operator", "rule" if predicted else "where", "reason")
    if width is None:  # the places, which may be many, end a line: nothing is padded to their length
        return _indented(table((*header[1:], header[0]), [(*row[1:], row[0]) for row in rows], open_end=True))
    # Of a prediction the findings below say it too.
    columns = len(header) - 1 if predicted and width < ROOM_FOR_REASONS else len(header)
    return _indented(fitted_table(header[:columns], [row[:columns] for row in rows], width - 2))


def _counts_table(counts: Sequence[StatusCount]) -> str:
    rows = [(count.op, str(count.observed), _count(count.predicted), count.status) for count in counts]
    return _indented(table(("operator", "observed", "predicted", "status"), rows))


def _differences(report: TargetReport) -> str:
    """Where the prediction is wrong, and how often."""
    from litesmith.targets.report import UNKNOWN

    if not report.counts and all(op.placement == UNKNOWN for op in report.ops):
        return "  No operator was placed, so the predicted placements cannot be compared."
    wrong = sum(difference.count for difference in report.differences)
    if not wrong:
        return "  The prediction agrees."
    lines = [f"  The prediction is wrong about {wrong} of {counted(report.total, 'operator')}:"]
    lines += [f"    {_difference_line(difference)}" for difference in report.differences[:DIFFERENCES_SHOWN]]
    hidden = len(report.differences) - DIFFERENCES_SHOWN
    return "\n".join([*lines, f"    and {hidden} more (see --json)"] if hidden > 0 else lines)


def _difference_line(difference: Difference) -> str:
    one = f"op {difference.op_index} {difference.op}"
    where = f"{difference.count} {difference.op}" if difference.op_index is None else one
    return f"{where}: predicted {difference.predicted}, observed {difference.observed}"


def _gain_lines(gains: Sequence[Gain], *, short: bool) -> str:
    """The rewrites that bring most operators back."""
    lines = ["  what brings most operators back:"]
    for gain in gains[:GAINS_SHOWN]:
        places = f"op{'s' if len(gain.ops) > 1 else ''} {ranges(gain.ops, short=short)}"
        helps = gain.fixes[0] if len(gain.fixes) == 1 else f"resolve {', '.join(gain.rules)}, all of them"
        lines.append(f"    +{gain.mapped_more}: {places}: {helps}")
    return "\n".join(lines)


def _row(ops: Sequence[OpPlacement], label: str, *, short: bool) -> tuple[str, ...]:
    reason = ops[0].reason or ""
    if short and len(reason) > REASON_LENGTH:
        reason = f"{reason[: REASON_LENGTH - 3].rstrip()}..."
    return ranges((op.index for op in ops), short=short), _kinds(ops, short=short), label, reason


def _wrapped_lines(text: str, width: int | None) -> str:
    """Each line wrapped, under its own indentation."""
    return "\n".join(wrapped(line, width, len(line) - len(line.lstrip()) + 2) for line in text.splitlines())


def _kinds(ops: Sequence[OpPlacement], *, short: bool) -> str:
    names = list(dict.fromkeys(op.op for op in ops))
    if not short:
        return ", ".join(names)
    rest = f" and {len(names) - KINDS_SHOWN} more" if len(names) > KINDS_SHOWN else ""
    return ", ".join(names[:KINDS_SHOWN]) + rest


def _count(number: int | None) -> str:
    return "-" if number is None else str(number)


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
