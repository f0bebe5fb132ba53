"""Advice that fits what a model shows, against operators written for each kind."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from litesmith.converters.graph import Operator, Quantization, Subgraph, Tensor
from litesmith.targets import advice
from litesmith.targets.advice import Advice
from litesmith.targets.op_view import op_views
from litesmith.targets.report import Finding


def tensor(index: int, dtype: str = "int8", shape: tuple[int, ...] = (1, 8), **facts: Any) -> Tensor:
    known = {"buffer": 0, "is_constant": False, "is_variable": False, "quantization": None, **facts}
    return Tensor(index, f"t{index}", shape, shape, dtype, **known)


def graph_of(tensors: list[Tensor], *operators: Operator) -> Subgraph:
    return Subgraph("main", tuple(tensors), operators, (0,), (len(tensors) - 1,))


def advised(graph: Subgraph, place: int, rule: str = "unsupported_op", fix: str = "general") -> Finding:
    views = op_views(graph, lambda tensor: pytest.fail("no values are read"))
    return Advice.of(graph).applied(Finding(rule, place, "warning", "It.", fix, "s"), views[place])


def test_weights_in_float16_ask_for_full_integer():
    tensors = [tensor(0, "float32"), tensor(1, "float16", is_constant=True), *(tensor(i, "float32") for i in (2, 3))]
    graph = graph_of(tensors, Operator(0, "DEQUANTIZE", 1, (1,), (2,)), Operator(1, "ADD", 1, (0, 2), (3,)))
    assert advised(graph, 0).fix == advice.FLOAT16.format(dtype="float16")


def test_conversions_at_the_border_and_in_the_middle_are_told_apart():
    chain = [Operator(i, name, 1, (i,), (i + 1,)) for i, name in enumerate(("QUANTIZE", "ABS", "DEQUANTIZE", "ABS"))]
    graph = graph_of([tensor(i) for i in range(5)], *chain)
    assert [advised(graph, place).fix for place in (0, 2)] == [advice.BORDER.format(name="QUANTIZE"), advice.MIDDLE]
    assert advised(graph, 1).fix == "general"
    inverse = [replace(op, op={"QUANTIZE": "DEQUANTIZE"}.get(op.op, op.op)) for op in chain]
    assert advised(graph_of([tensor(i) for i in range(5)], *inverse), 0).fix == advice.MIDDLE  # its input is no float
    last = graph_of([tensor(0), tensor(1)], Operator(0, "DEQUANTIZE", 1, (0,), (1,)))
    assert advised(last, 0).fix == advice.BORDER.format(name="DEQUANTIZE")


def test_what_is_computed_from_shapes_asks_for_fixed_sizes():
    shapes = [Operator(0, "SHAPE", 1, (0,), (1,)), Operator(1, "PACK", 1, (1, 2), (3,))]
    graph = graph_of(
        [tensor(0), tensor(1, "int32"), tensor(2, "int32", is_constant=True), tensor(3, "int32"), tensor(4)],
        *shapes, Operator(2, "BROADCAST_TO", 1, (0, 3), (4,)),
    )  # fmt: skip
    assert [advised(graph, place).fix for place in range(3)] == [advice.SHAPES, advice.SHAPES, "general"]
    assert [advised(graph, place, "axis_not_batch").fix for place in (1, 2)] == [advice.SHAPES, "general"]
    assert advised(graph, 0, "static_shape").fix == "general"


@pytest.mark.parametrize(("dtype", "changes"), [("bool", False), ("int64", False), ("int16", True), ("float32", True)])
def test_only_what_can_be_quantized_is_said_to_be(dtype, changes):
    graph = graph_of([tensor(0), tensor(1, dtype)], Operator(0, "GREATER", 1, (0,), (1,)))
    quantize, other = "Quantize the model.", advice.OTHER_TYPE.format(name="GREATER")
    assert advised(graph, 0, "tensor_types", quantize).fix == (quantize if changes else other)
    assert advised(graph, 0, "tensor_types", "Ask for int32.").fix == "Ask for int32."


@pytest.mark.parametrize(
    ("name", "fix"),
    [("WHILE", advice.LOOPS), ("IF", advice.LOOPS), ("CALL_ONCE", advice.STATE), ("READ_VARIABLE", advice.STATE)],
)
def test_control_flow_and_state_have_advice_of_their_own(name, fix):
    graph = graph_of([tensor(0), tensor(1)], Operator(0, name, 1, (0,), (1,)))
    assert advised(graph, 0).fix == fix
    assert advised(graph, 0, "axis_not_batch").fix == "general"


def convolution(
    source: Tensor, kernel: Tensor, op: str = "CONV_2D", options: Mapping[str, Any] | None = None
) -> Subgraph:
    operator = Operator(0, op, 6, (0, 1), (2,), options or {})
    return graph_of([source, kernel, tensor(2, source.dtype)], operator)


@pytest.mark.parametrize("rule", ["op_version", "op_version_not", "runtime_version"])
def test_a_grouped_convolution_is_named_as_what_raises_the_version(rule):
    graph = convolution(tensor(0, shape=(1, 8, 8, 8)), tensor(1, shape=(8, 3, 3, 2), is_constant=True))
    found = advised(graph, 0, rule)
    assert "the convolution is grouped (8 input channels, filters over 2)" in found.message
    assert "one convolution for each group" in found.fix
    plain = convolution(tensor(0, shape=(1, 8, 8, 8)), tensor(1, shape=(8, 3, 3, 8), is_constant=True))
    assert advised(plain, 0, rule).message == "It."


def test_weights_per_channel_in_a_float_model_are_named():
    scales = Quantization((0.1,) * 8, (0,) * 8, 0)
    kernel = tensor(1, shape=(8, 8), is_constant=True, quantization=scales)
    found = advised(convolution(tensor(0, "float32"), kernel, "FULLY_CONNECTED"), 0, "op_version")
    assert "int8 weights with a scale for each channel, while the input is float32" in found.message
    assert advised(convolution(tensor(0, "int8"), kernel, "FULLY_CONNECTED"), 0, "op_version").message == "It."


def test_a_dense_layer_that_keeps_its_dimensions_is_named():
    kernel = tensor(1, shape=(8, 8), is_constant=True)
    graph = convolution(tensor(0), kernel, "FULLY_CONNECTED", {"keep_num_dims": True})
    assert "keeps the dimensions of its input" in advised(graph, 0, "op_version").message
