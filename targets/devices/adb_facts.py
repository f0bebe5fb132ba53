"""What an Android device says of itself; each question is one round trip, and what it does not say is None."""

from __future__ import annotations

import re
from collections.abc import Mapping

from litesmith.targets.devices.device import Core, DeviceFacts, DeviceState

_PROPERTIES = (
    "ro.product.model", "ro.product.manufacturer", "ro.soc.model", "ro.board.platform", "ro.hardware",
    "ro.product.cpu.abi", "ro.build.version.sdk", "ro.build.version.release", "ro.litesmith.emulated",
    "ro.kernel.qemu", "ro.boot.qemu",
)  # fmt: skip
# `read` is the shell's own: a process for each of the hundred files would take a second.
_READ = 'get() { v=; { read -r v < "$1"; } 2>/dev/null; }'
_CORES = "/sys/devices/system/cpu/cpu[0-9]*"
FACTS = (
    f'{_READ}; for p in {" ".join(_PROPERTIES)}; do echo "$p=$(getprop $p)"; done; '
    f'for c in {_CORES}; do get "$c"/cpufreq/cpuinfo_max_freq; echo "core=$c=$v"; done'
)
STATE = (
    f'{_READ}; for c in {_CORES}; do get "$c"/cpufreq/scaling_cur_freq; echo "core=$c=$v"; done; '
    'for z in /sys/class/thermal/thermal_zone*; do get "$z"/type; t=$v; get "$z"/temp; echo "zone=$t=$v"; done; '
    "get /proc/loadavg; echo load=all=$v; dumpsys battery 2>/dev/null"
)
_CORE = re.compile(r"^core=\S*/cpu(\d{1,4})=(\d{1,9})?\s*$", re.MULTILINE)
_ZONE = re.compile(r"^zone=(.*)=(-?\d{1,9})\s*$", re.MULTILINE)
_LOAD = re.compile(r"^load=all=(\d{1,6}(?:\.\d{1,6})?)\b", re.MULTILINE)
_BATTERY = re.compile(r"^\s*([\w ]+): (\w+)\s*$", re.MULTILINE)
_BATTERY_CHARGING, _BATTERY_FULL = 2, 5  # android.os.BatteryManager.BATTERY_STATUS_*
# Sensors that are switched off give things like -274000.
_COLDEST_C, _HOTTEST_C = -50.0, 200.0


def read_facts(label: str, answer: str) -> DeviceFacts:
    """What `FACTS` printed.

    An Android emulator is as little a device as a test daemon is: its latency is that of a computer.
    """
    lines = (line.partition("=") for line in answer.splitlines())
    found = {name: value.strip() for name, _, value in lines if name in _PROPERTIES and value.strip()}
    release, api = found.get("ro.build.version.release"), found.get("ro.build.version.sdk", "")
    return DeviceFacts(
        label=label,
        kind="adb",
        model=_model(found),
        abi=found.get("ro.product.cpu.abi", "unknown"),
        system=f"Android {release}" if release else "Android",
        soc=next((found[name] for name in ("ro.soc.model", "ro.board.platform", "ro.hardware") if name in found), None),
        api_level=int(api) if api.isdecimal() and len(api) < 6 else None,
        cores=tuple(sorted(_cores(answer), key=lambda core: core.index)),
        emulated=any(found.get(f"ro.{name}") == "1" for name in ("litesmith.emulated", "kernel.qemu", "boot.qemu")),
    )


def read_state(answer: str) -> DeviceState:
    """What `STATE` printed; clocks come in kHz, temperatures in thousandths of a degree."""
    battery = dict(_BATTERY.findall(answer))
    load = _LOAD.search(answer)
    return DeviceState(
        clocks_mhz={core.index: core.max_mhz for core in _cores(answer) if core.max_mhz is not None},
        temperatures_c=_temperatures(answer),
        battery_percent=_percent(battery),
        charging=_charging(battery),
        load_average=float(load[1]) if load else None,
    )


def _model(found: Mapping[str, str]) -> str:
    """With the maker's name before it, unless it is there already."""
    model, maker = found.get("ro.product.model", "unknown"), found.get("ro.product.manufacturer", "")
    return model if not maker or model.lower().startswith(maker.lower()) else f"{maker} {model}"


def _cores(answer: str) -> list[Core]:
    return [Core(int(index), int(khz) / 1000 if khz else None) for index, khz in _CORE.findall(answer)]


def _temperatures(answer: str) -> dict[str, float]:
    """By the zone's type; where several have the same, with a number behind it."""
    temperatures: dict[str, float] = {}
    for kind, thousandths in _ZONE.findall(answer):
        celsius = int(thousandths) / 1000
        name, number = kind or "unnamed", 2
        while name in temperatures:
            name, number = f"{kind or 'unnamed'} {number}", number + 1
        if _COLDEST_C < celsius < _HOTTEST_C:
            temperatures[name] = celsius
    return temperatures


def _percent(battery: Mapping[str, str]) -> float | None:
    level, scale = battery.get("level", ""), battery.get("scale", "100")
    if not (level.isdecimal() and scale.isdecimal() and 0 < int(scale) < 10**6 and int(level) <= int(scale)):
        return None
    return 100 * int(level) / int(scale)


def _charging(battery: Mapping[str, str]) -> bool | None:
    """A full battery on a charger counts: what heats or throttles a phone is the same."""
    if (status := battery.get("status", "")).isdecimal():
        return int(status) in (_BATTERY_CHARGING, _BATTERY_FULL)
    powered = [value for name, value in battery.items() if name.endswith("powered")]
    return "true" in powered if powered else None
