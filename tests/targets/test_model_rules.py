"""What is said of a file as a whole: a case that says nothing, and one for each statement."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import TargetUnmet
from litesmith.targets.check import check
from litesmith.targets.model_rules import model_findings
from litesmith.targets.profile import TargetProfile, list_profiles

GOLDEN = Path(__file__).parents[1] / "golden"
CPU, TPU = TargetProfile.load("arm_cpu"), TargetProfile.load("edge_tpu")


def edited(change: Callable[[Any], None], name: str = "int8") -> TFLiteModel:
    """A golden model with `change` made to its unpacked form."""
    model = schema.ModelT.InitFromPackedBuf((GOLDEN / f"{name}.tflite").read_bytes())
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return TFLiteModel(bytes(builder.Output()))


def become(number: int) -> Callable[[Any], None]:
    """The first kind of operator becomes the one with this number."""

    def change(model: Any) -> None:
        code = model.operatorCodes[0]
        code.builtinCode, code.deprecatedBuiltinCode = number, min(number, 127)

    return change


def newer_type(model: Any) -> None:
    model.subgraphs[0].tensors[0].type = 60


def second_subgraph(model: Any) -> None:
    model.subgraphs.append(model.subgraphs[0])


def nameless_subgraphs(model: Any) -> None:
    model.subgraphs += model.subgraphs * 7
    model.subgraphs[0].name = None


def no_operators(model: Any) -> None:
    model.subgraphs[0].operators = []


def free_shape(model: Any) -> None:
    model.subgraphs[0].tensors[0].shapeSignature = np.array([-1, -1, -1, 1], np.int32)


def external_kernel(model: Any) -> None:
    graph = model.subgraphs[0]
    kernel = graph.tensors[graph.operators[0].inputs[1]]
    kernel.buffer, kernel.externalBuffer = 0, 7


SAID = {
    "no_operators": (no_operators, "The main subgraph has no operators: there is nothing to place."),
    "unknown_operators": (become(5000), "Operators UNKNOWN_5000 are newer"),
    "unknown_types": (newer_type, "Tensors have types unknown_60, which are newer"),
    "control_flow": (
        become(schema.BuiltinOperator.WHILE),
        "WHILE runs subgraphs of the file, and what is in them is not checked (there is none",
    ),
    "several_subgraphs": (second_subgraph, "the file has others (main: 6 operators)"),
    "free_shapes": (free_shape, "not fixed, such as 'serving_default_image:0' (-1, -1, -1, 1); they are checked as (1"),
    "external_values": (external_kernel, "The values of 1 constant, such as 'classifier/stem/Conv2D', are in other"),
}


@pytest.mark.parametrize("rule", SAID)
def test_what_is_unusual_is_said_once_and_with_its_source(rule):
    change, part = SAID[rule]
    (finding,) = model_findings(edited(change), CPU)
    assert (finding.rule, finding.op_index) == (rule, None)
    assert part in finding.message
    assert finding.fix.endswith(".") and "https://" in finding.source
    assert "{" not in finding.message + finding.fix
    assert finding in check(edited(change), CPU).findings


@pytest.mark.parametrize("name", ["int8", "float16", "gather_nd_int8", "int16x8"])
def test_nothing_is_said_of_a_usual_file(name):
    model = TFLiteModel.from_file(GOLDEN / f"{name}.tflite")
    said = [finding for target in list_profiles() for finding in model_findings(model, TargetProfile.load(target))]
    assert list_profiles() and said == []


def test_a_file_without_operators_misses_a_target_that_requires_its_accelerator():
    model = edited(no_operators)
    with pytest.raises(TargetUnmet, match="there is nothing to place"):
        check(model, TPU).raise_for_errors()
    check(model, CPU).raise_for_errors()


def test_shapes_are_said_once_where_the_target_has_a_rule_about_them():
    assert model_findings(edited(free_shape), TPU) == ()
    assert "static_shape" in {finding.rule for finding in check(edited(free_shape), TPU).findings}


def test_the_body_of_a_loop_is_named_and_counted(endless_model):
    (finding,) = model_findings(TFLiteModel(endless_model), CPU)
    assert finding.rule == "control_flow"
    assert "what is in them is not checked (subgraph 1, subgraph 2: 2 operators)" in finding.message


def test_many_subgraphs_are_not_all_listed():
    (finding,) = model_findings(edited(nameless_subgraphs), CPU)
    assert "and 2 more: 42 operators" in finding.message


def test_a_kernel_in_another_file_counts_as_constant():
    report = check(edited(external_kernel), TPU)
    assert "constant_operand" not in {finding.rule for finding in report.findings}
