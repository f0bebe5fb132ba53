"""Training views made once and in advance, so that teacher logits can be cached for each of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def shifted_views(
    x: npt.NDArray[np.float32], y: npt.NDArray[Any], *, views: int, pixels: int, seed: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[Any]]:
    """The samples and `views - 1` copies of each, shifted by up to `pixels` in both directions.

    Args:
        x: images (N, H, W, C); what moves in from outside is zero.
        y: labels, first axis N.
        views: how often each sample occurs in the result.
        pixels: largest shift; 0 gives the samples themselves whatever `views` is.
        seed: of the shifts.

    Returns:
        Samples (views * N, H, W, C) and their labels.
    """
    if views == 1 or pixels == 0:
        return x, y
    random = np.random.default_rng(seed)
    height, width = x.shape[1:3]
    padded = np.pad(x, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(1, 2))  # type: ignore[call-overload]
    shifted = [x]
    for _ in range(views - 1):
        top, left = random.integers(0, 2 * pixels + 1, (2, len(x)))
        shifted.append(windows[np.arange(len(x)), top, left].transpose(0, 2, 3, 1))
    return np.concatenate(shifted), np.concatenate([y] * views)
