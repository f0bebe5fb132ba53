"""Parity: does the file compute what the model it came from computes?"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.converters.graph import Quantization
from litesmith.converters.metric import accuracy
from litesmith.errors import ConversionError


@dataclass(frozen=True, slots=True)
class Parity:
    """Difference of two sets of outputs; LSB is one step of the file's output scale, None for float files.

    Logits have a share of samples with the same class, vectors the mean cosine of the two in its place.
    """

    samples: int
    max_difference: float
    mean_difference: float
    max_lsb: float | None
    mean_lsb: float | None
    argmax_agreement: float | None
    cosine: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """As stored in the ledger."""
        return asdict(self)


def compare_outputs(
    expected: npt.NDArray[np.float32],
    found: npt.NDArray[np.float32],
    quantization: Quantization | None,
    *,
    classes: bool = True,
) -> Parity:
    """Compare dequantized outputs of a file with those of its source.

    Args:
        expected: outputs of the source model (N, classes) or (N, width).
        found: dequantized outputs of the file, likewise.
        quantization: of the file's output tensor, None if it is float.
        classes: whether they are logits.

    Raises:
        ConversionError: the shapes differ, or there is nothing to compare.
    """
    if expected.shape != found.shape or expected.size == 0:
        raise ConversionError(f"cannot compare outputs of shapes {expected.shape} and {found.shape}")
    difference = np.abs(expected.astype(np.float64) - found)
    scale = quantization.scales[0] if quantization else None
    return Parity(
        samples=len(expected),
        max_difference=float(difference.max()),
        mean_difference=float(difference.mean()),
        max_lsb=float(difference.max() / scale) if scale else None,
        mean_lsb=float(difference.mean() / scale) if scale else None,
        argmax_agreement=accuracy(found, expected.argmax(axis=-1)) if classes else None,
        cosine=None if classes else accuracy(found, expected),
    )
