"""Between sums, channels are multiplied by constants: the scales are chosen so that int8 holds these exactly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from litesmith.converters.text.integer.blocks import Array
from litesmith.converters.text.integer.network import Network, normal_factors
from litesmith.converters.text.integer.observations import Observations
from litesmith.converters.text.integer.rewrites.branches import (
    head_inputs,
    inputs,
    times_inputs,
    times_outputs,
    with_head_input,
    with_inputs,
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
    joints, steps = list(network.joints), list(network.steps)
    for place, step in enumerate(steps):
        joint = joints[place]
        factors = normal_factors(joint)
        if step.residual:
            passed = joint.scale if joint.passes_sum else factors
            change = _change(passed / step.joint.scale)
            joints[place + 1] = replace(joints[place + 1], scale=joints[place + 1].scale * change)
            branch = step.branch and with_output(step.branch, times_outputs(1 / change))
            steps[place] = replace(step, branch=branch, joint=joints[place + 1])
        if inputs(step.branch):
            change = _change(factors / joint.feed)
            joints[place] = joint.fed(change)
            branch = steps[place].branch
            assert branch is not None  # it has inputs
            steps[place] = replace(steps[place], branch=with_inputs(branch, times_inputs(change)))
    if head_inputs(network):
        change = _change(normal_factors(joints[-1]) / joints[-1].feed)
        joints[-1] = joints[-1].fed(change)
        network = with_head_input(network, times_inputs(change))
    return replace(network, steps=tuple(steps)).with_joints(joints)


def _snap_words(network: Network) -> Network:
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
