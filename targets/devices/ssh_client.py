"""The system's `ssh` program: one connection, every command with a time limit, and its errors translated."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path

from litesmith.errors import DeviceError, DeviceTimeout, NoDevice
from litesmith.targets.devices.processes import end_group

COMMAND_VARIABLE = "LITESMITH_SSH_COMMAND"
CONNECT_TIMEOUT_S = 10
LOST = 255  # how ssh says that it is ssh itself that failed
_ADDRESS = re.compile(r"(?P<host>(?:[\w.-]+@)?[\w.][\w.-]*|(?:[\w.-]+@)?\[[0-9A-Fa-f:.%]+\])(?::(?P<port>\d{1,5}))?")
_CAUSES = (
    ("Permission denied", "the machine lets nobody in with the keys of this user; add one there with ssh-copy-id"),
    ("Host key verification failed", "its host key is not known or has changed; run `ssh {host}` once and look at it"),
    ("Could not resolve hostname", "no machine has that name; correct it, or give its number"),
    ("Connection refused", "no ssh server listens there; start sshd on it, or correct the port"),
    ("timed out", "it does not answer; see that it is on and in this network"),
    ("No route to host", "it does not answer; see that it is on and in this network"),
)


class SshClient:
    """One machine that is reached with `ssh`, as the user's own configuration says; nothing is ever asked for.

    `LITESMITH_SSH_COMMAND` stands for another program or for more options: `ssh -F other_config`.
    """

    def __init__(self, address: str) -> None:
        """Take an address `[USER@]HOST[:PORT]`; nothing is connected yet.

        Raises:
            NoDevice: it is no address.
            DeviceError: there is no ssh program.
        """
        found = _ADDRESS.fullmatch(address)
        if found is None or found["host"].startswith("-"):
            raise NoDevice(f"{address!r} is no machine; write --on ssh:USER@HOST or --on ssh:USER@HOST:PORT")
        self.address = address
        self.host = found["host"].replace("[", "").replace("]", "")
        words = shlex.split(os.environ.get(COMMAND_VARIABLE, "ssh"))
        if not words or shutil.which(words[0]) is None:
            raise DeviceError("there is no ssh program on PATH; install OpenSSH's client (Debian: openssh-client)")
        # Paths of sockets are at most about a hundred characters long, so this one is kept short.
        self._sockets = tempfile.TemporaryDirectory(prefix="ls-")
        port = ["-p", found["port"]] if found["port"] else []
        self._options = [
            *words, *port, "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_TIMEOUT_S}",
            "-o", "ServerAliveInterval=5", "-o", "ServerAliveCountMax=3", "-o", "ControlMaster=auto",
            "-o", f"ControlPath={Path(self._sockets.name) / 'c'}", "-o", "ControlPersist=60",
        ]  # fmt: skip

    def run(
        self, command: str, data: bytes = b"", *, timeout_s: float = 60.0, hold: bool = False
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command of the machine's shell.

        Args:
            command: for the shell there.
            data: what it reads from its stdin.
            timeout_s: how long it may take.
            hold: keep its stdin open until it ends, so that it sees when this process or the connection is gone;
                `data` has to fit into a pipe then, at most 64 KiB.

        Raises:
            DeviceTimeout: it took too long.
            DeviceError: the machine cannot be reached, or was lost.
        """
        line = [*self._options, "--", self.host, command]
        reading, writing = os.pipe() if hold else (subprocess.PIPE, None)
        try:
            process = subprocess.Popen(
                line, stdin=reading, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
            )
            try:
                if writing is not None:
                    os.write(writing, data)
                out, err = process.communicate(None if hold else data, timeout=timeout_s)
            finally:
                end_group(process)  # what it started there sees its stdin close
        except subprocess.TimeoutExpired as error:
            raise DeviceTimeout(
                f"ssh:{self.address}: no answer within {timeout_s:g} s; allow more time, or see what the machine does"
            ) from error
        finally:
            for end in (reading, writing) if hold else ():
                if end is not None:
                    os.close(end)
        if process.returncode == LOST:
            raise self._lost(err.decode(errors="replace"))
        return subprocess.CompletedProcess(line, process.returncode, out, err)

    def close(self) -> None:
        """End the connection."""
        # One that does not end now does so by itself, a minute after the last command.
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [*self._options, "-O", "exit", "--", self.host],
                stdin=subprocess.DEVNULL, capture_output=True, timeout=CONNECT_TIMEOUT_S, check=False,
            )  # fmt: skip
        self._sockets.cleanup()

    def _lost(self, said: str) -> DeviceError:
        for sign, cause in _CAUSES:
            if sign in said:
                return NoDevice(f"ssh:{self.address}: {cause.format(host=self.host)}")
        lines = [line for line in said.splitlines() if line.strip()]
        last = lines[-1] if lines else "it gave no reason"
        return DeviceError(f"ssh:{self.address}: the connection failed ({last}); try `ssh {self.host}` by hand")
