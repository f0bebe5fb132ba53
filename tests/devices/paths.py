"""Which paths of the device lie where on this machine.

There is no chroot here (a container may not allow one), so commands are rewritten instead. Mapped are the literal
absolute paths below /data, /sys, /sdcard, /storage, /system, /vendor, /mnt, /etc and /root, the files /proc/cpuinfo,
/proc/loadavg, /proc/meminfo and /proc/version, and a `/` that stands alone. They become paths below the phone's root,
and in what a command prints the root is taken away again. `..` in such a path is resolved first and ends at the root.

Not mapped: /dev and the rest of /proc, which are this machine's, and paths that a shell puts together from variables,
except that the start of one may be in a variable. The shell is this machine's: it is a phone for tests, not a jail.
"""

from __future__ import annotations

import errno
import os
import posixpath
import re
from pathlib import Path

_MAPPED = r"(?:data|sys|sdcard|storage|system|vendor|mnt|etc|root|proc/(?:cpuinfo|loadavg|meminfo|version))"
# A path starts where no path, variable or word goes on, and ends where the shell would end a word.
_PATH = re.compile(rf"(?<![\w./}}\])*?~-])/(?:{_MAPPED}(?![\w.-])[^\s'\"`;|&()<>$,:]*)?(?=[\s'\"`;|&()<>$,:]|$)")


def to_host(root: Path, path: str, *, follow: bool = False) -> Path:
    """Where a path of the device lies; with `follow`, for somebody who goes through a symbolic link at its end.

    Raises:
        PermissionError: a symbolic link leads out of the root.
    """
    inside = Path(f"{root}{posixpath.normpath('/' + path.lstrip('/'))}")
    real = Path(os.path.realpath(inside if follow else inside.parent))
    if inside != root and real != root and root not in real.parents:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
    return inside


def command_to_host(root: Path, command: str) -> str:
    """A shell command with the mapped paths of the device replaced by those of this machine."""

    def replace(match: re.Match[str]) -> str:
        path = match.group()
        end = "/" if path.endswith("/") and path != "/" else ""
        return f"{root}{posixpath.normpath(path)}{end}"

    return _PATH.sub(replace, command)


class Unmapper:
    """Takes the root out of a stream of bytes, also where it lies across two pieces."""

    def __init__(self, root: Path):
        self._root = os.fsencode(root)
        self._held = b""

    def feed(self, piece: bytes) -> bytes:
        """What can be passed on."""
        data = (self._held + piece).replace(self._root, b"")
        held = next(
            (size for size in range(min(len(self._root) - 1, len(data)), 0, -1) if data.endswith(self._root[:size])), 0
        )
        self._held = data[len(data) - held :]
        return data[: len(data) - held]

    def flush(self) -> bytes:
        """What was held back."""
        held, self._held = self._held, b""
        return held
