"""The layers of a branch that read its input, and the one that gives its output."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from litesmith.converters.text.integer.blocks import Array, Attention, Branch, Dense, FeedForward
from litesmith.converters.text.integer.network import Network

Change = Callable[[Dense], Dense]


def times_inputs(factors: Array) -> Change:
    """The change of a layer whose input is divided by these factors, a channel each."""
    return lambda dense: Dense(dense.kernel * factors[:, None], dense.bias)


def times_outputs(factors: Array) -> Change:
    """The change of a layer whose output gets these factors, a channel each."""
    return lambda dense: dense.times(factors)


def with_inputs(branch: Branch, change: Change) -> Branch:
    """The branch with every layer changed that reads what the joint before hands on."""
    if isinstance(branch, Attention):
        return replace(branch, query=change(branch.query), key=change(branch.key), value=change(branch.value))
    if isinstance(branch, FeedForward):
        return replace(branch, up=change(branch.up))
    return change(branch)


def with_output(branch: Branch, change: Change) -> Branch:
    """The branch with the layer changed that gives what is added to the sum."""
    if isinstance(branch, Attention):
        return replace(branch, output=change(branch.output))
    if isinstance(branch, FeedForward):
        return replace(branch, down=change(branch.down))
    return change(branch)


def inputs(branch: Branch | None) -> tuple[Dense, ...]:
    """The layers that read what the joint before hands on."""
    if isinstance(branch, Attention):
        return branch.query, branch.key, branch.value
    if isinstance(branch, FeedForward):
        return (branch.up,)
    return () if branch is None else (branch,)


def with_head_input(network: Network, change: Change) -> Network:
    """The network with the layer of the head changed that reads the last joint; embeddings have none."""
    if network.dense is not None:
        return replace(network, dense=change(network.dense))
    return network if network.output is None else replace(network, output=change(network.output))


def head_inputs(network: Network) -> tuple[Dense, ...]:
    """The layer of the head that reads the last joint."""
    found = network.output if network.dense is None else network.dense
    return () if found is None else (found,)
