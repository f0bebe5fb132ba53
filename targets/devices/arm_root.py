"""An emulated ARM machine that is set up: where it is and what it holds."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

from litesmith.errors import DeviceError
from litesmith.targets.devices.arm_pins import ArmPins, pins_digest

SETUP_FILE = "setup.json"


@dataclass(frozen=True, slots=True)
class ArmRoot:
    """A machine in a folder; `notes` say in words where it differs from the pins."""

    folder: Path
    pins: ArmPins
    notes: tuple[str, ...]

    @property
    def emulator(self) -> Path:
        """The user-mode emulator, a program of this machine."""
        return self.folder / "bin" / self.pins.program

    @property
    def root(self) -> Path:
        """Debian: its C library and Python."""
        return self.folder / "root"

    @property
    def site(self) -> Path:
        """Python packages."""
        return self.folder / "site"

    @property
    def runtime_version(self) -> str:
        """Of the runtime that is unpacked there."""
        name = self.pins.runtime.replace("-", "_")
        found = next(self.site.glob(f"{name}-*.dist-info"), None)
        return "unknown" if found is None else found.stem.removeprefix(f"{name}-")


def cache_folder() -> Path:
    """Where machines are set up for these pins."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "litesmith" / f"arm-{pins_digest()}"


def open_root(folder: Path, pins: ArmPins) -> ArmRoot | None:
    """The machine in a folder, None where none is there or its emulator was one of PATH that went away."""
    try:
        notes = json.loads((folder / SETUP_FILE).read_text(encoding="utf-8"))["notes"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    machine = ArmRoot(folder.absolute(), pins, tuple(notes))
    return machine if os.access(machine.emulator, os.X_OK) else None


def emulator_version(program: Path) -> str:
    """Release of an emulator, such as `7.2.22`.

    Raises:
        DeviceError: it cannot be run.
    """
    try:
        done = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        raise DeviceError(f"{program}: cannot be run ({error}); reinstall it, or take it off PATH") from error
    found = re.search(r"version (\d+(?:\.\d+)+)", done.stdout)
    if found is None:
        raise DeviceError(f"{program}: says no version, so it is no QEMU; take it off PATH")
    return found[1]
