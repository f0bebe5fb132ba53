"""The folder of a run: finished stages with their results, so that a run can be resumed."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litesmith.errors import OutputError
from litesmith.files import TEMPORARY, sha256_file, write_json, writing

LOCK_FILE = "recipe.lock.toml"
# Everything that a run makes in its folder; nothing else is ever deleted.
TEXT = "text"
OWN = (LOCK_FILE, "model.tflite", "ledger.json", "verify.json", "targets", "bundle", "stages", "cache", TEXT)
_MARKER = "done.json"
_STAGES = "stages"


@dataclass(frozen=True, slots=True)
class Workspace:
    """One run's folder. `stages/<name>/done.json` is written last: a stage without it never happened."""

    root: Path

    @property
    def cache(self) -> Path:
        """Where values are kept that can be computed again."""
        return self.root / "cache"

    def stage(self, name: str) -> Path:
        """Folder of one stage's files."""
        return self.root / _STAGES / name

    def finish(self, name: str, key: str, result: Mapping[str, Any]) -> None:
        """Record that a stage is done with `result`; `key` says from which inputs, files are listed by digest."""
        folder = self.stage(name)
        files = {path.name: sha256_file(path) for path in sorted(folder.iterdir()) if _belongs(path)}
        write_json(folder / _MARKER, {"stage": name, "key": key, "result": result, "files": files})

    def finished(self, name: str, key: str) -> dict[str, Any] | None:
        """The recorded result of a stage, or None if it has to run (again): other inputs, or files changed."""
        folder = self.stage(name)
        try:
            record = json.loads((folder / _MARKER).read_text(encoding="utf-8"))
            intact = all(sha256_file(folder / file) == digest for file, digest in record["files"].items())
            return dict(record["result"]) if intact and record["key"] == key else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None  # absent, cut off or edited: the stage runs again

    def wipe(self) -> None:
        """Delete what an earlier run made here, and only that."""
        with writing(self.root):
            for path in (self.root / name for name in OWN):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink(missing_ok=True)

    def clear(self, name: str) -> Path:
        """Empty a stage's folder, so that nothing of an interrupted try is left in it."""
        folder = self.stage(name)
        with writing(folder):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        return folder


@contextmanager
def open_workspace(root: Path, *, resume: bool, overwrite: bool) -> Iterator[Workspace]:
    """Make or enter the folder of a run, and hold it alone while the block runs.

    With `overwrite`, nothing is deleted yet: that is for `Workspace.wipe`, once the new run can start.

    Raises:
        OutputError: the folder holds a run and neither flag is given, holds other files, cannot be written,
            or another run is using it.
    """
    existed = root.exists()
    with writing(root):
        if existed and not root.is_dir():
            raise OutputError(f"{root}: is a file, not a folder; choose another --out")
        root.mkdir(parents=True, exist_ok=True)
    try:
        with _exclusive(root):
            _prepare(root, resume=resume, overwrite=overwrite)
            yield Workspace(root)
    finally:
        if not existed and not any(root.iterdir()):
            root.rmdir()


@contextmanager
def _exclusive(root: Path) -> Iterator[None]:
    with writing(root):
        descriptor = os.open(root, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise OutputError(
                f"{root}: another run is using this folder; wait for it or choose another --out"
            ) from error
        yield
    finally:
        os.close(descriptor)


def _prepare(root: Path, *, resume: bool, overwrite: bool) -> None:
    if not any(root.iterdir()):
        return
    if not (root / LOCK_FILE).exists():
        raise OutputError(f"{root}: is not empty and holds no {LOCK_FILE}, so it is no run's; choose another --out")
    if not resume and not overwrite:
        raise OutputError(
            f"{root}: holds a run already; resume it (--resume), overwrite it (--overwrite), or choose another folder"
        )
    with writing(root):
        for leftover in root.rglob(TEMPORARY):  # of a run that was killed while it wrote
            leftover.unlink()


def _belongs(path: Path) -> bool:
    return path.is_file() and path.name != _MARKER and not path.match(TEMPORARY)
