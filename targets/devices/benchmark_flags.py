"""Flags that a version of `benchmark_model` does not know: it warns, goes on, and measures something else."""

from __future__ import annotations

import re

from litesmith.errors import DeviceError

_UNKNOWN = re.compile(r"Unconsumed cmdline flags: *(.+)")
# LiteRT's tool always uses XNNPACK; that it did is read from its log.
_HARMLESS = "--use_xnnpack=true"


def unknown_flags(log: str) -> tuple[str, ...]:
    """What the tool says it did not understand."""
    return tuple(flag for found in _UNKNOWN.finditer(log) for flag in found[1].split() if flag.startswith("-"))


def check_flags(log: str) -> None:
    """Refuse a result for which the tool ignored what it was asked.

    Raises:
        DeviceError: it did not understand a flag.
    """
    ignored = [flag for flag in unknown_flags(log) if flag != _HARMLESS]
    if ignored:
        raise DeviceError(
            f"this runner does not know {', '.join(ignored)}, so it did something else than asked; "
            "pass TensorFlow Lite's benchmark_model, a newer one, with --runner"
        )
