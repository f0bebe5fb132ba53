"""What the demo app says that it measured."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DeviceError
from litesmith.targets.block import Block
from litesmith.targets.devices.adb_app_errors import INSTALL, NOT_IN_FRONT, refusal
from litesmith.targets.devices.adb_app_intent import PACKAGE
from litesmith.targets.devices.device import Configuration

_VERSION = 2
_NS_A_MS = 1e6


@dataclass(frozen=True, slots=True)
class AppResult:
    """A result of the app's format 2, all times in nanoseconds.

    Attributes:
        app: version of the app.
        runtime: version of the TFLite in it.
        delegate: what was asked for and accepted; TFLite does not tell Java how much of a model it took.
        outputs: the bytes of each output, where inputs were given.
        in_front: whether the app was what the user sees.
        emulated: whether the app says that it runs on no phone.
    """

    app: str
    runtime: str
    delegate: str
    warmup_runs: int
    init_ns: int
    first_ns: int
    run_ns: tuple[int, ...]
    outputs: tuple[bytes, ...]
    in_front: bool
    emulated: bool

    @classmethod
    def read(cls, written: bytes, content: bytes, asked: Configuration) -> Self:
        """The result in the file that the app wrote.

        Args:
            written: the content of the file.
            content: the model, to say what it needs.
            asked: for what the app may have refused.

        Raises:
            ModelError: the runtime in the app cannot run the model.
            DeviceError: the app refused, or this is not its result.
        """
        try:
            document = json.loads(written)
            if not isinstance(document, dict) or document.get("version") != _VERSION:
                raise ValueError(f"it is no result of version {_VERSION}")
            if "error" not in document:
                return cls._of(document)
        except (ValueError, KeyError, TypeError) as error:
            raise DeviceError(
                f"the app wrote something else than a result ({error!r}: {written[:100]!r}); {INSTALL}"
            ) from error
        raise refusal(str(document["error"]), content, asked)

    @classmethod
    def _of(cls, document: Mapping[str, Any]) -> Self:
        """What is of another type raises TypeError or ValueError."""
        device = document["device"]
        return cls(
            app=str(device["app"]),
            runtime=str(document["runtime"]),
            delegate=_delegate(document["delegate"]),
            warmup_runs=_whole(document["warmup_runs"]),
            init_ns=_whole(document["init_ns"]),
            first_ns=_whole(document["first_ns"]),
            run_ns=tuple(map(_whole, document["run_ns"])),
            outputs=tuple(base64.b64decode(output, validate=True) for output in document["outputs"]),
            in_front=device["in_front"] is True,
            emulated=device.get("emulated") is True,
        )

    def __str__(self) -> str:
        return f"{PACKAGE} {self.app} (TFLite {self.runtime})"

    def block(self) -> Block:
        """The timed runs.

        Raises:
            DeviceError: the app was not in front, or the times are none that a run can have.
        """
        if not self.in_front:
            raise DeviceError(NOT_IN_FRONT)
        try:
            times_ms = tuple(time / _NS_A_MS for time in self.run_ns)
            return Block(
                count=len(times_ms),
                mean_ms=sum(times_ms) / len(times_ms),
                min_ms=min(times_ms),
                max_ms=max(times_ms),
                warmup_runs=self.warmup_runs,
                delegate=self.delegate,
                runner=str(self),
                times_ms=times_ms,
                init_ms=self.init_ns / _NS_A_MS,
                first_ms=self.first_ns / _NS_A_MS,
            )
        except (ValueError, ArithmeticError) as error:
            raise DeviceError(f"the app gives times that no run can have ({error}); {INSTALL}") from error

    def arrays(self, model: TFLiteModel) -> tuple[npt.NDArray[Any], ...]:
        """The outputs in the order of the file.

        Raises:
            DeviceError: they have other sizes than the model's.
        """
        try:
            return tuple(
                np.frombuffer(output, tensor.dtype).reshape(tensor.shape)
                for output, tensor in zip(self.outputs, model.outputs, strict=True)
            )
        except ValueError as error:
            raise DeviceError(f"the app gives other outputs than the model has ({error}); {INSTALL}") from error


def _delegate(name: str) -> str:
    """In the words of the other runners."""
    return "none" if name == "CPU" else name.lower()


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is no whole number")
    return value
