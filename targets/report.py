"""What a check found out: where each operator will run, and every rule that is broken."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from litesmith.errors import TargetUnmet

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
CPU = "cpu"


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
    """Where one operator runs; `rule` and `reason` say why it does not run on the accelerator."""

    index: int
    op: str
    placement: str
    rule: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class TargetReport:
    """One model on one target. `first_break` is the first operator that is not on the accelerator."""

    target: str
    basis: Literal["predicted", "observed"]
    accelerator: str
    ops: tuple[OpPlacement, ...]
    segments: int
    findings: tuple[Finding, ...]

    @property
    def total(self) -> int:
        """Number of operators in the main subgraph."""
        return len(self.ops)

    @property
    def mapped(self) -> int:
        """Number of operators that run on the accelerator."""
        return sum(op.placement == self.accelerator for op in self.ops)

    @property
    def first_break(self) -> int | None:
        """Place of the first operator that is not on the accelerator; None where all are."""
        return next((op.index for op in self.ops if op.placement != self.accelerator), None)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that keep the model from meeting the target."""
        return tuple(finding for finding in self.findings if finding.severity == "error")

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values for JSON."""
        return {
            "target": self.target,
            "basis": self.basis,
            "ops": [asdict(op) for op in self.ops],
            "mapped": self.mapped,
            "total": self.total,
            "segments": self.segments,
            "first_break": self.first_break,
            "findings": [asdict(finding) for finding in self.findings],
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
