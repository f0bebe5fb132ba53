"""Activations in float32, and above which value each is the identity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from litesmith.converters.text.architecture import Activation
from litesmith.converters.text.integer.network import Array


def gelu(x: Array) -> Array:
    """X * Phi(x), by the error function (arXiv 1606.08415, section 2)."""
    from scipy.special import erf

    result: Array = 0.5 * x * (1 + erf(x * np.float32(2**-0.5)))
    return result


def gelu_tanh(x: Array) -> Array:
    """The approximation of the same page."""
    return 0.5 * x * (1 + np.tanh(np.float32((2 / np.pi) ** 0.5) * (x + np.float32(0.044715) * x**3)))


def relu(x: Array) -> Array:
    """max(x, 0)."""
    return np.maximum(x, 0)


def silu(x: Array) -> Array:
    """X * sigmoid(x)."""
    return x / (1 + np.exp(-x))


FUNCTIONS: Mapping[Activation, Callable[[Array], Array]] = MappingProxyType(
    {"gelu": gelu, "gelu_tanh": gelu_tanh, "relu": relu, "silu": silu, "tanh": np.tanh}
)
# From here on f(x) = x: gelu(4.5) is 4.49998. What is below -4.5 is 0 in the same way.
IDENTITY_ABOVE: Mapping[Activation, float] = MappingProxyType({"gelu": 4.5, "gelu_tanh": 4.5, "relu": 0.0})
ZERO_BELOW: Mapping[Activation, float] = MappingProxyType({"gelu": -4.5, "gelu_tanh": -4.5, "relu": 0.0})
