"""Rewrites of an encoder that leave its results as they are and its numbers fit for integers, in their order.

Each is a function of its own: the network before and after give the same answers within float32's rounding. The first
ones go by the weights alone, the others also by what was observed after those.
"""

from __future__ import annotations

from collections.abc import Callable

from litesmith.converters.text.integer.network import Network
from litesmith.converters.text.integer.observations import Observations
from litesmith.converters.text.integer.rewrites.attention import balance_attention
from litesmith.converters.text.integer.rewrites.excess import split_excess
from litesmith.converters.text.integer.rewrites.factors import snap_factors
from litesmith.converters.text.integer.rewrites.shifts import centre_sums, centre_words, fold_shifts
from litesmith.converters.text.integer.rewrites.smoothing import smooth_inputs
from litesmith.converters.text.integer.rewrites.sums import scale_sums

STRUCTURE: tuple[Callable[[Network], Network], ...] = (centre_sums, centre_words, fold_shifts)
FITTING: tuple[Callable[[Network, Observations], Network], ...] = (
    balance_attention,
    smooth_inputs,
    split_excess,
    scale_sums,
    snap_factors,
)
NAMES = tuple(rewrite.__name__ for rewrite in (*STRUCTURE, *FITTING))
# No integer operator takes a mean out of a row.
REQUIRED = (centre_sums.__name__,)
