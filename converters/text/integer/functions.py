"""Activations in float32, and above which value each is the identity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from litesmith.calibration.ranges import Range
from litesmith.converters.text.architecture import Activation
from litesmith.converters.text.integer.blocks import Array

# Abramowitz and Stegun, Handbook of Mathematical Functions, 7.1.26: within 1.5e-7, which is float32's own rounding.
_ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)
_ERF_P = np.float32(0.3275911)


def gelu(x: Array) -> Array:
    """X * Phi(x), by the error function (arXiv 1606.08415, section 2)."""
    result: Array = 0.5 * x * (1 + erf(x * np.float32(2**-0.5)))
    return result


def gelu_tanh(x: Array) -> Array:
    """The approximation of the same page."""
    result: Array = 0.5 * x * (1 + np.tanh(np.float32((2 / np.pi) ** 0.5) * (x + np.float32(0.044715) * x**3)))
    return result


def relu(x: Array) -> Array:
    """max(x, 0)."""
    return np.maximum(x, 0)


def silu(x: Array) -> Array:
    """X * sigmoid(x)."""
    return x / (1 + np.exp(-x))


def tanh(x: Array) -> Array:
    """The hyperbolic tangent."""
    return np.tanh(x)


def erf(x: Array) -> Array:
    """The error function; NumPy has none."""
    size = np.abs(x)
    t = 1 / (1 + _ERF_P * size)
    series = np.zeros_like(x)
    for coefficient in reversed(_ERF):
        series = (series + np.float32(coefficient)) * t
    result: Array = np.copysign(1 - series * np.exp(-size * size), x)
    return result


FUNCTIONS: Mapping[Activation, Callable[[Array], Array]] = MappingProxyType(
    {"gelu": gelu, "gelu_tanh": gelu_tanh, "relu": relu, "silu": silu, "tanh": tanh}
)
# From here on f(x) = x: gelu(4.5) is 4.49998. What is below -4.5 is 0 in the same way.
IDENTITY_ABOVE: Mapping[Activation, float] = MappingProxyType({"gelu": 4.5, "gelu_tanh": 4.5, "relu": 0.0})
ZERO_BELOW: Mapping[Activation, float] = MappingProxyType({"gelu": -4.5, "gelu_tanh": -4.5, "relu": 0.0})


def limits_before(activation: Activation, seen: Range) -> Range:
    """Of what was seen before an activation, the part that its results tell apart."""
    floor = ZERO_BELOW.get(activation)
    return seen if floor is None else Range(max(seen.low, floor), max(seen.high, floor))
