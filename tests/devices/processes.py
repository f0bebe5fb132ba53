"""Processes of this machine; those that were started on a phone are told by what they inherited from its shell.

A process may end between any two looks at it: its folder is then gone (ENOENT), or still there without a process
(ESRCH), so every reading takes any OSError for "ended".
"""

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


def command_lines() -> dict[int, bytes]:
    """The command line of each process of this machine by its number."""
    lines = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            lines[int(folder.name)] = (folder / "cmdline").read_bytes()
    return lines


def parent(process: int) -> int:
    """The process that started another one; 0 where that one has ended."""
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    return 0


def end_processes(root: Path) -> None:
    """End the processes of a phone."""
    for process in processes(root):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)
