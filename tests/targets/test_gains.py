"""What resolving a finding brings, against checks of models and profiles in which it is resolved."""

from dataclasses import replace
from pathlib import Path

import pytest

from litesmith.converters.graph import Operator, Subgraph, Tensor
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets.check import check
from litesmith.targets.gains import MAX_KINDS, gains
from litesmith.targets.profile import TargetProfile
from litesmith.targets.report import Finding, Gain

GOLDEN = Path(__file__).parents[1] / "golden"
MODELS = sorted(path.name for path in GOLDEN.glob("*.tflite"))


def load(name: str) -> TFLiteModel:
    return TFLiteModel.from_file(GOLDEN / name)


def without(target: str, *ops: str, **changes: object) -> TargetProfile:
    """A bundled profile that does not take some operators."""
    profile = TargetProfile.load(target)
    return replace(profile, ops={op: rules for op, rules in profile.ops.items() if op not in ops}, **changes)


def test_an_operator_in_the_middle_brings_back_all_that_follows_it():
    report = check(load("gather_nd_int8.tflite"), "edge_tpu")
    assert [(gain.ops, gain.rules, gain.mapped_more) for gain in report.gains] == [((2,), ("unsupported_op",), 2)]
    assert report.gains[0].fixes[0].startswith("Replace GATHER_ND")


@pytest.mark.parametrize("op", ["MAX_POOL_2D", "CONV_2D", "RESHAPE", "DEPTHWISE_CONV_2D"])
@pytest.mark.parametrize("target", ["edge_tpu", "nnapi@30", "arm_cpu"])
def test_a_gain_is_what_the_whole_profile_maps_more(op, target):
    model = load("int8.tflite")
    report = check(model, without(target, op))
    more = check(model, target).mapped - report.mapped
    places = tuple(operator.index for operator in model.main.operators if operator.op == op)
    told = {gain.ops: gain.mapped_more for gain in report.gains}
    assert told.get(places, 0) == more - len(places)  # operators that are not taken at all are not gained themselves


def test_what_a_better_line_brings_along_with_the_same_fix_is_left_out():
    report = check(load("int8.tflite"), without("edge_tpu", "CONV_2D"))
    assert [(gain.ops, gain.mapped_more) for gain in report.gains] == [((0, 3), 2)]
    float_io = check(load("dynamic_batch_float.tflite"), "edge_tpu").gains
    assert [gain.ops for gain in float_io] == [tuple(range(6))]


def test_operators_that_cannot_run_there_are_no_gain():
    report = check(load("int8_float_io.tflite"), "edge_tpu")
    assert report.ops[7].rule == "unsupported_op"
    assert all(gain.ops != (7,) for gain in report.gains)


def test_findings_that_go_together_are_one_gain():
    report = check(load("dynamic_batch_float.tflite"), "edge_tpu")
    (first, *_) = report.gains
    assert (first.mapped_more, first.rules) == (6, ("static_shape", "tensor_types"))
    assert len(first.fixes) >= 2


def test_constants_that_are_unpacked_come_back_with_their_reader():
    model = load("float16.tflite")
    report = check(model, without("arm_cpu", "CONV_2D"))
    convolutions = tuple(op.index for op in model.main.operators if op.op == "CONV_2D")
    assert report.gains[0].ops == convolutions
    assert report.gains[0].mapped_more == 2 * len(convolutions)  # the constants that they read


def test_constants_for_operators_that_stay_do_not_count():
    model = load("float16.tflite")
    report = check(model, without("arm_cpu", "CONV_2D", "FULLY_CONNECTED"))
    more = check(model, without("arm_cpu", "FULLY_CONNECTED")).mapped - report.mapped
    convolutions = tuple(op.index for op in model.main.operators if op.op == "CONV_2D")
    told = [gain.mapped_more for gain in report.gains if gain.ops == convolutions]
    assert told == [more - len(convolutions)]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("target", ["edge_tpu", "nnapi@27", "arm_cpu"])
def test_gains_are_positive_ranked_and_within_what_is_left(name, target):
    report = check(load(name), target)
    more = [gain.mapped_more for gain in report.gains]
    assert more == sorted(more, reverse=True)
    assert all(0 < one <= report.total - report.mapped for one in more)
    assert len({gain.ops for gain in report.gains}) == len(more)


def test_a_hostile_file_with_as_many_kinds_as_operators_costs_a_bounded_number_of_partitions():
    size = 2_000
    tensors = tuple(Tensor(i, f"t{i}", (8,), (8,), "int8", 0, False, False, None) for i in range(size + 1))
    chain = tuple(Operator(i, "ADD", 1, (i,), (i + 1,)) for i in range(size))
    found = {i: [Finding("tensor_types", i, "warning", "", f"fix {i}", "")] for i in range(size)}
    graph = Subgraph("main", tensors, chain, (0,), (size,))
    result = gains(graph, TargetProfile.load("arm_cpu"), found, (), 0)
    assert 0 < len(result) <= MAX_KINDS + 1
    assert result[0] == Gain((0,), ("tensor_types",), ("fix 0",), 1)
