"""Sums are held in a scale for each channel, as if int8 had per-channel scales for activations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from litesmith.converters.text.integer.blocks import Array
from litesmith.converters.text.integer.network import Network
from litesmith.converters.text.integer.observations import Observations
from litesmith.converters.text.integer.rewrites.branches import times_inputs, times_outputs, with_output

# No channel gets integers finer than this share of the widest one's.
_SMALLEST_SHARE = np.float32(1e-3)


def scale_sums(network: Network, seen: Observations) -> Network:
    """Each channel of a sum is divided by its largest magnitude; the layers that are added give it so.

    Wide rows are not looked at: int16 holds them in the scales of the others.
    """
    scales = [_scale(seen.size(name, narrow=True)) for name in network.sums]
    joints = [replace(joint, scale=joint.scale * scale) for joint, scale in zip(network.joints, scales, strict=True)]
    steps = []
    for step, scale in zip(network.steps, scales[1:], strict=True):
        branch = step.branch and with_output(step.branch, times_outputs(1 / scale))
        steps.append(replace(step, branch=branch))
    network = _scale_words(network, scales[0])
    return replace(network, steps=tuple(steps)).with_joints(joints)


def _scale_words(network: Network, scale: Array) -> Network:
    """The tables in the scale of the first sum; each channel of the words' has one of its own."""
    words, neighbours = _scale(np.abs(network.word).max(0)), network.neighbours
    network = replace(
        network,
        word=network.word / words,
        position=network.position / scale,
        types=None if network.types is None else network.types / scale,
    )
    if neighbours is None:
        return replace(network, word_scale=words)
    return replace(network, neighbours=times_outputs(1 / scale)(times_inputs(np.tile(words, 3))(neighbours)))


def _scale(sizes: Array) -> Array:
    largest = float(sizes.max())
    result: Array = np.maximum(sizes, _SMALLEST_SHARE * largest if largest else np.float32(1)).astype(np.float32)
    return result
