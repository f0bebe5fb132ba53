"""A few feed-forward units reach far beyond all others: what is beyond goes a way of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from litesmith.converters.text.integer.blocks import Array, FeedForward
from litesmith.converters.text.integer.functions import IDENTITY_ABOVE
from litesmith.converters.text.integer.network import Network
from litesmith.converters.text.integer.observations import Observations

# Where the activation is the identity from 0 on, units beyond this many times the median unit are cut.
_TIMES_MEDIAN = 3.0
# Columns cost as much as units do: the limit is raised until they are no more than this share; MiniLM needs 1/32.
_SHARE = 1 / 8
_RAISE = 1.1


def split_excess(network: Network, seen: Observations) -> Network:
    """Units are cut at a limit above which the activation is the identity; what is cut off is added beside them.

    It stands in columns of the limit's height each, which fit the integers of the other units. Otherwise one unit with
    large values, which massive activations come from (arXiv 2402.17762), takes the integers from all others.
    """
    steps = (
        replace(step, branch=_split(step.name, step.branch, seen)) if isinstance(step.branch, FeedForward) else step
        for step in network.steps
    )
    return replace(network, steps=tuple(steps))


def _split(name: str, branch: FeedForward, seen: Observations) -> FeedForward:
    identity = IDENTITY_ABOVE.get(branch.activation)
    if identity is None:
        return branch
    highest = seen.high(f"{name}.up.before")
    limit = identity or _TIMES_MEDIAN * float(np.median(np.maximum(highest, 0)))
    if limit <= 0:
        return branch
    while (counts := _columns(highest, limit)).sum() > _SHARE * highest.size:
        limit *= _RAISE
    if not counts.any():
        return branch
    stairs = tuple((int(unit), stair) for unit in np.flatnonzero(counts) for stair in range(1, int(counts[unit]) + 1))
    return replace(branch, limit=float(limit), stairs=stairs)


def _columns(highest: Array, limit: float) -> Array:
    """As many for each unit as reach the largest value that was seen."""
    count: Array = np.maximum(np.ceil(highest / limit) - 1, 0)
    return count
