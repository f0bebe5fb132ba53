"""Android devices over adb, measured with TensorFlow's native `benchmark_model`."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from shlex import quote
from types import TracebackType
from typing import Any, Self

import numpy.typing as npt

from litesmith.errors import DeviceError
from litesmith.targets.block import Block
from litesmith.targets.devices import benchmark_errors, benchmark_model, benchmark_vectors
from litesmith.targets.devices.adb_choice import open_chosen
from litesmith.targets.devices.adb_client import AdbClient
from litesmith.targets.devices.adb_facts import FACTS, STATE, read_facts, read_state
from litesmith.targets.devices.adb_folder import DeviceFolder
from litesmith.targets.devices.adb_runner import Runner, find_runner
from litesmith.targets.devices.benchmark_delegates import read_delegate
from litesmith.targets.devices.cores import core_mask
from litesmith.targets.devices.device import Configuration, Demand, Device, DeviceFacts, DeviceState
from litesmith.targets.isolated import IsolatedRun

Array = npt.NDArray[Any]

_TRY_TIMEOUT_S = 30.0
_VECTORS_TIMEOUT_S = 120.0


class AdbDevice:
    """One Android device that is ready; made by `connect`. It is left as it was found by `close`."""

    def __init__(self, folder: DeviceFolder, facts: DeviceFacts, runner: Runner) -> None:
        self._folder = folder
        self._facts = facts
        self._runner = runner

    @property
    def facts(self) -> DeviceFacts:
        """What does not change; `emulated` as soon as the device or a run of the runner said it."""
        return self._facts

    def try_runner(self) -> None:
        """Bring the runner to the device and start it without a model, which it refuses.

        Raises:
            DeviceError: there is no space for it, or it cannot be started there.
        """
        log, code = self._run((), None, _TRY_TIMEOUT_S)
        if benchmark_errors.is_not_started(code):
            raise benchmark_errors.failure(log, code, b"", "none")

    def state(self) -> DeviceState:
        """Clocks, temperatures, battery and load now.

        Raises:
            DeviceError: the device cannot be reached.
        """
        return read_state(self._folder.shell(STATE).stdout)

    def block(self, content: bytes, configuration: Configuration, demand: Demand) -> Block:
        """Run a `.tflite` file in a fresh process of the runner; see `Device.block`.

        Raises:
            ModelError: the runtime there cannot run the file.
            DeviceTimeout: it took longer than `demand.timeout_s`; the runner was ended.
            DeviceError: the device, the runner or the delegate fails.
        """
        mask = core_mask(self._facts.cores, configuration.cores) if configuration.cores else None
        graph = self._folder.put(content, ".tflite")
        words = benchmark_model.arguments(graph, configuration, demand)
        log, code = self._run(words, mask, demand.timeout_s)
        return benchmark_model.read_block(log, code, content, configuration, demand, str(self._runner))

    def run_vectors(
        self, content: bytes, inputs: Sequence[Array], configuration: Configuration | None = None
    ) -> IsolatedRun:
        """Outputs of a `.tflite` file for one set of inputs, both in the order of the file, and what computed them.

        Raises:
            ModelError: the inputs do not fit the file, or the runtime cannot run it.
            DeviceError: this runner takes no inputs or gives no outputs, or the device fails.
        """
        model = benchmark_vectors.runnable(content, inputs)
        graph = self._folder.put(content, ".tflite")
        files = [self._folder.put(array.tobytes(), ".raw") for array in inputs]
        asked = configuration or Configuration()
        output = f"outputs-{secrets.token_hex(4)}.raw"  # never those of another run
        words = benchmark_vectors.arguments(graph, model, files, f"{self._folder.path}/{output}", asked)
        log, code = self._run(words, None, _VECTORS_TIMEOUT_S)
        benchmark_vectors.check_log(log, code, content, asked)
        return IsolatedRun(
            outputs=benchmark_vectors.read_outputs(self._folder.get(output), model),
            runtime="benchmark_model",
            runtime_version=f"sha256 {self._runner.sha256}",
            delegate=read_delegate(log).name,
        )

    def close(self) -> None:
        """End what runs and take away what was brought; a device that is gone is warned of."""
        self._folder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, words: Sequence[str], mask: str | None, timeout_s: float) -> tuple[str, int]:
        """The log of a run of the runner, and its exit code."""
        program = self._folder.put(self._runner.content, executable=True)
        pinned = f"taskset {mask} " if mask else ""
        command = pinned + " ".join(quote(word) for word in (program, *words))
        done = self._folder.run(command, timeout_s=timeout_s)
        if benchmark_model.is_emulated(done.log):
            self._facts = replace(self._facts, emulated=True)
        if mask and done.exit_code and "taskset: " in done.log:
            raise DeviceError(
                f"{self._facts.label}: taskset cannot pin to the cores {mask} ({done.log.strip()[-200:]}); "
                "leave --cores away, or choose others"
            )
        return done.log, done.exit_code


def connect(which: str, *, runner: Path | None = None) -> tuple[Device, ...]:
    """Devices to measure on; close each of them.

    Args:
        which: "" for the one of `ANDROID_SERIAL` or the only one that is connected, a serial, or "all". For "all",
            those that cannot be used are warned of, and are no error unless none can be used.
        runner: a `benchmark_model` for the ABI of the devices; None for `LITESMITH_RUNNER`, or else the cache folder.

    Raises:
        AdbNotFound: there is no adb.
        NoDevice: none is connected, none has that serial, or there are several to choose from.
        DeviceError: the device has not allowed debugging, is offline, or there is no runner that fits it.
    """
    return open_chosen(which, partial(_open, runner=runner))


def _open(client: AdbClient, serial: str, *, runner: Path | None) -> AdbDevice:
    """Ask a device for its facts and try the runner on it: what is missing shows before anything is measured."""
    facts = read_facts(f"adb:{serial}", client.shell(serial, FACTS).stdout)
    found = find_runner(facts.abi, runner)
    device = AdbDevice(DeviceFolder(client, serial), facts, found)
    try:
        device.try_runner()
    except BaseException:
        device.close()
        raise
    return device
