"""Processes that were started on a phone: what they inherited from its shell tells whose they are."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path


def processes(root: Path) -> list[int]:
    """Processes that were started on the phone and still run."""
    mark = b"PHONE_ROOT=" + os.fsencode(root)
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
    return found


def end_processes(root: Path) -> None:
    """End the processes of a phone."""
    for process in processes(root):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
