"""Where a checkpoint is: a folder, or a name on the Hugging Face hub."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from litesmith.converters.text.checkpoint_hub import from_hub, settings_from_hub
from litesmith.errors import ModelError

SCHEME = "hf:"
UNNAMED = f"{SCHEME} names no checkpoint; put its folder, or its name on the hub, behind it"
_HUB_NAME = re.compile(r"(?P<name>[\w-][\w.-]*(/[\w.-]+)?)(@(?P<revision>[\w./-]+))?")


def checkpoint_folder(source: str | Path, revision: str | None = None) -> Path:
    """The folder that holds the checkpoint; downloaded first where it is a hub name that is not in the cache.

    Args:
        source: a folder, or a hub name such as google/mobilebert-uncased, with or without `@REVISION`; `hf:` may stand
            before either.
        revision: branch, tag or commit of a hub name.

    Raises:
        ModelError: the name is empty, there is no such folder, or the hub cannot give it; a folder has a revision, a
            name has two, or one is empty.
    """
    return _found(source, revision, from_hub)


def settings_folder(source: str | Path, revision: str | None = None) -> Path:
    """`checkpoint_folder`, before the weights of a hub name are downloaded: what can be refused is refused here.

    Args:
        source: see `checkpoint_folder`.
        revision: branch, tag or commit of a hub name.

    Raises:
        ModelError: see `checkpoint_folder`.
    """
    return _found(source, revision, settings_from_hub)


def _found(source: str | Path, revision: str | None, download: Callable[[str, str | None], Path]) -> Path:
    name = str(source).removeprefix(SCHEME)
    if not name:
        raise ModelError(UNNAMED)
    folder = Path(name).expanduser()
    if revision is not None and not revision.strip():
        raise ModelError("the revision is empty; name a branch, tag or commit, or leave the revision out", file=name)
    if folder.is_dir() and revision is not None:
        raise _no_revision(folder, revision)
    if folder.is_dir():
        return folder
    if folder.is_file():
        raise ModelError("it is a file; give the checkpoint's folder", file=folder)
    _check_revision_behind(name)
    if not (found := _HUB_NAME.fullmatch(name)):
        raise ModelError("no such folder; check the path", file=name)
    if revision is not None and found["revision"] is not None:
        raise ModelError(f"it names a revision, and {revision!r} is a second one; give one of them", file=name)
    return download(found["name"], revision or found["revision"])


def _check_revision_behind(name: str) -> None:
    """Refuse `NAME@`, and `FOLDER@REVISION`; a folder whose own name holds an @ has been found before."""
    before, at, revision = name.rpartition("@")
    if at and not revision:
        raise ModelError("no revision follows the @; name a branch, tag or commit, or leave the @ out", file=name)
    if before and (folder := Path(before).expanduser()).is_dir():
        raise _no_revision(folder, revision)


def _no_revision(folder: Path, revision: str) -> ModelError:
    return ModelError(f"it is a folder, which has no revision {revision!r}; leave the revision out", file=folder)
