"""A dataset with labels, or with the vectors that are wanted of it, checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.preprocess import Preprocess
from litesmith.calibration.samples import digest_arrays
from litesmith.calibration.text.contract import TextContract
from litesmith.converters.metric import Metric, metric_of
from litesmith.errors import DataError

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Preprocessed samples with what is wanted of them; the arrays are read-only.

    Attributes:
        x: float32 `(N, *preprocess.tensor_shape)`; of text int32 ids `(N, length)`.
        y: int64 `(N,)`, each an index into `class_names`; without classes float32 `(N, width)`, a vector a sample, of
            width 0 where nobody has computed them yet.
        class_names: in label order, at least two; none where vectors are wanted.
        preprocess: how `x` was made from raw input.
        name: what messages and reports call it.
        digest: SHA-256 over `x`, `y` and `class_names`.

    Raises:
        DataError: at construction, if any of this does not hold or a value is NaN or infinite.
    """

    x: npt.NDArray[Any]
    y: npt.NDArray[Any]
    class_names: tuple[str, ...]
    preprocess: Preprocess | TextContract
    name: str
    digest: str = field(init=False)

    def __post_init__(self) -> None:
        if isinstance(self.preprocess, TextContract):
            _check_ids(self.name, self.x, self.preprocess)
        else:
            _check_samples(self.name, self.x, self.preprocess.tensor_shape)
        if self.class_names or self.y.ndim == 1:
            _check_classes(self.name, self.class_names)
            _check_labels(self.name, self.y, len(self.x), len(self.class_names))
        else:
            _check_vectors(self.name, self.y, len(self.x))
        wanted = np.int64 if self.class_names else np.float32
        for key, array in (("x", self.x), ("y", self.y.astype(wanted))):
            view = array.view()
            view.flags.writeable = False
            object.__setattr__(self, key, view)
        names = np.array(self.class_names)
        object.__setattr__(self, "digest", digest_arrays({"x": self.x, "y": self.y, "class_names": names}))

    def __len__(self) -> int:
        return len(self.x)

    @property
    def metric(self) -> Metric:
        """What the share that is measured on these samples is called."""
        return metric_of(self.y)

    @property
    def strata(self) -> npt.NDArray[np.int64]:
        """What parts of the dataset are drawn alike from, (N,): the classes, or all samples as one."""
        return self.y if self.class_names else np.zeros(len(self), np.int64)

    def select(self, indices: npt.NDArray[np.int64], name: str) -> Dataset:
        """The samples at `indices`, in that order."""
        return Dataset(self.x[indices], self.y[indices], self.class_names, self.preprocess, name)


def _check_samples(name: str, x: Array, shape: tuple[int, ...]) -> None:
    if len(x) == 0:
        raise DataError(f"{name}: is empty; give at least one sample")
    if x.dtype != np.float32 or x.shape[1:] != shape:
        raise DataError(
            f"{name}: x is {x.dtype} of shape {x.shape}; expected float32 (N, {', '.join(map(str, shape))})"
        )
    if not np.isfinite(x).all():
        place = int(np.argwhere(~np.isfinite(x))[0][0])
        raise DataError(f"{name}: sample {place} holds NaN or infinity; repair or remove it")


def _check_ids(name: str, x: Array, contract: TextContract) -> None:
    if len(x) == 0:
        raise DataError(f"{name}: is empty; give at least one text")
    if x.dtype != np.int32 or x.shape[1:] != (contract.length,):
        raise DataError(f"{name}: x is {x.dtype} of shape {x.shape}; expected int32 (N, {contract.length})")
    if x.min() < 0 or x.max() >= len(contract.vocabulary):
        raise DataError(f"{name}: ids are {x.min()} to {x.max()}, but the vocabulary has {len(contract.vocabulary)}")


def _check_classes(name: str, class_names: tuple[str, ...]) -> None:
    if len(class_names) < 2:
        raise DataError(f"{name}: has {len(class_names)} class; a classifier needs at least 2")
    if len(set(class_names)) != len(class_names) or not all(class_names):
        raise DataError(f"{name}: class names {class_names} repeat or are empty; give each class its own name")


def _check_vectors(name: str, y: Array, length: int) -> None:
    if y.ndim != 2 or len(y) != length or not np.isfinite(y).all():
        raise DataError(f"{name}: vectors of shape {y.shape} for {length} samples; give one a sample, all of it finite")


def _check_labels(name: str, y: Array, length: int, classes: int) -> None:
    if y.dtype.kind not in "iu" or y.ndim != 1:
        raise DataError(
            f"{name}: labels are {y.dtype} of shape {y.shape}; give one whole number a sample "
            "(if they are one-hot, their argmax)"
        )
    if len(y) != length:
        raise DataError(f"{name}: has {length} samples but {len(y)} labels; make them equal")
    wrong = np.flatnonzero((y < 0) | (y >= classes))
    if wrong.size:
        raise DataError(
            f"{name}: sample {wrong[0]} has label {y[wrong[0]]}; labels must be 0 to {classes - 1}, the places of "
            f"{classes} classes, but there are {len(np.unique(y))} distinct ones from {y.min()} to {y.max()}; "
            "number the classes from 0 without gaps"
        )
