"""Runs a file on emulated ARM processors; compares what they compute with this machine and with a bundle's record."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from pathlib import Path

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DeviceError, ModelError
from litesmith.golden import MODEL_FILE, VECTORS_FILE, GoldenResult, compare_golden
from litesmith.golden_vectors import GoldenVectors, read_golden
from litesmith.targets.devices.arm_build import OnProgress, ignore_progress
from litesmith.targets.devices.arm_cpus import ArmCpu
from litesmith.targets.devices.arm_emulator import ArmRun, run_on_cpu
from litesmith.targets.devices.arm_process import TIMEOUT_S, Inputs, Reply, run_here
from litesmith.targets.devices.arm_root import ArmRoot
from litesmith.targets.devices.arm_setup import set_up
from litesmith.verification import CpuResult, Verification
from litesmith.verify_inputs import random_inputs
from litesmith.verify_parity import ParityTolerance, compare

INPUTS = 8  # sets of random inputs for a file without golden vectors


def verify_on_arm(
    path: Path,
    cpus: Sequence[ArmCpu],
    *,
    inputs: int = INPUTS,
    max_lsb: int | None = None,
    timeout_s: float = TIMEOUT_S,
    on_progress: OnProgress = ignore_progress,
) -> Verification:
    """Run a file on emulated ARM processors and compare the outputs; nothing is timed.

    Args:
        path: a bundle, a run's folder with one, or a `.tflite` file.
        cpus: see `litesmith.targets.devices.arm_cpus.parse_cpus`.
        inputs: how many sets of random inputs a file without golden vectors gets.
        max_lsb: how far integer outputs may be from those of this machine; None for what the file's kernels allow.
        timeout_s: how long each processor may take.
        on_progress: is told in words what is being done.

    Raises:
        ModelError: the bundle or the file cannot be read, or cannot be run on this machine either.
        DeviceError: the emulated machine cannot be set up.
    """
    return verify_model(
        *_opened(path), cpus, inputs=inputs, max_lsb=max_lsb, timeout_s=timeout_s, on_progress=on_progress
    )


def verify_model(
    model: TFLiteModel,
    golden: GoldenVectors | None,
    cpus: Sequence[ArmCpu],
    *,
    inputs: int = INPUTS,
    max_lsb: int | None = None,
    timeout_s: float = TIMEOUT_S,
    on_progress: OnProgress = ignore_progress,
) -> Verification:
    """`verify_on_arm` for a file that is open already, with the golden vectors that belong to it."""
    # The machines first: where one is missing, nothing has been computed in vain.
    machines = {name: set_up(name, on_progress) for name in dict.fromkeys(cpu.architecture for cpu in cpus)}
    sets = [[vector.tensor] for vector in golden.vectors] if golden else random_inputs(model, inputs)
    judge = _Judge(model, golden, sets, ParityTolerance.of(model, max_lsb), timeout_s)
    results = []
    for cpu in cpus:
        on_progress(f"{cpu.label}: {len(sets)} inputs in one emulated process")
        results.append(judge.result(machines[cpu.architecture], cpu))
    return Verification(
        model=model,
        inputs_from=VECTORS_FILE if golden else f"random inputs, seeds 0 to {len(sets) - 1}",
        vectors=len(sets),
        tolerance=judge.tolerance,
        here=judge.here,
        results=tuple(results),
    )


class _Judge:
    """Compares processors with this machine, which computes once for each delegate that they use."""

    def __init__(
        self,
        model: TFLiteModel,
        golden: GoldenVectors | None,
        sets: Inputs,
        tolerance: ParityTolerance,
        timeout_s: float,
    ) -> None:
        self.tolerance = tolerance
        self._model, self._golden, self._sets, self._timeout_s = model, golden, sets, timeout_s
        self._computed: dict[str, Reply] = {}
        self.here = ""
        self._reply("xnnpack")  # before anything else: a file that does not run here is not the processor's fault

    def result(self, machine: ArmRoot, cpu: ArmCpu) -> CpuResult:
        try:
            run = run_on_cpu(machine, cpu, self._model.content, self._sets, timeout_s=self._timeout_s)
        except (ModelError, DeviceError) as error:
            return CpuResult(cpu.label, notes=machine.notes, error=f"{self._model.source}: {error}")
        parity = compare(self._reply(run.delegate).outputs, run.outputs, self.tolerance)
        return CpuResult(cpu.label, run, parity, self._against_record(run), machine.notes)

    def _reply(self, delegate: str) -> Reply:
        if delegate not in self._computed:
            try:
                self._computed[delegate], version = run_here(
                    self._model.content, self._sets, delegate=delegate, timeout_s=self._timeout_s
                )
            except ModelError as error:
                raise ModelError(str(error), file=self._model.source) from error
            self.here = f"litert {version} on {platform.machine()}"
        return self._computed[delegate]

    def _against_record(self, run: ArmRun) -> GoldenResult | None:
        if self._golden is None:
            return None
        raws = [outputs[0] for outputs in run.outputs]
        return compare_golden(self._golden, raws, run.runtime, run.runtime_version, run.delegate)


def _opened(path: Path) -> tuple[TFLiteModel, GoldenVectors | None]:
    """The file and the golden vectors that come with it."""
    if not path.is_dir():
        return TFLiteModel.from_file(path), None
    from litesmith.bundle import read_bundle

    bundle = read_bundle(path)
    model = TFLiteModel(bundle.contents[MODEL_FILE], str(bundle.folder / MODEL_FILE))
    golden = read_golden(bundle.folder / VECTORS_FILE)
    described = (golden.input, golden.output)
    found = (*model.inputs, *model.outputs)
    if [(spec.shape, spec.dtype) for spec in described] != [(tensor.shape, tensor.dtype) for tensor in found]:
        raise ModelError(f"is not the file that {VECTORS_FILE} describes; write the bundle again", file=model.source)
    return model, golden
