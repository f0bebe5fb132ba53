"""What a calibration set refuses: no numbers, NaN and infinity, other shapes than the model's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.errors import CalibrationError

Array = npt.NDArray[Any]


def refuse_text(inputs: Mapping[str, Array], source: str) -> None:
    """Text has to be encoded before a model can take it.

    Raises:
        CalibrationError: there is text; the message names the inputs that hold it.
    """
    texts = [name for name, array in inputs.items() if array.dtype.kind in "US"]
    if texts:
        raise CalibrationError(
            f"{source}: {', '.join(map(repr, texts))} {'hold' if len(texts) > 1 else 'holds'} text, but a model takes "
            "float32 or integer arrays; encode it with --encode package.module:function (in Python encode=)"
        )


def checked_input(name: str, array: Array, source: str) -> Array:
    """A read-only copy of finite numbers: float32 if they are floating point.

    Raises:
        CalibrationError: they are no numbers, NaN or infinite, or have no sample axis.
    """
    if array.dtype.kind not in "iuf":
        raise CalibrationError(f"{source}: input {name!r} has type {array.dtype}; give float32 or integer arrays")
    if array.ndim == 0:
        raise CalibrationError(f"{source}: input {name!r} is a single number; its first axis must be the sample")
    # A float64 beyond float32's range becomes infinite here and is refused below.
    with np.errstate(over="ignore"):
        result = np.array(array, np.float32 if array.dtype.kind == "f" else array.dtype.newbyteorder("="))
    # The extremes tell of NaN and infinity without an array of truth values in between.
    if result.dtype.kind == "f" and result.size and not np.isfinite([result.min(), result.max()]).all():
        place = int(np.argwhere(~np.isfinite(result))[0][0])
        raise CalibrationError(f"{source}: input {name!r}, sample {place} holds NaN or infinity; repair or remove it")
    return read_only(result)


def checked_labels(labels: Array, samples: int, source: str) -> Array:
    """A read-only copy of the class of every sample.

    Raises:
        CalibrationError: they are no whole numbers, or not as many as the samples.
    """
    if labels.dtype.kind not in "iu" or labels.shape != (samples,):
        raise CalibrationError(
            f"{source}: labels are {labels.dtype} of shape {labels.shape} for {samples} samples; give one whole "
            "number for each sample"
        )
    return read_only(labels.copy())


def check_shape(name: str, sample: tuple[int, ...], wanted: tuple[int | None, ...], source: str) -> None:
    """A sample's shape against the model's, both with the batch axis; None or -1 fits any size.

    Raises:
        CalibrationError: they differ.
    """
    fits = len(sample) == len(wanted) and all(
        size is None or size < 0 or size == actual for actual, size in zip(sample, wanted, strict=True)
    )
    if not fits:
        raise CalibrationError(
            f"{source}: input {name!r} has samples of shape {sample} but the model takes {wanted}; "
            "reshape or preprocess the data"
        )


def read_only(array: Array) -> Array:
    """The same array, which nobody can write to by this name."""
    array.flags.writeable = False
    return array
