"""From a bundle to what an app's Kotlin states, or an error that says what such an app cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from litesmith.bundle import LABELS_FILE, MANIFEST_FILE, PREPROCESS_FILE, Bundle
from litesmith.bundle_contract import TEXT_FILE
from litesmith.bundle_facts import BundleFacts, bundle_facts
from litesmith.calibration.text.contract import TextContract
from litesmith.errors import ModelError

# A class's constants are set up in one method, which the JVM limits to 64 KiB: about eight bytes a label, and about
# twenty an added token.
MOST_LABELS = 4096
MOST_ADDED = 1024
_TYPES = ("int8", "uint8", "int16", "float32")
# The steps of the contract that dev.litesmith.contract has, by field; None where any value will do.
_STEPS: Mapping[str, tuple[Any, ...] | None] = {
    "version": (2,),
    "kind": ("image", "tensor"),
    "resize": ("none", "nearest", "bilinear", "area"),
    "fit": ("stretch", "center_crop", "letterbox"),
    "layout": ("nhwc", "nchw"),
    **dict.fromkeys(("channels", "shape", "crop", "antialias", "fill", "block", "scale", "offset")),
}


def app_facts(bundle: Bundle) -> BundleFacts:
    """Read a bundle for an app.

    Raises:
        ModelError: the bundle's files contradict each other, or the app's Kotlin cannot do what they ask for.
    """
    facts = bundle_facts(bundle)
    # The ids of a text are int32, which `bundle_facts` has seen to.
    for spec in (facts.output,) if isinstance(facts.preprocess, TextContract) else (facts.input, facts.output):
        if spec.dtype not in _TYPES:
            raise ModelError(
                f"{spec.name} holds {spec.dtype}; an app can use {', '.join(_TYPES)}",
                file=bundle.folder / MANIFEST_FILE,
            )
    check_label_count(bundle.folder / LABELS_FILE, len(facts.labels))
    if isinstance(facts.preprocess, TextContract):  # of which the app's Kotlin has every step
        check_added_count(bundle.folder / TEXT_FILE, len(facts.preprocess.added))
    else:
        check_steps(facts.preprocess.to_dict(), bundle.folder / PREPROCESS_FILE)
    return facts


def check_steps(document: Mapping[str, Any], place: Path) -> None:
    """Refuse a contract that asks for more than the app's Kotlin has.

    Raises:
        ModelError: a step, or a value of one, is not among those of dev.litesmith.contract.
    """
    for field, value in document.items():
        allowed = _STEPS.get(field, ())
        if allowed is not None and value not in allowed:
            raise ModelError(
                f"{field} {value!r} is a step that the app cannot do, only {', '.join(map(str, allowed)) or 'none'}; "
                "choose another in the recipe's [data], or add it to the package dev.litesmith.contract",
                file=place,
            )


def check_label_count(place: Path, count: int) -> None:
    """Refuse more labels than a class can hold.

    Raises:
        ModelError: there are more.
    """
    if count > MOST_LABELS:
        raise ModelError(f"names {count} classes; a Kotlin class takes at most {MOST_LABELS}", file=place)


def check_added_count(place: Path, count: int) -> None:
    """Refuse more added tokens than a class can hold.

    Raises:
        ModelError: there are more.
    """
    if count > MOST_ADDED:
        raise ModelError(
            f"has {count} added tokens; a Kotlin class takes at most {MOST_ADDED}, leave out those that no text holds",
            file=place,
        )
