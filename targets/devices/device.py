"""What every device offers: facts about itself, its state, and blocks of timed runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from litesmith.targets.block import Block

if TYPE_CHECKING:
    import numpy.typing as npt

    from litesmith.targets.isolated import IsolatedRun


@dataclass(frozen=True, slots=True)
class Configuration:
    """How a model is run. `cores` is `big`, `little`, a hexadecimal mask such as `f0`, or None for all."""

    delegate: str = "xnnpack"
    threads: int = 1
    cores: str | None = None

    def __post_init__(self) -> None:
        if self.threads < 1:
            raise ValueError(f"threads must be positive, not {self.threads}")

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        pinned = f", cores {self.cores}" if self.cores else ""
        return f"{self.delegate}, {self.threads} thread{'' if self.threads == 1 else 's'}{pinned}"


@dataclass(frozen=True, slots=True)
class Core:
    """One core: its number and its highest clock, None where the system does not say."""

    index: int
    max_mhz: float | None


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """What does not change while something is measured; None where the device does not say.

    Attributes:
        label: how `--on` names it: `host`, `adb:SERIAL`, `ssh:USER@HOST`, `arm:cortex-a53`.
        kind: `host`, `adb`, `ssh` or `arm`; budgets are given for a kind.
        model: of the phone, the board or the processor.
        soc: the chip.
        abi: `arm64-v8a`, `armeabi-v7a`, `x86_64`, `aarch64`, ...
        system: name and version of the system.
        api_level: of Android.
        cores: all of them.
        emulated: no latency may be shown of it.
    """

    label: str
    kind: str
    model: str
    abi: str
    system: str
    soc: str | None = None
    api_level: int | None = None
    cores: tuple[Core, ...] = ()
    emulated: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> DeviceFacts:
        """The inverse of `to_dict`, also after JSON."""
        return cls(**{**document, "cores": tuple(Core(**core) for core in document["cores"])})


@dataclass(frozen=True, slots=True)
class DeviceState:
    """What does change; empty or None where the device does not say.

    `clocks_mhz` by core, `temperatures_c` by thermal zone.
    """

    clocks_mhz: dict[int, float] = field(default_factory=dict)
    temperatures_c: dict[str, float] = field(default_factory=dict)
    battery_percent: float | None = None
    charging: bool | None = None
    load_average: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> DeviceState:
        """The inverse of `to_dict`, also after JSON, which has no numbers as keys."""
        return cls(**{**document, "clocks_mhz": {int(core): mhz for core, mhz in document["clocks_mhz"].items()}})


@dataclass(frozen=True, slots=True)
class Demand:
    """What one block shall do: `runs` timed runs, or as many as fit in `seconds`; and give up after `timeout_s`."""

    runs: int | None = None
    seconds: float = 0.5
    profile: bool = False
    timeout_s: float = 120.0

    def __post_init__(self) -> None:
        if (self.runs is not None and self.runs < 1) or self.seconds <= 0 or self.timeout_s <= 0:
            raise ValueError(f"runs, seconds and timeout_s must be positive: {self}")


class Device(Protocol):
    """Something that can run a `.tflite`; after `close` it is left as it was found (`contextlib.closing`).

    Every method raises DeviceError (DeviceTimeout, NoDevice, ...) where the device fails, and ModelError where the
    runtime there cannot run the file.
    """

    @property
    def facts(self) -> DeviceFacts:
        """What does not change."""
        ...

    def state(self) -> DeviceState:
        """Clocks, temperatures, battery and load now."""
        ...

    def block(self, content: bytes, configuration: Configuration, demand: Demand) -> Block:
        """Run the `.tflite` file `content` in a fresh process on the device, warmed up, and time it.

        What has to be there for it (the file, the runner) is brought there once and kept until `close`.
        """
        ...

    def run_vectors(
        self, content: bytes, inputs: Sequence[npt.NDArray[Any]], configuration: Configuration | None = None
    ) -> IsolatedRun:
        """Outputs of the `.tflite` file `content` for one set of inputs, both in the order of the file.

        Also raises DeviceError where the runner there takes no inputs or gives no outputs.
        """
        ...

    def close(self) -> None:
        """Take away what was brought."""
        ...
