"""Samples that come one after the other, put together to arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.errors import DataError

Array = npt.NDArray[Any]

# The name of an input that has none of its own.
UNNAMED = "x"


def stack_samples(items: Iterable[Any], source: str) -> dict[str, Array]:
    """Read every sample once and give arrays by input name, first axis the sample.

    Each item is one sample in the shape of the model's input without the batch axis: an array, or a mapping of
    arrays by input name. A list of one array `(1, ...)`, as TensorFlow's `representative_dataset` yields, is a
    sample with a batch axis, which is taken off.

    Args:
        items: may hand out one buffer again and again; every sample is copied.
        source: what they are called in messages.

    Raises:
        DataError: there is none, or they differ in names or shapes.
    """
    columns: dict[str, list[Array]] = {}
    for place, item in enumerate(items):
        sample = _sample(item, f"{source}: sample {place}")
        columns = columns or {name: [] for name in sample}
        if sample.keys() != columns.keys():
            raise DataError(
                f"{source}: sample {place} has inputs {', '.join(sample)} but the first has {', '.join(columns)}; "
                "give all samples the same names"
            )
        for name, value in sample.items():
            column = columns[name]
            column.append(value)
            if value.shape != column[0].shape:
                raise DataError(
                    f"{source}: sample {place} has shape {value.shape} as {name!r} but the first has "
                    f"{column[0].shape}; make them one shape"
                )
    if not columns:
        raise DataError(f"{source}: gives no sample; give at least one")
    return {name: np.stack(column) for name, column in columns.items()}


def _sample(item: Any, where: str) -> dict[str, Array]:
    if isinstance(item, Mapping):
        return {str(name): _copy(value, where) for name, value in item.items()}
    if isinstance(item, list | tuple) and any(getattr(value, "ndim", 0) for value in item):
        if len(item) != 1 or item[0].shape[0] != 1:
            shapes = ", ".join(str(np.shape(value)) for value in item)
            raise DataError(
                f"{where} is a list of arrays {shapes}; give one array of shape (1, ...), or inputs by name: "
                "{'name': array}"
            )
        return {UNNAMED: _copy(item[0], where)[0]}
    return {UNNAMED: _copy(item, where)}


def _copy(value: Any, where: str) -> Array:
    try:
        return np.array(value)
    except (ValueError, TypeError) as error:
        raise DataError(f"{where} is no array ({error}); give arrays, or mappings of arrays by input name") from error
