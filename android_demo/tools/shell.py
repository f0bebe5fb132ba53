"""Runs programs, and says which packages hold those that are missing."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

# Debian's packages of what is not in Maven Central; `java` and `mvn` too, for machines without any.
PACKAGES = {
    "java": "default-jdk-headless", "javac": "default-jdk-headless", "keytool": "default-jdk-headless",
    "mvn": "maven", "aapt2": "aapt", "zipalign": "zipalign", "apksigner": "apksigner", "dexdump": "dexdump",
    "enjarify": "enjarify",
}  # fmt: skip
# Android's own resources (API 29), against which the app's are linked. That of a newer framework would do too, but
# Debian's aapt2 cannot read its table.
FRAMEWORK_RESOURCES = Path("/usr/share/android-framework-res/framework-res.apk")


class BuildError(Exception):
    """A step of the build failed; the message is for people."""


def require(programs: Iterable[str], files: Sequence[Path] = ()) -> None:
    """Check that programs and files of Debian's packages are there.

    Raises:
        BuildError: some are missing; the message names all of their packages at once.
    """
    missing = {PACKAGES[program] for program in programs if shutil.which(program) is None}
    missing |= {"android-framework-res" for path in files if not path.is_file()}
    if missing:
        raise BuildError(f"Debian packages are missing; run: apt-get install {' '.join(sorted(missing))}")


def run(*command: str | Path) -> str:
    """Run a program and give back what it wrote on stdout.

    Raises:
        BuildError: it failed; the message ends with what it said.
    """
    line = [str(part) for part in command]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{Path(line[0]).name} failed ({done.returncode}):\n{(done.stdout + done.stderr).strip()}")
    return done.stdout


def say(line: str) -> None:
    """One line of progress for people."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
