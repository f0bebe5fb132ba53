"""The one folder that a measurement has on an Android device."""

from __future__ import annotations

import hashlib
import logging
import secrets
import tempfile
from pathlib import Path
from shlex import quote

from litesmith.errors import DeviceError, DeviceTimeout
from litesmith.targets.devices.adb_client import AdbClient, ShellResult

_LOGGER = logging.getLogger(__name__)
_PARENT = "/data/local/tmp"
# USB 2 gives 30 MB/s; a radio link in a bad place may give this.
_SLOWEST_BYTES_PER_S = 500_000
_THERE = "there"
_CLOSE_TIMEOUT_S = 5.0


class DeviceFolder:
    """Files on a device, and a program that runs among them; `close` takes all of it away.

    Args:
        client: the adb program.
        serial: of the device.
    """

    def __init__(self, client: AdbClient, serial: str) -> None:
        self._client = client
        self._serial = serial
        self.path = f"{_PARENT}/litesmith-{secrets.token_hex(6)}"
        self._pid = f"{self.path}/pid"
        self._pushed: set[str] = set()
        self._made = False

    def shell(self, command: str, *, timeout_s: float | None = None) -> ShellResult:
        """`AdbClient.shell` on this device."""
        return self._client.shell(self._serial, command, timeout_s=timeout_s)

    def put(self, content: bytes, suffix: str = "", *, executable: bool = False) -> str:
        """Bring a file to the device, unless it is there already; its path there.

        Its name holds the sha256 of the content. It gets that name when all of it is there, so that a file which was
        cut off is never taken for a whole one.

        Raises:
            DeviceError: no space, no permission, or the device was lost.
        """
        digest = hashlib.sha256(content).hexdigest()
        target = f"{self.path}/{digest}{suffix}"
        if target in self._pushed:
            return target
        if not self._made:
            self._made = True  # from here on there is something to take away
            # Apps may read what lies below /data/local/tmp, where the folder lets them through.
            self._do(f"mkdir -p {quote(self.path)} && chmod 755 {quote(self.path)}")
        elif self._is_whole(self.shell(_look_at(target)), digest, len(content)):
            self._pushed.add(target)
            return target
        with tempfile.TemporaryDirectory(prefix="litesmith-") as name:
            source = Path(name) / "content"
            source.write_bytes(content)
            limit_s = self._client.timeout_s + len(content) / _SLOWEST_BYTES_PER_S
            self._client.push(self._serial, source, f"{target}.part", timeout_s=limit_s)
        mode = "755" if executable else "644"
        moved = f"chmod {mode} {quote(target)}.part && mv {quote(target)}.part {quote(target)}"
        if not self._is_whole(self._do(f"{moved} && {{ {_look_at(target)}; }}"), digest, len(content)):
            raise DeviceError(f"{self._serial}: {target} is not what was pushed; check the device's storage, run again")
        self._pushed.add(target)
        return target

    def get(self, name: str) -> bytes | None:
        """The content of a file that a program wrote into the folder; None where there is none.

        Raises:
            DeviceError: the device was lost.
        """
        if self.shell(f"[ -f {quote(self.path)}/{quote(name)} ]").exit_code != 0:
            return None
        with tempfile.TemporaryDirectory(prefix="litesmith-") as folder:
            target = Path(folder) / "content"
            self._client.pull(self._serial, f"{self.path}/{name}", target)
            return target.read_bytes()

    def run(self, command: str, *, timeout_s: float) -> ShellResult:
        """Run a program in the folder, and end it when it takes too long or the caller is interrupted.

        adb ends no more than the shell, so the number of the process is kept in a file. One that an earlier, lost
        connection left running would disturb this one, and is ended before.

        Raises:
            DeviceTimeout: it took too long; it was ended.
            DeviceError: the device was lost.
        """
        pid = quote(self._pid)
        script = (
            f"cd {quote(self.path)} || exit 125; {self._kill()}; "
            f"{command} & echo $! > {pid}; wait $!; code=$?; rm -f {pid}; exit $code"
        )
        try:
            return self.shell(script, timeout_s=timeout_s)
        except DeviceTimeout as error:
            self._stop()
            raise DeviceTimeout(
                f"{self._serial}: the runner did not finish within {timeout_s:g} s and was ended; "
                "allow more time with --timeout, or ask for fewer runs"
            ) from error
        except BaseException:
            self._stop()
            raise

    def close(self) -> None:
        """End what runs and remove the folder; a device that is gone is warned of, once."""
        if not self._made:
            return
        self._made = False
        self._pushed.clear()
        path = quote(self.path)
        try:
            self._do(f"{self._kill()}; [ ! -e {path} ] || rm -rf {path}", timeout_s=_CLOSE_TIMEOUT_S)
        except DeviceError as error:
            command = f"adb -s {self._serial} shell rm -r {self.path}"
            _LOGGER.warning("%s was left on the device; remove it with `%s` (%s)", self.path, command, error)

    def _stop(self) -> None:
        """End the program; where the device is gone, `close` says so."""
        try:
            self.shell(self._kill(), timeout_s=_CLOSE_TIMEOUT_S)
        except DeviceError as error:
            _LOGGER.debug("cannot end the runner: %s", error)

    def _kill(self) -> str:
        pid = quote(self._pid)
        return f"if [ -f {pid} ]; then kill -9 $(cat {pid}); rm -f {pid}; fi 2>/dev/null"

    @staticmethod
    def _is_whole(seen: ShellResult, digest: str, size: int) -> bool:
        """What `_look_at` saw; before Android 6 there is no sha256sum, and before that not even a size."""
        found = seen.stdout.split()[:3]
        return found in ([_THERE], [_THERE, str(size)], [_THERE, str(size), digest])

    def _do(self, command: str, *, timeout_s: float | None = None) -> ShellResult:
        done = self.shell(command, timeout_s=timeout_s)
        if done.exit_code != 0:
            reason = " ".join(done.log.split())[-200:]
            raise DeviceError(
                f"{self._serial}: `{command[:100]}` failed on the device ({reason}); "
                f"see that `adb shell` may write to {_PARENT}"
            )
        return done


def _look_at(path: str) -> str:
    """A command that says whether a file is there and, where the device has the tools, its size and its sha256."""
    file = quote(path)
    return f"if [ -f {file} ]; then echo {_THERE}; stat -c %s {file}; sha256sum {file}; fi 2>/dev/null; true"
