# ruff: noqa: E501 (one case a line keeps the table readable)
"""The GPU, microcontroller and Ethos-U profiles on real models, and the rules that only they use."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from litesmith.converters.graph import Operator, Quantization, Subgraph, Tensor
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets import geometry_rules, operand_rules
from litesmith.targets.check import check
from litesmith.targets.op_view import OpView, op_views
from litesmith.targets.profile import TargetProfile
from litesmith.targets.rules import RuleUse, Source
from tests.targets import op_files

SOURCE = Source("a page", "https://example.org")
ETHOS = ("ethos_u55", "ethos_u65", "ethos_u85")


Given = tuple[Tensor, Any]  # a tensor and its value, None where it is computed


def t(*shape: int, dtype: str = "int8", scale: float | None = 0.5, value: Any = None, signature: Any = None) -> Given:
    quantization = Quantization((scale,), (0,), 0) if scale is not None else None
    return Tensor(0, "t", shape, signature or shape, dtype, 0, value is not None, False, quantization), value


def ints(*values: int) -> Given:
    return t(len(values), dtype="int32", scale=None, value=np.array(values, np.int32))


def view(inputs: list[Given | None], outputs: list[Given], op: str = "CONV_2D", **options: Any) -> OpView:
    """An operator built from the real graph dataclasses."""
    present = [given for given in (*inputs, *outputs) if given is not None]
    tensors = tuple(replace(tensor, index=place) for place, (tensor, _) in enumerate(present))
    numbers = iter(range(len(present)))
    places = [-1 if given is None else next(numbers) for given in (*inputs, *outputs)]
    operator = Operator(0, op, 1, tuple(places[: len(inputs)]), tuple(places[len(inputs) :]), options)
    graph = Subgraph("main", tensors, (operator,), (), ())
    return op_views(graph, lambda tensor: np.asarray(present[tensor.index][1]))[0]


X, IMAGE, FLAT = t(1, 8), t(1, 8, 8, 4), t(8, 4)
KERNEL = t(4, 3, 3, 4, value=np.ones((4, 3, 3, 4), np.int8))
SAME, VALID = 0, 1


def strided(stride: int, padding: int = SAME, **options: int) -> OpView:
    return view([IMAGE, KERNEL], [IMAGE], stride_h=stride, stride_w=stride, padding=padding, **options)


def window(height: int, width: int, padding: int = SAME) -> OpView:
    return view([IMAGE], [IMAGE], filter_height=height, filter_width=width, padding=padding)


def resized(height: int, width: int, **options: bool) -> OpView:
    return view([IMAGE, ints(height, width)], [t(1, height, width, 4)], **options)


def deconvolved(source: Given, kernel: Given, *strides: int) -> OpView:
    return view([ints(1, 8, 8, 4), kernel, source], [IMAGE], stride_h=strides[0], stride_w=strides[1])


def within_model(source: Given) -> OpView:
    """An operator whose first input is one of the model."""
    inner = view([source], [X])
    return replace(inner, interface=frozenset({inner.operator.inputs[0]}))


LARGE = t(1, 8192, 2, 1)
ROW, FLAT_KERNEL = t(1, 1, 8, 4), t(4, 1, 3, 4, value=np.ones((4, 1, 3, 4), np.int8))

# rule, parameters, kept, broken, a part of the message
CASES: list[tuple[str, Mapping[str, Any], OpView, OpView, str]] = [
    ("stride_at_most", {"maximum": 3}, strided(3), strided(4), "stride (4, 4); at most 3"),
    ("unpadded_stride", {"maximum": 3}, strided(4, VALID), strided(7), "more than 3"),
    ("unpadded_stride", {"maximum": 3}, strided(8), strided(4, VALID, dilation_h_factor=2), "dilated"),
    ("window_height", {"maximum": 256}, window(256, 300), window(257, 1), "257 high"),
    ("same_padding_window", {"maximum": 8}, window(9, 9, VALID), window(1, 9), "1x9"),
    ("transposed_stride", {}, deconvolved(IMAGE, KERNEL, 2, 2), deconvolved(IMAGE, KERNEL, 1, 2), "(1, 2)"),
    ("transposed_stride", {}, deconvolved(ROW, FLAT_KERNEL, 1, 2), deconvolved(ROW, FLAT_KERNEL, 2, 1), "(2, 1)"),
    ("resize_factor", {"factors": [2, 4]}, resized(32, 32), resized(24, 24), "8x8 to 24x24; both sides have to grow by the same factor, one of 2, 4"),
    ("resize_factor", {"factors": [2, 4]}, resized(15, 15, align_corners=True), resized(16, 8), "8x8 to 16x8"),
    ("resize_factor", {"factors": [2, 4], "half_pixel": [2]}, resized(16, 16, half_pixel_centers=True), resized(32, 32, half_pixel_centers=True), "one of 2"),
    ("resize_power_of_two", {}, resized(64, 16), resized(24, 24), "power of two"),
    ("resize_factor_at_most", {"maximum": 2}, resized(16, 16), resized(8, 17), "8x17"),
    ("reduced_elements", {"place": 1, "maximum": {"int8": 64}}, view([IMAGE, ints(1, 2)], [X]), view([IMAGE, ints(1, 2, 3)], [X]), "reduces 256 elements to one; for int8 the limit is 64"),
    ("reduced_axis_at_most", {"place": 1, "maximum": 4096}, view([IMAGE, ints(1)], [X]), view([LARGE, ints(1)], [X]), "size 8192"),
    ("depth_reduced_alone", {"place": 1}, view([ROW, ints(3)], [X]), view([IMAGE, ints(-1)], [X]), "(1, 8, 8, 4)"),
    ("depth_at_most", {"of": "input0", "maximum": 4}, view([IMAGE], [X]), view([X], [X]), "8 channels; at most 4"),
    ("axis_last", {"of": "input0", "place": 1}, view([IMAGE, ints(-1)], [X]), view([IMAGE, ints(1)], [X]), "axis 1 of 4"),
    ("rows_at_most", {"of": "input0", "maximum": 8}, view([FLAT], [X]), view([IMAGE], [X]), "64 rows"),
    ("steps_in_image", {"place": 3}, view([IMAGE, X, X, ints(1, 2, 2, 1)], [X]), view([IMAGE, X, X, ints(1, 1, 1, 2)], [X]), "steps of 1, 1, 1, 2"),
    ("shape_one_of", {"of": "input1", "shapes": [[4, 2]]}, view([X, t(4, 2)], [X]), view([X, t(2, 2)], [X]), "(2, 2); only (4, 2)"),
    ("quantized", {"of": ["activations"], "types": ["int8"]}, view([X], [X]), view([X], [t(8, scale=None)]), "not quantized"),
    ("with_dimensions", {"of": "activations"}, view([X, t(value=np.int8(3))], [X]), view([X], [t()]), "is a scalar"),
    ("with_dimensions", {"of": "activations"}, view([t(dtype="resource", scale=None)], [X]), view([X, t()], [X]), "is a scalar"),
    ("types_to_compile", {"of": "activations", "types": ["int64"]}, view([X, ints(1)], [X]), view([X], [t(8, dtype="int64")]), "is int64: the compiler accepts that by its tables"),
    ("interface_types", {"refused": ["bool"]}, view([t(8, dtype="bool")], [X]), within_model(t(8, dtype="bool")), "an input or output of the model of type bool"),
    ("only_batch_dynamic", {"of": "activations"}, view([t(1, 8, signature=(-1, 8))], [X]), view([t(1, 8, signature=(1, -1))], [X]), "(1, -1)"),
    ("computed_operands", {"allow": [1]}, view([X, ints(1)], [X]), view([X, X], [X]), "has 2 inputs that are computed"),
    ("at_most_operands", {"maximum": 2}, view([X, X], [X]), view([X, X, X], [X]), "has 3 inputs; at most 2"),
    ("computed_operand", {"place": 0, "role": "input"}, view([X], [X]), view([ints(1)], [X]), "The input (input 0) is a constant"),
    ("operands_absent", {"places": [1, 2], "role": "a projection"}, view([X, None, None], [X]), view([X, None, X], [X]), "a projection (input 2)"),
    ("not_both_options", {"options": ["a", "b"]}, view([X], [X], a=True, b=False), view([X], [X], a=True, b=True), "a, b are all set"),
    ("weight_sum", {"place": 1, "maximum": 36}, view([IMAGE, KERNEL], [IMAGE]), view([IMAGE, t(4, 3, 3, 4, value=np.full((4, 3, 3, 4), -2, np.int8))], [IMAGE]), "add up to 72"),
    ("weight_sum", {"place": 1, "maximum": 9}, view([IMAGE, t(1, 3, 3, 4, value=np.ones((1, 3, 3, 4), np.int8))], [IMAGE], "DEPTHWISE_CONV_2D"), view([IMAGE, KERNEL], [IMAGE]), "add up to 36"),
    ("constant_magnitude", {"place": 1, "role": "bias", "maximum": 9}, view([X, ints(-9, 9)], [X]), view([X, ints(3, -10)], [X]), "holds -10; its values can be 9"),
    ("broadcast_from_same_rank", {}, view([IMAGE, t(8, 4)], [IMAGE]), view([IMAGE, t(3, 5)], [IMAGE]), "(1, 8, 8, 4) and (3, 5)"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "parameters", "kept", "broken", "part"), CASES, ids=lambda case: case if isinstance(case, str) else ""
)
def test_rule(rule, parameters, kept, broken, part):
    use = RuleUse(rule, parameters, SOURCE)
    finding = use.finding(broken, "warning")
    assert finding is not None
    assert part in finding.message
    assert "{" not in finding.message + finding.fix
    assert use.finding(kept, "warning") is None


def test_every_rule_of_these_files_has_a_case():
    own = {rule.__name__ for rule in (*geometry_rules.RULES, *operand_rules.RULES)}
    assert {case[0] for case in CASES} == own


@pytest.mark.parametrize(("rule", "parameters"), [case[:2] for case in CASES])
def test_every_rule_can_look_at_an_operator_without_tensors_or_options(rule, parameters):
    finding = RuleUse(rule, parameters, SOURCE).finding(view([], []), "warning")
    assert finding is None or finding.message


def mapped(model: TFLiteModel, target: str) -> tuple[int, int]:
    report = check(model, target)
    return report.mapped, report.total


@pytest.mark.parametrize("target", ["gpu", "micro", *ETHOS])
@pytest.mark.parametrize("name", ["int8", "int8_residual", "int8_dense_only", "two_inputs_int8"])
def test_full_integer_models_run_whole(golden, target, name):
    placed, total = mapped(TFLiteModel.from_file(golden / f"{name}.tflite"), target)
    assert placed == total


@pytest.mark.parametrize("target", ETHOS)
def test_float_models_stay_off_an_npu(golden, target):
    report = check(TFLiteModel.from_file(golden / "float32.tflite"), target)
    assert report.mapped == 0
    assert {op.rule for op in report.ops} == {"tensor_types"}
    assert report.errors[0].rule == "nothing_mapped"


def test_the_gpu_takes_float_and_quantized_models_but_no_16_bit_integers(golden):
    assert mapped(TFLiteModel.from_file(golden / "float16.tflite"), "gpu") == (14, 14)
    assert mapped(TFLiteModel.from_file(golden / "int16x8.tflite"), "gpu")[0] == 0


def test_a_gpu_that_allows_float_models_only_refuses_8_bits(golden):
    int8 = TFLiteModel.from_file(golden / "int8.tflite")
    assert mapped(int8, "gpu@float-only")[0] == 0
    assert mapped(TFLiteModel.from_file(golden / "float32.tflite"), "gpu@float-only") == (6, 6)


def test_a_microcontroller_has_no_other_place_for_an_operator_without_a_kernel(real_data):
    path = real_data / "edgetpu_pairs" / "facemesh_edg__face_detection_front_128_full_integer_quant.tflite"
    model = TFLiteModel.from_file(path)
    known = TargetProfile.load("micro").ops
    unknown = [operator.index for operator in model.main.operators if operator.op not in known]
    errors = {finding.op_index for finding in check(model, "micro").errors if finding.rule == "runtime_version"}
    assert errors == set(unknown)


@pytest.mark.parametrize(
    ("op", "kind"), [("EXP", "ExpOptions"), ("SQRT", None), ("LOG", None), ("SIN", None), ("SQUARE", "SquareOptions")]
)
def test_kernels_of_a_microcontroller_that_compute_in_floating_point_alone(op, kind):
    real, small = (op_files.t(1, 8, dtype=dtype, scale=scale) for dtype, scale in (("float32", None), ("int8", 0.5)))
    assert check(TFLiteModel(op_files.model_of(op, [real], real, kind, {})), "micro").errors == ()
    refused = check(TFLiteModel(op_files.model_of(op, [small], small, kind, {})), "micro")
    assert "tensor_types" in {finding.rule for finding in refused.errors}


def test_what_rests_on_recalled_facts_is_counted_in_one_note():
    x = op_files.t(1, 8)
    doubted = check(TFLiteModel(op_files.model_of("LOGISTIC", [x], x, None, {})), "micro")
    (note,) = [finding for finding in doubted.findings if finding.rule == "recalled_facts"]
    assert (note.severity, note.op_index) == ("info", None)
    assert note.message.startswith("1 of the 1 operators") and "(LOGISTIC)" in note.message
    certain = check(TFLiteModel(op_files.model_of("ADD", [x, x], x, "AddOptions", {})), "micro")
    assert "recalled_facts" not in {finding.rule for finding in certain.findings}


@pytest.mark.parametrize(("rank", "placed"), [(4, 1), (5, 0)])
def test_the_gpu_takes_no_tensor_of_five_dimensions(rank, placed):
    x = op_files.t(*(1,) * (rank - 1), 8, dtype="float32", scale=None)
    assert mapped(TFLiteModel(op_files.model_of("ADD", [x, x], x, "AddOptions", {})), "gpu") == (placed, 1)


def test_a_dynamic_range_model_is_refused_by_the_microcontroller_with_an_error(golden):
    report = check(TFLiteModel.from_file(golden / "dynamic_range.tflite"), "micro")
    assert {finding.rule for finding in report.errors} == {"tensor_types", "no_hybrid_weights"}


def test_what_is_only_recalled_about_a_microcontroller_is_no_error():
    for op in TargetProfile.load("micro").ops.values():
        for use in op.rules:
            assert use.severity == ("error" if use.confirmed and use.source.confirmed else "warning")


def test_an_open_batch_does_not_keep_a_model_from_a_microcontroller(golden):
    assert mapped(TFLiteModel.from_file(golden / "dynamic_batch_float.tflite"), "micro") == (6, 6)


def test_the_u65_takes_what_the_u55_takes():
    small, large = TargetProfile.load("ethos_u55"), TargetProfile.load("ethos_u65")
    assert small.ops == large.ops
    assert (large.label, large.accelerator) == ("ethos_u65@256", "ethos_u65")
    assert set(small.ops) < set(TargetProfile.load("ethos_u85").ops)
