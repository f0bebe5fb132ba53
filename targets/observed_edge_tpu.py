"""What the Edge TPU compiler did with a model: from the file that it wrote, from its log, or from both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ModelError
from litesmith.targets.compiled_graph import INSERTED, Pairing
from litesmith.targets.compiled_model import COMPILED_OP, EDGE_TPU, is_compiled
from litesmith.targets.compiler_log import CompilerLog
from litesmith.targets.log_advice import failure_finding, fit_findings
from litesmith.targets.log_counts import status_counts, status_findings
from litesmith.targets.observed import observed_report
from litesmith.targets.profile import TargetProfile
from litesmith.targets.report import CPU, EVERY_OP, UNKNOWN, Finding, StatusCount, TargetReport, kind_of

UNSAID = "the compiler left it as an operator of its own"  # a compiled file gives no reasons


@dataclass(frozen=True, slots=True)
class CompiledPlacement:
    """Where the compiler put each operator of the original file.

    Attributes:
        placements: `edge_tpu` or `cpu`, in the order of the original file.
        segments: pieces that run on the Edge TPU.
        inserted: operators that the compiler added to convert between types or scales; they run on the CPU.
    """

    placements: tuple[str, ...]
    segments: int
    inserted: int


def read_compiled(model: TFLiteModel, compiled: TFLiteModel) -> CompiledPlacement:
    """Find each operator of `model` in what the compiler made of it.

    An operator that stands no longer there for itself, and whose results an operator `edgetpu-custom-op` gives, runs
    on the Edge TPU. Two models of one architecture that differ only in their weights cannot be told apart.

    Raises:
        ModelError: `model` is itself compiled, `compiled` is not, or it does not come from `model`.
    """
    if is_compiled(model):
        raise ModelError("is itself compiled; give the file that the compiler read", file=model.source)
    if not is_compiled(compiled):
        told = "holds no edgetpu-custom-op; is it the compiler's output?"
        raise ModelError(f"{told} Where the compiler placed nothing, give its log alone", file=compiled.source)
    _same_ends(model, compiled)
    pairing = Pairing(model.main, compiled.main)
    rest = list(pairing.unpaired())
    segments = sum(operator.op == COMPILED_OP for operator in rest)
    inserted = sum(operator.op in INSERTED for operator in rest)
    foreign = next((operator for operator in rest if operator.op not in {COMPILED_OP, *INSERTED}), None)
    if foreign is not None:
        raise _unrelated(model, compiled, f"its operator {foreign.index} ({foreign.op}) has no counterpart")
    doubtful = pairing.doubtful()
    if doubtful is not None:
        raise _unrelated(model, compiled, f"its operator {doubtful.index} ({doubtful.op}) may be old or new")
    left = set(pairing.pairs.values())
    missing = set(range(len(model.main.operators))) - left - pairing.replaced(COMPILED_OP)
    if missing:
        place = min(missing)
        raise _unrelated(model, compiled, f"operator {place} ({model.main.operators[place].op}) is missing in it")
    placements = (CPU if operator.index in left else EDGE_TPU for operator in model.main.operators)
    return CompiledPlacement(tuple(placements), segments, inserted)


def observe(
    model: TFLiteModel,
    profile: TargetProfile,
    predicted: TargetReport,
    *,
    compiled: TFLiteModel | None = None,
    log: CompilerLog | None = None,
) -> TargetReport:
    """The observed report: placements from `compiled` where it is given, reasons and counts from `log`.

    Args:
        model: the file that the compiler read.
        profile: the Edge TPU with the setting of the compiler.
        predicted: what `check` said of the two.
        compiled: the file that the compiler wrote.
        log: what the compiler said of this model.

    Raises:
        ModelError: the files do not belong together.
        ValueError: neither `compiled` nor `log` is given.
    """
    if compiled is None and log is None:
        raise ValueError("neither a compiled file nor a compiler log is given")
    if log is not None and log.failure:
        return _gave_up(log, fit_findings(log, profile, model.source), profile, predicted, compiled)
    counts = () if log is None else status_counts(log, predicted, model.source)
    findings = () if log is None else (*fit_findings(log, profile, model.source), *status_findings(log, counts))
    sources = {"compiled file": compiled, "compiler log": log}
    names = (f"{kind} {Path(file.source).name}" for kind, file in sources.items() if file is not None)
    placements, reasons = _from_counts(predicted, counts)
    segments = None if log is None else log.segments
    if compiled is not None:
        read = read_compiled(model, compiled)
        _agree(read, counts, predicted, compiled)
        placements, segments = read.placements, read.segments
        findings = (*findings, *_inserted(read, compiled))
        reasons = {place: reasons.get(place, UNSAID) for place, where in enumerate(placements) if where == CPU}
    return observed_report(
        predicted, profile, placements, observed_in=" and ".join(names), segments=segments, reasons=reasons,
        counts=counts, findings=findings,
    )  # fmt: skip


def _gave_up(
    log: CompilerLog,
    fits: Sequence[Finding],
    profile: TargetProfile,
    predicted: TargetReport,
    compiled: TFLiteModel | None,
) -> TargetReport:
    """The report on a compiler that wrote no file: it placed nothing, so that no prediction is right or wrong."""
    if compiled is not None:
        told = f"was compiled, but the log says that the compiler wrote nothing ({log.failure})"
        raise ModelError(f"{told}; give the file and the log of one run of the compiler", file=compiled.source)
    return observed_report(
        predicted, profile, [UNKNOWN] * predicted.total, observed_in=f"compiler log {Path(log.source).name}",
        segments=None, reasons=dict.fromkeys(range(predicted.total), "the compiler wrote no file"),
        findings=(failure_finding(log), *fits),
    )  # fmt: skip


def _from_counts(predicted: TargetReport, counts: Sequence[StatusCount]) -> tuple[tuple[str, ...], dict[int, str]]:
    """Placements and reasons as far as counts tell them: by kind, where all of a kind got the same."""
    placements, reasons = [], {}
    for op in predicted.ops:
        kind = [count for count in counts if count.observed and count.covers(op.op)]
        places = {row.placement for row in kind}
        placements.append(places.pop() if len(places) == 1 else UNKNOWN)
        if kind and placements[-1] != predicted.accelerator:
            reasons[op.index] = _told(kind)
    return tuple(placements), reasons


def _told(rows: Sequence[StatusCount]) -> str:
    if len(rows) == 1:
        return rows[0].status
    return "; ".join(f"{row.observed} of them: {row.status}" for row in rows)


def _agree(
    read: CompiledPlacement, counts: Sequence[StatusCount], predicted: TargetReport, compiled: TFLiteModel
) -> None:
    """Refuse a log that counts otherwise than the compiled file shows."""
    sums = any(count.op == EVERY_OP for count in counts)
    placed, logged = Counter[str](), Counter[str]()
    for op, where in zip(predicted.ops, read.placements, strict=True):
        placed[EVERY_OP if sums else kind_of(op.op)] += where != CPU
    for count in counts:
        logged[count.op] += count.observed * (count.placement != CPU)
    wrong = next((kind for kind in logged if placed[kind] != logged[kind]), None)
    if wrong is not None:
        told = f"has {placed[wrong]} {wrong} on the Edge TPU, but the log counts {logged[wrong]}"
        raise ModelError(f"{told}; give the file and the log of one run of the compiler", file=compiled.source)


def _inserted(read: CompiledPlacement, compiled: TFLiteModel) -> tuple[Finding, ...]:
    if not read.inserted:
        return ()
    operators = "an operator that converts" if read.inserted == 1 else f"{read.inserted} operators that convert"
    message = f"The compiler inserted {operators} between types or scales on the CPU."
    fix = "Give the tensors around them one type and scale."
    return (Finding("inserted", None, "info", message, fix, f"compiled file {compiled.source}"),)


def _same_ends(model: TFLiteModel, compiled: TFLiteModel) -> None:
    """Inputs and outputs keep their names, shapes and types when a model is compiled."""
    for role, mine, theirs in (
        ("inputs", model.inputs, compiled.inputs),
        ("outputs", model.outputs, compiled.outputs),
    ):
        facts = [[f"{tensor.name} {tensor.dtype} {tensor.shape}" for tensor in tensors] for tensors in (theirs, mine)]
        if facts[0] != facts[1]:
            told = f"its {role} are {', '.join(facts[0])}, those of {Path(model.source).name} {', '.join(facts[1])}"
            raise _unrelated(model, compiled, told)


def _unrelated(model: TFLiteModel, compiled: TFLiteModel, why: str) -> ModelError:
    return ModelError(f"does not come from {model.source}: {why}; compile that file", file=compiled.source)
