"""A network run in float32 over texts, and what is seen of its tensors there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from litesmith.converters.text.integer.blocks import Array
from litesmith.converters.text.integer.float_operations import FloatOperations, Ids, Observe, ignore
from litesmith.converters.text.integer.network import Network
from litesmith.converters.text.integer.observations import Observations
from litesmith.converters.text.integer.operations import Rows
from litesmith.converters.text.integer.program import Program

_BATCH = 16


def observe(
    network: Network,
    rows: tuple[Rows, ...],
    ids: Ids,
    *,
    origin: str = "",
    on_progress: Callable[[int], None] = lambda done: None,
) -> Observations:
    """Limits of every tensor over texts; those of like length are run together, without the padding that they share.

    Args:
        network: rewritten or not.
        rows: the parts that its tensors are named by.
        ids: (N, L).
        origin: of the network, for messages.
        on_progress: is told how many texts were seen.

    Raises:
        ModelError: a tensor holds NaN or infinity.
    """
    seen = Observations(network.length, origin)
    order = np.argsort((ids != network.pad_id).sum(1), kind="stable")
    for first in range(0, len(ids), _BATCH):
        places = order[first : first + _BATCH]
        with np.errstate(all="ignore"):  # what is not finite is an error below
            run_float(network, rows, ids[places], seen)
        on_progress(first + len(places))
    return seen


def run_float(network: Network, rows: tuple[Rows, ...], ids: Ids, observe: Observe = ignore) -> Array:
    """Answers of a network in float32.

    Args:
        network: rewritten or not.
        rows: the parts that its tensors are named by.
        ids: (N, L).
        observe: is shown every tensor.

    Returns:
        (N, 1, H), (N, 1, C) or (N, l, C), l without the padding that all texts end with.
    """
    longest = max(int(np.flatnonzero((ids != network.pad_id).any(0)).max(initial=0)) + 1, rows[-1].start + 1)
    if network.neighbours is not None:  # the last token's neighbour is the padding
        longest = min(longest + 1, network.length)
    cut = tuple(replace(part, stop=min(part.stop, longest)) for part in rows)
    ops = FloatOperations(ids[:, :longest], network.pad_id, observe)
    return Program(ops, cut).run(replace(network, position=network.position[:longest])).array
