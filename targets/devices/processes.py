"""Programs that are started in a process group of their own."""

from __future__ import annotations

import os
import signal
import subprocess
from typing import Any


def end_group(process: subprocess.Popen[Any]) -> None:
    """End a program and what it started, also after a time limit or Ctrl-C, and close its pipes.

    Args:
        process: it was started with `start_new_session`.
    """
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
