"""Step 3 of the contract: the model's channels.

All arithmetic is float32 and rounded after every single operation (no fused multiply-add).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]

# Luma weights of ITU-R BT.601-7, section 2.5.1.
RED, GREEN, BLUE = np.float32(0.299), np.float32(0.587), np.float32(0.114)


def to_gray(image: Array) -> Floats:
    """`(0.299 R + 0.587 G) + 0.114 B` of an `(H, W, 3)` image, as `(H, W, 1)`.

    The weights are the float32 nearest to these decimals. Three products and two sums, each rounded to float32; an
    8-bit value is converted to float32 first, which is exact. The result is not rounded to a whole number here.
    """
    red, green, blue = (image[..., place].astype(np.float32) for place in range(3))
    luma: Floats = (RED * red + GREEN * green) + BLUE * blue
    return luma[..., None]


def with_channels(image: Array, channels: int) -> Array:
    """An `(H, W, 1 or 3)` image with `channels` (1 or 3) of them.

    As many as wanted already: unchanged, 8-bit stays 8-bit. RGB to gray: `to_gray`, float32. Gray to RGB: the value
    three times, in its type.
    """
    if image.shape[2] == channels:
        return image
    return to_gray(image) if channels == 1 else np.repeat(image, channels, axis=2)
