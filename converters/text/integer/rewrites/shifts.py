"""Means and shifts move out of the activations and into weights, where they cost nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from litesmith.converters.text.integer.blocks import Array, Branch, Dense
from litesmith.converters.text.integer.network import Joint, Network, Step
from litesmith.converters.text.integer.rewrites.branches import (
    Change,
    head_inputs,
    with_head_input,
    with_inputs,
    with_output,
)


def centre_sums(network: Network) -> Network:
    """Every sum that is normalised gets mean 0 over its channels, so that normalising is dividing by its size.

    Layer normalisation does not see the mean of its input. It goes out of the rows of the tables and out of the
    outputs of the layers that are added. What a joint passes on has a mean that depends on the text: a product with
    a single column finds it.
    """
    embeddings = replace(network.embeddings, centred=network.embeddings.normalised)
    joints = [embeddings, *(replace(step.joint, centred=step.joint.normalised) for step in network.steps)]
    for place, step in enumerate(network.steps):
        before = joints[place]
        if step.residual and step.joint.normalised and not before.passes_sum:
            joints[place] = replace(before, mean=before.feed / np.float32(before.gamma.size))
    network = network.with_joints(joints)
    steps = (
        replace(step, branch=with_output(step.branch, _centred)) if step.branch and step.joint.normalised else step
        for step in network.steps
    )
    if not network.embeddings.normalised:
        return replace(network, steps=tuple(steps))
    types = None if network.types is None else _level(network.types)
    return replace(
        network, steps=tuple(steps), word=_level(network.word), position=_level(network.position), types=types
    )


def centre_words(network: Network) -> Network:
    """The mean of each channel of the table of words goes into the table of positions: its integers have no offset."""
    middle = network.word.mean(0)
    middle = middle - middle.mean()  # rows keep their mean of 0
    return replace(network, word=network.word - middle, position=network.position + middle)


def fold_shifts(network: Network) -> Network:
    """What a joint adds after normalising goes into the biases of all that read it: x + beta and then W is xW + beta W.

    The last joint keeps it where the head pools.
    """
    joints, steps = list(network.joints), list(network.steps)
    for place, step in enumerate(steps):
        if step.branch is not None:
            joint = joints[place]
            steps[place] = replace(step, branch=_take_over(step.branch, step, joint))
            joints[place] = replace(joint, beta=np.zeros_like(joint.beta))
    last = joints[-1]
    if head_inputs(network):
        network = with_head_input(network, _reading(last))
        joints[-1] = replace(last, beta=np.zeros_like(last.beta))
    return replace(network, steps=tuple(steps)).with_joints(joints)


def _take_over(branch: Branch, step: Step, joint: Joint) -> Branch:
    """The branch that adds what the joint before it no longer does."""
    branch = with_inputs(branch, _reading(joint))
    if not step.residual or joint.passes_sum:
        return branch
    level = 0.0 if joint.mean is None else float((joint.beta / joint.feed) @ joint.mean)
    added = (joint.beta - np.float32(level)) / step.joint.scale
    return with_output(branch, lambda dense: Dense(dense.kernel, dense.bias + added))


def _reading(joint: Joint) -> Change:
    """The change of a layer whose input loses the joint's shift."""
    shift = joint.beta / joint.feed
    return lambda dense: Dense(dense.kernel, dense.bias + shift @ dense.kernel)


def _centred(dense: Dense) -> Dense:
    return Dense(_level(dense.kernel), dense.bias - dense.bias.mean())


def _level(rows: Array) -> Array:
    """Each row less its mean."""
    levelled: Array = rows - rows.mean(-1, keepdims=True)
    return levelled
