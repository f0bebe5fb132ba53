"""Compiler logs compared with predictions, by kind of operator and status."""

from collections import Counter
from pathlib import Path

import pytest

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ModelError
from litesmith.targets.check import check
from litesmith.targets.compiler_log import MAPPED, CompilerLog, LogRow
from litesmith.targets.log_counts import STATUSES
from litesmith.targets.observed_edge_tpu import observe
from litesmith.targets.profile import TargetProfile
from litesmith.targets.report import Difference, TargetReport
from litesmith.targets.rules import RULES

GOLDEN = Path(__file__).parents[1] / "golden"
PROFILE = TargetProfile.load("edge_tpu")
SPLIT = TFLiteModel.from_file(GOLDEN / "gather_nd_int8.tflite")  # CONV_2D, RESHAPE, GATHER_ND, RESHAPE, CONV_2D
ONE_SUBGRAPH = "More than one subgraph is not supported"
UNSUPPORTED = "Operation not supported"


def log_of(model: TFLiteModel, left: dict[int, str], *, table: bool = True) -> CompilerLog:
    """What the compiler says of `model`; `left` holds the status of each operator on the CPU."""
    rows = Counter((op.op, left.get(op.index, MAPPED)) for op in model.main.operators)
    listed = tuple(LogRow(op, count, status) for (op, status), count in rows.items())
    on_cpu, total = len(left), len(model.main.operators)
    return CompilerLog("m.log", "16.0", "m.tflite", listed if table else (), 1, total - on_cpu, on_cpu)


def observed(model: TFLiteModel, log: CompilerLog) -> TargetReport:
    return observe(model, PROFILE, check(model, PROFILE), log=log)


def test_a_log_places_what_it_can_and_counts_the_rest():
    left = {2: UNSUPPORTED, 3: ONE_SUBGRAPH, 4: ONE_SUBGRAPH}
    report = observed(SPLIT, log_of(SPLIT, left))
    assert [op.placement for op in report.ops] == ["unknown", "unknown", "cpu", "unknown", "unknown"]
    assert report.ops[2].reason == UNSUPPORTED
    assert (report.mapped, report.total, report.segments, report.first_break) == (2, 5, 1, None)
    assert report.differences == ()
    assert {(row.op, row.status, row.observed, row.predicted) for row in report.counts} == {
        ("CONV_2D", MAPPED, 1, 1),
        ("CONV_2D", ONE_SUBGRAPH, 1, 1),
        ("RESHAPE", MAPPED, 1, 1),
        ("RESHAPE", ONE_SUBGRAPH, 1, 1),
        ("GATHER_ND", UNSUPPORTED, 1, 1),
    }


def test_a_log_that_counts_otherwise_differs_by_kind():
    report = observed(SPLIT, log_of(SPLIT, {2: UNSUPPORTED}))
    assert [op.placement for op in report.ops] == ["edge_tpu", "edge_tpu", "cpu", "edge_tpu", "edge_tpu"]
    assert [difference.op_index for difference in report.differences] == [3, 4]
    early = observed(SPLIT, log_of(SPLIT, dict.fromkeys(range(1, 5), ONE_SUBGRAPH)))
    assert early.differences == (Difference(1, "RESHAPE", "edge_tpu", "cpu"),)
    residual = TFLiteModel.from_file(GOLDEN / "int8_residual.tflite")
    late = observed(residual, log_of(residual, {0: "A status of tomorrow"}))
    assert late.differences == (Difference(None, "CONV_2D", "edge_tpu", "cpu", 1),)
    assert [row.predicted for row in late.counts if row.placement == "cpu"] == [None]


def test_a_log_of_another_model_is_refused():
    log = log_of(TFLiteModel.from_file(GOLDEN / "int8.tflite"), {})
    with pytest.raises(ModelError, match=r"m\.log: counts .* give the log of this very file"):
        observed(SPLIT, log)


def test_a_log_without_a_table_still_counts():
    report = observed(SPLIT, log_of(SPLIT, dict.fromkeys((2, 3, 4), "x"), table=False))
    assert (report.mapped, report.total) == (2, 5)
    assert [(row.op, row.observed, row.predicted) for row in report.counts] == [("*", 2, 2), ("*", 3, 3)]
    assert {op.placement for op in report.ops} == {"unknown"}
    assert report.differences == ()
    other = observed(SPLIT, log_of(SPLIT, dict.fromkeys(range(5), "x"), table=False))
    assert (other.mapped, {op.placement for op in other.ops}) == (0, {"cpu"})
    assert [difference.op_index for difference in other.differences] == [0, 1]


def test_sums_of_another_model_are_refused():
    log = log_of(TFLiteModel.from_file(GOLDEN / "int8.tflite"), {}, table=False)
    with pytest.raises(ModelError, match=r"counts 6 operators, but .* has 5; give the log of this very file"):
        observed(SPLIT, log)


@pytest.mark.parametrize(
    ("failure", "fix"),
    [
        ("Internal compiler error. Aborting!", "The compiler itself failed"),
        ("Invalid model: m.tflite: Model not quantized", "Quantize the model to full integer"),
        ("Compilation failed: Compilation failed due to large activation tensors in model.", "Use a smaller input"),
        ("Compilation failed!", "Look the text up"),
    ],
)
def test_a_compiler_that_gave_up_is_an_error_and_says_nothing_of_placements(failure, fix):
    report = observed(SPLIT, CompilerLog("m.log", "16.0", None, (), None, None, None, failure))
    assert (report.mapped, {op.placement for op in report.ops}) == (0, {"unknown"})
    assert (report.differences, report.counts) == ((), ())
    (error,) = report.findings
    assert (error.rule, error.severity) == ("compiler_log", "error")
    assert failure in error.message
    assert error.fix.startswith(fix)


def test_statuses_stand_for_rules_that_exist():
    outside = {"one_segment"}  # what check itself says of the whole partition
    assert {rule for status in STATUSES.values() for rule in status.rules} <= {*RULES, *outside}


def test_custom_operators_have_one_name_in_a_log(custom_op_model):
    status = "Operation is working on an unsupported data type"
    log = CompilerLog("m.log", "16.0", None, (LogRow("CUSTOM", 1, status),), 0, 0, 1)
    report = observed(TFLiteModel(custom_op_model), log)
    assert [(op.op, op.placement, op.reason) for op in report.ops] == [("CUSTOM:edgetpu-custom-op", "cpu", status)]
    assert [finding.rule for finding in report.findings] == ["nothing_mapped", "compiler_log"]
