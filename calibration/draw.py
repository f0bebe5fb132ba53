"""Which samples are taken: a seeded draw without replacement, from all classes alike where they are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.errors import CalibrationError

Places = npt.NDArray[np.intp]


def draw(total: int, n: int, seed: int, labels: npt.NDArray[Any] | None, *, source: str) -> Places:
    """Places of `n` of `total` samples in rising order; fewer with the same seed are a subset.

    With labels the classes take turns: as long as none of them runs out, their counts differ by one at most.

    Args:
        total: how many samples there are.
        n: how many to draw.
        seed: for the order of samples and, in a turn, of classes.
        labels: the class `(total,)` of every sample, or None.
        source: what the samples are called in messages.

    Raises:
        CalibrationError: `n` is below 1, or there are not so many.
    """
    if not 1 <= n <= total:
        raise CalibrationError(f"{source}: cannot take {n} of {total} calibration samples; ask for 1 to {total}")
    random = np.random.default_rng(seed)
    order = random.permutation(total)
    if labels is not None:
        order = order[_in_turns(labels[order], random)]
    return np.sort(order[:n])


def draw_at_most(total: int, limit: int | None, seed: int, labels: npt.NDArray[Any] | None, *, source: str) -> Places:
    """`draw` of `limit` samples, or all if there are not more or `limit` is None."""
    return draw(total, total if limit is None else min(limit, total), seed, labels, source=source)


def _in_turns(labels: npt.NDArray[Any], random: np.random.Generator) -> Places:
    """The order in which every class gives its first sample, then every class its second, and so on."""
    _, members = np.unique(labels, return_inverse=True)
    counts = np.bincount(members)
    by_class = np.argsort(members, kind="stable")
    turns = np.empty_like(by_class)
    turns[by_class] = np.arange(len(members)) - np.repeat(np.cumsum(counts) - counts, counts)
    order: Places = np.lexsort((random.permutation(len(counts))[members], turns))
    return order
