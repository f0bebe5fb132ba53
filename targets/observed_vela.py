"""Asks Arm's Vela compiler where each operator of a model runs on an Ethos-U, and what it estimates.

Vela is an optional package. It reads a foreign file, so it runs in a child process; what it leaves in a temporary
folder (the compiled file and a table of figures) and what it prints is all that is taken from it.
"""

from __future__ import annotations

import csv
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DeviceError, DeviceTimeout, ModelError, TargetError
from litesmith.targets.check import check
from litesmith.targets.observed import observed_report
from litesmith.targets.profile import TargetProfile
from litesmith.targets.report import CPU, TargetReport

PACKAGE = "ethos-u-vela"
COMMAND_STREAM = "CUSTOM:ethos-u"  # the operator that a piece of the compiled file consists of
NAME = "model"
# Vela's word on one operator: its first output, and the reason in the lines up to the next empty one.
_REFUSAL = re.compile(r"^Warning \(.+?\) operator: \S+, ofm: '(?P<output>.*)'\nReason: (?P<reason>(?:.+\n)+)", re.M)
KIB = 1024
MEMORIES = ("sram", "dram", "on_chip_flash", "off_chip_flash")


@dataclass(frozen=True, slots=True)
class VelaEstimate:
    """What Vela expects of the compiled model; no device was measured.

    `sram_bytes`, `dram_bytes` and `flash_bytes` are peak use of each memory; `cycles` are those of the accelerator
    for one inference, without the operators that stay on the CPU.
    """

    vela_version: str
    accelerator_config: str
    system_config: str
    memory_mode: str
    sram_bytes: int
    dram_bytes: int
    flash_bytes: int
    cycles: int
    macs: int

    def to_dict(self) -> dict[str, Any]:
        """The estimate as plain values for JSON."""
        return {"basis": "estimated by the compiler, not measured", **asdict(self)}


@dataclass(frozen=True, slots=True)
class VelaObservation:
    """One model as Vela compiled it; the report holds the estimate too."""

    report: TargetReport
    estimate: VelaEstimate


def vela_version() -> str | None:
    """Version of the installed compiler; None where there is none."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        return None


def observe_with_vela(model: TFLiteModel, target: str | TargetProfile, *, timeout_s: float = 300.0) -> VelaObservation:
    """Compile `model` for an Ethos-U and say what became of every operator.

    Args:
        model: a parsed file.
        target: a profile of an Ethos-U or its name, such as `ethos_u55@128` (the number of multipliers).
        timeout_s: how long the compiler may take.

    Raises:
        TargetError: the target is no Ethos-U.
        DeviceError: Vela is not installed.
        ModelError: Vela refuses the file or crashes on it.
        DeviceTimeout: Vela did not finish in time.
    """
    profile = target if isinstance(target, TargetProfile) else TargetProfile.load(target)
    installed = vela_version()
    if not profile.name.startswith("ethos_u"):
        raise TargetError(f"{profile.label}: Vela compiles for Ethos-U only; choose ethos_u55, ethos_u65 or ethos_u85")
    if installed is None:
        raise DeviceError(f"{PACKAGE} is not installed; run `pip install 'litesmith[ethos-u]'`")
    config = f"{profile.name.replace('_', '-')}-{profile.setting}"
    with tempfile.TemporaryDirectory(prefix="litesmith-") as name:
        folder = Path(name)
        (folder / f"{NAME}.tflite").write_bytes(model.content)
        log = _compile(folder, config, timeout_s, model.source)
        compiled = TFLiteModel((folder / f"{NAME}_vela.tflite").read_bytes(), f"{model.source} after Vela")
        figures = _figures(folder)
    placements, segments = _placements(model, compiled, profile)
    report = observed_report(
        check(model, profile), profile, placements,
        observed_in=f"Vela {installed} for {config}", segments=segments, reasons=_by_place(model, placements, log),
    )  # fmt: skip
    estimate = _estimate(figures, installed, config)
    return VelaObservation(replace(report, estimate=estimate), estimate)


def _compile(folder: Path, config: str, timeout_s: float, source: str) -> str:
    """Run Vela on the file in `folder` and return what it printed."""
    # -P keeps modules of the current folder from shadowing installed ones
    command = [sys.executable, "-P", "-m", "ethosu.vela", "--accelerator-config", config, "--output-dir", str(folder)]
    try:
        child = subprocess.run(
            [*command, str(folder / f"{NAME}.tflite")],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", timeout=timeout_s, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise DeviceTimeout(f"{source}: no answer from Vela within {timeout_s:g} s; allow more time") from error
    if child.returncode or not (folder / f"{NAME}_vela.tflite").exists():
        lines = [line for line in child.stdout.splitlines() if line.strip()]
        cause = lines[-1] if lines else f"it ended with status {child.returncode} and no message"
        raise ModelError(f"Vela could not compile it for {config} ({cause}); convert the model again", file=source)
    return child.stdout


def _placements(model: TFLiteModel, compiled: TFLiteModel, profile: TargetProfile) -> tuple[list[str], int]:
    """Whatever the compiled file still holds as an operator of its own stayed on the CPU; and the number of pieces."""
    graph = compiled.main
    left = {(operator.op, tensor.name) for operator in graph.operators for tensor in graph.results(operator)}
    placements = [
        CPU
        if any((operator.op, tensor.name) in left for tensor in model.main.results(operator))
        else profile.accelerator
        for operator in model.main.operators
    ]
    return placements, sum(operator.op == COMMAND_STREAM for operator in graph.operators)


def _by_place(model: TFLiteModel, placements: Sequence[str], log: str) -> dict[int, str]:
    """What Vela printed about each operator that stays on the CPU."""
    said: dict[str, str] = {}
    for match in _REFUSAL.finditer(log):
        said.setdefault(match["output"], "; ".join(match["reason"].strip().splitlines()))
    reasons: dict[int, str] = {}
    for operator, placement in zip(model.main.operators, placements, strict=True):
        names = [tensor.name for tensor in model.main.results(operator)]
        if placement == CPU:
            reasons[operator.index] = next((said[name] for name in names if name in said), "Vela gives no reason")
    return reasons


def _figures(folder: Path) -> Mapping[str, str]:
    with next(folder.glob(f"{NAME}_summary_*.csv")).open(newline="", encoding="utf-8") as table:
        return next(csv.DictReader(table))


def _estimate(figures: Mapping[str, str], installed: str, config: str) -> VelaEstimate:
    """Vela's table gives memory in KiB."""
    memory = {name: round(float(figures[f"{name}_memory_used"]) * KIB) for name in MEMORIES}
    return VelaEstimate(
        vela_version=installed,
        accelerator_config=config,
        system_config=figures["system_config"],
        memory_mode=figures["memory_mode"],
        sram_bytes=memory["sram"],
        dram_bytes=memory["dram"],
        flash_bytes=memory["on_chip_flash"] + memory["off_chip_flash"],
        cycles=int(float(figures["cycles_total"])),
        macs=int(float(figures["nn_macs"])),
    )
