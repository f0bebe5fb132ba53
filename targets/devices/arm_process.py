"""Starts `arm_runner` as a process of its own, on this machine or in an emulator, and reads what it found."""

from __future__ import annotations

import importlib.metadata
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

from litesmith.errors import DeviceError, DeviceTimeout, ModelError
from litesmith.targets.devices.processes import end_group

RUNNER = Path(__file__).with_name("arm_runner.py")
TIMEOUT_S = 600.0
_SIGNALS = {member.value: member.name for member in signal.Signals}

Array = npt.NDArray[Any]
# One array per input of the model, in the order of the file.
Inputs = Sequence[Sequence[Array]]


@dataclass(frozen=True, slots=True)
class Reply:
    """What a run of many sets of inputs gave.

    Attributes:
        outputs: per set, one array per output of the model, in the order of the file.
        delegate: `xnnpack` where it took operators, else `none`.
        hwcap, hwcap2: features of the processor, as the system told the program.
        code: addresses of the runtime's code in it.
    """

    outputs: tuple[tuple[Array, ...], ...]
    delegate: str
    hwcap: int
    hwcap2: int
    code: tuple[tuple[int, int], ...]


def run_here(
    content: bytes, inputs: Inputs, *, delegate: str = "xnnpack", timeout_s: float = TIMEOUT_S
) -> tuple[Reply, str]:
    """Run a model with LiteRT on this machine, in a child process; `delegate` is `xnnpack` or `none`.

    Returns:
        What it gave, and the version of LiteRT.

    Raises:
        ModelError: the model cannot be run, or crashes the runtime.
        DeviceError: LiteRT is not installed, or the time was not enough.
    """
    try:
        version = importlib.metadata.version("ai-edge-litert")
    except importlib.metadata.PackageNotFoundError as error:
        raise DeviceError("LiteRT is not installed here; run `pip install ai-edge-litert`") from error
    with tempfile.TemporaryDirectory(prefix="litesmith-") as name:
        folder = Path(name)
        write_request(folder, content, inputs, "ai_edge_litert.interpreter", delegate)
        return exchange([sys.executable, "-P", RUNNER, folder], folder, os.environ, timeout_s, "this machine"), version


def write_request(folder: Path, content: bytes, inputs: Inputs, module: str, delegate: str = "xnnpack") -> None:
    """Leave a model and its inputs in `folder` for `arm_runner`."""
    model = folder / "model.tflite"
    model.write_bytes(content)
    (folder / "request.json").write_text(json.dumps({"model": str(model), "module": module, "delegate": delegate}))
    named = {f"{place}_{index}": array for place, arrays in enumerate(inputs) for index, array in enumerate(arrays)}
    np.savez(folder / "inputs.npz", **named)


def exchange(
    command: Sequence[str | Path], folder: Path, environment: Mapping[str, str], timeout_s: float, where: str
) -> Reply:
    """Run `command`, which starts `arm_runner` on `folder`, and read its reply.

    Raises:
        ModelError: the runtime refuses the model, or dies of it.
        DeviceTimeout: it took longer than `timeout_s`.
        DeviceError: the program could not be run.
    """
    code, said = _run(command, environment, timeout_s, where)
    if code < 0:
        name = _SIGNALS.get(-code, f"signal {-code}")
        raise ModelError(
            f"the runtime died of it on {where} ({name}: {_last(said)}); do not ship it for this processor"
        )
    if code:
        raise DeviceError(
            f"the program that runs models failed on {where} ({_last(said)}); run `litesmith doctor`, and "
            "for an emulated processor delete what was set up for it (docs/arm.md)"
        )
    reply = json.loads((folder / "reply.json").read_text())
    if "error" in reply:
        raise ModelError(f"the runtime on {where} refuses it ({reply['error']}); convert the model again")
    with np.load(folder / "outputs.npz", allow_pickle=False) as archive:
        sets = range(len(archive.files) // reply["outputs"])
        outputs = tuple(tuple(archive[f"{place}_{out}"] for out in range(reply["outputs"])) for place in sets)
    code_ranges = tuple((first, last) for first, last in reply["code"])
    return Reply(outputs, reply["delegate"], reply["hwcap"], reply["hwcap2"], code_ranges)


def _run(
    command: Sequence[str | Path], environment: Mapping[str, str], timeout_s: float, where: str
) -> tuple[int, str]:
    """Exit status and stderr; however this ends, nothing of it goes on running."""
    with subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True, errors="replace", start_new_session=True,
    ) as process:  # fmt: skip
        try:
            _, said = process.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired as error:
            raise DeviceTimeout(
                f"no answer from {where} within {timeout_s:g} s; give fewer inputs, or allow more time with --timeout"
            ) from error
        finally:
            end_group(process)
        return process.returncode, said


def _last(said: str) -> str:
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith("INFO:")]
    return lines[-1] if lines else "it left no message"
