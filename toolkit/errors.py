"""The errors Litesmith raises. A message says what, where, and the next action.

LitesmithError                exit 2
├── RecipeError(file, key)    a recipe that cannot be run as written
├── DataError                 samples or labels that cannot be used
├── CalibrationError          representative data that cannot calibrate
├── CompressionError(stage)   distillation, pruning or quantization-aware training failed
├── ConversionError(op)       no file, or not the file that was asked for
├── ModelError(file)          a model file that cannot be read, trusted or run
├── OutputError               a file or folder that cannot be written
├── TargetError
│   ├── UnknownTarget
│   └── TargetUnmet(report)   exit 1
└── DeviceError               exit 3
    ├── AdbNotFound
    ├── NoDevice
    └── DeviceTimeout
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar


class LitesmithError(Exception):
    """Base of all errors that Litesmith raises on purpose."""

    exit_code: ClassVar[int] = 2


class RecipeError(LitesmithError):
    """A recipe names something that does not exist, or a value it cannot have."""

    def __init__(self, message: str, *, file: Path | str | None = None, key: str | None = None) -> None:
        self.file = str(file) if file is not None else None
        self.key = key
        where = ": ".join(part for part in (self.file, key) if part)
        super().__init__(f"{where}: {message}" if where else message)


class DataError(LitesmithError):
    """Samples or labels are missing, malformed or inconsistent."""


class CalibrationError(LitesmithError):
    """The representative data cannot be used to calibrate this model."""


class CompressionError(LitesmithError):
    """A training stage (distill, prune, qat) could not be carried out."""

    def __init__(self, message: str, *, stage: str) -> None:
        self.stage = stage
        super().__init__(f"{stage}: {message}")


class ConversionError(LitesmithError):
    """The converter gave no file, or a file that is not what was asked for."""

    def __init__(self, message: str, *, op: str | None = None) -> None:
        self.op = op
        super().__init__(f"{op}: {message}" if op else message)


class ModelError(LitesmithError):
    """A model file cannot be read, is not to be trusted, or crashes the runtime."""

    def __init__(self, message: str, *, file: Path | str | None = None) -> None:
        self.file = str(file) if file is not None else None
        name = "?".join((self.file or "").splitlines())  # a message is one line, whatever the file is called
        super().__init__(f"{name}: {message}" if name else message)


class OutputError(LitesmithError):
    """A file or folder cannot be written: disk full, no permission, or in use by another run."""


class TargetError(LitesmithError):
    """Something about a target profile."""


class UnknownTarget(TargetError):
    """No profile has that name."""


class TargetUnmet(TargetError):
    """The model breaks rules of a target; `report` holds every finding."""

    exit_code = 1

    def __init__(self, message: str, *, report: Any) -> None:
        self.report = report
        super().__init__(message)


class DeviceError(LitesmithError):
    """A device could not be reached or failed to run the model."""

    exit_code = 3


class AdbNotFound(DeviceError):
    """The adb client is not installed or not on PATH."""


class NoDevice(DeviceError):
    """No device is connected, or none matches the one asked for."""


class DeviceTimeout(DeviceError):
    """The device did not answer in time."""
