"""Asks the installed runtime that a setting of arm_cpu names which operators XNNPACK takes."""

from __future__ import annotations

import platform

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ModelError, TargetError
from litesmith.targets import runtimes
from litesmith.targets.observed import observed_report, refused_report
from litesmith.targets.observed_xnnpack import observe_xnnpack
from litesmith.targets.profile import TargetProfile
from litesmith.targets.report import CPU, UNKNOWN, Finding, TargetReport
from litesmith.targets.runtimes import Runtime

UNSAID = "XNNPACK leaves it to the runtime's own kernel and gives no reason"
TRACELESS = "nobody reads its results, so the runtime does not tell where it runs"
ARM = frozenset({"aarch64", "arm64", "armv7l", "armv8l"})


def runtime_of(profile: TargetProfile) -> Runtime:
    """The installed runtime that the profile's setting names; its version may be another one.

    Raises:
        TargetError: the profile is not about a runtime.
        DeviceError: the runtime is not installed.
    """
    name, _, _ = profile.setting.rpartition("-")
    if profile.accelerator != "xnnpack" or name not in runtimes.RUNTIMES:
        raise TargetError(f"{profile.label} names no runtime that can be asked; choose a setting of arm_cpu")
    return runtimes.get(name)


def observe_runtime(model: TFLiteModel, profile: TargetProfile, predicted: TargetReport) -> TargetReport:
    """Let the runtime of the profile's setting prepare `model` in a child process; the model is not run.

    Where the runtime has another version than the setting, or this processor is no Arm, a finding says so. A model
    that the runtime does not load, or that crashes it, is an observation too.

    Args:
        model: a parsed file.
        profile: arm_cpu at one of its settings.
        predicted: what `check` said of the two.

    Raises:
        TargetError: the profile is not about a runtime.
        DeviceError: the runtime is not installed or cannot be loaded.
        DeviceTimeout: the child did not finish in time.
    """
    runtime = runtime_of(profile)
    told = f"{runtime} on {platform.machine()}"
    doubts = (*_other_version(profile, runtime), *_other_processor(platform.machine(), told))
    try:
        seen = observe_xnnpack(model.content, runtime=runtime.name)
    except ModelError as error:
        return refused_report(predicted, profile, str(error), observed_in=told, findings=doubts)
    said = {CPU: UNSAID, UNKNOWN: TRACELESS}
    reasons = {place: said[where] for place, where in enumerate(seen.placements) if where in said}
    return observed_report(
        predicted, profile, seen.placements,
        observed_in=told, segments=seen.segments, reasons=reasons, findings=doubts,
    )  # fmt: skip


def _other_version(profile: TargetProfile, runtime: Runtime) -> tuple[Finding, ...]:
    _, _, wanted = profile.setting.rpartition("-")
    if f"{runtime.version}.".startswith(f"{wanted}."):
        return ()
    message = f"The setting is about {profile.setting}, but {runtime} is installed and was asked."
    fix = f"Install version {wanted} of it, or choose the setting of the version that the app has."
    return (Finding("other_version", None, "warning", message, fix, f"observed in {runtime}"),)


def _other_processor(machine: str, told: str) -> tuple[Finding, ...]:
    if machine.lower() in ARM:
        return ()
    message = f"Observed on {machine}; on an Arm processor XNNPACK may decide otherwise."
    fix = "Ask on the Arm device where it matters: `litesmith check --observe` there."
    return (Finding("other_processor", None, "info", message, fix, f"observed in {told}"),)
