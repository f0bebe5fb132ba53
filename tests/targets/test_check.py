"""Predictions for real models, compared with what compilers and delegates did where that is known."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import TargetUnmet, UnknownTarget
from litesmith.targets.check import check
from litesmith.targets.profile import TargetProfile

GOLDEN = Path(__file__).parents[1] / "golden"
MODELS = sorted(path.name for path in GOLDEN.glob("*.tflite"))
TARGETS = ("edge_tpu", "edge_tpu@14", "nnapi@27", "nnapi@30", "nnapi@1000008", "arm_cpu", "arm_cpu@tflite-runtime-2.14")


def load(name: str) -> TFLiteModel:
    return TFLiteModel.from_file(GOLDEN / name)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("target", TARGETS)
def test_a_report_is_whole_and_agrees_with_itself(name, target):
    model = load(name)
    report = check(model, target)
    assert [op.index for op in report.ops] == list(range(len(model.main.operators)))
    assert report.basis == "predicted"
    assert (report.segments > 0) == (report.mapped > 0)
    for op in report.ops:
        on_cpu = op.placement == "cpu"
        assert on_cpu == (op.rule is not None) == (op.reason is not None)
        assert on_cpu == any(finding.op_index == op.index for finding in report.findings)
    document = json.loads(json.dumps(report.to_dict()))
    keys = {"target", "basis", "ops", "mapped", "total", "segments", "first_break", "findings", "gains", "memory"}
    assert set(document) == keys
    assert document["mapped"] == sum(op["placement"] != "cpu" for op in document["ops"])
    assert all("{" not in finding["message"] + finding["fix"] for finding in document["findings"])


@pytest.mark.parametrize("target", ["edge_tpu", "nnapi@30", "arm_cpu"])
def test_a_full_integer_model_maps_whole(target):
    report = check(load("int8.tflite"), target)
    assert (report.mapped, report.total, report.segments, report.first_break) == (6, 6, 1, None)
    report.raise_for_errors()


def test_a_float_model_misses_the_edge_tpu_and_tells_every_reason():
    report = check(load("dynamic_batch_float.tflite"), "edge_tpu")
    assert report.mapped == 0
    assert {finding.rule for finding in report.findings if finding.op_index == 0} == {"static_shape", "tensor_types"}
    assert {finding.rule for finding in report.errors} == {"static_shape", "nothing_mapped"}
    with pytest.raises(TargetUnmet, match=r"edge_tpu@16: None of the 6 operators") as caught:
        report.raise_for_errors()
    assert caught.value.report is report


def test_float_inputs_and_outputs_stay_on_the_cpu_around_one_segment():
    report = check(load("int8_float_io.tflite"), "edge_tpu")
    assert [op.placement for op in report.ops] == ["cpu", *["edge_tpu"] * 6, "cpu"]
    assert [(report.ops[i].op, report.ops[i].rule) for i in (0, 7)] == [
        ("QUANTIZE", "type_pairs"),
        ("DEQUANTIZE", "unsupported_op"),
    ]
    assert (report.segments, report.first_break, report.errors) == (1, 0, ())


@pytest.mark.parametrize("compiler", ["14", "15", "16"])
def test_uint8_inputs_and_outputs_map_too(compiler):
    assert check(load("int8_uint8_io.tflite"), f"edge_tpu@{compiler}").mapped == 8


def test_what_follows_the_first_break_stays_on_the_cpu():
    report = check(load("gather_nd_int8.tflite"), "edge_tpu")
    gather = next(op for op in report.ops if op.op == "GATHER_ND")
    assert gather.rule == "unsupported_op"
    assert {op.rule for op in report.ops[gather.index + 1 :]} == {"one_segment"}
    assert report.first_break == gather.index
    later = next(finding for finding in report.findings if finding.rule == "one_segment")
    assert f"operator {gather.index} (GATHER_ND)" in later.message


def test_a_version_that_the_runtime_cannot_load_is_an_error():
    report = check(load("dynamic_range.tflite"), "arm_cpu@tflite-runtime-2.14")
    assert [finding.rule for finding in report.errors] == ["runtime_version"]
    assert "FULLY_CONNECTED version 12" in report.errors[0].message
    assert check(load("dynamic_range.tflite"), "arm_cpu").errors == ()


def test_the_cpu_is_met_without_any_delegate():
    report = check(load("int16x8.tflite"), "arm_cpu")
    assert (report.mapped, report.segments, report.errors) == (0, 0, ())
    assert {finding.severity for finding in report.findings} == {"info"}
    assert [finding.rule for finding in check(load("int16x8.tflite"), "nnapi").errors] == ["nothing_mapped"]


def test_a_custom_operator_is_never_placed_and_asks_to_be_registered_or_taken_out(custom_op_model):
    content = custom_op_model.replace(b"edgetpu-custom-op", b"letters-custom-op")
    for target in TARGETS:
        report = check(TFLiteModel(content), target)
        assert report.mapped == 0
        finding = next(finding for finding in report.findings if finding.rule == "custom_op")
        assert finding.severity == "warning"
        assert "Register letters-custom-op" in finding.fix
        assert "take it out of the graph" in finding.fix


def test_a_compiled_file_is_placed_as_the_compiler_left_it(custom_op_model):
    report = check(TFLiteModel(custom_op_model), "edge_tpu@15")
    assert (report.mapped, report.total, report.segments, report.errors) == (1, 1, 1, ())
    assert [finding.rule for finding in report.findings] == ["already_compiled"]
    for target in ("nnapi", "arm_cpu", "micro"):
        told = [finding for finding in check(TFLiteModel(custom_op_model), target).findings if finding.op_index is None]
        assert "compiled_for_edge_tpu" in [finding.rule for finding in told], target
    assert not {"already_compiled", "compiled_for_edge_tpu"} & {
        finding.rule for target in TARGETS for finding in check(load("int8.tflite"), target).findings
    }


def test_real_compiled_files_are_no_miss_of_the_target(real_data):
    files = sorted((real_data / "edgetpu_pairs").glob("*_edgetpu.tflite"))
    assert len(files) >= 20
    for path in files:
        model = TFLiteModel.from_file(path)
        report = check(model, "edge_tpu")
        custom = [op.index for op in model.main.operators if op.op == "CUSTOM:edgetpu-custom-op"]
        assert [op.index for op in report.ops if op.placement == "edge_tpu"] == custom
        assert (report.segments, report.errors) == (len(custom), ())
        assert len(report.findings) == 1 + report.total - report.mapped


def test_a_float_model_is_told_in_one_line():
    for name in ("float32", "float16", "dynamic_range", "dynamic_batch_float"):
        report = check(load(f"{name}.tflite"), "edge_tpu")
        (line,) = [finding for finding in report.findings if finding.rule == "float_model"]
        assert line.fix.startswith("Quantize the model to full integer")
        assert "compute in float32" in line.message
    quiet = [("int8", "edge_tpu"), ("int8_float_io", "edge_tpu"), ("int16x8", "nnapi"), ("dynamic_range", "micro")]
    quiet += [("mixed_float_island", "edge_tpu")]  # a few float operators only
    quiet += [("float32", target) for target in ("nnapi", "gpu", "arm_cpu", "micro")]
    for name, target in quiet:
        assert "float_model" not in {finding.rule for finding in check(load(f"{name}.tflite"), target).findings}
    assert "float_model" in {finding.rule for finding in check(load("float32.tflite"), "ethos_u85").findings}
    assert "the weights are float16" in str(check(load("float16.tflite"), "ethos_u55").findings)


def test_nnapi_says_that_it_is_deprecated():
    notes = [finding for finding in check(load("int8.tflite"), "nnapi").findings if finding.op_index is None]
    assert any("deprecated since Android 15" in note.message for note in notes)
    assert {note.severity for note in notes} == {"info"}


def test_constants_that_are_unpacked_go_with_the_operators_that_need_them():
    assert check(load("float16.tflite"), "arm_cpu").mapped == 14
    report = check(load("float16.tflite"), "edge_tpu")
    assert {op.rule for op in report.ops if op.op == "DEQUANTIZE"} >= {"unsupported_op"}


def test_weights_that_are_unpacked_are_no_activations():
    rules = {finding.rule for finding in check(load("float16.tflite"), "edge_tpu").findings}
    assert "innermost_dimensions" not in rules
    assert {"unsupported_op", "tensor_types", "nothing_mapped"} <= rules


def without(target: str, *ops: str, **changes: Any) -> TargetProfile:
    """A bundled profile that does not take some operators."""
    profile = TargetProfile.load(target)
    return replace(profile, ops={op: rules for op, rules in profile.ops.items() if op not in ops}, **changes)


def test_constants_are_unpacked_on_the_cpu_for_operators_that_stay_there():
    report = check(load("float16.tflite"), without("arm_cpu", "CONV_2D"))
    stay = [op for op in report.ops if op.rule == "unpacked_for_cpu"]
    convolutions = [op for op in report.ops if op.op == "CONV_2D"]
    assert [op.op for op in stay] == ["DEQUANTIZE"] * 2 * len(convolutions)
    assert {op.rule for op in convolutions} == {"unsupported_op"}
    assert "(CONV_2D) needs on the CPU" in (stay[0].reason or "")
    assert report.mapped == report.total - 3 * len(convolutions)


@pytest.mark.parametrize(("limit", "segments", "mapped"), [(0, 2, 5), (1, 1, 3), (2, 2, 5)])
def test_only_the_largest_segments_are_kept_within_the_limit(limit, segments, mapped):
    profile = without("nnapi", "MAX_POOL_2D", max_segments=limit)
    report = check(load("int8.tflite"), profile)
    assert (report.segments, report.mapped) == (segments, mapped)
    limited = [op for op in report.ops if op.rule == "segment_limit"]
    assert len(limited) == 5 - mapped


def test_a_profile_may_be_passed_instead_of_a_name():
    profile = TargetProfile.load("nnapi@29")
    assert check(load("int8.tflite"), profile) == check(load("int8.tflite"), "nnapi@29")
    with pytest.raises(UnknownTarget):
        check(load("int8.tflite"), "nnapj")


def test_the_edge_tpu_prediction_agrees_with_the_compiler(real_data):
    folder = real_data / "edgetpu_pairs"
    right = total = 0
    for pair in json.loads((folder / "placement.json").read_text()):
        report = check(TFLiteModel.from_file(folder / pair["model"]), "edge_tpu")
        agree = [
            (op.placement == "edge_tpu") == (where == "tpu")
            for op, (_, where) in zip(report.ops, pair["placement"], strict=True)
        ]
        right, total = right + sum(agree), total + len(agree)
    assert total == 848
    assert right / total >= 0.98
