"""Fetches wheels for another machine with this machine's pip, and unpacks them."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

from litesmith.errors import DeviceError, DeviceTimeout
from litesmith.targets.devices.arm_packages import ALTERNATIVE
from litesmith.targets.devices.arm_pins import ArmPins, Pin

TIMEOUT_S = 600.0
# Half of what the wheels hold, and nothing that is needed to run a model.
_LEFT_OUT = ("/tests/", "WebGpuAccelerator", "/_core/lib/", "/f2py/", "/distutils/")


def fetch_wheels(pins: ArmPins, folder: Path) -> list[Path]:
    """Download the wheels of a machine from wherever pip is set up to take them.

    Raises:
        DeviceError: pip is missing or finds no such wheel, or the file is not the pinned one.
    """
    folder.mkdir(parents=True)
    wheels = []
    for pin in pins.wheels:
        target = folder / pin.name
        _download(pin, pins, target)
        (wheel,) = target.glob("*.whl")
        pin.check(wheel)
        wheels.append(wheel)
    return wheels


def unpack_wheel(wheel: Path, site: Path) -> None:
    """Unpack a wheel into a folder for PYTHONPATH, without its tests and what only other accelerators need."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site, [name for name in archive.namelist() if not any(part in name for part in _LEFT_OUT)])


def _download(pin: Pin, pins: ArmPins, folder: Path) -> None:
    platforms = [part for platform in pins.platforms for part in ("--platform", platform)]
    command = [
        sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input", "--no-deps",
        "--only-binary=:all:", "--implementation", "cp", "--python-version", pins.python, *platforms,
        "--dest", str(folder), f"{pin.name}=={pin.version}",
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=TIMEOUT_S,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise DeviceTimeout(
            f"pip download {pin.name}: no answer within {TIMEOUT_S:g} s; check the network, {ALTERNATIVE}"
        ) from error
    if done.returncode:
        last = [line for line in done.stderr.splitlines() if line.strip()][-1:]
        raise DeviceError(
            f"pip cannot get {pin.name} {pin.version} for {pins.platforms[0]} ({' '.join(last) or 'it left no message'}"
            f"); point pip to an index that has it, {ALTERNATIVE}"
        )
