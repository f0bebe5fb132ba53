"""What the kernel of this machine tells about it, in /proc and /sys."""

from __future__ import annotations

import os
import platform
from pathlib import Path

from litesmith.targets.devices.device import Core, DeviceFacts, DeviceState

_CORES = "sys/devices/system/cpu"
_ROOT = Path("/")


def host_facts(root: Path = _ROOT) -> DeviceFacts:
    """What does not change of this machine; `root` is where `proc` and `sys` lie."""
    return DeviceFacts(
        label="host",
        kind="host",
        model=cpu_model(root),
        abi=platform.machine(),
        system=f"{platform.system()} {platform.release()}",
        cores=tuple(Core(index, _core_mhz(root, index, "cpuinfo_max_freq")) for index in _usable_cores()),
    )


def host_state(root: Path = _ROOT) -> DeviceState:
    """What does change of this machine."""
    batteries = sorted((root / "sys/class/power_supply").glob("BAT*"))
    battery = batteries[0] if batteries else None
    percent = None if battery is None else _read(battery / "capacity")
    status = None if battery is None else _read(battery / "status")
    return DeviceState(
        clocks_mhz=_clocks(root),
        temperatures_c=_temperatures(root),
        battery_percent=None if percent is None else float(percent),
        charging=None if status is None else status != "Discharging",
        load_average=os.getloadavg()[0],
    )


def cpu_model(root: Path = _ROOT) -> str:
    """The processor's name as the kernel gives it; ARM kernels give that of the board, if any at all."""
    names = _cpuinfo(root, "model name")
    board = (_read(root / "proc/device-tree/model") or "").rstrip("\0")
    return names[0] if names else board or platform.processor() or platform.machine()


def _usable_cores() -> list[int]:
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _clocks(root: Path) -> dict[int, float]:
    scaled = {index: _core_mhz(root, index, "scaling_cur_freq") for index in _usable_cores()}
    known = {index: mhz for index, mhz in scaled.items() if mhz is not None}
    # Virtual machines have no scaling, but x86 kernels know the clock all the same.
    return known or {index: float(mhz) for index, mhz in enumerate(_cpuinfo(root, "cpu MHz"))}


def _core_mhz(root: Path, index: int, file: str) -> float | None:
    khz = _read(root / _CORES / f"cpu{index}" / "cpufreq" / file)
    return None if khz is None else float(khz) / 1e3


def _temperatures(root: Path) -> dict[str, float]:
    found = {}
    for zone in sorted((root / "sys/class/thermal").glob("thermal_zone*")):
        kind, millidegrees = _read(zone / "type"), _read(zone / "temp")
        if millidegrees is not None:
            found[f"{kind or 'zone'} {zone.name.removeprefix('thermal_zone')}"] = float(millidegrees) / 1e3
    return found


def _cpuinfo(root: Path, key: str) -> list[str]:
    lines = (_read(root / "proc/cpuinfo") or "").splitlines()
    return [line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == key]


def _read(path: Path) -> str | None:
    """The text of a file, None where this kernel has no such file or no value for it now."""
    try:
        return path.read_text().strip() or None
    except OSError:
        return None
