"""Makes an emulated ARM machine in an empty folder: emulator, Debian root and the runtime's wheels."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

from litesmith.errors import DeviceError
from litesmith.targets.devices.arm_packages import HOST_ARCHITECTURE, Apt
from litesmith.targets.devices.arm_pins import ArmPins
from litesmith.targets.devices.arm_root import emulator_version
from litesmith.targets.devices.arm_wheels import fetch_wheels, unpack_wheel

_NOT_NEEDED = ("usr/share", "usr/lib/python3/dist-packages/numpy/core/lib")
_UNPACK_TIMEOUT_S = 120

OnProgress = Callable[[str], None]


def ignore_progress(line: str) -> None:
    """The default listener."""


def build(new: Path, work: Path, pins: ArmPins, on_progress: OnProgress) -> list[str]:
    """Make a machine.

    Args:
        new: its folder; `bin/`, `root/` and `site/` are made there.
        work: a folder for downloads, which the caller deletes.
        pins: what it is made of.
        on_progress: is told in words what is being done.

    Returns:
        In words, where it differs from the pins.

    Raises:
        DeviceError: something cannot be fetched.
    """
    (new / "bin").mkdir(parents=True)
    wanted = {(pin.name, pins.architecture): pin for pin in pins.packages}
    own = _emulator_on_path(pins)
    if own is None:
        wanted[pins.emulator.name, HOST_ARCHITECTURE] = pins.emulator
    else:
        (new / "bin" / pins.program).symlink_to(own)
    on_progress(f"fetching {len(wanted)} Debian packages with apt-get")
    apt = Apt(work / "apt", pins.suite, sorted({architecture for _, architecture in wanted}))
    debs, notes = apt.fetch(wanted)
    on_progress(f"fetching {' and '.join(f'{pin.name} {pin.version}' for pin in pins.wheels)} with pip")
    wheels = fetch_wheels(pins, work / "wheels")
    on_progress("unpacking")
    for (package, _), deb in debs.items():
        if package == pins.emulator.name:
            _unpack_program(deb, f"./usr/bin/{pins.program}", new / "bin" / pins.program)
        else:
            _unpack(deb, new / "root")
    for wheel in wheels:
        unpack_wheel(wheel, new / "site")
    for folder in _NOT_NEEDED:
        shutil.rmtree(new / "root" / folder, ignore_errors=True)
    return notes


def _emulator_on_path(pins: ArmPins) -> str | None:
    """The emulator of this machine, where it is recent enough."""
    program = shutil.which(pins.program)
    if program is None:
        return None
    version = tuple(int(part) for part in emulator_version(Path(program)).split("."))
    return program if version >= pins.oldest_emulator else None


def _unpack(deb: Path, root: Path) -> None:
    root.mkdir(exist_ok=True)
    done = subprocess.run(
        ["dpkg-deb", "-x", deb, root], capture_output=True, text=True, timeout=_UNPACK_TIMEOUT_S, check=False
    )
    if done.returncode:
        raise DeviceError(f"{deb.name}: cannot be unpacked ({done.stderr.strip()}); free space, then run again")


def _unpack_program(deb: Path, member: str, target: Path) -> None:
    """One program of a package that holds hundreds of megabytes of others."""
    with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE) as unpacker:
        with tarfile.open(fileobj=unpacker.stdout, mode="r|") as archive:
            for entry in archive:
                content = archive.extractfile(entry) if entry.name == member else None
                if content is not None:
                    target.write_bytes(content.read())
                    target.chmod(0o755)
                    break
        unpacker.kill()
    if not target.is_file():
        raise DeviceError(f"{deb.name}: holds no {member}; install qemu-user-static, then run again")
