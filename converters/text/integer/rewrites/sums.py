"""Sums are held in a scale for each channel, as if int8 had per-channel scales for activations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from litesmith.converters.text.integer.network import Array, Network
from litesmith.converters.text.integer.observations import Observations
from litesmith.converters.text.integer.rewrites.branches import with_output

# No channel gets integers finer than this share of the widest one's.
_SMALLEST_SHARE = np.float32(1e-3)


def scale_sums(network: Network, seen: Observations, start: int = 0) -> Network:
    """Each channel of a sum is divided by its largest magnitude; the layers that are added give it so.

    Args:
        network: with sums in their own units.
        seen: of that network.
        start: rows before this one are wide and not looked at.
    """
    scales = [_scale(seen.size("embeddings.sized", start=start))]
    for step in network.steps:
        tensor = f"{step.name}.sized" if step.joint.normalised else f"{step.name}.output"
        scales.append(_scale(seen.size(tensor, start=start)))
    joints = [replace(joint, scale=joint.scale * scale) for joint, scale in zip(network.joints, scales, strict=True)]
    steps = []
    for step, scale in zip(network.steps, scales[1:], strict=True):
        divide = 1 / scale
        branch = step.branch and with_output(step.branch, lambda dense, divide=divide: dense.times(divide))
        steps.append(replace(step, branch=branch))
    types = None if network.types is None else network.types / scales[0]
    position, words = network.position / scales[0], _scale(np.abs(network.word).max(0))
    network = replace(network, word=network.word / words, word_scale=words, position=position, types=types)
    return replace(network, steps=tuple(steps)).with_joints(joints)


def _scale(sizes: Array) -> Array:
    largest = float(sizes.max())
    result: Array = np.maximum(sizes, _SMALLEST_SHARE * largest if largest else np.float32(1)).astype(np.float32)
    return result
