"""Writing files so that nothing is ever half-written."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from litesmith.errors import OutputError

# What `write_bytes` calls a file before it is whole.
TEMPORARY = ".*.litesmith-tmp"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Translate what the operating system says about `path` into an OutputError with the next action."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(
            f"{path}: cannot be written ({reason}); free space or choose another place, then run again"
        ) from error


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` under a temporary name beside `path`, then rename: the file is whole or absent.

    Raises:
        OutputError: the folder cannot be made or the file cannot be written.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".litesmith-tmp", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise


def write_text(path: Path, text: str) -> None:
    """`write_bytes` for UTF-8 text."""
    write_bytes(path, text.encode())


def write_json(path: Path, document: Any) -> None:
    """`write_bytes` for a JSON document, indented and ending in a newline."""
    write_text(path, json_text(document) + "\n")


def json_text(document: Any) -> str:
    """The one way a JSON document is printed or stored; NaN is refused because JSON has none."""
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False)


def sha256_file(path: Path) -> str:
    """Digest of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
