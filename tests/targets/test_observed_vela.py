"""What Vela does with a file, beside what the profile predicts."""

import pytest

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DeviceError, DeviceTimeout, ModelError, TargetError
from litesmith.targets import observed_vela
from litesmith.targets.observed_vela import observe_with_vela, vela_version

INSTALLED = pytest.mark.skipif(vela_version() is None, reason="ethos-u-vela is not installed: pip install '.[ethos-u]'")
TARGETS = ("ethos_u55", "ethos_u65", "ethos_u85")
GOLDEN = (
    "dynamic_batch_float", "dynamic_range", "float16", "float32_residual", "gather_nd_int8", "int16x8",
    "int16x8_float_io", "int8", "int8_dense_only", "int8_float_io", "int8_residual", "int8_uint8_io",
    "mixed_float_island", "two_inputs_int8",
)  # fmt: skip


@INSTALLED
@pytest.mark.parametrize("name", GOLDEN)
def test_the_prediction_is_what_vela_does(golden, name):
    model = TFLiteModel.from_file(golden / f"{name}.tflite")
    for target in TARGETS:
        report = observe_with_vela(model, target).report
        assert report.differences == ()
        assert report.basis == "observed"
        assert [op.op for op in report.ops] == [operator.op for operator in model.main.operators]


@INSTALLED
@pytest.mark.parametrize("name", ["ic_resnet8_int8", "kws_dscnn_int8"])
def test_the_prediction_is_what_vela_does_with_models_of_others(real_data, name):
    model = TFLiteModel.from_file(real_data / "mlperf_tiny" / f"{name}.tflite")
    for target in TARGETS:
        observation = observe_with_vela(model, target)
        assert observation.report.differences == ()
        assert observation.report.mapped == observation.report.total
        assert observation.estimate.macs > 1_000_000


@INSTALLED
def test_an_operator_that_stays_is_told_with_its_reason_and_divides_the_model(golden):
    report = observe_with_vela(TFLiteModel.from_file(golden / "gather_nd_int8.tflite"), "ethos_u55@128").report
    (left,) = [op for op in report.ops if op.placement == "cpu"]
    assert (left.op, left.rule, left.reason) == ("GATHER_ND", None, "Unsupported opType")
    assert (report.segments, report.observed_in) == (2, f"Vela {vela_version()} for ethos-u55-128")


@INSTALLED
def test_the_estimate_depends_on_the_number_of_multipliers(golden):
    model = TFLiteModel.from_file(golden / "int8.tflite")
    observation = observe_with_vela(model, "ethos_u55")
    assert observation.report.estimate == observation.estimate
    assert observation.report.to_dict()["estimate"]["basis"] == "estimated by the compiler, not measured"
    small, large = (observe_with_vela(model, f"ethos_u55@{count}").estimate for count in (32, 256))
    assert small.accelerator_config == "ethos-u55-32"
    assert small.cycles > large.cycles > 0
    assert small.sram_bytes >= max(tensor.bytes for tensor in model.main.tensors if not tensor.is_constant)
    assert small.flash_bytes > 0
    assert small.to_dict()["vela_version"] == vela_version()


@INSTALLED
def test_a_file_that_vela_stops_at_is_named_with_velas_word(crashing_model):
    with pytest.raises(ModelError, match="Vela could not compile it for ethos-u55-128") as caught:
        observe_with_vela(TFLiteModel(crashing_model, "loop.tflite"), "ethos_u55")
    assert "loop.tflite" in str(caught.value)


@INSTALLED
def test_a_compiler_that_takes_too_long_is_ended(golden):
    with pytest.raises(DeviceTimeout, match=r"within 0\.01 s"):
        observe_with_vela(TFLiteModel.from_file(golden / "int8.tflite"), "ethos_u55", timeout_s=0.01)


def test_another_target_is_refused(golden):
    with pytest.raises(TargetError, match="Vela compiles for Ethos-U only"):
        observe_with_vela(TFLiteModel.from_file(golden / "int8.tflite"), "edge_tpu")


def test_without_vela_the_error_says_how_to_get_it(golden, monkeypatch):
    monkeypatch.setattr(observed_vela, "PACKAGE", "ethos-u-vela-of-another-name")
    with pytest.raises(DeviceError, match=r"litesmith\[ethos-u\]"):
        observe_with_vela(TFLiteModel.from_file(golden / "int8.tflite"), "ethos_u55")
