"""Compares what a compiler log counts with what was predicted, by kind of operator and status."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from litesmith.errors import ModelError
from litesmith.targets.compiler_log import MAPPED, CompilerLog, LogRow
from litesmith.targets.log_advice import cited
from litesmith.targets.report import CPU, EVERY_OP, Finding, StatusCount, TargetReport, kind_of


@dataclass(frozen=True, slots=True)
class Status:
    """What the compiler means by a status: the rules that predict it, and what to do."""

    rules: frozenset[str]
    fix: str


def _status(fix: str, *rules: str) -> Status:
    return Status(frozenset(rules), fix)


# The compiler publishes no list of these; the texts stand in logs that users of google-coral/edgetpu posted.
STATUSES = {
    "More than one subgraph is not supported": _status(
        "Replace the first operator that is left on the CPU for another reason, or compile with -a.", "one_segment"
    ),
    "Operation not supported": _status(
        "Replace the operator, or move it to the end of the model.", "unsupported_op", "custom_op", "refused"
    ),
    "Operation version not supported": _status(
        "Convert without the feature that raised the operator's version.", "op_version"
    ),
    "Operation is working on an unsupported data type": _status(
        "Quantize the model to full integer, with 8-bit inputs and outputs.", "tensor_types", "type_pairs"
    ),
    "Operation is otherwise supported, but not mapped due to some unspecified limitation": _status(
        "Try smaller tensors; the compiler does not disclose the reason.",
        "max_elements", "spatial_size_above_one", "type_pairs", "positive_scale", "fused_activation", "equal_options",
        "constant_only_as_zeros", "axis_not_batch", "no_batch_padding", "depth_reduction_multiple", "option_one_of",
    ),
    "Tensor has unsupported rank (up to 3 innermost dimensions mapped)": _status(
        "Use a batch of 1, and at most three dimensions above 1.", "innermost_dimensions", "effectively_1d"
    ),
    "For example, a fully-connected or softmax layer with 2D output": _status(
        "Use a batch of 1, and a flat output of the layer.", "innermost_dimensions", "effectively_1d"
    ),
    "Only Strided-Slice with unitary strides supported": _status("Slice with strides of 1.", "constant_values"),
    "Filter, bias, or other param is not constant at compile-time": _status(
        "Store what the operator needs beside its input as a constant.", "constant_operand"
    ),
}  # fmt: skip
_UNKNOWN_STATUS = Status(frozenset(), "Look the status up in the issues of google-coral/edgetpu.")


def status_counts(log: CompilerLog, predicted: TargetReport, model: str) -> tuple[StatusCount, ...]:
    """One row for each kind and status of a log that counts, with the number for which it was predicted.

    Raises:
        ModelError: the log counts other operators than `predicted` has; `model` names the file.
    """
    if not log.rows:
        return tuple(_sums(log, predicted, model))
    rows = Counter[str]()
    for row in log.rows:
        rows[row.op] += row.count
    kinds = Counter(kind_of(op.op) for op in predicted.ops)
    wrong = next((kind for kind in {**kinds, **rows} if kinds[kind] != rows[kind]), None)
    if wrong is not None:
        told = f"counts {rows[wrong]} {wrong}, but {model} has {kinds[wrong]}"
        raise ModelError(f"{told}; give the log of this very file", file=log.source)
    return tuple(_compared(row, predicted) for row in log.rows)


def status_findings(log: CompilerLog, counts: Sequence[StatusCount]) -> tuple[Finding, ...]:
    """What to do about each status that keeps operators on the CPU."""
    kinds: dict[str, list[str]] = {}
    for count in counts:
        if count.placement == CPU and count.observed:
            kinds.setdefault(count.status, []).append(f"{count.observed} {count.op}")
    return tuple(
        Finding(
            "compiler_log", None, "warning", f"{', '.join(ops)}: {status}",
            STATUSES.get(status, _UNKNOWN_STATUS).fix, cited(log),
        )
        for status, ops in kinds.items()
    )  # fmt: skip


def _sums(log: CompilerLog, predicted: TargetReport, model: str) -> Iterator[StatusCount]:
    """Two rows, for a log without a table."""
    on_edge_tpu, on_cpu = log.on_edge_tpu or 0, log.on_cpu or 0
    if on_edge_tpu + on_cpu != predicted.total:
        told = f"counts {on_edge_tpu + on_cpu} operators, but {model} has {predicted.total}"
        raise ModelError(f"{told}; give the log of this very file", file=log.source)
    yield StatusCount(EVERY_OP, MAPPED, predicted.accelerator, on_edge_tpu, predicted.mapped)
    yield StatusCount(EVERY_OP, "Not mapped", CPU, on_cpu, predicted.total - predicted.mapped)


def _compared(row: LogRow, predicted: TargetReport) -> StatusCount:
    ops = [op for op in predicted.ops if kind_of(op.op) == row.op]
    if row.status == MAPPED:
        mapped = sum(op.placement == predicted.accelerator for op in ops)
        return StatusCount(row.op, row.status, predicted.accelerator, row.count, mapped)
    rules = STATUSES.get(row.status, _UNKNOWN_STATUS).rules
    broken = {finding.op_index for finding in predicted.findings if finding.rule in rules}
    expected = sum(op.index in broken for op in ops) if rules else None
    return StatusCount(row.op, row.status, CPU, row.count, expected)
