"""Runs files of unknown origin in a child process, which they may take down.

The request and the reply are JSON and `.npz` files in a temporary folder; nothing is ever unpickled.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.errors import DeviceError, DeviceTimeout, LitesmithError, ModelError
from litesmith.targets.block import Block
from litesmith.targets.devices.device import Demand

REQUEST = "request.json"
REPLY = "reply.json"
INPUTS = "inputs.npz"
OUTPUTS = "outputs.npz"
MODEL = "model.tflite"
_ERRORS: Mapping[str, type[LitesmithError]] = {"ModelError": ModelError, "DeviceError": DeviceError}
_SIGNALS = {member.value: member.name for member in signal.Signals}

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class IsolatedRun:
    """Outputs in the order of the file, and what computed them; `delegate` is what really ran."""

    outputs: tuple[Array, ...]
    runtime: str
    runtime_version: str
    delegate: str


def run_isolated(
    model: Path | bytes,
    inputs: Sequence[Array] | None = None,
    *,
    runtime: str | None = None,
    threads: int = 1,
    delegate: str = "xnnpack",
    timeout_s: float = 120.0,
) -> IsolatedRun:
    """Run a model once in a child process.

    Args:
        model: a file, or the content of one.
        inputs: one array per input in the order of the file; None for random ones.
        runtime: `litert`, `tflite-runtime` or `tf`; None for the first that is installed.
        threads: how many threads the kernels may use.
        delegate: one of `litesmith.targets.runtimes.DELEGATES`.
        timeout_s: how long the child may take, its start included.

    Raises:
        ModelError: the file cannot be read or run, or it crashes the runtime.
        DeviceTimeout: the child did not finish in time.
        DeviceError: the runtime is not installed or cannot be loaded.
    """
    request = {"action": "run", "runtime": runtime, "threads": threads, "delegate": delegate}
    with tempfile.TemporaryDirectory(prefix="litesmith-") as name:
        folder = Path(name)
        if inputs is not None:
            _save_inputs(folder / INPUTS, inputs)
        reply = exchange(request, folder, model, timeout_s)
        with np.load(folder / OUTPUTS, allow_pickle=False) as archive:
            return IsolatedRun(outputs=tuple(archive[key] for key in archive.files), **reply)


def block_isolated(
    model: Path | bytes,
    demand: Demand,
    *,
    runtime: str | None = None,
    threads: int = 1,
    delegate: str = "xnnpack",
    cores: Sequence[int] | None = None,
) -> Block:
    """Time a model in a child process, on random inputs.

    Args:
        model: a file, or the content of one.
        demand: how much to time, and how long the child may take, its start included.
        runtime: see `run_isolated`, likewise what is raised.
        threads: how many threads the kernels may use.
        delegate: one of `litesmith.targets.runtimes.DELEGATES`.
        cores: numbers of those that the child may run on; None for all.
    """
    request = {
        "action": "block", "runtime": runtime, "threads": threads, "delegate": delegate,
        "cores": None if cores is None else list(cores), "runs": demand.runs, "seconds": demand.seconds,
    }  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="litesmith-") as folder:
        return Block.from_dict(exchange(request, Path(folder), model, demand.timeout_s))


def probe(runtime: str, *, timeout_s: float = 60.0) -> str:
    """Import a runtime in a child process and return its version.

    Raises:
        DeviceError: it is not installed, or cannot be imported.
    """
    request = {"action": "probe", "runtime": runtime}
    with tempfile.TemporaryDirectory(prefix="litesmith-") as folder:
        try:
            return str(exchange(request, Path(folder), None, timeout_s)["version"])
        except ModelError as error:
            raise DeviceError(f"{runtime} crashes when it is imported; reinstall it") from error


def _save_inputs(path: Path, inputs: Sequence[Array]) -> None:
    if any(array.dtype.hasobject for array in inputs):
        raise ModelError("an input holds Python objects; pass arrays of numbers")
    np.savez(path, *inputs)


def exchange(request: Mapping[str, Any], folder: Path, model: Path | bytes | None, timeout_s: float) -> dict[str, Any]:
    """Let a child do what `request` says with a model, and read its reply.

    Raises:
        ModelError: the file cannot be run, or crashes the runtime.
        DeviceError: it took longer than `timeout_s`.
    """
    file = model if isinstance(model, Path) else None
    if isinstance(model, bytes):
        (folder / MODEL).write_bytes(model)
    path = (file or folder / MODEL).absolute()
    (folder / REQUEST).write_text(json.dumps({**request, "model": str(path)}))
    child = _run_child(folder, timeout_s, file)
    if child.returncode:
        raise failure(child.returncode, child.stderr, file)
    reply: dict[str, Any] = json.loads((folder / REPLY).read_text())
    if "error" in reply:
        raise rebuilt(reply["error"], file)
    return reply


def _run_child(folder: Path, timeout_s: float, file: Path | None) -> subprocess.CompletedProcess[str]:
    # The child ends when its stdin does, and the pipe closes however this process ends.
    child_end, own_end = os.pipe()
    try:
        # -P keeps modules of the current folder from shadowing installed ones.
        return subprocess.run(
            [sys.executable, "-P", "-m", "litesmith.targets.worker", str(folder)],
            stdin=child_end, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, errors="replace", timeout=timeout_s, check=False,
            start_new_session=True,  # Ctrl-C is for this process, which then ends the child
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise DeviceTimeout(
            f"{file or 'the model'}: no answer from the runtime within {timeout_s:g} s; "
            "allow more time, or look for a loop that never ends"
        ) from error
    finally:
        os.close(child_end)
        os.close(own_end)


def failure(code: int, stderr: str, file: Path | None = None, *, where: str = "this machine") -> LitesmithError:
    """Why a worker gave no reply; `code` is its exit code, or a signal below zero."""
    lines = [line for line in stderr.splitlines() if line.strip() and not line.startswith("INFO:")]
    last = lines[-1] if lines else "it left no message"
    if code > 0:
        return DeviceError(f"the process that runs models on {where} failed ({last}); run `litesmith doctor`")
    name = _SIGNALS.get(-code, f"signal {-code}")
    cause = "the system ended it, probably for lack of memory" if name == "SIGKILL" else last
    return ModelError(
        f"the runtime was aborted by this file ({name}: {cause}); "
        "do not ship it: convert the model again, or try another delegate or runtime",
        file=file,
    )


def rebuilt(error: Mapping[str, str], file: Path | None = None) -> LitesmithError:
    """The error that a worker met."""
    kind = _ERRORS.get(error["type"], DeviceError)
    return ModelError(error["message"], file=file) if kind is ModelError else kind(error["message"])
