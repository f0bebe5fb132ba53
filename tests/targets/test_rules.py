# ruff: noqa: E501 (one case a line keeps the table readable)
"""Every rule, with a case that keeps it and a case that breaks it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from litesmith.converters.graph import Operator, Quantization, Subgraph, Tensor
from litesmith.errors import ModelError
from litesmith.targets import geometry_rules, operand_rules
from litesmith.targets.constants import Constants
from litesmith.targets.op_view import OpView, op_views, short_name
from litesmith.targets.rules import RULES, RuleUse, Source, explain, reached

SOURCE = Source("a page", "https://example.org")


def t(
    *shape: int,
    dtype: str = "int8",
    scale: float | tuple[float, ...] | None = 0.5,
    zero: int = 0,
    axis: int = 0,
    value: Any = None,
    signature: tuple[int, ...] | None = None,
    name: str = "",
) -> dict[str, Any]:
    """What one tensor is; `value` makes it a constant."""
    scales = () if scale is None else scale if isinstance(scale, tuple) else (scale,)
    quantization = Quantization(scales, (zero,) * len(scales), axis) if scales else None
    return {
        "name": name,
        "shape": shape,
        "shape_signature": signature or shape,
        "dtype": dtype,
        "is_constant": value is not None,
        "quantization": quantization,
        "value": value,
    }


def ints(*values: int) -> dict[str, Any]:
    return t(len(values), dtype="int32", scale=None, value=np.array(values, np.int32))


def view(
    inputs: list[dict[str, Any] | None],
    outputs: list[dict[str, Any]],
    op: str = "CONV_2D",
    version: int = 1,
    **options: Any,
) -> OpView:
    """An operator built from the real graph dataclasses."""
    values: dict[int, Any] = {}
    tensors: list[Tensor] = []
    places = []
    for given in (*inputs, *outputs):
        if given is None:
            places.append(-1)
            continue
        facts = dict(given)
        values[len(tensors)] = facts.pop("value")
        facts["name"] = facts["name"] or f"t{len(tensors)}"
        places.append(len(tensors))
        tensors.append(Tensor(index=len(tensors), buffer=0, is_variable=False, **facts))
    operator = Operator(0, op, version, tuple(places[: len(inputs)]), tuple(places[len(inputs) :]), options)
    graph = Subgraph("main", tuple(tensors), (operator,), (), ())
    return op_views(graph, lambda tensor: np.asarray(values[tensor.index]))[0]


X, IMAGE, FLOAT = t(1, 8), t(1, 4, 4, 8), t(1, 8, dtype="float32", scale=None)
KERNEL = t(8, 3, 3, 8, value=np.zeros((8, 3, 3, 8), np.int8))
PER_CHANNEL = t(2, 8, scale=(0.1, 0.2), value=np.zeros((2, 8), np.int8))
SCALAR = t(scale=None, dtype="int32")

# rule, parameters, kept, broken, a part of the message
CASES: list[tuple[str, Mapping[str, Any], OpView, OpView, str]] = [
    ("tensor_types", {"of": "activations", "types": ["int8"]}, view([X, ints(1)], [X]), view([FLOAT], [X]), "float32"),
    ("type_pairs", {"pairs": [["int8", "uint8"]]}, view([X], [t(8, dtype="uint8")]), view([FLOAT], [X]), "float32 to int8"),
    ("same_types", {"of": ["operands", "outputs"]}, view([X, X], [X]), view([X, FLOAT], [X]), "float32, int8"),
    ("no_hybrid_weights", {"weights": 1}, view([X, KERNEL], [X]), view([FLOAT, KERNEL], [FLOAT]), "dynamic-range"),
    ("even_four_bit_inputs", {"weights": 1}, view([X, t(4, 8, dtype="int4")], [X]), view([X, t(4, 7, dtype="int4")], [X]), "have 7 inputs"),
    ("even_four_bit_inputs", {"weights": 1}, view([X, t(4, 7)], [X]), view([X, t(4, 1, dtype="int4")], [X]), "have 1 inputs"),
    ("weight_types", {"weights": 1, "pairs": [["int8", "int8"], ["float32", "int8"]]}, view([FLOAT, KERNEL], [FLOAT]), view([X, FLOAT], [X]), "Weights are float32 for an input of type int8; weights that can be used, by input: int8 for int8, int8 for float32"),
    ("rank", {"of": "input0", "maximum": 4}, view([IMAGE], [X]), view([t(1, 1, 1, 1, 1)], [X]), "has 5 dimensions; 0 to 4"),
    ("rank_one_of", {"of": "input0", "ranks": [2, 4]}, view([IMAGE], [X]), view([t(1, 2, 3)], [X]), "only 2, 4"),
    ("innermost_dimensions", {"of": "activations", "count": 3}, view([IMAGE], [X]), view([t(2, 4, 4, 8)], [X]), "(2, 4, 4, 8)"),
    ("effectively_1d", {"of": "output0"}, view([X], [t(1, 1, 8)]), view([X], [t(2, 8)]), "(2, 8)"),
    ("no_empty_dimension", {"of": "activations"}, view([X], [X]), view([t(0, 8)], [X]), "size 0"),
    ("max_elements", {"of": "output0", "maximum": 8}, view([X], [X]), view([X], [t(1, 9)]), "has 9 elements; at most 8"),
    ("spatial_size_above_one", {}, view([IMAGE], [IMAGE]), view([t(1, 1, 1, 8)], [IMAGE]), "1x1"),
    ("square_image", {"of": "output0"}, view([X], [IMAGE]), view([X], [t(1, 4, 5, 8)]), "height and width"),
    ("same_shape", {"of": ["operands"]}, view([X, X], [X]), view([X, t(8)], [X]), "(1, 8), (8,)"),
    ("same_shape", {"of": ["operands"], "leading": True}, view([t(2, 3, 4), t(2, 4, 5)], [X]), view([t(2, 3, 4), t(1, 4, 5)], [X]), "broadcasting"),
    ("static_shape", {"of": "activations"}, view([X], [X]), view([t(1, 8, signature=(-1, 8))], [X]), "(-1, 8)"),
    ("operand_count", {"allow": [2, 3]}, view([X, X], [X]), view([X], [X]), "has 1 inputs; only 2, 3"),
    ("result_count", {"allow": [2]}, view([X], [X, X]), view([X], [X]), "has 1 outputs"),
    ("operand_present", {"place": 2, "role": "bias"}, view([X, KERNEL, ints(0)], [X]), view([X, KERNEL, None], [X]), "no bias (input 2)"),
    ("constant_operand", {"place": 1, "role": "filter"}, view([X, KERNEL], [X]), view([X, X], [X]), "The filter (input 1)"),
    ("scalar_operand_constant", {}, view([X, ints(1)], [X]), view([X, SCALAR], [X]), "is a scalar"),
    ("ungrouped_convolution", {}, view([IMAGE, KERNEL], [X]), view([IMAGE, t(8, 3, 3, 4)], [X]), "8 input channels, filters over 4"),
    ("refused", {"because": "it is new", }, None, view([X], [X]), "it is new"),
    ("op_version", {"maximum": 2}, view([X], [X], version=2), view([X], [X], version=3), "version 3; versions up to 2"),
    ("op_version_not", {"version": 8}, view([X], [X], version=9), view([X], [X], version=8), "version 8"),
    ("fused_activation", {"allow": ["NONE"]}, view([X], [X]), view([X], [X], fused_activation_function="TANH"), "TANH; only NONE"),
    ("option_one_of", {"option": "beta", "allow": [1.0]}, view([X], [X], beta=1.0), view([X], [X], beta=2.0), "beta is 2.0"),
    ("option_at_least", {"option": "block_size", "minimum": 2}, view([X], [X], block_size=2), view([X], [X], block_size=1), "at least 2"),
    ("option_not_zero", {"option": "alpha"}, view([X], [X], alpha=-1e-30), view([X], [X], alpha=1e-39), "alpha is 1e-39"),
    ("option_given", {"option": "squeeze_dims"}, view([X], [X], squeeze_dims=(1,)), view([X], [X], squeeze_dims=()), "squeeze_dims is empty"),
    ("equal_options", {"options": ["a", "b"]}, view([X], [X], a=1, b=1), view([X], [X], a=1, b=2), "a, b are 1, 2"),
    ("constant_values", {"place": 1, "role": "strides", "allow": [1]}, view([X, ints(1, 1)], [X]), view([X, ints(1, 2)], [X]), "holds 1, 2"),
    ("constant_values", {"place": 1, "role": "axes", "allow": [1, 2], "whole": True}, view([X, ints(2, 1)], [X]), view([X, ints(1)], [X]), "all of 1, 2"),
    ("constant_at_least", {"place": 1, "role": "padding", "minimum": 0}, view([X, ints(0, 1)], [X]), view([X, ints(-1)], [X]), "holds -1"),
    ("constant_only_as_zeros", {}, view([X, t(8, zero=3, value=np.full(8, 3, np.int8))], [X]), view([X, t(8, value=np.ones(8, np.int8))], [X]), "not all zeros"),
    ("constant_only_as_zeros", {}, view([X, X, X], [X]), view([X, X, t(8, value=np.zeros(8, np.int8))], [X]), "more than one other"),
    ("axis_not_batch", {"of": "input0"}, view([IMAGE], [X], axis=-1), view([IMAGE], [X], axis=-4), "axis 0"),
    ("axis_not_batch", {"of": "input0", "place": 1}, view([IMAGE, ints(1, 2)], [X]), view([IMAGE, ints(0, 1)], [X]), "axis 0"),
    ("axis_not_last", {"of": "output0"}, view([X], [IMAGE], axis=2), view([X], [IMAGE], axis=-1), "axis 3"),
    ("no_batch_padding", {"place": 1}, view([IMAGE, ints(0, 0, 1, 1)], [IMAGE]), view([IMAGE, ints(1, 0, 1, 1)], [IMAGE]), "(1, 0)"),
    ("depth_reduction_multiple", {"place": 1, "multiple": 4}, view([IMAGE, ints(3)], [X]), view([t(1, 4, 4, 6), ints(-1)], [X]), "reduces 6 channels"),
    ("window_area", {"maximum": 16}, view([X], [X], filter_height=4, filter_width=4), view([X], [X], filter_height=4, filter_width=5), "4x5"),
    ("stride_within_window", {}, view([X], [X], filter_height=2, filter_width=3, stride_h=2, stride_w=3), view([X], [X], filter_height=2, filter_width=3, stride_h=3, stride_w=1), "2x3 window with stride (3, 1)"),
    ("stride_within_kernel", {}, view([ints(1), KERNEL, IMAGE], [IMAGE], stride_h=3, stride_w=3, padding=0), view([ints(1), KERNEL, IMAGE], [IMAGE], stride_h=3, stride_w=4, padding=0), "3x3 with stride (3, 4)"),
    ("stride_within_kernel", {}, view([ints(1), KERNEL, IMAGE], [IMAGE], stride_h=4, stride_w=4, padding=1), view([ints(1), KERNEL, IMAGE], [IMAGE], stride_h=4, stride_w=1, padding=0), "3x3 with stride (4, 1)"),
    ("one_for_each_dimension", {"place": 1, "role": "strides"}, view([X, ints(1, 1)], [X]), view([IMAGE, ints(1, 1)], [X]), "names 2 dimensions of 4"),
    ("transposed_size", {}, view([ints(1, 8, 7, 8), KERNEL, IMAGE], [IMAGE], stride_h=2, stride_w=2, padding=0), view([ints(1, 9, 8, 8), KERNEL, IMAGE], [IMAGE], stride_h=2, stride_w=2, padding=0), "makes 9x8 of 4x4; with SAME padding and stride 2x2 that has to come from 5x4"),
    ("transposed_size", {}, view([ints(1, 9, 9, 8), KERNEL, IMAGE], [IMAGE], stride_h=2, stride_w=2, padding=1), view([ints(1, 4, 5, 8), KERNEL, IMAGE], [IMAGE], padding=0), "come from 4x5"),
    ("constant_includes", {"place": 1, "role": "list of axes", "value": 2}, view([IMAGE, ints(1, 2)], [X]), view([IMAGE, ints(1)], [X]), "holds 1; 2 has to be"),
    ("end_within_shape", {"place": 1}, view([X, ints(1, 9)], [X], end_mask=2), view([X, ints(1, 9)], [X], end_mask=1), "up to 1, 9 of a tensor of shape (1, 8)"),
    ("block_divides_image", {}, view([IMAGE], [X], block_size=2), view([t(1, 4, 5, 8)], [X], block_size=2), "(1, 4, 5, 8)"),
    ("positive_scale", {"of": "activations"}, view([X], [FLOAT]), view([t(8, scale=None)], [X]), "no scale above zero"),
    ("per_tensor", {"of": "input1"}, view([X, KERNEL], [X]), view([X, PER_CHANNEL], [X]), "2 scales"),
    ("first_axis", {"of": "input0", "types": ["int8"]}, view([t(2, 8, dtype="uint8", axis=1)], [X]), view([t(2, 8, axis=1)], [X]), "names dimension 1"),
    ("first_axis", {"of": "input1", "types": ["int8"]}, view([X, t(2, 8, scale=(0.1, 0.2), axis=1)], [X]), view([X, t(2, 8, axis=-1)], [X]), "names dimension -1"),
    ("quantized_axis", {"of": "input1", "axis": 0}, view([X, PER_CHANNEL], [X]), view([X, t(2, 8, scale=(0.1, 0.2), axis=1)], [X]), "dimension 1; dimension 0"),
    ("zero_point", {"of": "input0", "value": 0, "types": ["int8"]}, view([X], [X]), view([t(8, zero=3)], [X]), "zero point 3"),
    ("same_quantization", {"of": ["operands", "outputs"]}, view([X, X], [X]), view([X, t(8, scale=0.25)], [X]), "0.25 at 0, 0.5 at 0"),
    ("product_axis", {}, view([X, t(5, 2, scale=(0.1, 0.2), axis=1)], [X]), view([X, t(5, 2, scale=(0.1, 0.2), axis=1)], [X], adj_y=True), "along dimension 1; dimension 0"),
    ("zero_point", {"of": "input1", "value": 0, "types": ["int8"], "per_channel": False}, view([X, t(2, 8, scale=(0.1, 0.2), zero=3)], [X]), view([X, t(8, zero=3)], [X]), "zero point 3"),
    ("same_quantization_to_load", {"of": ["input0", "outputs"]}, view([X, t(8, scale=0.25)], [X]), view([X], [t(8, zero=3)]), "(0.5 at 0, 0.5 at 3): the delegate accepts it, fails"),
    ("zero_point_to_load", {"of": "input1", "value": 0, "types": ["int8"], "per_channel": True}, view([X, t(8, zero=3)], [X]), view([X, t(2, 8, scale=(0.1, 0.2), zero=3)], [X]), "zero point 3, not 0"),
    ("zero_point_to_load", {"of": "input1", "value": 0, "types": ["int8"]}, view([X, X], [X]), view([X, t(8, zero=3)], [X]), "zero point 3, not 0: the delegate accepts it, fails"),
    ("product_below_output_scale", {}, view([X, X], [X]), view([X, X], [t(8, scale=0.25)]), "0.25, not below the output scale 0.25"),
    ("scale_ratio", {"minimum": 0.25, "below": 2}, view([X], [X]), view([X], [t(8, scale=0.25)]), "is 2; it has to lie in [0.25, 2)"),
    ("scale_product_ratio", {"minimum": 0.25, "below": 1}, view([X, X], [X]), view([X, X], [t(8, scale=0.125)]), "is 2"),
    ("slope_scale_ratio", {"smallest": 0.01, "lowest": -2, "highest": 2}, view([X], [X], alpha=0.1), view([X], [X], alpha=0.001), "is 0.001"),
    ("custom_op", {"known": ["CUSTOM:Known"]}, view([X], [X], op="CUSTOM:Known"), view([X], [X], op="CUSTOM:Detect"), "custom operator Detect"),
    ("transposed_result", {}, view([X, KERNEL, IMAGE], [t(1, 8, 8, 8)], stride_h=2, stride_w=2, padding=0), view([X, KERNEL, IMAGE], [t(1, 7, 8, 8)], stride_h=2, stride_w=2, padding=0), "makes 7x8 of 4x4; with this padding and stride 2x2 it has to make 8x8"),
    ("transposed_result", {}, view([X, KERNEL, IMAGE], [t(1, 9, 9, 8)], stride_h=2, stride_w=2, padding=1), view([X, KERNEL, IMAGE], [t(1, 8, 8, 8)], stride_h=2, stride_w=2, padding=1), "has to make 9x9"),
    ("unsupported_op", {"known": ["ADD"]}, view([X], [X], op="ADD"), view([X], [X], op="GATHER"), "GATHER"),
    ("runtime_version", {"versions": {"ADD": 2}, "runtime": "R 1"}, view([X], [X], op="ADD", version=2), view([X], [X], op="ADD", version=3), "ADD version 3 cannot be loaded by R 1, which knows versions up to 2"),
    ("runtime_version", {"versions": {"ADD": 2}, "runtime": "R 1"}, view([X], [X], op="CUSTOM:x"), view([X], [X], op="SIGN"), "no version of it"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "parameters", "kept", "broken", "part"), CASES, ids=lambda case: case if isinstance(case, str) else ""
)
def test_rule(rule, parameters, kept, broken, part):
    use = RuleUse(rule, parameters, SOURCE)
    finding = use.finding(broken, "warning")
    assert finding is not None
    assert part in finding.message
    assert finding.rule == rule
    assert finding.fix.endswith(".")
    assert "{" not in finding.message + finding.fix
    assert finding.source == "a page, https://example.org"
    if kept is not None:
        assert use.finding(kept, "warning") is None


def test_a_delegate_cannot_fail_on_what_it_refuses():
    other_scale = t(8, scale=0.25)
    fails = RuleUse("same_quantization_to_load", {"of": ["operands", "outputs"]}, SOURCE, severity="error")
    refuses = RuleUse("result_count", {"allow": [2]}, SOURCE)
    found = [finding for use in (fails, refuses) if (finding := use.finding(view([X], [other_scale]), "info"))]
    assert [finding.rule for finding in reached(found)] == ["result_count"]
    assert [finding.rule for finding in reached(found[:1])] == ["same_quantization_to_load"]


# Rules that only the profiles of GPU, microcontrollers and Ethos-U use have their cases in test_gpu_micro_ethos.py.
HERE = sorted(RULES.keys() - {rule.__name__ for rule in (*geometry_rules.RULES, *operand_rules.RULES)})


def test_every_rule_has_a_case():
    assert {case[0] for case in CASES} == set(HERE)


@pytest.mark.parametrize("name", HERE)
def test_every_rule_can_look_at_an_operator_without_tensors_or_options(name):
    bare = view([], [])
    parameters = next(case[1] for case in CASES if case[0] == name)
    facts = RULES[name](bare, **parameters)
    assert facts is None or explain(RULES[name], {**parameters, **facts, "minimum": 0})


@pytest.mark.parametrize("name", sorted(RULES))
def test_every_rule_tells_what_is_wrong_and_what_to_do(name):
    document = RULES[name].__doc__
    assert document is not None
    message, _, fix = document.partition("\n\n    Fix: ")
    assert message.strip().endswith((".", "...")), "a message is a sentence"
    assert fix.strip().endswith(".")


def test_a_constant_that_is_unpacked_before_the_first_run_counts_as_constant():
    tensors = (
        Tensor(0, "half", (8,), (8,), "float16", 0, True, False, None),
        Tensor(1, "single", (8,), (8,), "float32", 0, False, False, None),
        Tensor(2, "x", (8,), (8,), "float32", 0, False, False, None),
    )
    operators = (Operator(0, "DEQUANTIZE", 1, (0,), (1,)), Operator(1, "ADD", 1, (2, 1), (2,)))
    add = op_views(Subgraph("main", tensors, operators, (), ()), lambda tensor: np.zeros(8))[1]
    assert RULES["constant_operand"](add, place=1, role="filter") is None
    assert RULES["constant_operand"](add, place=0, role="input") == {}


def test_a_rule_for_one_type_leaves_other_types_alone():
    use = RuleUse("refused", {"because": "no"}, SOURCE, when_types=("uint8",))
    assert use.finding(view([X], [X]), "warning") is None
    assert use.finding(view([t(8, dtype="uint8")], [X]), "warning") is not None


def test_a_profile_can_set_severity_and_advice_and_doubt_a_fact():
    use = RuleUse("refused", {"because": "no"}, SOURCE, confirmed=False, severity="error", fix="Wait.")
    finding = use.finding(view([X], [X]), "info")
    assert finding is not None
    assert (finding.severity, finding.fix) == ("error", "Wait.")
    assert finding.source.endswith("(recalled, not confirmed)")


def test_long_names_are_cut():
    long = view([t(8, name="a;" * 200)], [X]).operands[0]
    assert long is not None
    assert len(short_name(long)) <= 48


def test_long_lists_are_cut():
    crowded = view([t(size, 8) for size in range(1, 2000)], [X])
    finding = RuleUse("same_shape", {"of": ["operands"]}, SOURCE).finding(crowded, "info")
    assert finding is not None
    assert len(finding.message) < 500 and "(1, 8), (10, 8), " in finding.message and "...)" in finding.message


@pytest.mark.parametrize(
    ("rule", "parameters", "part"),
    [
        ("no_such_rule", {}, "no rule"),
        ("rank", {"of": "input0"}, "needs the parameter 'maximum'"),
        ("rank", {"of": "input0", "maximum": 4, "max": 5}, "no parameter 'max'"),
    ],
)
def test_a_wrong_use_of_a_rule_is_refused(rule, parameters, part):
    with pytest.raises(ValueError, match=part):
        RuleUse(rule, parameters, SOURCE)


def test_an_unreadable_constant_is_an_error_about_the_model():
    def damaged(tensor):
        raise ModelError(f"tensor {tensor.name} has too few bytes")

    whole = view([X, ints(1)], [X])
    broken = OpView(whole.operator, whole.operands, whole.results, whole.static, Constants(damaged))
    with pytest.raises(ModelError, match="too few bytes"):
        RULES["constant_values"](broken, place=1, role="strides", allow=[1])


def test_only_known_groups_of_tensors_can_be_named():
    with pytest.raises(ValueError, match="names no tensors"):
        view([X], [X]).tensors("weights")
