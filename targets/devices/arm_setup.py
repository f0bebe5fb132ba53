"""Sets up an emulated ARM machine once, without root, in a folder of the user's cache.

Built under a temporary name and renamed, so what is there is whole; a lock keeps a second process waiting.
"""

from __future__ import annotations

import fcntl
import json
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from litesmith.errors import DeviceError, DeviceTimeout
from litesmith.targets.devices.arm_build import OnProgress, build, ignore_progress
from litesmith.targets.devices.arm_pins import ArmPins, load_pins, pins_digest
from litesmith.targets.devices.arm_root import SETUP_FILE, ArmRoot, cache_folder, open_root

READY_MADE = "LITESMITH_ARM_ROOT"
LOCK_TIMEOUT_S = 900.0


def set_up(architecture: str, on_progress: OnProgress = ignore_progress) -> ArmRoot:
    """The machine of an architecture; the first call makes it, which takes about half a minute and the network.

    Args:
        architecture: `arm64` or `armhf`.
        on_progress: is told in words what is being done.

    Raises:
        DeviceError: something is missing for it, and what to do instead.
    """
    pins = load_pins(architecture)
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise DeviceError(
            f"ARM is emulated on x86-64 Linux only, and this is {platform.system()} on {platform.machine()}; "
            "on an ARM machine `--on host` runs its own kernels"
        )
    if ready_made := os.environ.get(READY_MADE):
        return _ready_made(Path(ready_made) / architecture, pins)
    folder = cache_folder() / architecture
    try:
        return open_root(folder, pins) or _make_alone(folder, pins, on_progress)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DeviceError(f"{folder}: cannot be set up ({reason}); free space, or set XDG_CACHE_HOME") from error


def _ready_made(folder: Path, pins: ArmPins) -> ArmRoot:
    found = open_root(folder, pins)
    if found is None:
        raise DeviceError(
            f"{folder}: no ARM machine is set up there, but {READY_MADE} says so; it needs {SETUP_FILE}, "
            f"bin/{pins.program}, root/ and site/ (docs/arm.md), or unset {READY_MADE}"
        )
    return found


def _make_alone(folder: Path, pins: ArmPins, on_progress: OnProgress) -> ArmRoot:
    with _locked(folder, on_progress):
        found = open_root(folder, pins)  # another process may have made it while this one waited
        if found is not None:
            return found
        for leftover in folder.parent.glob(f".{folder.name}-*"):  # of a process that was killed
            shutil.rmtree(leftover)
        on_progress(f"setting up {folder}, once")
        notes = _make(folder, pins, on_progress)
        return ArmRoot(folder.absolute(), pins, tuple(notes))


def _make(folder: Path, pins: ArmPins, on_progress: OnProgress) -> list[str]:
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as name:
        new, old = Path(name) / "new", Path(name) / "old"
        notes = build(new, Path(name), pins, on_progress)
        document = {"architecture": pins.architecture, "pins": pins_digest(), "notes": notes}
        (new / SETUP_FILE).write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
        if folder.exists():  # its emulator went away
            folder.rename(old)
        new.rename(folder)
        return notes


@contextmanager
def _locked(folder: Path, on_progress: OnProgress) -> Iterator[None]:
    """Hold the lock of a folder; the system frees it when the process dies."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f".{folder.name}.lock").open("w") as file:
        deadline = time.monotonic() + LOCK_TIMEOUT_S
        told = False
        while not _taken(file.fileno()):
            if time.monotonic() > deadline:
                raise DeviceTimeout(f"{folder}: another process sets it up since {LOCK_TIMEOUT_S:g} s; end it")
            if not told:
                on_progress(f"waiting for another process that sets up {folder}")
                told = True
            time.sleep(0.2)
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
