"""Attention is told apart by the differences of its scores: what does not change them is free to choose."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from litesmith.converters.text.integer.blocks import Array, Attention, Dense
from litesmith.converters.text.integer.network import Network
from litesmith.converters.text.integer.observations import Observations

_SMALLEST = np.float32(1e-6)


def balance_attention(network: Network, seen: Observations) -> Network:
    """Queries, keys and values fill the range of their integers in every channel, around zero.

    - A constant added to all keys adds the same to all scores of a query, which softmax does not see.
    - A channel of the queries times b and of the keys divided by b gives the same scores.
    - Shares sum to 1, so the middle of the values passes through attention into the bias of the output, and the size
      of each channel of the values into its kernel.
    """
    steps = (
        replace(step, branch=_balanced(step.name, step.branch, seen)) if isinstance(step.branch, Attention) else step
        for step in network.steps
    )
    return replace(network, steps=tuple(steps))


def _balanced(name: str, attention: Attention, seen: Observations) -> Attention:
    middle, size = _middle(seen, f"{name}.key")
    ratio = np.sqrt(size / np.maximum(seen.size(f"{name}.query"), _SMALLEST))
    key = Dense(attention.key.kernel, attention.key.bias - middle).times(1 / ratio)
    middle, size = _middle(seen, f"{name}.value")
    value = Dense(attention.value.kernel, attention.value.bias - middle).times(1 / size)
    output = attention.output
    return replace(
        attention,
        query=attention.query.times(ratio),
        key=key,
        value=value,
        output=Dense(output.kernel * size[:, None], output.bias + middle @ output.kernel),
    )


def _middle(seen: Observations, name: str) -> tuple[Array, Array]:
    """Middle and half width of each channel."""
    low, high = seen.low(name), seen.high(name)
    return (low + high) / 2, np.maximum((high - low) / 2, _SMALLEST)
