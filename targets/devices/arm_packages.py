"""Fetches Debian packages of another architecture with this machine's apt, without root and without touching its state.

apt gets folders of its own, the mirror and the keys of this machine, and of its settings only those about fetching
(proxies, timeouts). What it fetches is covered by the archive's signature; a pinned version also by its sha256.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote

from litesmith.errors import DeviceError, DeviceTimeout
from litesmith.targets.devices.arm_pins import Pin
from litesmith.targets.devices.arm_sources import debian_sources

HOST_ARCHITECTURE = "amd64"
TIMEOUT_S = 300.0
ALTERNATIVE = "or set LITESMITH_ARM_ROOT to a folder that was set up on another machine (docs/arm.md)"
_TOOLS = ("apt-get", "apt-cache", "apt-config", "dpkg-deb")
# Settings of apt that are no part of fetching: extra indexes of desktop packages, and languages.
_NOT_FETCHING = ("Acquire::IndexTargets", "Acquire::Languages")

# Names and architecture -> pin.
Wanted = Mapping[tuple[str, str], Pin]


class Apt:
    """apt with a state of its own in `folder`, for packages of one Debian release.

    Raises:
        DeviceError: apt is not here, or no Debian mirror is set up.
    """

    def __init__(self, folder: Path, suite: str, architectures: Sequence[str]) -> None:
        missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
        if missing:
            raise DeviceError(f"{', '.join(missing)} is not here: run on Debian or Ubuntu, {ALTERNATIVE}")
        self._folder = folder
        for name in ("lists/partial", "cache/archives/partial", "debs"):
            (folder / name).mkdir(parents=True)
        (folder / "status").touch()
        sources = [source.deb822(architectures) for source in debian_sources(suite)]
        (folder / "debian.sources").write_text("\n".join(sources), encoding="utf-8")
        self._environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        (folder / "apt.conf").write_text(self._settings(architectures), encoding="utf-8")
        self._environment["APT_CONFIG"] = str(folder / "apt.conf")

    def fetch(self, wanted: Wanted) -> tuple[dict[tuple[str, str], Path], list[str]]:
        """Download packages, in the pinned version where the mirror still has it, else in the one that it has.

        Returns:
            The files, and in words what is not pinned.

        Raises:
            DeviceError: the mirror cannot be reached or lacks a package, or a file is not the pinned one.
        """
        self._run("apt-get", "-qq", "update")
        offered = self._offered([f"{name}:{architecture}" for name, architecture in wanted])
        chosen = {key: (*key, pin.version) in offered for key, pin in wanted.items()}
        debs = self._folder / "debs"
        names = [f"{n}:{a}" + (f"={wanted[n, a].version}" if pinned else "") for (n, a), pinned in chosen.items()]
        self._run("apt-get", "-qq", "download", *names, cwd=debs)
        files = {(name, architecture): _only(debs, f"{name}_*_{architecture}.deb") for name, architecture in wanted}
        for key, file in files.items():
            if chosen[key]:
                wanted[key].check(file)
        notes = [f"{_described(files[key])}, pinned is {pin.version}" for key, pin in wanted.items() if not chosen[key]]
        return files, notes

    def _settings(self, architectures: Sequence[str]) -> str:
        """Where things are, and how this machine fetches; its hooks and preferences stay out."""
        dumped = self._run("apt-config", "dump").splitlines()
        own = {
            "APT::Architecture": HOST_ARCHITECTURE,
            # Else apt, started by root, steps down to a user that may not enter the folder.
            "APT::Sandbox::User": "",
            "Dir::State": str(self._folder),
            "Dir::State::status": str(self._folder / "status"),
            "Dir::State::lists": str(self._folder / "lists"),
            "Dir::Cache": str(self._folder / "cache"),
            "Dir::Etc::sourcelist": str(self._folder / "debian.sources"),
            **{f"Dir::Etc::{name}": "/dev/null" for name in ("sourceparts", "parts", "main")},
            **{f"Dir::Etc::{name}": "/dev/null" for name in ("preferences", "preferencesparts")},
            "Acquire::Languages": "none",
            # The signature is what vouches for a version that is not pinned.
            "Acquire::AllowInsecureRepositories": "0",
        }
        kept = [line for line in dumped if line.startswith("Acquire::") and not line.startswith(_NOT_FETCHING)]
        listed = "".join(f' "{name}";' for name in architectures)
        lines = [*kept, *(f'{key} "{value}";' for key, value in own.items()), f"APT::Architectures {{{listed} }};"]
        return "\n".join(lines) + "\n"

    def _offered(self, names: Sequence[str]) -> set[tuple[str, str, str]]:
        """Name, architecture and version of what the mirror has."""
        rows = [line.split("|") for line in self._run("apt-cache", "madison", *names).splitlines()]
        return {(name.strip().partition(":")[0], where.split()[-2], version.strip()) for name, version, where in rows}

    def _run(self, *command: str, cwd: Path | None = None) -> str:
        try:
            done = subprocess.run(
                command, cwd=cwd, env=self._environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                errors="replace", timeout=TIMEOUT_S, check=False,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise DeviceTimeout(
                f"{' '.join(command[:3])}: the mirror gave no answer within {TIMEOUT_S:g} s; "
                f"check the network, {ALTERNATIVE}"
            ) from error
        if done.returncode:
            said = [line for line in done.stderr.splitlines() if line.startswith("E:")] or done.stderr.splitlines()
            raise DeviceError(
                f"{' '.join(command[:3])} failed ({' '.join(said[:2]) or 'it left no message'}); "
                f"check the network and the mirror in /etc/apt, {ALTERNATIVE}"
            )
        return done.stdout


def _described(deb: Path) -> str:
    """Name and version of a package by the name of its file, where apt escapes colons."""
    name, version, _ = deb.stem.split("_")
    return f"{name} {unquote(version)}"


def _only(folder: Path, pattern: str) -> Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        raise DeviceError(f"apt-get download left {len(found)} files {pattern}, not one; {ALTERNATIVE}")
    return found[0]
