"""The `adb` program: every call with a time limit, and its errors translated."""

from __future__ import annotations

import os
import re
import secrets
import shlex
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from litesmith.errors import AdbNotFound, DeviceError, DeviceTimeout
from litesmith.targets.devices.adb_errors import translated
from litesmith.targets.devices.processes import end_group

_ADB = "adb.exe" if os.name == "nt" else "adb"
# What `adb devices -l` prints of a device: its serial, its state and facts by name. A state may have several words.
_DEVICE = re.compile(r"^(?P<serial>\S+)\s+(?P<state>\S.*?)(?P<facts>(?:\s+\w+:\S*)*)\s*$")


@dataclass(frozen=True, slots=True)
class ListedDevice:
    """A line of `adb devices -l`; only in the state `device` can it be used."""

    serial: str
    state: str
    model: str | None = None
    transport: str | None = None

    def __str__(self) -> str:
        return f"{self.serial} ({self.model or 'model unknown'}, {self.state})"


@dataclass(frozen=True, slots=True)
class ShellResult:
    """What a command on the device gave; devices before Android 7 put what was on stderr into stdout."""

    stdout: str
    stderr: str
    exit_code: int

    @property
    def log(self) -> str:
        """Both, one after the other, on lines of their own."""
        return "\n".join((*self.stdout.splitlines(), *self.stderr.splitlines()))


@dataclass(frozen=True, slots=True)
class AdbClient:
    """An adb program that was found; the server it talks to is the one of the environment."""

    program: Path
    timeout_s: float = field(default=30.0, kw_only=True)

    @classmethod
    def find(cls) -> AdbClient:
        """From `LITESMITH_ADB`, from `PATH`, or from `ANDROID_HOME/platform-tools`.

        Raises:
            AdbNotFound: there is none.
        """
        if named := os.environ.get("LITESMITH_ADB"):
            if shutil.which(named) is None:
                raise AdbNotFound(f"LITESMITH_ADB names {named!r}, which is no program; correct or unset it")
            return cls(Path(named))
        folders = [Path(os.environ[name]) / "platform-tools" for name in ("ANDROID_HOME", "ANDROID_SDK_ROOT")
                   if os.environ.get(name)]  # fmt: skip
        found = shutil.which(_ADB) or next((path for folder in folders if (path := shutil.which(folder / _ADB))), None)
        if found is None:
            raise AdbNotFound(
                "adb is neither on PATH nor in ANDROID_HOME/platform-tools; install it (Debian and Ubuntu: "
                "`apt install adb`, others: developer.android.com/tools/releases/platform-tools), "
                "or name it with LITESMITH_ADB"
            )
        return cls(Path(found))

    def devices(self) -> tuple[ListedDevice, ...]:
        """What is connected, in whatever state; starts the adb server where none runs.

        Raises:
            DeviceError: adb fails, or gives something else than a list.
        """
        listing = self.run("devices", "-l")
        _, header, lines = listing.partition("List of devices attached")
        if not header:
            raise DeviceError(f"`adb devices -l` gave no list but {listing[:200]!r}; run it yourself to see why")
        return tuple(device for line in lines.splitlines() if (device := _read_device(line)) is not None)

    def shell(self, serial: str, command: str, *, timeout_s: float | None = None) -> ShellResult:
        """Run a command of the device's shell.

        The exit code travels in the output, behind a marker: devices before Android 7 lose it otherwise, and without
        the marker an output that was cut off would look like a whole one.

        Args:
            serial: of the device.
            command: for `sh -c`; quote what goes into it with `shlex.quote`.
            timeout_s: instead of the client's.

        Raises:
            DeviceError: the device cannot be reached, or was lost before the command ended.
            DeviceTimeout: it took too long; what it started may go on.
        """
        marker = f"litesmith-{secrets.token_hex(8)}:"
        # A command that ends with a comment or a here-document needs the newline.
        script = f"( {command}\n)\ncode=$?; echo; echo {marker}$code"
        done = self._call("-s", serial, "shell", script, timeout_s=timeout_s, serial=serial)
        output, _, end = _text(done.stdout).rpartition(f"\n{marker}")
        code = end.split("\n")[0]
        if not code.isdecimal():
            raise translated("", _of_adb(_text(done.stderr)), serial, f"running `{_short(command)}`")
        return ShellResult(output, _text(done.stderr), int(code))

    def push(self, serial: str, source: Path, target: str, *, timeout_s: float | None = None) -> None:
        """Copy a file to the device.

        Raises:
            DeviceError: no space, no permission, or the device was lost; `target` may then be there in part.
            DeviceTimeout: it took too long.
        """
        self._checked("-s", serial, "push", str(source), target, timeout_s=timeout_s, serial=serial)

    def pull(self, serial: str, source: str, target: Path, *, timeout_s: float | None = None) -> None:
        """Copy a file from the device; errors are those of `push`."""
        self._checked("-s", serial, "pull", source, str(target), timeout_s=timeout_s, serial=serial)

    def run(self, *arguments: str, timeout_s: float | None = None) -> str:
        """What another command of adb prints.

        Raises:
            DeviceError: it fails.
        """
        return self._checked(*arguments, timeout_s=timeout_s)

    def _checked(self, *arguments: str, timeout_s: float | None = None, serial: str | None = None) -> str:
        done = self._call(*arguments, timeout_s=timeout_s, serial=serial)
        if done.returncode != 0:
            doing = f"`adb {_short(shlex.join(arguments))}`"
            raise translated(_text(done.stdout), _text(done.stderr), serial, doing)
        return _text(done.stdout)

    def _call(self, *arguments: str, timeout_s: float | None, serial: str | None) -> subprocess.CompletedProcess[bytes]:
        limit_s = self.timeout_s if timeout_s is None else timeout_s
        command = [str(self.program), *arguments]
        try:
            # The server that adb may start leaves this process group by itself.
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            raise AdbNotFound(f"{self.program} cannot be started ({error.strerror}); install adb again") from error
        try:
            stdout, stderr = process.communicate(timeout=limit_s)
        except subprocess.TimeoutExpired as error:
            raise DeviceTimeout(
                f"{serial or 'adb'}: no answer within {limit_s:g} s to `adb {_short(shlex.join(arguments))}`; see that "
                "the phone is awake and responds, `adb reconnect`, then run again"
            ) from error
        finally:
            end_group(process)
        return subprocess.CompletedProcess(command, process.returncode, stdout, stderr)


def _read_device(line: str) -> ListedDevice | None:
    found = _DEVICE.match(line)
    if found is None:
        return None
    facts = dict(fact.split(":", 1) for fact in found["facts"].split())
    return ListedDevice(found["serial"], found["state"], facts.get("model"), facts.get("transport_id"))


def _text(output: bytes) -> str:
    """Old devices put a terminal in between, which makes two characters of a newline."""
    return output.decode("utf-8", "replace").replace("\r\n", "\n")


def _of_adb(stderr: str) -> str:
    """What the client itself said, without what the command put on its stderr."""
    return "\n".join(line for line in stderr.splitlines() if line.startswith(("error:", "adb:")))


def _short(command: str) -> str:
    line = " ".join(command.split())
    return line if len(line) <= 80 else f"{line[:77]}..."
