"""Removes attention heads and feed-forward units: smaller kernels, nothing masked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from litesmith.converters.text.architecture import TextModel
from litesmith.errors import CompressionError

Places = npt.NDArray[np.int64]
STAGE = "prune"


def keep_heads(model: TextModel, kept: Sequence[Places]) -> TextModel:
    """The model with only these heads of each layer, in their order.

    A head whose rows of the output projection are zero adds nothing, so removing it changes no output.

    Raises:
        CompressionError: a layer would be left without a head, or lists do not fit the layers.
    """
    architecture, weights = model.architecture, dict(model.weights)
    _check(kept, architecture.heads, "head")
    for layer, places in enumerate(kept):
        name, size = f"layers.{layer}.attention", architecture.head_size
        columns = (np.asarray(places)[:, None] * size + np.arange(size)).ravel()
        for part in ("query", "key", "value"):
            weights[f"{name}.{part}.kernel"] = weights[f"{name}.{part}.kernel"][:, columns]
            weights[f"{name}.{part}.bias"] = weights[f"{name}.{part}.bias"][columns]
        weights[f"{name}.output.kernel"] = weights[f"{name}.output.kernel"][columns]
    heads = tuple(len(places) for places in kept)
    return replace(model, architecture=replace(architecture, heads=heads), weights=weights)


def keep_units(model: TextModel, kept: Sequence[Places]) -> TextModel:
    """The model with only these feed-forward units of each layer, in their order.

    Raises:
        CompressionError: a layer would be left without a unit, or lists do not fit the layers.
    """
    architecture, weights = model.architecture, dict(model.weights)
    _check(kept, architecture.intermediate, "unit")
    for layer, places in enumerate(kept):
        name = f"layers.{layer}.feed_forward"
        for part in ("kernel", "bias"):
            weights[f"{name}.intermediate.{part}"] = weights[f"{name}.intermediate.{part}"][..., places]
        weights[f"{name}.output.kernel"] = weights[f"{name}.output.kernel"][places]
    units = tuple(len(places) for places in kept)
    return replace(model, architecture=replace(architecture, intermediate=units), weights=weights)


def _check(kept: Sequence[Places], sizes: Sequence[int], what: str) -> None:
    if len(kept) != len(sizes):
        raise CompressionError(f"{len(kept)} lists of {what}s for {len(sizes)} layers; give one a layer", stage=STAGE)
    for layer, (places, size) in enumerate(zip(kept, sizes, strict=True)):
        found = np.asarray(places)
        if not len(found) or found.min() < 0 or found.max() >= size or len(np.unique(found)) != len(found):
            raise CompressionError(
                f"layer {layer} would keep the {what}s {found.tolist()[:8]} of {size}; keep at least one, each once",
                stage=STAGE,
            )
