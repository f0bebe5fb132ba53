"""Reading the data a user names: an `.npz`, a folder of images, or an entry point."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.entry_point import call_entry_point, is_entry_point
from litesmith.calibration.images import read_folder
from litesmith.calibration.preprocess import Preprocess
from litesmith.errors import DataError

Array = npt.NDArray[Any]

# The name of an input that has none of its own.
UNNAMED = "x"
# How files begin: a zip archive, and a pickle of protocol 2 or later.
_ZIP, _PICKLE = b"PK", b"\x80"
_LABELS, _CLASS_NAMES = "y", "class_names"
# What numpy and zipfile raise on a damaged archive; a bare .npy is an array and has no `files`.
_DAMAGE = (
    OSError, ValueError, EOFError, KeyError, TypeError, AttributeError, SyntaxError, RuntimeError,
    MemoryError, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RawData:
    """Samples as they came, before preprocessing.

    Attributes:
        inputs: arrays by input name, first axis the sample; a single unnamed input is called "x".
        labels: as given, or None.
        class_names: in label order, or None.
        source: what the user named.

    Raises:
        DataError: at construction, if there is no input, or one without a sample axis or of Python objects.
    """

    inputs: Mapping[str, Array]
    labels: Array | None
    class_names: tuple[str, ...] | None
    source: str

    def __post_init__(self) -> None:
        if not self.inputs:
            raise DataError(f"{self.source}: holds no input; expected an array named {UNNAMED!r}")
        arrays = dict(self.inputs) if self.labels is None else {**self.inputs, _LABELS: self.labels}
        for name, array in arrays.items():
            if array.dtype.hasobject:
                raise DataError(
                    f"{self.source}: array {name!r} holds Python objects (dtype object); give it a number type"
                )
            if array.ndim == 0:
                raise DataError(f"{self.source}: array {name!r} is a single number; its first axis must be the sample")

    @property
    def x(self) -> Array:
        """The only input.

        Raises:
            DataError: there are several.
        """
        if len(self.inputs) != 1:
            raise DataError(f"{self.source}: has inputs {', '.join(self.inputs)}; one input is needed here")
        return next(iter(self.inputs.values()))


def read_source(source: str, *, base: Path, preprocess: Preprocess | None = None) -> RawData:
    """Read an `.npz`, a folder of images, or what an entry point returns.

    An `.npz` and a returned mapping hold inputs by name, and may hold `y` and `class_names`. An entry point
    may also return `x`, `(x, y)` or `(x, y, class_names)`, where `x` is an array or a mapping of inputs.

    Args:
        source: a path, or `package.module:function`.
        base: the folder that relative paths and local modules are looked up in.
        preprocess: for a folder whose images differ in size; only their `pixels` are taken here.

    Raises:
        DataError: it does not exist, cannot be read, is pickled, or holds no input.
    """
    try:
        return _read(source, base, preprocess)
    except OSError as error:
        raise DataError(f"{source}: cannot be read ({error.strerror}); check the path and its permissions") from error


def _read(source: str, base: Path, preprocess: Preprocess | None) -> RawData:
    path = base / source
    if path.is_dir():
        folder = read_folder(path, preprocess=preprocess)
        return RawData({UNNAMED: folder.images}, folder.labels, folder.class_names, source)
    if path.is_file():
        return _from_mapping(_read_npz(path), source)
    if is_entry_point(source):
        return _from_result(call_entry_point(source, base=base), source)
    raise DataError(f"{source}: no such file or folder in {base}; check the path, or write package.module:function")


def _read_npz(path: Path) -> dict[str, Array]:
    if path.suffix.lower() != ".npz":
        raise DataError(f"{path}: is not an .npz; name an .npz, a folder of images, or package.module:function")
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


def _from_result(result: Any, source: str) -> RawData:
    if isinstance(result, Mapping):
        return _from_mapping(result, source)
    if not isinstance(result, tuple):
        return _raw(result, None, None, source)
    if len(result) not in (2, 3):
        raise DataError(f"{source}: returned {len(result)} values; return x, (x, y) or (x, y, class_names)")
    return _raw(result[0], result[1], result[2] if len(result) == 3 else None, source)


def _from_mapping(arrays: Mapping[str, Any], source: str) -> RawData:
    inputs = {name: value for name, value in arrays.items() if name not in (_LABELS, _CLASS_NAMES)}
    return _raw(inputs, arrays.get(_LABELS), arrays.get(_CLASS_NAMES), source)


def _raw(x: Any, y: Any, class_names: Any, source: str) -> RawData:
    inputs = x if isinstance(x, Mapping) else {UNNAMED: x}
    return RawData(
        {str(name): _array(value, source) for name, value in inputs.items()},
        None if y is None else _array(y, source),
        None if class_names is None else _names(class_names, source),
        source,
    )


def _array(value: Any, source: str) -> Array:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise DataError(f"{source}: samples do not form an array ({error}); make them one shape") from error
    if array.dtype.hasobject and array.ndim == 0:
        kind = "None" if value is None else f"a {type(value).__name__}"
        raise DataError(f"{source}: gives {kind}, not an array; return arrays: x, (x, y) or (x, y, class_names)")
    return array


def _names(value: Any, source: str) -> tuple[str, ...]:
    names = _array(value, source)
    if names.ndim != 1 or names.dtype.kind not in "US":
        raise DataError(f"{source}: class_names must be a list of texts, in label order")
    return tuple(names.astype(str).tolist())
