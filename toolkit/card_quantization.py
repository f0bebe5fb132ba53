"""What a model card says of how the file was quantized."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# What is quantized without a look at activations, if at all.
_UNCALIBRATED = ("float32", "float16", "dynamic-range")


def quantization_text(details: Mapping[str, Any], label: str) -> str:
    """One paragraph.

    Args:
        details: those of the quantize stage in the ledger.
        label: the file's truth label.
    """
    taken = next(one for one in details["tries"] if one["taken"])
    choice, tries = taken["choice"], len(details["tries"])
    said = [f"By {taken['remedy']}" + (f", with the quantizer `{details['route']}`." if choice else ".")]
    if "method" in choice:  # TensorFlow's converter has ranges of its own
        said.append(f"Ranges of activations are {_listed(choice['method'], choice['methods'])}.")
    if choice and choice["precision"]:
        said.append(f"Operators compute in {_listed('int8', choice['precision'])}.")
    said.append(_calibration(details, label))
    if taken["agreement"] is not None:
        said.append(f"It gives the float model's class for {100 * taken['agreement']:.2f}% of {details['judged_on']}.")
    if tries > 1:
        said.append(f"It is one of {tries} files that were tried; the run's ledger.json has them all.")
    return " ".join(said)


def _calibration(details: Mapping[str, Any], label: str) -> str:
    if label in _UNCALIBRATED:
        return f"A {label} file needs no calibration."
    samples, digest = details["calibration_samples"], details["calibration_digest"]
    return f"Calibrated with {samples} samples of the calibration split (digest `{digest}`)."


def _listed(most: str, others: Mapping[str, str]) -> str:
    """What holds for most, and for names that fit a pattern."""
    return ", ".join([most, *(f"{choice} where the name fits `{pattern}`" for pattern, choice in others.items())])
