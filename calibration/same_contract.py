"""Samples remember the contract that made them, and are not mixed with those of another one."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.preprocess import Preprocess
from litesmith.errors import DataError

Array = npt.NDArray[Any]

# Under this name an `.npz` or a mapping may hold, as text, the preprocess.json that its inputs went through.
STORED = "preprocess"
_DIGITS_SHOWN = 12


def require_same(one: Preprocess | None, source: str, other: Preprocess | None, other_source: str) -> None:
    """Refuse samples of two contracts; None is a contract that nobody recorded, which fits any.

    Raises:
        DataError: they differ; the message has both digests and what differs.
    """
    if one is None or other is None or one == other:
        return
    raise DataError(
        f"{source} went through preprocessing contract {one.digest[:_DIGITS_SHOWN]}, but {other_source} has "
        f"{other.digest[:_DIGITS_SHOWN]}: {differences(one, other)}; make both from raw data with one preprocess.json"
    )


def differences(one: Preprocess, other: Preprocess) -> str:
    """The keys in which two contracts differ, with both values."""
    first, second = one.to_dict(), other.to_dict()
    return ", ".join(f"{key} {first[key]!r} and {second[key]!r}" for key in first if first[key] != second[key])


def stored_arrays(preprocess: Preprocess, x: Array, labels: Array | None = None) -> dict[str, Array]:
    """What `numpy.savez` has to keep of preprocessed samples so that they can be told from others later.

    Args:
        preprocess: what made them.
        x: float32 `(N, *preprocess.tensor_shape)`.
        labels: of every sample, if there are any.
    """
    arrays = {"x": x, STORED: np.array(json.dumps(preprocess.to_dict()))}
    return arrays if labels is None else {**arrays, "y": labels}


def stored_contract(value: Any, source: str) -> Preprocess | None:
    """The contract that stands under `STORED`; None where that is no text, but an input of this name.

    Raises:
        DataError: it is text, but no preprocess.json.
    """
    text = np.asarray(value) if value is not None else None
    if text is None or text.ndim or text.dtype.kind != "U":
        return None
    try:
        return Preprocess.from_dict(json.loads(str(text)))
    except (ValueError, DataError) as error:
        raise DataError(f"{source}: its {STORED!r} is no preprocess.json ({error}); save the samples again") from error
