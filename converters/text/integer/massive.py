"""Which rows are held in int16: a few first tokens whose sums are far larger than those of all others."""

from __future__ import annotations

import numpy as np

from litesmith.converters.text.integer.network import Network
from litesmith.converters.text.integer.observations import Observations
from litesmith.converters.text.integer.operations import Rows

# A row is massive where its sum reaches this many times what the median row of the same sum does; on MiniLM, RoBERTa
# and their kin the first token's is 10 to 50 times, all others stay below 3.
_TIMES_MEDIAN = 6.0
# The first rows are a part of their own up to this share of all; beyond it all rows are held in int16.
_SHARE = 1 / 8


def massive_rows(network: Network, seen: Observations) -> int:
    """How many of the first rows are massive (arXiv 2402.17762): none, a few, or all where later ones are."""
    massive = np.zeros(network.length, np.bool_)
    for name in network.sums:
        sizes = seen.row_sizes(name)
        massive |= sizes > _TIMES_MEDIAN * np.median(sizes[sizes > 0])
    last = int(np.flatnonzero(massive).max(initial=-1)) + 1
    return network.length if last > network.length * _SHARE else last


def parts(wide: int, length: int) -> tuple[Rows, ...]:
    """The wide rows and the others, where there are such."""
    both = (Rows(0, wide, wide=True), Rows(wide, length, wide=False))
    return tuple(part for part in both if part.stop > part.start)
