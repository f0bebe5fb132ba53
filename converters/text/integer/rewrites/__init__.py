"""Rewrites of an encoder that leave its results as they are and its numbers fit for integers, in their order.

Each takes a network and what was observed of it in float, and is a function of its own with a test of its own: the
network before and after give the same answers within float32's rounding.
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

# By weights alone; without them there is nothing to write as integers.
STRUCTURE: tuple[Callable[[Network], Network], ...] = (centre_sums, centre_words, fold_shifts)
# By what was observed after those; each may be left out, to see what it gains.
FITTING: tuple[Callable[[Network, Observations, int], Network], ...] = (
    balance_attention,
    smooth_inputs,
    split_excess,
    scale_sums,
    snap_factors,
)
