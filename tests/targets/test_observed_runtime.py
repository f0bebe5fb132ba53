"""The installed runtimes are asked about models, beside what the profile of arm_cpu predicts."""

import platform
from dataclasses import replace

import pytest

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DeviceError, TargetError
from litesmith.targets import runtimes
from litesmith.targets.check import check
from litesmith.targets.observed_runtime import observe_runtime, runtime_of
from litesmith.targets.profile import TargetProfile

NAMES = {runtime.name for runtime in runtimes.installed()}
SETTINGS = ["litert-2.3", "tflite-runtime-2.14"]


def observed(model, target):
    profile = TargetProfile.load(target)
    return observe_runtime(model, profile, check(model, profile))


@pytest.mark.parametrize("setting", SETTINGS)
def test_the_runtime_of_the_setting_is_asked_and_named_with_the_processor(golden, setting):
    name, _, version = setting.rpartition("-")
    if name not in NAMES:
        pytest.skip(f"{name} is not installed")
    report = observed(TFLiteModel.from_file(golden / "gather_nd_int8.tflite"), f"arm_cpu@{setting}")
    assert report.observed_in == f"{runtimes.get(name)} on {platform.machine()}"
    assert runtimes.get(name).version.startswith(version)
    assert (report.basis, report.differences) == ("observed", ())
    assert report.segments == (2 if name == "litert" else 0)
    assert all("gives no reason" in op.reason for op in report.ops if op.placement == "cpu")


@pytest.mark.parametrize(("machine", "doubted"), [("x86_64", True), ("AMD64", True), ("aarch64", False)])
def test_a_processor_that_is_no_arm_is_said(golden, monkeypatch, machine, doubted):
    monkeypatch.setattr(platform, "machine", lambda: machine)
    report = observed(TFLiteModel.from_file(golden / "int8.tflite"), "arm_cpu")
    said = [finding.message for finding in report.findings if finding.rule == "other_processor"]
    assert bool(said) == doubted
    assert all(machine in message for message in said)


@pytest.mark.parametrize(
    ("setting", "doubted"),
    [("litert-2.3", False), ("litert-2", False), ("litert-2.30", True), ("tflite-runtime-2.1", True)],
)
def test_a_runtime_of_another_version_is_said(golden, setting, doubted):
    name = setting.rpartition("-")[0]
    if name not in NAMES:
        pytest.skip(f"{name} is not installed")
    model = TFLiteModel.from_file(golden / "int8.tflite")
    profile = TargetProfile.load("arm_cpu")
    parameter = replace(profile.parameter, values=(setting,), default=setting)
    profile = replace(profile, setting=setting, parameter=parameter)
    report = observe_runtime(model, profile, check(model, profile))
    said = [finding for finding in report.findings if finding.rule == "other_version"]
    assert bool(said) == doubted
    assert all(finding.severity == "warning" and str(runtimes.get(name)) in finding.message for finding in said)


def test_a_runtime_that_is_not_installed_is_refused(monkeypatch):
    monkeypatch.setitem(runtimes.RUNTIMES, "litert", replace(runtimes.RUNTIMES["litert"], distributions=("no-such",)))
    with pytest.raises(DeviceError, match="the runtime litert is not installed"):
        runtime_of(TargetProfile.load("arm_cpu@litert-2.3"))


def test_a_target_without_a_runtime_is_refused():
    with pytest.raises(TargetError, match=r"nnapi@30 names no runtime.*choose a setting of arm_cpu"):
        runtime_of(TargetProfile.load("nnapi"))


def test_a_model_that_crashes_the_runtime_is_an_observation(crashing_model):
    report = observed(TFLiteModel(crashing_model, "loop.tflite"), "arm_cpu")
    (error,) = report.errors
    assert (error.rule, report.segments, report.mapped) == ("refused", None, 0)
    assert "was aborted by this file" in error.message
    assert error.fix.startswith("No rule predicts this")
    assert {op.placement for op in report.ops} == {"unknown"}
    assert report.differences == ()


@pytest.mark.skipif("tflite-runtime" not in NAMES, reason="needs tflite-runtime")
def test_a_refusal_that_is_predicted_points_to_the_prediction(golden):
    report = observed(TFLiteModel.from_file(golden / "dynamic_range.tflite"), "arm_cpu@tflite-runtime-2.14")
    (error,) = report.errors
    assert "FULLY_CONNECTED" in error.message
    predicted = check(TFLiteModel.from_file(golden / "dynamic_range.tflite"), "arm_cpu@tflite-runtime-2.14")
    assert error.fix == predicted.errors[0].fix
