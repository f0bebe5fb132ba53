"""Between sums, channels are multiplied by constants: the scales are chosen so that int8 holds these exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from litesmith.converters.text.integer.blocks import Array
from litesmith.converters.text.integer.network import Network, normal_factors
from litesmith.converters.text.integer.observations import Observations
from litesmith.converters.text.integer.rewrites.branches import (
    feed,
    readers,
    times_outputs,
    with_output,
)

_STEPS = 127
# The few channels with larger factors get coarser integers, and the others keep more than a few steps.
_TIMES_MEDIAN = 8.0
_ROUNDING = 1e-6


def snap_factors(network: Network, seen: Observations) -> Network:
    """Every factor becomes a multiple of one step, 127 at most; the scale after it takes the difference.

    Must come last: it relies on the scales of sums and of what is read.
    """
    network = _snap_words(network)
    for place in range(len(network.joints)):
        if place:
            network = _snap_residual(network, place - 1)
        if readers(network, place):
            joint = network.joints[place]
            network = feed(network, place, _change(normal_factors(joint) / joint.feed))
    return network


def _snap_residual(network: Network, index: int) -> Network:
    """The scale of a step's sum is chosen by the one that its residual is held in, which is final."""
    step = network.steps[index]
    if step.residual is None:
        return network
    before = network.joints[step.residual]
    change = _change((before.scale if before.passes_sum else normal_factors(before)) / step.joint.scale)
    joint = replace(step.joint, scale=step.joint.scale * change)
    branch = step.branch and with_output(step.branch, times_outputs(1 / change))
    steps = (*network.steps[:index], replace(step, branch=branch, joint=joint), *network.steps[index + 1 :])
    return replace(network, steps=steps)


def _snap_words(network: Network) -> Network:
    if network.neighbours is not None:
        return network  # a layer stands between the words and the sum
    change = _change(network.word_scale / network.embeddings.scale)
    joint = replace(network.embeddings, scale=network.embeddings.scale * change)
    types = None if network.types is None else network.types / change
    return replace(network, embeddings=joint, position=network.position / change, types=types)


def _change(factors: Array) -> Array:
    """What to multiply the scale by, at least 1, so that factors / change have 127 steps.

    A factor below one step stays as it is and is rounded: a smaller scale would let its channel outgrow all others.
    """
    sizes = np.abs(factors).astype(np.float64)
    if not sizes.any():
        return np.ones_like(factors)
    step = min(float(sizes.max()), _TIMES_MEDIAN * float(np.median(sizes[sizes > 0]))) / _STEPS
    # The largest one is all steps, whatever rounding makes of sizes / step: its own step is that of the integers.
    snapped = np.clip(np.floor(sizes / step * (1 + _ROUNDING)), 1, _STEPS) * step
    result: Array = np.maximum(sizes / snapped, 1).astype(np.float32)
    return result
