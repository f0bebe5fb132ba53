"""Where a converted text model must not be written: over what it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from litesmith.errors import OutputError


def refuse_overwriting(out: Path, folders: Sequence[Path], sentences: Path | None) -> None:
    """Refuse a place that holds what is read.

    A new file in a checkpoint's folder is fine, and so is one in place of another `.tflite` there.

    Args:
        out: file that will be written.
        folders: of the checkpoint and of the tokenizer.
        sentences: the file of sentences; None where they came as a list.

    Raises:
        OutputError: writing would lose something that was read, or lies beside it.
    """
    if not out.exists():
        return
    if sentences is not None and sentences.exists() and out.samefile(sentences):
        raise OutputError(f"{out}: is what is read here; choose another --out")
    # The hub's cache has links in its folders, so the place counts as well as what it leads to.
    for place in (out.parent.resolve() / out.name, out.resolve()):
        for folder in folders:
            if place.suffix.lower() != ".tflite" and place.is_relative_to(folder.resolve()):
                raise OutputError(f"{out}: is a file of {folder}, which is read here; choose another --out")
