"""What the tool prints, where it goes, and how it gives up."""

import os
import sys

OLD = os.environ.get("RUNNER_FORMAT") == "old"
FAULT = os.environ.get("RUNNER_FAULT", "")


class Failed(Exception):
    """The tool gives up; its arguments are the messages."""


def log(text, severity="INFO"):
    """Old tools printed no severity."""
    prefix = "" if OLD else f"{severity}: "
    say(f"{prefix}{text}\n", sys.stderr if severity in ("ERROR", "FATAL", "VERBOSE") else sys.stdout)


def say(text, stream=sys.stdout):
    """Print at once: after a crash nothing is held back."""
    stream.write(text)
    stream.flush()
