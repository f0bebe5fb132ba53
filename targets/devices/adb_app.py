"""Android devices over adb, measured inside the demo app, which is what users feel."""

from __future__ import annotations

import logging
import secrets
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy.typing as npt

from litesmith.errors import DeviceError, DeviceTimeout
from litesmith.targets.block import Block
from litesmith.targets.devices import adb_app_errors, adb_app_intent, benchmark_vectors
from litesmith.targets.devices.adb_app_intent import NO_RESULT, PACKAGE
from litesmith.targets.devices.adb_app_result import AppResult
from litesmith.targets.devices.adb_choice import open_chosen
from litesmith.targets.devices.adb_client import AdbClient
from litesmith.targets.devices.adb_facts import FACTS, STATE, read_facts, read_state
from litesmith.targets.devices.adb_folder import DeviceFolder
from litesmith.targets.devices.device import Configuration, Demand, Device, DeviceFacts, DeviceState
from litesmith.targets.isolated import IsolatedRun

_LOGGER = logging.getLogger(__name__)
_VECTORS_TIMEOUT_S = 120.0
_STOP_TIMEOUT_S = 5.0


class AppDevice:
    """The demo app on one Android device; made by `connect`. `close` ends it and takes away what was brought."""

    def __init__(self, client: AdbClient, serial: str, facts: DeviceFacts) -> None:
        self._client = client
        self._serial = serial
        self._folder = DeviceFolder(client, serial)
        self._facts = facts
        self._started = False

    @property
    def facts(self) -> DeviceFacts:
        """What does not change; `emulated` as soon as the device or the app said it."""
        return self._facts

    def state(self) -> DeviceState:
        """Clocks, temperatures, battery and load now; errors are those of `AdbDevice.state`."""
        return read_state(self._folder.shell(STATE).stdout)

    def block(self, content: bytes, configuration: Configuration, demand: Demand) -> Block:
        """Run a `.tflite` file in a fresh process of the app; see `Device.block`.

        Raises:
            ModelError: the runtime in the app cannot run the file.
            DeviceTimeout: it took longer than `demand.timeout_s`; the app was ended.
            DeviceError: the device, the app or the delegate fails, or the app was not in front.
        """
        extras = adb_app_intent.timing_extras(configuration, demand)
        return self._measured(content, configuration, extras, demand.timeout_s).block()

    def run_vectors(
        self, content: bytes, inputs: Sequence[npt.NDArray[Any]], configuration: Configuration | None = None
    ) -> IsolatedRun:
        """Outputs of a `.tflite` file for one set of inputs, both in the order of the file, and what computed them.

        Raises:
            ModelError: the inputs do not fit the file, or the runtime in the app cannot run it.
            DeviceError: the device, the app or the delegate fails.
        """
        model = benchmark_vectors.runnable(content, inputs)
        asked = configuration or Configuration()
        files = [self._folder.put(array.tobytes(), ".raw") for array in inputs]
        found = self._measured(content, asked, adb_app_intent.vector_extras(asked, files), _VECTORS_TIMEOUT_S)
        return IsolatedRun(found.arrays(model), "tflite in the app", found.runtime, found.delegate)

    def close(self) -> None:
        """End the app and take away what was brought; a device that is gone is warned of."""
        if self._started:
            self._started = False
            self._stop(adb_app_intent.STOP)
        self._folder.close()

    def _measured(self, content: bytes, asked: Configuration, extras: Sequence[str], timeout_s: float) -> AppResult:
        graph = self._folder.put(content, ".tflite")
        name = secrets.token_hex(8)  # a result of its own: never that of another run
        ended = f"{adb_app_intent.STOP}; {adb_app_intent.removal(name)}"
        try:
            self._started = True
            done = self._folder.shell(adb_app_intent.script(graph, name, extras), timeout_s=timeout_s)
            if done.exit_code == NO_RESULT:
                raise adb_app_errors.ended(done.log, PACKAGE)
            found = AppResult.read(self._taken(name), content, asked)
        except DeviceTimeout as error:
            self._stop(ended)
            raise DeviceTimeout(
                f"{self._serial}: the app gave no result within {timeout_s:g} s and was ended; see that the phone is "
                "unlocked, allow more time with --timeout, or ask for fewer runs"
            ) from error
        except BaseException:
            self._stop(ended)
            raise
        if found.emulated:
            self._facts = replace(self._facts, emulated=True)
        return found

    def _taken(self, name: str) -> bytes:
        """The content of a result, which is then removed."""
        with tempfile.TemporaryDirectory(prefix="litesmith-") as folder:
            target = Path(folder) / "result"
            self._client.pull(self._serial, adb_app_intent.result_path(name), target)
            self._folder.shell(adb_app_intent.removal(name))
            return target.read_bytes()

    def _stop(self, command: str) -> None:
        """End the app with this command; where the device is gone, closing the folder says so."""
        try:
            self._folder.shell(command, timeout_s=_STOP_TIMEOUT_S)
        except DeviceError as error:
            _LOGGER.debug("cannot end the app: %s", error)


def connect(which: str) -> tuple[Device, ...]:
    """Devices with the app to measure in; close each of them.

    Args:
        which: see `open_chosen`.

    Raises:
        AdbNotFound: there is no adb.
        NoDevice: none is connected, none has that serial, or there are several to choose from.
        DeviceError: the device has not allowed debugging, is offline, or has not the app.
    """
    return open_chosen(which, _open)


def _open(client: AdbClient, serial: str) -> AppDevice:
    if not client.shell(serial, f"pm path {PACKAGE}").stdout.startswith("package:"):
        raise adb_app_errors.not_installed(serial, PACKAGE)
    return AppDevice(client, serial, read_facts(f"adb:{serial}", client.shell(serial, FACTS).stdout))
