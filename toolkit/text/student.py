"""A student's first weights: chosen layers of a teacher, its tokens that are kept, narrower where asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from litesmith.converters.text.architecture import Architecture, TextModel
from litesmith.converters.text.architecture_weights import weight_shapes
from litesmith.errors import RecipeError
from litesmith.text.embedding_rank import narrow_embeddings
from litesmith.text.structure import keep_heads, keep_units
from litesmith.training_specs import ModelSpec

Array = npt.NDArray[np.float32]
_SPREAD = 0.02  # of new weights, as BERT's


def with_tokens(model: TextModel, kept: Sequence[int], pad_id: int) -> TextModel:
    """The model of a smaller vocabulary, whose token `i` is the old token `kept[i]`."""
    rows = model.weights["embeddings.word"][np.asarray(kept, np.int64)]
    architecture, types = replace(model.architecture, vocabulary=len(rows)), model.pair_types
    return replace(
        model,
        architecture=architecture,
        weights={**model.weights, "embeddings.word": rows},
        pad_id=pad_id,
        pair_types=None if types is None else replace(types, end=kept.index(types.end)),
    )


def shaped(model: TextModel, spec: ModelSpec, seed: int) -> TextModel:
    """The model that a recipe's student asks for, made of `model`.

    Layers are copied; of a layer's units and heads the largest by weight are kept; narrower tables of tokens keep
    their main directions; another `hidden` width leaves nothing to copy, so its weights are drawn.

    Raises:
        RecipeError: a layer does not exist, or a size is larger than what it is taken from.
    """
    if spec.layers is not None:
        model = with_layers(model, spec.layers)
    architecture = model.architecture
    if spec.weights == "random" or spec.hidden not in (None, architecture.hidden):
        return drawn(model, _sizes(architecture, spec), seed)
    if spec.heads is not None:
        model = keep_heads(model, [_largest_heads(model, layer, spec.heads) for layer in range(architecture.layers)])
    if spec.intermediate is not None:
        places = [_largest_units(model, layer, spec.intermediate) for layer in range(architecture.layers)]
        model = keep_units(model, places)
    if spec.embedding is not None and spec.embedding != architecture.embedding:
        model = narrow_embeddings(model, spec.embedding)
    return model


def with_layers(model: TextModel, layers: Sequence[int]) -> TextModel:
    """The model with only these of its layers, in this order.

    Raises:
        RecipeError: it has no such layer.
    """
    architecture = model.architecture
    wrong = [layer for layer in layers if not 0 <= layer < architecture.layers]
    if wrong:
        raise RecipeError(f"{wrong[0]} is no layer; there are 0 to {architecture.layers - 1}", key="student.layers")
    weights = {name: array for name, array in model.weights.items() if not name.startswith("layers.")}
    for new, old in enumerate(layers):
        prefix = f"layers.{old}."
        found = {name: array for name, array in model.weights.items() if name.startswith(prefix)}
        weights |= {f"layers.{new}.{name.removeprefix(prefix)}": array for name, array in found.items()}
    return replace(
        model,
        architecture=replace(
            architecture,
            heads=tuple(architecture.heads[layer] for layer in layers),
            intermediate=tuple(architecture.intermediate[layer] for layer in layers),
        ),
        weights=weights,
    )


def drawn(model: TextModel, architecture: Architecture, seed: int) -> TextModel:
    """A model of another architecture with new weights: normal with a spread of 0.02, norms at one, biases at zero."""
    random = np.random.default_rng(seed)
    weights = {}
    for name, shape in weight_shapes(architecture, model.head).items():
        kind = name.rsplit(".", 1)[-1]
        if kind in ("gamma", "beta", "bias"):
            weights[name] = np.full(shape, float(kind == "gamma"), np.float32)
        else:
            weights[name] = random.normal(0, _SPREAD, shape).astype(np.float32)
    return replace(model, architecture=architecture, weights=weights, origin="drawn", fresh=tuple(weights))


def _sizes(architecture: Architecture, spec: ModelSpec) -> Architecture:
    hidden = spec.hidden or architecture.hidden
    heads = spec.heads or max(1, hidden // architecture.head_size)
    return replace(
        architecture,
        hidden=hidden,
        embedding=spec.embedding or hidden,
        heads=(heads,) * architecture.layers,
        intermediate=(spec.intermediate or 4 * hidden,) * architecture.layers,
    )


def _largest_units(model: TextModel, layer: int, count: int) -> npt.NDArray[np.int64]:
    """By the product of the norms of what goes in and out of a unit."""
    name = f"layers.{layer}.feed_forward"
    into = np.linalg.norm(model.weights[f"{name}.intermediate.kernel"], axis=0)
    out = np.linalg.norm(model.weights[f"{name}.output.kernel"], axis=1)
    return _largest(into * out, count, "student.intermediate")


def _largest_heads(model: TextModel, layer: int, count: int) -> npt.NDArray[np.int64]:
    """By the product of the norms of a head's values and of what is made of them."""
    name, size = f"layers.{layer}.attention", model.architecture.head_size
    values = np.linalg.norm(model.weights[f"{name}.value.kernel"].reshape(-1, size), axis=1)
    values = np.linalg.norm(values.reshape(-1, model.architecture.heads[layer]), axis=0)
    out = model.weights[f"{name}.output.kernel"]
    return _largest(values * np.linalg.norm(out.reshape(-1, size * out.shape[1]), axis=1), count, "student.heads")


def _largest(scores: Array, count: int, key: str) -> npt.NDArray[np.int64]:
    if count > len(scores):
        raise RecipeError(f"{count} is more than the {len(scores)} that there are to keep", key=key)
    kept: npt.NDArray[np.int64] = np.sort(np.argsort(-scores, kind="stable")[:count])
    return kept
