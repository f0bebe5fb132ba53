"""Reading the data a user names: an `.npz`, a table, a folder of images, or an entry point."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.draw import draw_at_most
from litesmith.calibration.encoding import Column, encode_columns
from litesmith.calibration.entry_point import call_entry_point, is_entry_point
from litesmith.calibration.images import read_folder
from litesmith.calibration.npz import read_npz
from litesmith.calibration.preprocess import Preprocess
from litesmith.calibration.same_contract import STORED, require_same, stored_contract
from litesmith.calibration.stacking import UNNAMED, stack_samples
from litesmith.calibration.table_rows import SUFFIXES
from litesmith.calibration.tables import read_table
from litesmith.errors import DataError

__all__ = ["UNNAMED", "RawData", "read_source"]

Array = npt.NDArray[Any]

_LABELS, _CLASS_NAMES = "y", "class_names"


@dataclass(frozen=True, slots=True)
class RawData:
    """Samples as they came, before preprocessing unless a field says otherwise.

    Attributes:
        inputs: arrays by input name, first axis the sample; a single unnamed input is called "x".
        labels: as given, or None.
        class_names: in label order, or None.
        source: what the user named.
        is_pixels: whether the images already went through `Preprocess.pixels`.
        made_with: the whole contract that the only input already went through, or None.

    Raises:
        DataError: at construction, if there is no input, or one without a sample axis or of Python objects.
    """

    inputs: Mapping[str, Array]
    labels: Array | None
    class_names: tuple[str, ...] | None
    source: str
    is_pixels: bool = False
    made_with: Preprocess | None = None

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
    def classes(self) -> Array | None:
        """The labels where they name a class a sample: whole numbers in one row."""
        known = self.labels
        return known if known is not None and known.ndim == 1 and known.dtype.kind in "iu" else None

    @property
    def x(self) -> Array:
        """The only input.

        Raises:
            DataError: there are several.
        """
        if len(self.inputs) != 1:
            raise DataError(f"{self.source}: has inputs {', '.join(self.inputs)}; one input is needed here")
        return next(iter(self.inputs.values()))

    def tensors(self, preprocess: Preprocess) -> npt.NDArray[np.float32]:
        """The only input as `preprocess` makes it, `(N, *preprocess.tensor_shape)`.

        Raises:
            DataError: it does not fit, or went through another contract already.
        """
        if self.made_with is None:
            return preprocess.scaled(self.x) if self.is_pixels else preprocess.apply_batch(self.x)
        require_same(self.made_with, self.source, preprocess, "what is asked for")
        if self.x.dtype != np.float32 or self.x.shape[1:] != preprocess.tensor_shape:
            raise DataError(
                f"{self.source}: x is {self.x.dtype} {self.x.shape[1:]}, which its contract does not give; "
                f"expected float32 {preprocess.tensor_shape}, so save the samples again"
            )
        return self.x


def read_source(
    source: str,
    *,
    base: Path,
    preprocess: Preprocess | None = None,
    encode: str | None = None,
    limit: int | None = None,
    seed: int = 0,
) -> RawData:
    """Read an `.npz`, a `.tsv` or `.csv`, a folder of images, or what an entry point returns.

    An `.npz` and a returned mapping hold inputs by name, and may hold `y`, `class_names` and, where the inputs went
    through a contract, its `preprocess` (see `same_contract.stored_arrays`). An entry point
    may also return `x`, `(x, y)` or `(x, y, class_names)`, where `x` is an array or a mapping of inputs, or
    yield one sample after the other (see `stack_samples`). A table whose columns all are numbers is one input
    `(N, columns)`; with text among them, every column is an input of its own.

    Args:
        source: a path, or `package.module:function`.
        base: the folder that relative paths and local modules are looked up in.
        preprocess: for a folder whose images differ in size; only their `pixels` are taken here.
        encode: `package.module:function` that makes the model's inputs of the columns of a table, or of the inputs
            of other sources; it is called once, with the samples that were drawn.
        limit: draw at most so many samples, from all classes alike; only they are decoded or encoded. All if None.
        seed: for drawing.

    Raises:
        DataError: it does not exist, cannot be read, is pickled, holds no input, or cannot be encoded.
        CalibrationError: `limit` is below 1.
    """
    path = base / source
    try:
        if path.is_file() and path.suffix.lower() in SUFFIXES:
            table = read_table(path, limit=limit, seed=seed)
            columns = _joined(table.columns) if encode is None else encode_columns(table.columns, encode, base=base)
            return RawData(columns, table.labels, table.class_names, source)
        if path.is_dir():
            folder = read_folder(path, preprocess=preprocess, limit=limit, seed=seed)
            is_pixels = preprocess is not None
            raw = RawData({UNNAMED: folder.images}, folder.labels, folder.class_names, source, is_pixels)
        else:
            raw = _drawn(_read_arrays(source, base), limit, seed)
        return raw if encode is None else replace(raw, inputs=encode_columns(raw.inputs, encode, base=base))
    except OSError as error:
        raise DataError(f"{source}: cannot be read ({error.strerror}); check the path and its permissions") from error


def _joined(columns: Mapping[str, Column]) -> dict[str, Array]:
    if not any(isinstance(column, list) for column in columns.values()):
        return {UNNAMED: np.stack([np.asarray(column) for column in columns.values()], axis=1)}
    return {name: np.asarray(column) for name, column in columns.items()}


def _drawn(raw: RawData, limit: int | None, seed: int) -> RawData:
    """At most `limit` samples; if lengths differ, all: whoever uses them says what is wrong."""
    arrays = [*raw.inputs.values(), *([] if raw.labels is None else [raw.labels])]
    samples = len(arrays[0])
    if limit is None or samples <= limit or any(len(array) != samples for array in arrays):
        return raw
    places = draw_at_most(samples, limit, seed, raw.classes, source=raw.source)
    labels = None if raw.labels is None else raw.labels[places]
    return replace(raw, inputs={name: array[places] for name, array in raw.inputs.items()}, labels=labels)


def _read_arrays(source: str, base: Path) -> RawData:
    path = base / source
    if path.is_file():
        return _from_mapping(read_npz(path), source)
    if is_entry_point(source):
        return _from_result(call_entry_point(source, base=base), source)
    raise DataError(f"{source}: no such file or folder in {base}; check the path, or write package.module:function")


def _from_result(result: Any, source: str) -> RawData:
    if isinstance(result, Iterator):
        result = stack_samples(_yielded(result, source), source)
    if isinstance(result, Mapping):
        return _from_mapping(result, source)
    if not isinstance(result, tuple):
        return _raw(result, None, None, source)
    if len(result) not in (2, 3):
        raise DataError(f"{source}: returned {len(result)} values; return x, (x, y) or (x, y, class_names)")
    return _raw(result[0], result[1], result[2] if len(result) == 3 else None, source)


def _yielded(items: Iterator[Any], source: str) -> Iterator[Any]:
    try:
        yield from items
    except (Exception, SystemExit) as error:
        raise DataError(f"{source}: the generator failed ({type(error).__name__}: {error}); repair it") from error


def _from_mapping(arrays: Mapping[str, Any], source: str) -> RawData:
    made_with = stored_contract(arrays.get(STORED), source)
    others = (_LABELS, _CLASS_NAMES) if made_with is None else (_LABELS, _CLASS_NAMES, STORED)
    inputs = {name: value for name, value in arrays.items() if name not in others}
    return replace(_raw(inputs, arrays.get(_LABELS), arrays.get(_CLASS_NAMES), source), made_with=made_with)


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
