"""What a check found out: where each operator will run, and every rule that is broken."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

from litesmith.errors import TargetUnmet

if TYPE_CHECKING:
    from litesmith.targets.memory_use import MemoryUse
    from litesmith.targets.observed_vela import VelaEstimate

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
CPU = "cpu"
EVERY_OP = "*"  # what a log counts that has no table
UNKNOWN = "unknown"  # a compiler log that counts does not say which operator of a kind it means
FOLDED = "folded"  # a compiler removed it: its result is known before the first run, or nothing needs it
NOWHERE = frozenset({UNKNOWN, FOLDED})  # what contradicts no prediction of where an operator runs


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule. `op_index` is the operator's place in the main subgraph, None for the whole model.

    `error`: the model cannot meet the target. `warning`: something stays off the accelerator or needs care in
    the app. `info`: worth knowing.
    """

    rule: str
    op_index: int | None
    severity: Severity
    message: str
    fix: str
    source: str

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ValueError(f"severity {self.severity!r} is none of {', '.join(SEVERITIES)}")


@dataclass(frozen=True, slots=True)
class OpPlacement:
    """Where one operator runs; `rule` and `reason` say why it does not run on the accelerator.

    In an observed report `rule` is None, because no rule was applied, and `reason` is what was observed; `placement`
    can also be `unknown`, or `folded` where a compiler left nothing of the operator to run.
    """

    index: int
    op: str
    placement: str
    rule: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Gain:
    """What it brings if `ops` broke none of their `rules`: `mapped_more` operators on the accelerator.

    Those of `ops` count that the accelerator takes at all; the others have to go. `fixes` are all the rewrites.
    """

    ops: tuple[int, ...]
    rules: tuple[str, ...]
    fixes: tuple[str, ...]
    mapped_more: int


@dataclass(frozen=True, slots=True)
class Difference:
    """`count` operators that run elsewhere than predicted; `op_index` is None where only their number is known."""

    op_index: int | None
    op: str
    predicted: str
    observed: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class StatusCount:
    """How many operators of one kind a compiler gave one status.

    `predicted` is the number for which that was predicted, None where no rule corresponds to the status. `op` is
    `*` where the log gives only sums.
    """

    op: str
    status: str
    placement: str
    observed: int
    predicted: int | None

    def covers(self, op: str) -> bool:
        """Whether an operator `op` is among those counted; compilers have one name for all custom operators."""
        return self.op in {EVERY_OP, kind_of(op)}


@dataclass(frozen=True, slots=True)
class TargetReport:
    """One model on one target, either predicted or observed.

    Attributes:
        target: name and setting of the profile.
        basis: `predicted` from rules, or `observed` in what `observed_in` names.
        accelerator: what the operators should run on.
        ops: one for each operator of the main subgraph, in the order of the file.
        segments: pieces that go to the accelerator; None where that was not observed.
        findings: every broken rule, and what is to be known about the target.
        gains: what resolving findings brings, the most first; only predicted.
        observed_in: the file or runtime that told; only observed.
        differences: where the prediction is wrong; only observed.
        counts: what a compiler log counts; only observed.
        memory: what the model needs of the target's memory; only predicted.
        estimate: what the compiler that was asked expects; only observed, and no measurement.
    """

    target: str
    basis: Literal["predicted", "observed"]
    accelerator: str
    ops: tuple[OpPlacement, ...]
    segments: int | None
    findings: tuple[Finding, ...]
    gains: tuple[Gain, ...] = ()
    observed_in: str | None = None
    differences: tuple[Difference, ...] = ()
    counts: tuple[StatusCount, ...] = ()
    memory: MemoryUse | None = None
    estimate: VelaEstimate | None = None

    def __post_init__(self) -> None:
        if (self.basis == "observed") != (self.observed_in is not None):
            raise ValueError(f"a report that is {self.basis} is observed in {self.observed_in!r}")
        if self.basis == "observed" and (self.gains or self.memory):
            raise ValueError("gains and memory are predicted; they do not belong into an observed report")
        if self.basis == "predicted" and (self.differences or self.counts or self.estimate):
            raise ValueError("differences, counts and estimates are observed, not predicted")

    @property
    def total(self) -> int:
        """Number of operators in the main subgraph."""
        return len(self.ops)

    @property
    def mapped(self) -> int:
        """Number of operators that run on the accelerator."""
        if self.counts:
            return sum(count.observed for count in self.counts if count.placement == self.accelerator)
        return sum(op.placement == self.accelerator for op in self.ops)

    @property
    def first_break(self) -> int | None:
        """Place of the first operator that is not on the accelerator; None where all are, or where it is not known."""
        first = next((op for op in self.ops if op.placement not in {self.accelerator, FOLDED}), None)
        return None if first is None or first.placement == UNKNOWN else first.index

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that keep the model from meeting the target."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON; a prediction has gains and memory, an observation differences."""
        if self.basis == "observed":
            own: dict[str, Any] = {
                "observed_in": self.observed_in,
                "differences": [asdict(difference) for difference in self.differences],
                "counts": [asdict(count) for count in self.counts],
                "estimate": None if self.estimate is None else self.estimate.to_dict(),
            }
        else:
            memory = None if self.memory is None else self.memory.to_dict()
            own = {"gains": [asdict(gain) for gain in self.gains], "memory": memory}
        return {
            "target": self.target,
            "basis": self.basis,
            "ops": [asdict(op) for op in self.ops],
            "mapped": self.mapped,
            "total": self.total,
            "segments": self.segments,
            "first_break": self.first_break,
            "findings": [asdict(finding) for finding in self.findings],
            **own,
        }

    def raise_for_errors(self) -> None:
        """Turn findings of severity `error` into an exception.

        Raises:
            TargetUnmet: there is at least one; the exception's `report` is this one.
        """
        if self.errors:
            first = self.errors[0]
            more = f" (and {len(self.errors) - 1} more)" if len(self.errors) > 1 else ""
            raise TargetUnmet(f"{self.target}: {first.message}{more} {first.fix}", report=self)


def kind_of(op: str) -> str:
    """The name by which compilers count an operator: custom ones have no name of their own."""
    return op.partition(":")[0]
