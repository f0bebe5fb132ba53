"""What goes wrong in `benchmark_model`, as errors that say what to do."""

from __future__ import annotations

import re
import signal

from litesmith.converters.runtime_traps import oldest_runtime_of
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DeviceError, LitesmithError, ModelError

_UNKNOWN_OP = re.compile(r"Didn't find op for builtin opcode '(\w+)' version '(\d{1,9})'")
_CUSTOM_OP = re.compile(r"unresolved custom op: ([\w:.-]+?)\.?\s|Didn't find custom op(?:erator)? for name '([^']+)'")
_NOT_APPLIED = re.compile(r"Failed to apply (\w+) delegate")
_UNSUPPORTED = re.compile(r"(\w+) acceleration is unsupported on this platform")
_NOT_LOADED = re.compile(
    r".*(?:Failed to (?:load|mmap) model|not a valid Flatbuffer|model identifier|Op builtin_code out of range|"
    r"Failed to initialize the interpreter|Failed to allocate tensors|failed to (?:prepare|invoke)).*"
)
_NOT_STARTED = re.compile(
    r".*(?:CANNOT LINK EXECUTABLE|not executable|Exec format error|[Pp]ermission denied|cannot execute|not found).*"
)
_NOT_STARTED_CODES = (126, 127)
_BY_SIGNAL = 128
_SIGNALS = {member.value: member.name for member in signal.Signals}


def is_not_started(exit_code: int) -> bool:
    """Whether the program did not even get to look at its arguments."""
    return exit_code in _NOT_STARTED_CODES or exit_code > _BY_SIGNAL


def failure(log: str, exit_code: int, content: bytes, delegate: str) -> LitesmithError:
    """Why a run ended with an exit code that is not 0."""
    for found in (_unknown_op(log, content), _custom_op(log), without_delegate(log, delegate)):
        if found is not None:
            return found
    if exit_code in _NOT_STARTED_CODES:
        reason = _NOT_STARTED.search(log)
        return DeviceError(
            f"the runner cannot be started on the device ({reason[0].strip() if reason else quoted(log)}); "
            "pass one that was built for its ABI, statically linked, with --runner"
        )
    if exit_code > _BY_SIGNAL:
        return _by_signal(exit_code - _BY_SIGNAL, log)
    if reason := _NOT_LOADED.search(log):
        return ModelError(
            f"the runner cannot load this file ({reason[0].strip()}); "
            "convert the model again, or pass a newer benchmark_model with --runner"
        )
    return DeviceError(f"the runner failed with exit code {exit_code}: {quoted(log)}; see what it says, or try another")


def without_delegate(log: str, delegate: str) -> DeviceError | None:
    """The error for a delegate that was asked for and cannot be had on the device."""
    missing = {name.lower() for name in (*_NOT_APPLIED.findall(log), *_UNSUPPORTED.findall(log))}
    if delegate not in missing:
        return None
    why = next((line.strip() for line in log.splitlines() if line.startswith("ERROR") and "Failed to" not in line), "")
    return DeviceError(
        f"the delegate {delegate} is not available for this model on this device{f' ({why})' if why else ''}; "
        f"check the file with `litesmith check`, or choose another --delegate"
    )


def quoted(log: str) -> str:
    """The last lines of a log, for a message."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return repr(" | ".join(lines[-3:])[-300:]) if lines else "nothing was printed"


def _unknown_op(log: str, content: bytes) -> ModelError | None:
    """The runtime that is named has every operator of the file, not only the one that was missed first."""
    found = _UNKNOWN_OP.search(log)
    if found is None:
        return None
    oldest = oldest_runtime_of(TFLiteModel(content))
    return ModelError(
        f"{found[1]} version {found[2]} is unknown to the runner: this file needs {oldest.named} or newer; "
        "pass a newer benchmark_model with --runner, or convert the model so that it uses older operators"
    )


def _custom_op(log: str) -> ModelError | None:
    found = _CUSTOM_OP.search(log)
    if found is None:
        return None
    return ModelError(
        f"the custom operator {found[1] or found[2]} is unknown to the runner; pass the file from before it was "
        "compiled for an accelerator, or a benchmark_model that has the operator, with --runner"
    )


def _by_signal(number: int, log: str) -> LitesmithError:
    name = _SIGNALS.get(number, f"signal {number}")
    if name == "SIGKILL":
        return DeviceError("the device ended the runner (SIGKILL), probably for lack of memory; close apps, run again")
    if name == "SIGILL":
        return DeviceError(
            "the runner uses instructions that this processor does not have (SIGILL); "
            "pass one that was built for it, with --runner"
        )
    return ModelError(
        f"the runtime was aborted by this file ({name}: {quoted(log)}); "
        "do not ship it: convert the model again, or try another delegate or runtime"
    )
