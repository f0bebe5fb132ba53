"""Runs a model on an emulated ARM processor, and tells which kernels the runtime chose there.

Only outputs are read. How long it takes says nothing about a device: under emulation the ranking of kernels inverts.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litesmith.targets.devices.arm_cpus import ArmCpu, features
from litesmith.targets.devices.arm_instructions import count_instructions
from litesmith.targets.devices.arm_process import RUNNER, TIMEOUT_S, Array, Inputs, exchange, write_request
from litesmith.targets.devices.arm_root import ArmRoot, emulator_version

# The integer families, the one with the most work per instruction first.
_INTEGER = ("i8mm", "sdot", "smlal", "vmlal")


@dataclass(frozen=True, slots=True)
class ArmRun:
    """What an emulated processor computed.

    Attributes:
        outputs: per set of inputs, one array per output of the model.
        runtime, runtime_version: what ran the model there.
        delegate: `xnnpack` where it took operators, else `none`.
        emulator: name and release.
        features: of the processor, as the emulated system told the program (AT_HWCAP).
        instructions: family -> different instructions of the runtime's library that were run; None if not known.
    """

    outputs: tuple[tuple[Array, ...], ...]
    runtime: str
    runtime_version: str
    delegate: str
    emulator: str
    features: tuple[str, ...]
    instructions: dict[str, int] | None

    @property
    def kernels(self) -> str:
        """Family of the integer kernels that were run: `i8mm`, `sdot`, `smlal`, `vmlal`, several, or `none`."""
        if self.instructions is None:
            return "unknown"
        return "+".join(name for name in _INTEGER if self.instructions.get(name)) or "none"

    def to_dict(self) -> dict[str, Any]:
        """For JSON, without the outputs."""
        return {
            "emulated": True,
            "emulator": self.emulator,
            "runtime": self.runtime,
            "runtime_version": self.runtime_version,
            "delegate": self.delegate,
            "features": list(self.features),
            "features_from": "AT_HWCAP and AT_HWCAP2 of the emulated process",
            "kernels": self.kernels,
            "instructions": self.instructions,
            "instructions_from": "instructions of the runtime's library that the emulator listed as it came to them",
        }


def run_on_cpu(
    machine: ArmRoot, cpu: ArmCpu, content: bytes, inputs: Inputs, *, timeout_s: float = TIMEOUT_S
) -> ArmRun:
    """Run a model on every set of inputs, in one emulated process.

    Raises:
        ModelError: the runtime refuses the model there, or dies of it.
        DeviceError: the emulator does not work, or the time was not enough.
    """
    with tempfile.TemporaryDirectory(prefix="litesmith-") as name:
        folder = Path(name)
        write_request(folder, content, inputs, machine.pins.module)
        root, log = _root_of(machine, cpu, folder), folder / "in_asm.log"
        python = root / "usr" / "bin" / f"python{machine.pins.python}"
        command: list[str | Path] = [
            machine.emulator, "-cpu", cpu.option, "-L", root, "-d", "in_asm", "-D", log,
            python, "-B", "-P", "-S", RUNNER, folder,
        ]  # fmt: skip
        reply = exchange(command, folder, _environment(machine), timeout_s, cpu.label)
        counted = count_instructions(log, cpu.architecture, reply.code)
    return ArmRun(
        outputs=reply.outputs,
        runtime=machine.pins.runtime,
        runtime_version=machine.runtime_version,
        delegate=reply.delegate,
        emulator=f"{machine.pins.program} {emulator_version(machine.emulator)}",
        features=features(cpu.architecture, reply.hwcap, reply.hwcap2),
        instructions=counted,
    )


def _root_of(machine: ArmRoot, cpu: ArmCpu, folder: Path) -> Path:
    """The machine's root with the processor's own /proc/cpuinfo in it."""
    root = folder / "root"
    (root / "proc").mkdir(parents=True)
    (root / "proc" / "cpuinfo").write_text(cpu.cpuinfo)
    for entry in machine.root.iterdir():
        if entry.name != "proc":
            (root / entry.name).symlink_to(entry)
    return root


def _environment(machine: ArmRoot) -> dict[str, str]:
    """Nothing of this machine's settings: its libraries and packages are of another architecture."""
    usr = machine.root / "usr"
    libraries = [folder for name in ("blas", "lapack") for folder in usr.glob(f"lib/arm-linux-*/{name}")]
    return {
        "PYTHONHOME": str(usr),
        "PYTHONPATH": f"{machine.site}:{usr / 'lib/python3/dist-packages'}",
        "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
        "LC_ALL": "C.UTF-8",
    }
