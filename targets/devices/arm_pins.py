"""Versions and digests of everything that the emulated ARM machines are made of: arm_pins.toml as values."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from litesmith.errors import DeviceError

PINS_FILE = Path(__file__).with_name("arm_pins.toml")
ARCHITECTURES = ("arm64", "armhf")


@dataclass(frozen=True, slots=True)
class Pin:
    """One package or wheel; `sha256` is that of its file."""

    name: str
    version: str
    sha256: str

    def __post_init__(self) -> None:
        if not (self.name and self.version and len(self.sha256) == 64):
            raise ValueError(f"not a pin: {self}")

    def check(self, file: Path) -> None:
        """Raise a DeviceError where `file` is another one than the pinned."""
        with file.open("rb") as content:
            found = hashlib.file_digest(content, "sha256").hexdigest()
        if found != self.sha256:
            raise DeviceError(
                f"{file.name}: sha256 is {found}, not {self.sha256} as pinned for {self.name} {self.version}; "
                "it was changed on its way: find out by whom, and do not use it"
            )


@dataclass(frozen=True, slots=True)
class ArmPins:
    """What one emulated machine is made of.

    Attributes:
        architecture: `arm64` or `armhf`, as Debian calls it.
        suite: the Debian release of `packages`.
        python: the interpreter of that release, such as `3.11`.
        emulator: the package with the emulator, for this machine.
        oldest_emulator: the oldest release of the emulator that may be taken from PATH instead.
        program: the emulator's program.
        runtime: the distribution that runs the models, one of `wheels`.
        module: where its interpreter is.
        platforms: tags of its wheels.
    """

    architecture: str
    suite: str
    python: str
    emulator: Pin
    oldest_emulator: tuple[int, ...]
    program: str
    runtime: str
    module: str
    platforms: tuple[str, ...]
    wheels: tuple[Pin, ...]
    packages: tuple[Pin, ...]


def load_pins(architecture: str) -> ArmPins:
    """The pins of `arm64` or `armhf`."""
    document = _document()
    table = document[architecture]
    return ArmPins(
        architecture=architecture,
        suite=document["suite"],
        python=document["python"],
        emulator=Pin(**document["emulator"]["package"]),
        oldest_emulator=tuple(int(part) for part in document["emulator"]["oldest"].split(".")),
        program=table["program"],
        runtime=table["runtime"],
        module=table["module"],
        platforms=tuple(table["platforms"]),
        wheels=tuple(Pin(**pin) for pin in table["wheels"]),
        packages=tuple(Pin(**pin) for pin in table["packages"]),
    )


@cache
def pins_digest() -> str:
    """Names what was set up: other pins are another setup. The first 16 digits of the file's sha256."""
    return hashlib.sha256(PINS_FILE.read_bytes()).hexdigest()[:16]


def _document() -> Mapping[str, Any]:
    return tomllib.loads(PINS_FILE.read_text(encoding="utf-8"))
