"""Means and shifts move out of the activations and into weights, where they cost nothing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from litesmith.converters.text.integer.blocks import Array, Dense
from litesmith.converters.text.integer.network import Joint, Network, Step
from litesmith.converters.text.integer.rewrites.branches import readers, with_joint, with_output, with_readers


def centre_sums(network: Network) -> Network:
    """Every sum that is normalised gets mean 0 over its channels, so that normalising is dividing by its size.

    Layer normalisation does not see the mean of its input. It goes out of the rows of the tables and out of the
    outputs of the layers that are added. What a joint passes on has a mean that depends on the text: a product with
    a single column finds it.
    """
    embeddings = replace(network.embeddings, centred=network.embeddings.normalised)
    joints = [embeddings, *(replace(step.joint, centred=step.joint.normalised) for step in network.steps)]
    for step in network.steps:
        if step.residual is None or not step.joint.normalised:
            continue
        before = joints[step.residual]
        if not before.passes_sum:
            joints[step.residual] = replace(before, mean=before.feed / np.float32(before.gamma.size))
    network = network.with_joints(joints)
    steps = (
        replace(step, branch=with_output(step.branch, _centred)) if step.branch and step.joint.normalised else step
        for step in network.steps
    )
    network = replace(network, steps=tuple(steps))
    return _centre_tables(network) if network.embeddings.normalised else network


def _centre_tables(network: Network) -> Network:
    types = None if network.types is None else _level(network.types)
    network = replace(network, position=_level(network.position), types=types)
    if network.neighbours is not None:
        return replace(network, neighbours=_centred(network.neighbours))
    return replace(network, word=_level(network.word))


def centre_words(network: Network) -> Network:
    """The mean of each channel of the table of words goes into the table of positions: its integers have no offset.

    Not so where neighbours are read: those that a text lacks at its ends are zeros, which have no such mean.
    """
    if network.neighbours is not None:
        return network
    middle = network.word.mean(0)
    middle = middle - middle.mean()  # rows keep their mean of 0
    return replace(network, word=network.word - middle, position=network.position + middle)


def fold_shifts(network: Network) -> Network:
    """What a joint adds after normalising goes into the biases of all that read it: x + beta and then W is xW + beta W.

    The last joint keeps it where the head pools.
    """
    for place in range(len(network.joints)):
        added_to = [step for step in network.steps if step.residual == place]
        pooled = place == len(network.steps) and not readers(network, place)
        if not pooled and all(step.branch is not None for step in added_to):
            network = _fold_shift(network, place)
    return network


def _fold_shift(network: Network, place: int) -> Network:
    joint = network.joints[place]
    shift = joint.beta / joint.feed
    network = with_readers(network, place, lambda dense: Dense(dense.kernel, dense.bias + shift @ dense.kernel))
    steps = [_take_over(step, joint) if step.residual == place else step for step in network.steps]
    network = replace(network, steps=tuple(steps))
    return with_joint(network, place, replace(network.joints[place], beta=np.zeros_like(joint.beta)))


def _take_over(step: Step, before: Joint) -> Step:
    """The step that adds what the joint whose residual it has no longer does."""
    if before.passes_sum or step.branch is None:
        return step
    level = 0.0
    if before.mean is not None and step.joint.normalised:
        level = float((before.beta / before.feed) @ before.mean)
    added = (before.beta - np.float32(level)) / step.joint.scale
    return replace(step, branch=with_output(step.branch, lambda dense: Dense(dense.kernel, dense.bias + added)))


def _centred(dense: Dense) -> Dense:
    return Dense(_level(dense.kernel), dense.bias - dense.bias.mean())


def _level(rows: Array) -> Array:
    """Each row less its mean."""
    levelled: Array = rows - rows.mean(-1, keepdims=True)
    return levelled
