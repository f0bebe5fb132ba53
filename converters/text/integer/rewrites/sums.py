"""Sums are held in a scale for each channel, as if int8 had per-channel scales for activations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from litesmith.converters.text.integer.blocks import Array
from litesmith.converters.text.integer.network import Network
from litesmith.converters.text.integer.observations import Observations
from litesmith.converters.text.integer.rewrites.branches import times_outputs, with_output

# No channel gets integers finer than this share of the widest one's.
_SMALLEST_SHARE = np.float32(1e-3)


def scale_sums(network: Network, seen: Observations) -> Network:
    """Each channel of a sum is divided by its largest magnitude; the layers that are added give it so.

    Wide rows are not looked at: int16 holds them in the scales of the others.
    """
    scales = [_scale(seen.size("embeddings.sized", narrow=True))]
    for step in network.steps:
        tensor = f"{step.name}.sized" if step.joint.normalised else f"{step.name}.output"
        scales.append(_scale(seen.size(tensor, narrow=True)))
    joints = [replace(joint, scale=joint.scale * scale) for joint, scale in zip(network.joints, scales, strict=True)]
    steps = []
    for step, scale in zip(network.steps, scales[1:], strict=True):
        branch = step.branch and with_output(step.branch, times_outputs(1 / scale))
        steps.append(replace(step, branch=branch))
    types = None if network.types is None else network.types / scales[0]
    position, words = network.position / scales[0], _scale(np.abs(network.word).max(0))
    network = replace(network, word=network.word / words, word_scale=words, position=position, types=types)
    return replace(network, steps=tuple(steps)).with_joints(joints)


def _scale(sizes: Array) -> Array:
    largest = float(sizes.max())
    result: Array = np.maximum(sizes, _SMALLEST_SHARE * largest if largest else np.float32(1)).astype(np.float32)
    return result
