"""What a phone has and says of itself: a root folder with its files and tools."""

from __future__ import annotations

import json
import os
import shutil
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.devices.faults import Faults

TOYBOX = Path(__file__).with_name("toybox.py")
ACTIVITY_MANAGER = Path(__file__).with_name("activity_manager.py")
RUNNER = Path(__file__).with_name("runner")
# Where this machine's tool of the same name serves; Android has them from toybox.
_HOST_TOOLS = (
    *("[", "basename", "cat", "chmod", "cmp", "cp", "cut", "date", "dd", "dirname", "du", "echo", "env", "expr"),
    *("false", "find", "grep", "head", "ln", "ls", "md5sum", "mkdir", "mktemp", "mv", "od", "printf", "readlink"),
    *("realpath", "rm", "rmdir", "sed", "seq", "sha1sum", "sha256sum", "sleep", "sort", "stat", "sync", "tail"),
    *("tee", "test", "timeout", "touch", "tr", "true", "tty", "uniq", "wc", "xargs", "yes"),
)
_TOYS = ("id", "whoami", "uname", "dumpsys", "df", "taskset", "ps", "pidof", "pkill", "nproc", "free")
_OF_APPS = ("pm", "am", "logcat")
_WRITERS = ("mkdir", "rm", "mv", "cp", "chmod", "touch", "tee", "ln", "rmdir")
# In the shell's own words: it is asked often, and an interpreter takes its time to start.
_GETPROP = """#!/bin/sh
known=$PHONE_ROOT/.phone/properties
[ $# = 0 ] && exec cat "$known"
while IFS= read -r line; do
    case $line in "[$1]: ["*) value=${line#*: [}; echo "${value%]}"; exit ;; esac
done < "$known"
echo "$2"
"""
_READ_ONLY_TOOL = '#!/bin/sh\necho "${0##*/}: Read-only file system" >&2\nexit 1\n'


RunnerFormat = Literal["new", "old"]
DelegateState = Literal["absent", "refused", "partial", "full", "fails"]


@dataclass(frozen=True, slots=True)
class PhoneModel:
    """What kind of phone it is; clocks in kHz, as Android gives them.

    `emulated`: it says by the property `ro.litesmith.emulated` that its latencies are none of a device.
    """

    model: str = "Pixel 7"
    device: str = "panther"
    product: str = "panther"
    manufacturer: str = "Google"
    soc: str = "GS201"
    abi: str = "arm64-v8a"
    release: str = "14"
    api_level: int = 34
    clocks_khz: tuple[int, ...] = (1803000,) * 4 + (2348000,) * 2 + (2850000,) * 2
    zones: tuple[str, ...] = ("BIG", "MID", "LITTLE", "battery")
    temperature_c: float = 31.0
    battery_percent: int = 83
    charging: bool = True
    free_bytes: int = 20 * 1024**3
    emulated: bool = True


class Phone:
    """A phone's root folder.

    Args:
        root: an empty folder that becomes `/`.
        model: what it says of itself.
        faults: what is wrong with it; looked at with every command.
    """

    def __init__(self, root: Path, model: PhoneModel, faults: Faults):
        self.root = root.resolve()
        self.model = model
        self.faults = faults
        self.delegates: dict[str, DelegateState] = {}
        self.runner_format: RunnerFormat = "new"
        self._lay_out()
        self.set_battery(model.battery_percent, charging=model.charging)
        self.set_free(model.free_bytes)

    @property
    def properties(self) -> dict[str, str]:
        """What getprop knows."""
        model = self.model
        known = {
            "ro.product.model": model.model,
            "ro.product.device": model.device,
            "ro.product.name": model.product,
            "ro.product.manufacturer": model.manufacturer,
            "ro.product.brand": model.manufacturer.lower(),
            "ro.product.cpu.abi": model.abi,
            "ro.product.cpu.abilist": f"{model.abi},armeabi-v7a,armeabi",
            "ro.build.version.release": model.release,
            "ro.build.version.sdk": str(model.api_level),
            "ro.build.fingerprint": f"{model.manufacturer.lower()}/{model.product}/{model.device}:{model.release}/TEST",
            "ro.hardware": model.device,
            "ro.board.platform": model.soc.lower(),
            "sys.boot_completed": "1",
        }
        if model.api_level >= 31:  # Android 12 brought them
            known |= {"ro.soc.model": model.soc, "ro.soc.manufacturer": model.manufacturer}
        if model.emulated:
            known["ro.litesmith.emulated"] = "1"
        return known

    def environment(self) -> dict[str, str]:
        """Of a command of the shell."""
        tools = [self.root / "system/bin"]
        if self.faults.read_only:
            tools.insert(0, self.root / ".read_only")
        return {
            "PATH": os.pathsep.join(map(str, tools)),
            "HOME": "/",
            "USER": "shell",
            "LANG": "C.UTF-8",
            "TMPDIR": str(self.root / "data/local/tmp"),
            "ANDROID_ROOT": str(self.root / "system"),
            "ANDROID_DATA": str(self.root / "data"),
            "PHONE_ROOT": str(self.root),
            "RUNNER_FAULT": self.faults.runner,
            "RUNNER_FORMAT": self.runner_format,
            "APP_FAULT": self.faults.app,
            "RUNNER_DELEGATES": ",".join(f"{name}={state}" for name, state in self.delegates.items()),
        }

    def before_command(self) -> None:
        """Let the faults show that are of the files."""
        for name in self.faults.missing_tools:
            (self.root / "system/bin" / name).unlink(missing_ok=True)
        if self.faults.throttling:
            self._heat()

    def set_battery(self, percent: int, *, charging: bool) -> None:
        """What `dumpsys battery` says."""
        self._state("battery", {"percent": percent, "charging": charging})

    def set_free(self, free_bytes: int) -> None:
        """What `df` says of `/data`."""
        self._state("free", {"free_bytes": free_bytes})

    def install_app(self, package: str, command: tuple[str, ...]) -> None:
        """Let `pm` and `am` know an app; `command` starts its process, see `activity_manager`."""
        self._state("app", {"package": package, "command": command})

    def _state(self, name: str, values: dict[str, object]) -> None:
        self._write(f".phone/{name}.json", json.dumps(values))

    def _lay_out(self) -> None:
        for folder in ("data/local/tmp", "data/media/0/Download", "system/bin", "vendor", "storage/emulated", ".phone"):
            (self.root / folder).mkdir(parents=True)
        (self.root / "sdcard").symlink_to("data/media/0")
        (self.root / "storage/emulated/0").symlink_to("../../data/media/0")
        lines = (f"[{name}]: [{value}]\n" for name, value in sorted(self.properties.items()))
        self._write(".phone/properties", "".join(lines))
        self._tools()
        self._cores()
        for number, kind in enumerate(self.model.zones):
            self._write(f"sys/class/thermal/thermal_zone{number}/type", f"{kind}\n")
            self._write(f"sys/class/thermal/thermal_zone{number}/temp", f"{self.model.temperature_c * 1000:.0f}\n")
        self._write("proc/loadavg", "1.25 1.10 0.98 2/3012 12345\n")
        self._write(
            "proc/meminfo", "MemTotal:        7812345 kB\nMemFree:          512345 kB\nMemAvailable:    3812345 kB\n"
        )
        self._write("proc/version", "Linux version 5.10.157-android13-4 (test@phone)\n")

    def _tools(self) -> None:
        binaries = self.root / "system/bin"
        for name in _HOST_TOOLS:
            if found := shutil.which(name):
                (binaries / name).symlink_to(found)
        (binaries / "sh").symlink_to("/bin/sh")
        for name, source in (("toybox", TOYBOX), ("cmd", ACTIVITY_MANAGER)):
            script = f"#!{sys.executable} -IS\n{source.read_text(encoding='utf-8')}"
            self._write(f"system/bin/{name}", script, executable=True)
        self._write("system/bin/getprop", _GETPROP, executable=True)
        for name in _TOYS:
            (binaries / name).symlink_to("toybox")
        for name in _OF_APPS:
            (binaries / name).symlink_to("cmd")
        for name in _WRITERS:
            self._write(f".read_only/{name}", _READ_ONLY_TOOL, executable=True)

    def _cores(self) -> None:
        clocks = self.model.clocks_khz
        everything = f"0-{len(clocks) - 1}\n"
        for name in ("present", "possible", "online"):
            self._write(f"sys/devices/system/cpu/{name}", everything)
        lines = []
        for core, clock in enumerate(clocks):
            folder = f"sys/devices/system/cpu/cpu{core}/cpufreq"
            facts = {"cpuinfo_max_freq": clock, "cpuinfo_min_freq": 300000, "scaling_max_freq": clock}
            for name, value in (facts | {"scaling_cur_freq": clock, "scaling_governor": "sched_pixel"}).items():
                self._write(f"{folder}/{name}", f"{value}\n")
            lines.append(f"processor\t: {core}\nFeatures\t: fp asimd asimdhp asimddp\nCPU part\t: 0xd05\n\n")
        self._write("proc/cpuinfo", "".join(lines))

    def _heat(self) -> None:
        for path in self.root.glob("sys/devices/system/cpu/cpu*/cpufreq/scaling_cur_freq"):
            path.write_text(f"{int(path.read_text()) * 9 // 10}\n")
        for path in self.root.glob("sys/class/thermal/thermal_zone*/temp"):
            path.write_text(f"{int(path.read_text()) + 4000}\n")

    def _write(self, name: str, text: str, *, executable: bool = False) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if executable:
            path.chmod(path.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
