"""Channels with large values hand some of their size to the kernels that read them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from litesmith.converters.text.integer.blocks import Array, Dense
from litesmith.converters.text.integer.network import Network
from litesmith.converters.text.integer.observations import Observations
from litesmith.converters.text.integer.rewrites.branches import (
    head_inputs,
    inputs,
    times_inputs,
    with_head_input,
    with_inputs,
)

# The share of a channel's size that goes into the kernels; 0.5 to 0.8 give the same on MiniLM.
EXPONENT = 0.7
_SMALLEST = np.float32(1e-4)


def smooth_inputs(network: Network, seen: Observations) -> Network:
    """What dense layers read is divided by a factor for each channel, and their kernels' rows multiplied.

    The factor is size ** e / largest weight ** (1 - e), as in SmoothQuant (arXiv 2211.10438, equation 4).
    """
    joints, steps = list(network.joints), list(network.steps)
    for place, (name, joint) in enumerate(zip(network.names, joints, strict=True)):
        last = place == len(steps)
        readers = head_inputs(network) if last else inputs(steps[place].branch)
        if not readers:
            continue
        factors = _factors(seen.size(f"{name}.read"), readers)
        joints[place] = joint.fed(factors)
        if last:
            network = with_head_input(network, times_inputs(factors))
        else:
            branch = steps[place].branch
            assert branch is not None  # it has readers
            steps[place] = replace(steps[place], branch=with_inputs(branch, times_inputs(factors)))
    return replace(network, steps=tuple(steps)).with_joints(joints)


def _factors(sizes: Array, readers: tuple[Dense, ...]) -> Array:
    weights = np.max([np.abs(reader.kernel).max(1) for reader in readers], axis=0)
    floor = np.float32(1e-3) * np.maximum(sizes.max(), _SMALLEST)
    factors = np.maximum(sizes, floor) ** EXPONENT / np.maximum(weights, _SMALLEST) ** (1 - EXPONENT)
    result: Array = (factors / np.exp(np.log(factors).mean())).astype(np.float32)
    return result
