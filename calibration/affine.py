"""The affine map between real and integer values: `real = scale * (q - zero_point)`.

An app that feeds an integer model repeats these two functions; so do conversion and verification.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.errors import DataError

QUANTIZED_TYPES = ("int8", "uint8", "int16")
_SMALLEST, _LARGEST = float(np.finfo(np.float32).tiny), float(np.finfo(np.float32).max)
# Further from zero than any quantized value and zero point together, and exact in float32.
_FAR = np.float32(2**20)


def round_half_away(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Nearest integer, ties away from zero, as C's `roundf`."""
    whole = np.trunc(values)
    # The difference to the whole part is exact, which adding 0.5 first is not (0.49999997f + 0.5f is 1).
    away = np.copysign(np.abs(values - whole) >= 0.5, values).astype(np.float32)
    rounded: npt.NDArray[np.float32] = whole + away
    return rounded


def quantize(x: npt.ArrayLike, scale: float, zero_point: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """`clamp(round(x / scale) + zero_point)` in the range of `dtype`.

    Division and rounding are float32 and ties go away from zero, which is what the reference kernel of the
    QUANTIZE operator does (tensorflow/lite/kernels/internal/reference/quantize.h, `TfLiteRound`, at
    tensorflow/tensorflow@07466c75). LiteRT 2.3's vectorised x86 kernels break exact ties to even instead,
    so the two may differ by one step where `x / scale` is exactly half-way, and nowhere else by more.

    Args:
        x: real values of any shape; float64 is rounded to float32 first.
        scale: step size, a positive float32.
        zero_point: the integer that stands for 0.
        dtype: int8, uint8 or int16.

    Raises:
        DataError: the parameters are not those of a quantized tensor, or `x` holds NaN.
    """
    kind = np.dtype(dtype)
    _check(scale, zero_point, kind)
    limits = np.iinfo(kind)
    # A quotient past float32's range is infinite, and the clamp gives the right answer for it too.
    with np.errstate(over="ignore"):
        steps = np.asarray(x).astype(np.float32) / np.float32(scale)
    if np.isnan(steps).any():
        raise DataError("NaN has no quantized value; remove it from the data")
    rounded = round_half_away(np.clip(steps, -_FAR, _FAR)).astype(np.int64)
    return np.clip(rounded + zero_point, limits.min, limits.max).astype(kind)


def dequantize(q: npt.NDArray[Any], scale: float, zero_point: int) -> npt.NDArray[np.float32]:
    """`scale * (q - zero_point)`, the product rounded once to float32.

    Args:
        q: quantized values of any shape, int8, uint8 or int16.
        scale: step size, a positive float32.
        zero_point: the integer that stands for 0.

    Raises:
        DataError: the parameters are not those of a quantized tensor.
    """
    _check(scale, zero_point, q.dtype)
    return (np.float64(np.float32(scale)) * (q.astype(np.int64) - zero_point)).astype(np.float32)


def _check(scale: float, zero_point: int, dtype: np.dtype[Any]) -> None:
    if dtype.name not in QUANTIZED_TYPES:
        raise DataError(f"{dtype.name} is not a quantized type; use one of {', '.join(QUANTIZED_TYPES)}")
    if not _SMALLEST <= scale <= _LARGEST:
        raise DataError(f"a scale of {scale} cannot quantize; it must be a positive, finite float32")
    limits = np.iinfo(dtype)
    if not limits.min <= zero_point <= limits.max:
        raise DataError(f"zero point {zero_point} is outside {dtype.name}; it must be {limits.min} to {limits.max}")
