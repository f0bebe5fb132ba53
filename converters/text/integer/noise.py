"""How far integers are from float32, as a ratio of powers."""

from __future__ import annotations

import math

import numpy as np

from litesmith.converters.text.integer.blocks import Array

# What is reported where there is no error at all: more than float32 itself tells apart.
MOST_DECIBELS = 160.0


class Noise:
    """Sums of squares of a signal and of its error, taken in bit by bit."""

    def __init__(self) -> None:
        self._signal = 0.0
        self._error = 0.0

    def add(self, wanted: Array, found: Array) -> None:
        """Take in two arrays of one shape."""
        self._signal += float(np.square(wanted, dtype=np.float64).sum())
        self._error += float(np.square(wanted.astype(np.float64) - found).sum())

    @property
    def decibels(self) -> float:
        """The signal-to-noise ratio: 20 dB is an error of a tenth, 40 dB of a hundredth."""
        if self._error <= self._signal * 10 ** (-MOST_DECIBELS / 10):
            return MOST_DECIBELS
        return 10 * math.log10(max(self._signal, 1e-30) / self._error)
