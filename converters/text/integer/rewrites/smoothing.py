"""Channels with large values hand some of their size to the kernels that read them."""

from __future__ import annotations

import numpy as np

from litesmith.converters.text.integer.blocks import Array, Dense
from litesmith.converters.text.integer.network import Network
from litesmith.converters.text.integer.observations import Observations
from litesmith.converters.text.integer.rewrites.branches import feed, readers

# The share of a channel's size that goes into the kernels; 0.5 to 0.8 give the same on MiniLM.
EXPONENT = 0.7
_SMALLEST = np.float32(1e-4)


def smooth_inputs(network: Network, seen: Observations) -> Network:
    """What dense layers read is divided by a factor for each channel, and their kernels' rows multiplied.

    The factor is size ** e / largest weight ** (1 - e), as in SmoothQuant (arXiv 2211.10438, equation 4).
    """
    for place, name in enumerate(network.names):
        layers = readers(network, place)
        if layers:
            network = feed(network, place, _factors(seen.size(f"{name}.read"), layers))
    return network


def _factors(sizes: Array, layers: tuple[Dense, ...]) -> Array:
    weights = np.max([np.abs(layer.kernel).max(1) for layer in layers], axis=0)
    floor = np.float32(1e-3) * np.maximum(sizes.max(), _SMALLEST)
    factors = np.maximum(sizes, floor) ** EXPONENT / np.maximum(weights, _SMALLEST) ** (1 - EXPONENT)
    result: Array = (factors / np.exp(np.log(factors).mean())).astype(np.float32)
    return result
