"""Budgets name the stage that broke them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.budget import violations
from litesmith.ledger import Ledger, Row
from litesmith.recipe import BudgetSpec


def row(stage, accuracy=0.99, size=1000, sparsity=0.5):
    return Row(
        stage=stage, label="full-int8", measured_on="litert", accuracy=accuracy, validation_accuracy=accuracy,
        parameters=10, sparsity=sparsity, seconds=1.0, sha256="", bytes=size, gzip_bytes=size,
        latency={"p50_ms": 0.5},
    )  # fmt: skip


def test_the_stage_from_which_the_limit_was_not_kept_is_named():
    ledger = Ledger((row("teacher"), row("student", 0.99), row("prune", 0.97), row("qat", 0.96), row("quantize", 0.95)))
    (violation,) = violations(BudgetSpec(max_accuracy_drop=0.01), ledger)
    assert violation.stage == "prune"
    assert "max_accuracy_drop: 0.04 against a limit of 0.01, broken by stage 'prune'" in violation.message


def test_a_stage_that_recovered_is_not_blamed():
    ledger = Ledger((row("student", 0.99), row("prune", 0.9), row("qat", 0.99), row("quantize", 0.9)))
    assert violations(BudgetSpec(max_accuracy_drop=0.01), ledger)[0].stage == "quantize"


def test_what_is_kept_in_the_end_is_no_violation():
    ledger = Ledger((row("student", 0.99), row("prune", 0.9), row("quantize", 0.99)))
    assert violations(BudgetSpec(max_accuracy_drop=0.01, min_accuracy=0.98, max_bytes=1000), ledger) == ()


@pytest.mark.parametrize(
    ("budget", "name"),
    [
        (BudgetSpec(min_accuracy=0.995), "min_accuracy"),
        (BudgetSpec(max_bytes=999), "max_bytes"),
        (BudgetSpec(max_gzip_bytes=999), "max_gzip_bytes"),
        (BudgetSpec(min_sparsity=0.51), "min_sparsity"),
        (BudgetSpec(max_latency_ms={"host": 0.4}), "max_latency_ms.host"),
    ],
)
def test_every_budget_can_be_broken(budget, name):
    (violation,) = violations(budget, Ledger((row("student"), row("quantize"))))
    assert violation.budget == name


def test_a_stage_without_a_file_does_not_hide_the_culprit():
    graph = Row("qat", "training graph", "keras", 0.99, 0.99, 10, 0.5, 1.0, "")
    ledger = Ledger((row("student", size=10), row("prune", size=2000), graph, row("quantize", size=2000)))
    assert violations(BudgetSpec(max_bytes=1000), ledger)[0].stage == "prune"


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6), st.floats(0, 1))
def test_a_violation_is_reported_exactly_when_the_last_row_breaks_the_limit(accuracies, limit):
    ledger = Ledger(tuple(row("student" if i == 0 else f"s{i}", value) for i, value in enumerate(accuracies)))
    assert bool(violations(BudgetSpec(min_accuracy=limit), ledger)) == (accuracies[-1] < limit)
