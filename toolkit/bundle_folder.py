"""Putting a bundle's files into a folder: all of them, or what was there before."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from litesmith.errors import OutputError
from litesmith.files import write_bytes, writing

# What makes a folder a bundle, and one that may be replaced.
MANIFEST_FILE = "manifest.json"


def replace_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write a bundle's files beside `folder`, then put them in its place as a whole.

    A process that is killed leaves the old folder, the new one, or none if it dies between the two renames, but
    never a mixture.

    Raises:
        OutputError: it cannot be written, or `folder` holds something that is no bundle.
    """
    with writing(folder):
        folder = folder.resolve()
        check_replaceable(folder)
        # Android's packager leaves out what begins with a dot, should one ever stay behind.
        prefix = f".{folder.name}."
        with (
            _made(folder.parent),
            tempfile.TemporaryDirectory(prefix=prefix, suffix=".tmp", dir=folder.parent) as name,
        ):
            new, old = Path(name) / "new", Path(name) / "old"
            for file, content in contents.items():
                write_bytes(new / file, content)
            _swap(folder, new, old)


def name_in(folder: Path) -> str | None:
    """The name of the bundle in a folder, None where there is none that can be read."""
    try:
        return str(json.loads((folder / MANIFEST_FILE).read_bytes())["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextmanager
def _made(folder: Path) -> Iterator[None]:
    """Make a folder with its parents; those that were made go again if the body fails."""
    missing = [place for place in (folder, *folder.parents) if not place.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        for place in missing:
            # One that was never made, or that someone else put something into, is not ours to remove.
            with suppress(OSError):
                place.rmdir()
        raise


def check_replaceable(folder: Path) -> None:
    """Refuse a place that holds something other than a bundle.

    Raises:
        OutputError: it is a file, or a folder with files that are no bundle.
    """
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is a file, not a folder; move it away or choose another place")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST_FILE).exists():
        raise OutputError(f"{folder}: holds files that are no bundle; move them away or choose another place")


def _swap(folder: Path, new: Path, old: Path) -> None:
    if folder.exists():
        folder.rename(old)
    try:
        new.rename(folder)
    except BaseException:
        if old.exists():
            old.rename(folder)
        raise
