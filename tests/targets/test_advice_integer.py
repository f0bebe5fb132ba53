"""Files that are integer already are not told to be quantized."""

import pytest

from litesmith.converters.graph import Operator
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets import advice, advice_integer
from litesmith.targets.advice import Advice
from litesmith.targets.check import check
from litesmith.targets.op_view import op_views
from litesmith.targets.report import Finding
from tests.targets.test_advice import graph_of, tensor

GENERAL = "Convert the model so that this tensor has one of these types, or replace the operator."
INT16 = "Tensor 't0' is int16; only int8, uint8 can be used here."


def advised(graph, place=0, rule="tensor_types", message=INT16, fix=GENERAL):
    views = op_views(graph, lambda one: pytest.fail("no values are read"))
    return Advice.of(graph).applied(Finding(rule, place, "warning", message, fix, "s"), views[place]).fix


def chain(*types, op="ABS"):
    operators = [Operator(place, op, 1, (place,), (place + 1,)) for place in range(len(types) - 1)]
    return graph_of([tensor(place, dtype) for place, dtype in enumerate(types)], *operators)


@pytest.mark.parametrize(
    ("types", "fix"),
    [
        (("int16", "int16"), advice_integer.WIDE),
        (("int16", "int16", "int8"), advice_integer.MIXED),
        (("int16", "int16", "float32"), GENERAL),
    ],
)
@pytest.mark.parametrize("general", [GENERAL, "Quantize the model to full integer."])
def test_16_bits_are_told_as_what_they_are(types, fix, general):
    assert advised(chain(*types), fix=general) == (general if fix == GENERAL else fix)


def test_a_conversion_and_a_refusal_of_16_bits_get_the_same_advice():
    graph = chain("int16", "int8", "int8")
    conversion = "Converting int16 to int8 is not supported; the pairs that are: int8 to int8."
    assert advised(graph, rule="type_pairs", message=conversion, fix="Give the model inputs.") == advice_integer.MIXED
    refusal = "It is not taken: the delegate knows no 16-bit integer activations."
    assert (
        advised(graph, rule="refused", message=refusal, fix="Quantize the activations to 8 bits.")
        == advice_integer.MIXED
    )
    other = "It is not taken: it needs feature level 31 or later."
    assert advised(graph, rule="refused", message=other, fix="Choose another setting.") == "Choose another setting."


def test_advice_of_a_profile_stays():
    assert advised(chain("int16", "int8"), fix="Ask for int32.") == "Ask for int32."


def test_a_name_says_nothing_about_the_type():
    message = "Tensor 'is int16; or so' is int32; only int8 can be used here."
    assert advised(chain("int32", "int8"), message=message) == advice_integer.OTHER_TYPE.format(name="ABS")


def test_a_type_that_no_quantization_changes():
    message = "Tensor 't0' is int32; only int8 can be used here."
    assert advised(chain("int32", "int32"), message=message) == advice_integer.OTHER_TYPE.format(name="ABS")
    assert advised(chain(*["int32"] * 5), message=message) == advice_integer.STAYS


def test_only_the_softmax_at_the_end_can_be_left_to_the_app():
    leave = "Leave the softmax to the app where the largest logit is enough."
    message = "Tensor 't0' is int8; only float32 can be used here."
    graph = chain("int8", "int8", "int8", op="SOFTMAX")
    assert advised(graph, 1, message=message, fix=leave) == leave
    assert advised(graph, 0, message=message, fix=leave) == advice_integer.EIGHT.format(name="SOFTMAX")


def test_an_operator_of_every_layer_does_not_move_to_the_end():
    graph = chain(*["int8"] * 5, op="GELU")
    assert advised(graph, rule="unsupported_op", message="GELU is not taken.", fix="Move it.") == advice.REPEATED
    assert advised(chain("int8", "int8", op="GELU"), rule="unsupported_op", fix="Move it.") == "Move it."


def test_16_bits_are_what_raises_a_version():
    wide, narrow = (
        graph_of([tensor(i, kind) for i in range(3)], Operator(0, "MUL", 4, (0, 1), (2,))) for kind in ("int16", "int8")
    )
    for graph, fix in ((wide, advice_integer.WIDE), (narrow, "general")):
        assert advised(graph, rule="op_version", message="It has version 4.", fix="general") == fix


@pytest.mark.parametrize("target", ["arm_cpu", "edge_tpu", "nnapi@30", "ethos_u55"])
def test_no_integer_file_is_told_to_be_quantized(target, golden):
    for name in ("int16x8", "gather_nd_int8"):
        report = check(TFLiteModel.from_file(golden / f"{name}.tflite"), target)
        told = [one.fix for one in report.findings if one.rule != "nothing_mapped"]
        assert not [fix for fix in told if fix.startswith("Quantize")], name


def test_to_leave_operators_where_they_are_brings_nothing_back(golden):
    gains = check(TFLiteModel.from_file(golden / "int16x8.tflite"), "edge_tpu").gains
    assert gains
    assert all(gain.fixes != (advice_integer.STAYS,) for gain in gains)
