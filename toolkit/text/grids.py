"""Rounding as the integer file does it, with gradients that pass through: what quantization-aware training computes.

The float encoder (`text.forward`) names its layers and values here. `EXACT` leaves them as they are; `text.file_grids`
finds the grids of a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.converters.backend import tensorflow
from litesmith.converters.text.integer.integers import INT8, Steps

Array = npt.NDArray[np.float32]
_TINY = 1e-12
_ZERO, _ONE = np.float32(0), np.float32(1)


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """The int8 integers of a tensor, in the float encoder's own numbers: x is held as (x - offset) / factor.

    Gradients pass through rounding, and are zero where integers end (arXiv 1308.3432; 1712.05877, section 3).

    Attributes:
        steps: scale and zero point of what is held.
        factor: of each channel (C,), or one for all.
        offset: likewise.
        exact_rows: so many first tokens of (N, L, C) stay as they are: int16 holds them.
        beyond: 1 for the channels (C,) whose values beyond the last integer stand in columns of their own, else 0;
            None where all channels end there.
    """

    steps: Steps
    factor: Array | np.float32 = _ONE
    offset: Array | np.float32 = _ZERO
    exact_rows: int = 0
    beyond: Array | None = None

    def rounded(self, x: Any) -> Any:
        """The values that the file holds for x (..., C)."""
        tf = tensorflow()
        held = (x - self.offset) / self.factor
        low, high = ((end - self.steps.zero_point) * self.steps.scale for end in (-INT8 - 1, INT8))
        found = tf.quantization.fake_quant_with_min_max_vars(held, low, high)
        if self.beyond is not None:
            found += tf.nn.relu(held - high) * self.beyond
        found = found * self.factor + self.offset
        if not self.exact_rows:
            return found
        return tf.where((tf.range(tf.shape(x)[1]) < self.exact_rows)[:, None], x, found)


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A dense layer with an int8 kernel, which has a scale for each output.

    Attributes:
        factor: of each input (I,), or one for all: the layer reads (x - offset) / factor.
        offset: likewise. What it gives goes into the bias, which is not rounded.
        centred: whether the file's kernel gives outputs without their mean, which no norm sees.
    """

    factor: Array | np.float32 = _ONE
    offset: Array | np.float32 = _ZERO
    centred: bool = False

    def output(self, x: Any, kernel: Any, bias: Any) -> Any:
        """`x @ kernel + bias` for x (N, I)."""
        tf = tensorflow()
        offset = np.broadcast_to(self.offset, kernel.shape[:1])
        shift = tf.linalg.matvec(kernel, offset, transpose_a=True)
        return tf.matmul(x - offset, self.kernel(kernel)) + shift + bias

    def kernel(self, kernel: Any) -> Any:
        """The kernel (I, O) that the file holds."""
        tf = tensorflow()
        factor = np.reshape(self.factor, (-1, 1))
        mean = tf.reduce_mean(kernel, axis=-1, keepdims=True) if self.centred else 0.0
        held = (kernel - mean) * factor
        scale = tf.maximum(tf.reduce_max(tf.abs(held), axis=0), _TINY) / INT8
        return kernel + tf.stop_gradient((tf.round(held / scale) * scale) / factor + mean - kernel)


@dataclass(frozen=True, slots=True, eq=False)
class Grids:
    """The grids of an encoder by the names that `text.forward` gives; what has none is not rounded."""

    values: Mapping[str, Grid] = field(default_factory=dict)
    layers: Mapping[str, Layer] = field(default_factory=dict)

    def trains(self, name: str) -> bool:
        """Whether a weight may change. Norms may not: the file holds factors made of them, in integers of their own."""
        return not self.values or not name.endswith((".gamma", ".beta"))

    def value(self, name: str, x: Any) -> Any:
        """A tensor as the file holds it."""
        grid = self.values.get(name)
        return x if grid is None else grid.rounded(x)

    def dense(self, name: str, x: Any, kernel: Any, bias: Any) -> Any:
        """`x @ kernel + bias` for x (N, I)."""
        layer = self.layers.get(name)
        return tensorflow().matmul(x, kernel) + bias if layer is None else layer.output(x, kernel, bias)

    def offset(self, name: str) -> Array | np.float32:
        """What the file takes out of a tensor before it is held, and handles apart."""
        grid = self.values.get(name)
        return _ZERO if grid is None else grid.offset

    def levelled(self, x: Any) -> Any:
        """Without the mean over channels, which no norm sees and the file does not hold."""
        return x - tensorflow().reduce_mean(x, -1, keepdims=True) if self.values else x

    def add(self, name: str, x: Any, more: Any) -> Any:
        """The sum of a residual x and what a step adds to it: without its mean on grids."""
        total = x + more
        if f"{name}.output" not in self.values:
            return total
        more = self.value(f"{name}.output", self.levelled(total) - x)
        return self.value(f"{name}.sum", self.value(f"{name}.residual", x) + more)


EXACT = Grids()
