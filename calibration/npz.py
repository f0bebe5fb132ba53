"""Reading `.npz` archives of arrays: data only, never pickles."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.errors import DataError

# How files begin: a zip archive, and a pickle of protocol 2 or later.
_ZIP, _PICKLE = b"PK", b"\x80"
# What numpy and zipfile raise on a damaged archive; a bare .npy is an array and has no `files`.
_DAMAGE = (
    OSError, ValueError, EOFError, KeyError, TypeError, AttributeError, SyntaxError, RuntimeError,
    MemoryError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


def read_npz(path: Path) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an existing file by name.

    Raises:
        DataError: it is another kind of file, damaged, or holds pickled data.
    """
    if path.suffix.lower() != ".npz":
        raise DataError(
            f"{path}: is not an .npz, .tsv or .csv; name one, a folder of images, or package.module:function"
        )
    try:
        # numpy leaves a file that it opened itself open when the archive is damaged.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except _DAMAGE as error:
        with path.open("rb") as file:
            start = file.read(2)
        if "pickle" in str(error) and start.startswith((_ZIP, _PICKLE)):
            raise DataError(f"{path}: holds pickled data, which can run code; save plain number arrays") from error
        reason = error if start == _ZIP else "no zip archive"
        raise DataError(f"{path}: is damaged or not an .npz ({reason}); save it again with numpy.savez") from error
