"""Making numbers of what a model cannot take, such as text: a user's own function is called for it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.entry_point import load_entry_point
from litesmith.calibration.stacking import UNNAMED
from litesmith.errors import DataError

Array = npt.NDArray[Any]
# What all samples have under one name: numbers with the sample as first axis, or texts.
Column = Array | list[str]


def encode_columns(columns: Mapping[str, Column], function: str, *, base: Path) -> dict[str, Array]:
    """The model's inputs by name, as `function` makes them of all samples at once.

    Args:
        columns: by name; texts reach the function as a list of str.
        function: `package.module:function`; it gives a mapping of arrays, or one array.
        base: the folder that local modules are looked up in.

    Raises:
        DataError: it cannot be imported, fails (the cause is chained), or gives no array with a row a sample.
    """
    call = load_entry_point(function, base=base)
    given = {
        name: column.tolist() if isinstance(column, np.ndarray) and column.dtype.kind == "U" else column
        for name, column in columns.items()
    }
    try:
        result = call(given)
    except (Exception, SystemExit) as error:
        raise DataError(
            f"{function}: failed to encode {', '.join(columns)} ({type(error).__name__}: {error}); it is called with "
            "a mapping of these names to lists of texts or arrays"
        ) from error
    inputs = result if isinstance(result, Mapping) else {UNNAMED: result}
    samples = len(next(iter(columns.values())))
    return {str(name): _rows(value, samples, f"{function}: input {name!r}") for name, value in inputs.items()}


def _rows(value: Any, samples: int, where: str) -> Array:
    try:
        array = np.asarray(value)
    except (ValueError, TypeError) as error:
        raise DataError(f"{where} is no array ({error}); encode all samples to one length") from error
    if array.ndim == 0 or len(array) != samples:
        raise DataError(
            f"{where} has shape {array.shape} for {samples} samples; return one row for each, and several inputs as "
            "a mapping by name"
        )
    return array
