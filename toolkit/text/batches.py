"""Batches of sentences of about the same length, cut at their longest: padding costs time and teaches nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Ids = npt.NDArray[np.int32]
Places = npt.NDArray[np.int64]
# So many batches are sorted by length together: enough to save the padding, few enough to keep them mixed.
_POOL = 64


def lengths(ids: Ids, pad_id: int) -> Places:
    """Tokens of each sample (N,): up to the last that is no padding, at least one."""
    real = ids != pad_id
    last: Places = ids.shape[1] - np.argmax(real[:, ::-1], axis=1)
    return np.where(real.any(axis=1), last, 1)


def trimmed(ids: Ids, pad_id: int) -> Ids:
    """The same rows, cut where all of them are padding."""
    return ids[:, : int(lengths(ids, pad_id).max())]


def shuffled(sizes: Places, batch_size: int, random: np.random.Generator) -> Iterator[Places]:
    """Places of one epoch in batches of `batch_size`, the last may be smaller; each sample once.

    Args:
        sizes: the length of each sample (N,).
        batch_size: samples in a batch.
        random: draws which samples are sorted together, and the order of the batches.
    """
    order = random.permutation(len(sizes))
    pools = np.split(order, range(_POOL * batch_size, len(order), _POOL * batch_size))
    batches = [
        batch
        for pool in pools
        for batch in np.split(pool[np.argsort(sizes[pool], kind="stable")], range(batch_size, len(pool), batch_size))
    ]
    for place in random.permutation(len(batches)):
        yield batches[place]


def in_order(sizes: Places, batch_size: int) -> Iterator[Places]:
    """Places by length, for what is computed once."""
    order = np.argsort(sizes, kind="stable")
    yield from np.split(order, range(batch_size, len(order), batch_size))
