"""Budgets: does the deployed file keep within the recipe's limits, and if not, which stage broke them?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from litesmith.ledger import Ledger, Row
from litesmith.recipe import BudgetSpec


@dataclass(frozen=True, slots=True)
class Violation:
    """One limit that the deployed file does not keep, and the stage from which on it was not kept."""

    budget: str
    limit: float
    found: float
    stage: str

    @property
    def message(self) -> str:
        """For people: what, by how much, and where it happened."""
        return f"{self.budget}: {self.found:.6g} against a limit of {self.limit:.6g}, broken by stage {self.stage!r}"

    def to_dict(self) -> dict[str, Any]:
        """For the ledger."""
        return {**asdict(self), "message": self.message}


def violations(budget: BudgetSpec, ledger: Ledger) -> tuple[Violation, ...]:
    """Every limit that the deployed file does not keep."""
    start = ledger.float_student
    checks: tuple[tuple[str, float | None, Callable[[Row], float | None], bool], ...] = (
        ("min_accuracy", budget.min_accuracy, lambda row: row.accuracy, False),
        (
            "max_accuracy_drop",
            budget.max_accuracy_drop,
            lambda row: round(start.accuracy - row.accuracy, 9),
            True,
        ),
        ("max_bytes", budget.max_bytes, lambda row: row.bytes, True),
        ("max_gzip_bytes", budget.max_gzip_bytes, lambda row: row.gzip_bytes, True),
        ("min_sparsity", budget.min_sparsity, lambda row: row.sparsity, False),
        ("max_latency_ms.host", budget.max_latency_ms.get("host"), lambda row: row.host_p50_ms, True),
    )
    found = (_violation(name, limit, value, at_most, ledger) for name, limit, value, at_most in checks)
    return tuple(violation for violation in found if violation is not None)


def _violation(
    name: str, limit: float | None, value: Callable[[Row], float | None], at_most: bool, ledger: Ledger
) -> Violation | None:
    if limit is None:
        return None

    def broken(row: Row) -> bool:
        figure = value(row)
        return figure is not None and (figure > limit if at_most else figure < limit)

    if not broken(ledger.deployed):
        return None
    culprit = ledger.deployed
    for row in reversed(ledger.rows[ledger.rows.index(ledger.float_student) :]):
        if value(row) is not None and not broken(row):
            break
        culprit = row
    return Violation(name, float(limit), float(value(ledger.deployed) or 0), culprit.stage)
