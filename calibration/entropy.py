"""The clipping threshold that loses the least information, as TensorRT's calibrator finds it.

S. Migacz, "8-bit Inference with TensorRT", GTC 2017, session s7310: for every threshold, compare the histogram
clipped there (P) with the same histogram in as few levels as the integers have (Q), and take the threshold with
the smallest divergence KL(P || Q). That the first bin takes its neighbour's count, so that the zeros of a ReLU
do not decide alone, follows NVIDIA's own code (NVIDIA/TensorRT@35477bdb,
tools/pytorch-quantization/pytorch_quantization/calib/histogram.py).
"""

from __future__ import annotations

from math import inf

import numpy as np
import numpy.typing as npt

# Thresholds tried, evenly spaced; neighbours differ by less than half a percent of the range.
_CANDIDATES = 256


def entropy_bins(counts: npt.NDArray[np.int64], levels: int) -> int:
    """How many of the first bins to keep.

    Args:
        counts: histogram of magnitudes; its first bin begins at zero.
        levels: integers that stand for the magnitudes, 128 for int8 with a sign.

    Returns:
        At least `levels`, at most `len(counts)`.
    """
    if len(counts) <= levels:
        return len(counts)
    reference = counts.astype(np.float64)
    reference[0] = reference[1]
    candidates = np.unique(np.linspace(levels, len(counts), _CANDIDATES).astype(int))
    divergences = [_divergence(reference, int(kept), levels) for kept in candidates]
    # Among equals the widest clips the least; the whole range is always comparable, unless it is all in one bin.
    best = len(candidates) - 1 - int(np.argmin(divergences[::-1]))
    return int(candidates[best])


def _divergence(reference: npt.NDArray[np.float64], kept: int, levels: int) -> float:
    inside = reference[:kept]
    level = np.arange(kept) * levels // kept
    filled = inside > 0
    totals = np.bincount(level, inside, levels)
    shares = totals / np.maximum(np.bincount(level, filled, levels), 1)
    quantized = np.where(filled, shares[level], 0.0)
    clipped = inside.copy()
    clipped[-1] += reference[kept:].sum()
    return _kullback_leibler(clipped, quantized)


def _kullback_leibler(p: npt.NDArray[np.float64], q: npt.NDArray[np.float64]) -> float:
    """KL(P || Q) of two histograms; infinite where P has something and Q nothing."""
    some = p > 0
    if not some.any() or (q[some] == 0).any():
        return inf
    p, q = p[some] / p.sum(), q[some] / q.sum()
    return float((p * np.log(p / q)).sum())
