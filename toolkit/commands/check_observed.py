"""What `litesmith check` can observe: a compiled file or its log, the installed runtime, or Arm's compiler."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from litesmith.errors import ModelError, TargetError

if TYPE_CHECKING:
    from litesmith.converters.tflite_model import TFLiteModel
    from litesmith.targets.profile import TargetProfile
    from litesmith.targets.report import TargetReport

EDGE_TPU, XNNPACK = "edge_tpu", "xnnpack"
PHONE = "Load the file with this delegate on the phones that matter: the runtime logs how much of it is delegated."
# Why `--observe` has nobody to ask about a target, and what would tell, by accelerator.
UNASKED = {
    EDGE_TPU: (
        "edgetpu_compiler is not run from here.",
        "Compile the file with it, and give what it wrote (--compiled) or said (--compiler-log).",
    ),
    "nnapi": ("the driver on the phone decides, and no phone is asked.", PHONE),
    "gpu": ("the delegate on the phone decides, and no phone is asked.", PHONE),
    "micro": (
        "the kernels are those of the firmware, and no board is asked.",
        "Build the firmware: what has no kernel is refused when the model is loaded (AllocateTensors).",
    ),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that bring observations."""
    parser.add_argument(
        "--compiled",
        type=Path,
        metavar="X_edgetpu.tflite",
        help="what edgetpu_compiler made of the file: where its operators really are",
    )
    parser.add_argument(
        "--compiler-log",
        type=Path,
        metavar="FILE",
        help="what edgetpu_compiler said (with -s): how many operators of each kind it placed, and why not the others",
    )
    parser.add_argument(
        "--observe",
        action="store_true",
        help="ask what is installed here too: for arm_cpu the runtime of its setting, which loads the file in a child "
        "process, and for ethos_u55, ethos_u65 and ethos_u85 Arm's compiler Vela; the model is not run",
    )


def refuse_stray(args: argparse.Namespace, profiles: Sequence[TargetProfile]) -> None:
    """Refuse observations that fit none of the targets, before any model is read.

    Raises:
        TargetError: nothing can be observed about any target, or a file is about another target or several models.
        DeviceError: a setting of arm_cpu is about a runtime that is not installed.
    """
    if args.compiled is not None or args.compiler_log is not None:
        _refuse_stray_files(args, profiles)
    if not args.observe:
        return
    if all(_is_unasked(profile, args) for profile in profiles):
        told = " ".join(f"{profile.label}: {' '.join(UNASKED[profile.accelerator])}" for profile in profiles)
        raise TargetError(f"--observe: nothing here can be asked; add arm_cpu or ethos_u55, or leave it out. {told}")
    from litesmith.targets.observed_runtime import runtime_of

    for profile in profiles:
        if profile.accelerator == XNNPACK:
            runtime_of(profile)


def with_observed(
    model: TFLiteModel, profile: TargetProfile, predicted: TargetReport, args: argparse.Namespace
) -> tuple[TargetReport, ...]:
    """The prediction, and the observed report behind it where something tells.

    Raises:
        ModelError: the compiled file or the log does not belong to the model.
        DeviceError: what has to be asked is not installed.
        DeviceTimeout: it did not answer in time.
    """
    if profile.accelerator == EDGE_TPU and (args.compiled is not None or args.compiler_log is not None):
        return predicted, _from_files(model, profile, predicted, args)
    if not args.observe:
        return (predicted,)
    if profile.accelerator in UNASKED:
        return (_with_unasked(predicted),)
    if profile.accelerator == XNNPACK:
        from litesmith.targets.observed_runtime import observe_runtime

        return predicted, observe_runtime(model, profile, predicted)
    return predicted, _from_vela(model, profile, predicted)


def _refuse_stray_files(args: argparse.Namespace, profiles: Sequence[TargetProfile]) -> None:
    given = "--compiled" if args.compiled is not None else "--compiler-log"
    if len(args.models) > 1:
        raise TargetError(f"{given} belongs to one model, but {len(args.models)} are given; check them one by one")
    if not any(profile.accelerator == EDGE_TPU for profile in profiles):
        raise TargetError(f"{given} is about the Edge TPU, which is none of the targets; add --target edge_tpu")


def _is_unasked(profile: TargetProfile, args: argparse.Namespace) -> bool:
    has_files = args.compiled is not None or args.compiler_log is not None
    return profile.accelerator in UNASKED and not (profile.accelerator == EDGE_TPU and has_files)


def _with_unasked(predicted: TargetReport) -> TargetReport:
    """The prediction with a line about why nothing was observed."""
    from litesmith.targets.report import Finding

    why, advice = UNASKED[predicted.accelerator]
    message = f"Nothing here can be asked about {predicted.target}: {why}"
    unasked = Finding("not_observed", None, "info", message, advice, "litesmith check --observe")
    return replace(predicted, findings=(*predicted.findings, unasked))


def _from_files(
    model: TFLiteModel, profile: TargetProfile, predicted: TargetReport, args: argparse.Namespace
) -> TargetReport:
    from litesmith.converters.tflite_model import TFLiteModel
    from litesmith.targets.compiler_log import read_log
    from litesmith.targets.observed_edge_tpu import observe

    compiled = None if args.compiled is None else TFLiteModel.from_file(args.compiled)
    log = None if args.compiler_log is None else read_log(args.compiler_log, model.source)
    return observe(model, profile, predicted, compiled=compiled, log=log)


def _from_vela(model: TFLiteModel, profile: TargetProfile, predicted: TargetReport) -> TargetReport:
    """What Vela did; a file that it refuses is an observation too."""
    from litesmith.targets.observed import refused_report
    from litesmith.targets.observed_vela import observe_with_vela, vela_version

    try:
        return observe_with_vela(model, profile).report
    except ModelError as error:
        return refused_report(predicted, profile, str(error), observed_in=f"Vela {vela_version()}")
