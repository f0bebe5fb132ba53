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

from litesmith.converters.graph import Operator, Subgraph
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DeviceError, DeviceTimeout, ModelError, TargetError
from litesmith.targets.check import check
from litesmith.targets.observed import observed_report
from litesmith.targets.profile import TargetProfile
from litesmith.targets.report import CPU, FOLDED, TargetReport

PACKAGE = "ethos-u-vela"
COMMAND_STREAM = "CUSTOM:ethos-u"  # the operator that a piece of the compiled file consists of
NAME = "model"
REMOVED = "Vela removed it: its result is known before the first run, or nothing needs it"
# Vela's word on one operator: its first output, and the reason in the lines up to the next empty one.
_REFUSAL = re.compile(r"^Warning \(.+?\) operator: \S+, ofm: '(?P<output>.*)'\nReason: (?P<reason>(?:.+\n)+)", re.M)
# An exception of the compiler's core; what follows the last sentence says no more.
_ERROR = re.compile(
    r"^RuntimeError: (?:Compilation failed: )?(?:Error: )?(?P<told>.+?)(?=^Failed to parse|\Z)", re.M | re.S
)
ADVICE = "quantize the whole model to full integer, or replace the operator that it names"
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
        ModelError: Vela refuses the file or crashes on it; with its words.
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
    placements, segments = _placements(model, compiled, profile, log)
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
            text=True, errors="replace", timeout=timeout_s, check=False, start_new_session=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise DeviceTimeout(f"{source}: no answer from Vela within {timeout_s:g} s; allow more time") from error
    if child.returncode or not (folder / f"{NAME}_vela.tflite").exists():
        told = f"{_cause(child.stdout, child.returncode)}; {ADVICE}"
        raise ModelError(f"Vela could not compile it for {config}: {told}", file=source)
    return child.stdout


def _cause(output: str, status: int) -> str:
    """Vela's own words: the error and the lines that explain it, or the last line."""
    error = _ERROR.search(output)
    if error is not None:
        return "; ".join(line.strip(" -,.") for line in error["told"].splitlines() if line.strip(" -,."))
    lines = [line for line in output.splitlines() if line.strip()]
    if status < 0:
        return f"it crashed with signal {-status} and says nothing about it"
    return lines[-1] if lines else f"it ended with status {status} and no message"


def _placements(model: TFLiteModel, compiled: TFLiteModel, profile: TargetProfile, log: str) -> tuple[list[str], int]:
    """Where each operator went, and the number of pieces on the accelerator.

    What the compiled file still holds as an operator of its own stayed on the CPU. Of the rest, what lies between the
    outputs and the inputs of the pieces runs in them, unless Vela refused it; everything else is folded.
    """
    graph, refused = compiled.main, _refusals(log)
    left = {_identity(graph, operator) for operator in graph.operators}
    streams = [operator for operator in graph.operators if operator.op == COMMAND_STREAM]
    within = _between(model.main, graph, streams)
    placements: list[str] = []
    for operator in model.main.operators:
        is_refused = any(tensor.name in refused for tensor in model.main.results(operator))
        if _identity(model.main, operator) in left:
            placements.append(CPU)
        else:
            placements.append(profile.accelerator if operator.index in within and not is_refused else FOLDED)
    return placements, len(streams)


def _identity(graph: Subgraph, operator: Operator) -> tuple[str, ...]:
    """An operator by its kind and its results; by its inputs where it has none."""
    tensors = graph.results(operator) or [tensor for tensor in graph.operands(operator) if tensor is not None]
    return (operator.op, *(tensor.name for tensor in tensors))


def _between(graph: Subgraph, compiled: Subgraph, streams: Sequence[Operator]) -> set[int]:
    """The operators of `graph` that the pieces of the compiled file stand for."""
    producers = {tensor.name: operator for operator in graph.operators for tensor in graph.results(operator)}
    renamed, found = _renamed(graph, compiled), set[int]()
    for stream in streams:
        borders = {renamed.get(tensor.name, tensor.name) for tensor in compiled.operands(stream) if tensor is not None}
        waiting = [renamed.get(tensor.name, tensor.name) for tensor in compiled.results(stream)]
        while waiting:
            operator = producers.get(waiting.pop())
            if operator is not None and operator.index not in found:
                found.add(operator.index)
                read = {tensor.name for tensor in graph.operands(operator) if tensor is not None}
                waiting += read - borders
    return found


def _renamed(graph: Subgraph, compiled: Subgraph) -> dict[str, str]:
    """Tensors of the compiled file -> what they are called in `graph`, as operators that stayed read them.

    Most keep their names.
    """
    stayed = {_identity(graph, operator): operator for operator in graph.operators}
    names: dict[str, str] = {}
    for operator in compiled.operators:
        before = stayed.get(_identity(compiled, operator))
        if before is not None:
            read = zip(compiled.operands(operator), graph.operands(before), strict=False)
            names.update((new.name, old.name) for new, old in read if new is not None and old is not None)
    return names


def _refusals(log: str) -> dict[str, str]:
    """What Vela printed about operators that it does not place, by the name of their first result."""
    said: dict[str, str] = {}
    for match in _REFUSAL.finditer(log):
        said.setdefault(match["output"], "; ".join(match["reason"].strip().splitlines()))
    return said


def _by_place(model: TFLiteModel, placements: Sequence[str], log: str) -> dict[int, str]:
    """Why operators are not on the accelerator, as far as it is known."""
    said, reasons = _refusals(log), dict[int, str]()
    for operator, placement in zip(model.main.operators, placements, strict=True):
        names = [tensor.name for tensor in model.main.results(operator)]
        if placement == CPU:
            reasons[operator.index] = next((said[name] for name in names if name in said), "Vela gives no reason")
        elif placement == FOLDED:
            reasons[operator.index] = REMOVED
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
