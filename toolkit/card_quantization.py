"""What a model card says of how the file was quantized."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def quantization_text(details: Mapping[str, Any]) -> str:
    """One paragraph.

    Args:
        details: those of the quantize stage in the ledger.
    """
    taken = next(one for one in details["tries"] if one["taken"])
    choice, tries = taken["choice"], len(details["tries"])
    said = [f"By {taken['remedy']}" + (f", with the quantizer `{details['route']}`." if choice else ".")]
    if choice:
        said.append(f"Ranges of activations are {_listed(choice['method'], choice['methods'])}.")
    if choice and choice["precision"]:
        said.append(f"Operators compute in {_listed('int8', choice['precision'])}.")
    said.append(
        f"Calibrated with {details['calibration_samples']} samples of the calibration split (digest "
        f"`{details['calibration_digest']}`)."
    )
    if taken["agreement"] is not None:
        said.append(f"It gives the float model's class for {100 * taken['agreement']:.2f}% of {details['judged_on']}.")
    if tries > 1:
        said.append(f"It is one of {tries} files that were tried; the run's ledger.json has them all.")
    return " ".join(said)


def _listed(most: str, others: Mapping[str, str]) -> str:
    """What holds for most, and for names that fit a pattern."""
    return ", ".join([most, *(f"{choice} where the name fits `{pattern}`" for pattern, choice in others.items())])
