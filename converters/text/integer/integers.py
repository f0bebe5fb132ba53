"""From ranges to the scales and zero points of integers, and constants rounded to them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from litesmith.calibration.ranges import Range
from litesmith.converters.text.integer.blocks import Array

_TINY = 1e-12
_LEAST_ABOVE = 1 / 16
INT8 = 127
INT16 = 32767
# A softmax or sigmoid in int8 gives shares in steps of 1/256, from 0 to 255/256 (TFLite quantization specification).
SHARE = 1 / 256
# Likewise tanh in int8, from -1 to 127/128.
TANH = 1 / 128
# Channels further above the median one than this get steps of their own: they would take them from all others.
TIMES_MEDIAN = 8.0


class Steps(NamedTuple):
    """The scale and zero point of a tensor: value = scale * (integer - zero point)."""

    scale: float
    zero_point: int


def int8_steps(limits: Range, *, symmetric: bool = False) -> Steps:
    """All 256 integers over the range widened to hold 0; 255 of them, around 0, where symmetric.

    A few integers are always above 0: columns set beside a tensor hold positive values in its integers.
    """
    if symmetric:
        return Steps(max(abs(limits.low), abs(limits.high), _TINY) / INT8, 0)
    low = min(limits.low, 0.0)
    high = max(limits.high, -low * _LEAST_ABOVE)
    scale = max(high - low, _TINY) / 255
    return Steps(scale, int(np.clip(round(-128 - low / scale), -128, 127)))


def int16_steps(limits: Range) -> Steps:
    """int16 kernels have no zero point."""
    return Steps(max(abs(limits.low), abs(limits.high), _TINY) / INT16, 0)


def rounded(values: Array, scale: Array | np.float32 | float, largest: int, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """Integers nearest to values / scale, within plus and minus `largest`."""
    steps: npt.NDArray[np.float64] = values.astype(np.float64) / scale
    return np.clip(np.rint(steps), -largest, largest).astype(dtype)


def kernel_integers(kernel: Array) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.float32]]:
    """A kernel (inputs, outputs) as int8 (outputs, inputs) with a scale for each output."""
    sizes = np.abs(kernel).max(0)
    # An output without weights takes the scale of the largest one, so that its bias has a sensible step.
    scales = np.where(sizes > _TINY, sizes, max(float(sizes.max()), 1.0)).astype(np.float32) / np.float32(INT8)
    return rounded(kernel.T, scales[:, None], INT8, np.int8), scales
