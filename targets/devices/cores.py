"""Which cores a model is pinned to, as the mask that `taskset` takes."""

from __future__ import annotations

import re
from collections.abc import Sequence

from litesmith.errors import DeviceError
from litesmith.targets.devices.device import Core

_MASK = re.compile(r"(?:0x)?([0-9a-f]{1,16})", re.IGNORECASE)


def core_mask(cores: Sequence[Core], choice: str) -> str:
    """A hexadecimal mask, bit 0 for core 0.

    Args:
        cores: of the device.
        choice: `little` for the cores with the lowest highest clock, `big` for all others, or a mask.

    Raises:
        DeviceError: the device has no such cores, or does not say how fast they are.
    """
    if choice in ("big", "little"):
        chosen = _by_speed(cores, choice)
        return f"{sum(1 << core.index for core in chosen):x}"
    written = _MASK.fullmatch(choice)
    if written is None or int(written[1], 16) == 0:
        raise DeviceError(f"--cores {choice!r} is neither big, little nor a hexadecimal mask such as f0; correct it")
    mask = int(written[1], 16)
    missing = [index for index in range(mask.bit_length()) if mask >> index & 1 and index not in _indices(cores)]
    if cores and missing:
        raise DeviceError(f"--cores {choice}: the device has no core {missing[0]}, only {len(cores)} cores; correct it")
    return f"{mask:x}"


def core_numbers(cores: Sequence[Core], choice: str) -> tuple[int, ...]:
    """The same as `core_mask`, as numbers."""
    mask = int(core_mask(cores, choice), 16)
    return tuple(index for index in range(mask.bit_length()) if mask >> index & 1)


def _indices(cores: Sequence[Core]) -> set[int]:
    return {core.index for core in cores}


def _by_speed(cores: Sequence[Core], choice: str) -> list[Core]:
    clocks = {core.max_mhz for core in cores if core.max_mhz is not None}
    if not cores or any(core.max_mhz is None for core in cores):
        raise DeviceError(f"--cores {choice}: the device does not say how fast its cores are; pass a mask such as f0")
    if len(clocks) == 1:
        raise DeviceError(f"--cores {choice}: all cores of the device have the same clock; leave --cores away")
    return [core for core in cores if (core.max_mhz == min(clocks)) == (choice == "little")]
