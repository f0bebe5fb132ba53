"""The layers that read a joint, and the one that gives what a branch adds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from litesmith.converters.text.integer.blocks import Array, Attention, Branch, Dense, FeedForward, inputs
from litesmith.converters.text.integer.network import Joint, Network, Step

Change = Callable[[Dense], Dense]


def times_inputs(factors: Array) -> Change:
    """The change of a layer whose input is divided by these factors, a channel each."""
    return lambda dense: Dense(dense.kernel * factors[:, None], dense.bias)


def times_outputs(factors: Array) -> Change:
    """The change of a layer whose output gets these factors, a channel each."""
    return lambda dense: dense.times(factors)


def readers(network: Network, place: int) -> tuple[Dense, ...]:
    """The layers that read the joint at a place, that of the head among them."""
    found = [
        layer
        for step in network.steps
        for layer, read in zip(inputs(step.branch), step.reads, strict=True)
        if read == place
    ]
    head = network.output if network.dense is None else network.dense
    return (*found, head) if head is not None and place == len(network.steps) else tuple(found)


def with_readers(network: Network, place: int, change: Change) -> Network:
    """The network with every layer changed that reads the joint at a place."""
    network = replace(network, steps=tuple(_read_otherwise(step, place, change) for step in network.steps))
    if place < len(network.steps):
        return network
    if network.dense is not None:
        return replace(network, dense=change(network.dense))
    return network if network.output is None else replace(network, output=change(network.output))


def feed(network: Network, place: int, factors: Array) -> Network:
    """The network with what is read of the joint at a place divided by factors, which the layers take over."""
    network = with_readers(network, place, times_inputs(factors))
    return with_joint(network, place, network.joints[place].fed(factors))


def with_joint(network: Network, place: int, joint: Joint) -> Network:
    """The network with another joint at a place."""
    return network.with_joints((*network.joints[:place], joint, *network.joints[place + 1 :]))


def _read_otherwise(step: Step, place: int, change: Change) -> Step:
    if place not in step.reads:
        return step
    branch = step.branch
    layers = [change(layer) if read == place else layer for layer, read in zip(inputs(branch), step.reads, strict=True)]
    if isinstance(branch, Attention):
        query, key, value = layers
        return replace(step, branch=replace(branch, query=query, key=key, value=value))
    (layer,) = layers
    return replace(step, branch=replace(branch, up=layer) if isinstance(branch, FeedForward) else layer)


def with_output(branch: Branch, change: Change) -> Branch:
    """The branch with the layer changed that gives what is added to the sum."""
    if isinstance(branch, Attention):
        return replace(branch, output=change(branch.output))
    if isinstance(branch, FeedForward):
        return replace(branch, down=change(branch.down))
    return change(branch)
