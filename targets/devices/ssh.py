"""A Linux machine that is reached over ssh, such as a Raspberry Pi: Litesmith's own worker runs there.

Nothing has to be installed there but Python, numpy and a runtime. Litesmith's sources are brought as one file, so the
code that times a model is the very same as on the host.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.errors import DeviceError, NoDevice
from litesmith.targets.block import Block
from litesmith.targets.devices.cores import core_numbers
from litesmith.targets.devices.device import Configuration, Demand, DeviceFacts, DeviceState
from litesmith.targets.devices.host import checked_delegate
from litesmith.targets.devices.ssh_client import SshClient
from litesmith.targets.devices.ssh_package import package
from litesmith.targets.isolated import INPUTS, OUTPUTS, REPLY, REQUEST, IsolatedRun, failure, rebuilt

PYTHON_VARIABLE = "LITESMITH_SSH_PYTHON"
OLDEST_PYTHON = (3, 11)
_SETUP_TIMEOUT_S = 60.0
_PACKAGE = "litesmith.zip"
_SHELL_SIGNALS = 128  # a shell gives a process that a signal ended this and the signal's number
_LOGGER = logging.getLogger(__name__)


class SshDevice:
    """A machine that is ready; made by `connect`. `close` takes away what was brought."""

    def __init__(self, client: SshClient, python: str, folder: str, runtime: str | None) -> None:
        self._client = client
        self._python = python
        self._folder = folder
        self._runtime = runtime
        self._brought: set[str] = set()
        self._facts: DeviceFacts | None = None

    @property
    def facts(self) -> DeviceFacts:
        """What does not change; asked for once."""
        if self._facts is None:
            found = DeviceFacts.from_dict(self._exchange({"action": "facts"}, _SETUP_TIMEOUT_S))
            self._facts = replace(found, label=f"ssh:{self._client.address}", kind="ssh")
        return self._facts

    def state(self) -> DeviceState:
        """Clocks, temperatures, battery and load now."""
        return DeviceState.from_dict(self._exchange({"action": "state"}, _SETUP_TIMEOUT_S))

    def block(self, content: bytes, configuration: Configuration, demand: Demand) -> Block:
        """Time a model in a fresh process there; see `Device.block`."""
        cores = None if configuration.cores is None else core_numbers(self.facts.cores, configuration.cores)
        request = {
            "action": "block", "runtime": self._runtime, "model": self._bring(content, ".tflite"),
            "threads": configuration.threads, "delegate": checked_delegate(configuration.delegate, self.facts.label),
            "cores": cores, "runs": demand.runs, "seconds": demand.seconds,
        }  # fmt: skip
        return Block.from_dict(self._exchange(request, demand.timeout_s))

    def run_vectors(
        self, content: bytes, inputs: Sequence[npt.NDArray[Any]], configuration: Configuration | None = None
    ) -> IsolatedRun:
        """Run a model once there; errors are those of `block`."""
        asked = configuration or Configuration()
        request = {
            "action": "run", "runtime": self._runtime, "model": self._bring(content, ".tflite"),
            "threads": asked.threads, "delegate": checked_delegate(asked.delegate, self.facts.label),
        }  # fmt: skip
        buffer = io.BytesIO()
        np.savez(buffer, *inputs)
        self._write(INPUTS, buffer.getvalue())
        ran = self._exchange(request, _SETUP_TIMEOUT_S)
        found = self._client.run(f"cat {shlex.quote(f'{self._folder}/{OUTPUTS}')}", timeout_s=_SETUP_TIMEOUT_S)
        with np.load(io.BytesIO(found.stdout), allow_pickle=False) as archive:
            return IsolatedRun(outputs=tuple(archive[key] for key in archive.files), **ran)

    def prepare(self) -> None:
        """Bring Litesmith and see that a model could be run.

        Raises:
            DeviceError: there is no runtime, or not the one that was asked for.
        """
        self._write(_PACKAGE, package())
        self._exchange({"action": "probe", "runtime": self._runtime}, _SETUP_TIMEOUT_S)

    def close(self) -> None:
        """Remove the folder there; a machine that is gone is warned of."""
        try:
            done = self._client.run(f"rm -rf {shlex.quote(self._folder)}")
            why = _last(done) if done.returncode else None
        except DeviceError as error:
            why = str(error)
        if why is not None:
            _LOGGER.warning("ssh:%s: the folder %s is left there (%s)", self._client.address, self._folder, why)
        self._client.close()

    def _bring(self, content: bytes, suffix: str) -> str:
        """Where a file lies there; it is sent once."""
        name = hashlib.sha256(content).hexdigest() + suffix
        if name not in self._brought:
            self._write(name, content)
            self._brought.add(name)
        return f"{self._folder}/{name}"

    def _write(self, name: str, content: bytes) -> None:
        path = shlex.quote(f"{self._folder}/{name}")
        done = self._client.run(f"cat > {path}.part && mv {path}.part {path}", content, timeout_s=_SETUP_TIMEOUT_S)
        if done.returncode:
            raise DeviceError(f"ssh:{self._client.address}: cannot write {len(content)} bytes there ({_last(done)})")

    def _exchange(self, request: Mapping[str, Any], timeout_s: float) -> dict[str, Any]:
        """Let the worker there serve a request; what it raises is raised here."""
        asked = json.dumps(request).encode()
        folder, python = shlex.quote(self._folder), shlex.quote(self._python)
        command = (
            f"cd {folder} && head -c {len(asked)} > {REQUEST} && rm -f {REPLY} && "
            f"PYTHONPATH={folder}/{_PACKAGE} {python} -P -m litesmith.targets.worker {folder} && cat {REPLY}"
        )
        done = self._client.run(command, asked, timeout_s=timeout_s, hold=True)
        if done.returncode:
            signal = done.returncode - _SHELL_SIGNALS
            text = done.stderr.decode(errors="replace")
            raise failure(-signal if signal > 0 else done.returncode, text, where=f"ssh:{self._client.address}")
        reply: dict[str, Any] = json.loads(done.stdout)
        if "error" in reply:
            raise rebuilt(reply["error"])
        return reply


def connect(address: str, *, runtime: str | None = None) -> SshDevice:
    """Connect to a machine and bring there what measuring needs; close the device in the end.

    Args:
        address: `USER@HOST`, as `ssh` takes it, with `:PORT` where it is not the usual one.
        runtime: `litert` or `tflite-runtime`; None for the first that is installed there.

    Raises:
        NoDevice: the machine cannot be reached.
        DeviceError: it has no suitable Python, no numpy or no runtime.
    """
    client = SshClient(address)
    try:
        python = os.environ.get(PYTHON_VARIABLE, "python3")
        _check_python(client, python)
        made = client.run("umask 077; mktemp -d ${TMPDIR:-/tmp}/litesmith-XXXXXX", timeout_s=_SETUP_TIMEOUT_S)
        if made.returncode:
            raise DeviceError(f"ssh:{address}: cannot make a folder for temporary files there ({_last(made)})")
        device = SshDevice(client, python, made.stdout.decode().strip(), runtime)
    except BaseException:
        client.close()
        raise
    try:
        device.prepare()
    except BaseException:
        device.close()
        raise
    return device


def _check_python(client: SshClient, python: str) -> None:
    script = "import sys; print(*sys.version_info[:2]); import numpy"
    done = client.run(f"{shlex.quote(python)} -c {shlex.quote(script)}", timeout_s=_SETUP_TIMEOUT_S)
    found = done.stdout.decode(errors="replace").split()
    version = tuple(int(part) for part in found if part.isdecimal())
    wanted = ".".join(map(str, OLDEST_PYTHON))
    other = f"name another with {PYTHON_VARIABLE} (such as the path of a virtual environment's Python there)"
    if len(version) != len(OLDEST_PYTHON):
        raise NoDevice(f"ssh:{client.address}: there is no Python {python!r} ({_last(done)}); install it, or {other}")
    if version < OLDEST_PYTHON:
        raise DeviceError(f"ssh:{client.address}: Python {'.'.join(found)} is older than {wanted}; {other}")
    if done.returncode:
        raise DeviceError(
            f"ssh:{client.address}: {python} has no numpy; run `pip install numpy ai-edge-litert` there, or {other}"
        )


def _last(done: CompletedProcess[bytes]) -> str:
    lines = [line for line in done.stderr.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1] if lines else f"exit code {done.returncode}"
