"""A text model as a functional Keras model, and back.

Layers are named after the weights that they hold: `layers.0.attention.query` holds `layers.0.attention.query.kernel`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from litesmith.converters.backend import tf_keras
from litesmith.converters.text.architecture import Architecture, TextModel
from litesmith.converters.text.heads import apply_head
from litesmith.errors import ModelError


def build_encoder(text_model: TextModel, *, dropout: float = 0.0) -> Any:
    """Build the Keras model, with its weights set.

    Args:
        text_model: its length becomes the fixed length of the inputs.
        dropout: share of values dropped after the embeddings and after each block while training.

    Returns:
        A functional tf_keras model. Input: `ids` (N, L) int32, of which padding and token types are found inside.
        Output: embedding (N, H), or logits (N, C), (N, L, C) or (N, L, 2).
    """
    from litesmith.converters.text.layers import PaddingMask, TokenTypes

    keras = tf_keras()
    length, head = text_model.length, text_model.head
    ids = keras.Input((length,), dtype="int32", name="ids")
    mask = PaddingMask(text_model.pad_id, name="mask")(ids)
    told = text_model.told_apart
    types = TokenTypes(told.end, told.ends, text_model.pad_id, name="token_types")(ids) if told else None
    blocks = _Blocks(text_model.architecture, dropout)
    x = blocks.embed(ids, types)
    for layer in range(text_model.architecture.layers):
        x = blocks.layer(layer, x, mask)
    if text_model.architecture.norm == "pre":
        x = blocks.norm("final_norm", x)
    model = keras.Model([ids], apply_head(head, x, mask, dropout), name="encoder")
    for name, variable in _variables(model):
        variable.assign(text_model.weights[name])
    return model


def read_encoder(model: Any, text_model: TextModel) -> TextModel:
    """The text model with the weights that the Keras model, built from it, holds now.

    Raises:
        ModelError: the Keras model was built from another one.
    """
    held = {name: np.array(variable.numpy(), np.float32) for name, variable in _variables(model)}
    if held.keys() != text_model.weights.keys():
        odd = sorted(held.keys() ^ text_model.weights.keys())[0]
        raise ModelError(f"the Keras model was not built from this text model: {odd} is in one of them only")
    return replace(text_model, weights={name: held[name] for name in text_model.weights})


def _variables(model: Any) -> Iterator[tuple[str, Any]]:
    """Every variable under its canonical name; a table has the name of its layer."""
    for layer in model.layers:
        for variable in layer.weights:
            part = variable.name.split("/")[-1].split(":")[0]
            yield (layer.name if part == "embeddings" else f"{layer.name}.{part}"), variable


class _Blocks:
    """Makes the layers of one encoder."""

    def __init__(self, architecture: Architecture, dropout: float) -> None:
        self._architecture = architecture
        self._dropout = dropout
        self._keras = tf_keras()

    def embed(self, ids: Any, types: Any) -> Any:
        """Ids and token types (N, L) -> (N, L, H)."""
        from litesmith.converters.text.layers import AddPositions, AddTokenTypes, Trigram

        a = self._architecture
        x = self._keras.layers.Embedding(a.vocabulary, a.embedding, name="embeddings.word")(ids)
        if a.trigram:
            x = self.dense("embeddings.projection", a.hidden, Trigram(name="embeddings.trigram")(x))
        x = AddPositions(a.positions, name="embeddings.position")(x)
        if a.token_types:
            x = AddTokenTypes(a.token_types, name="embeddings.type")(x if types is None else [x, types])
        x = self.dropout("embeddings.dropout", self.norm("embeddings.norm", x))
        return self.dense("embeddings.projection", a.hidden, x) if a.projects and not a.trigram else x

    def layer(self, layer: int, x: Any, mask: Any) -> Any:
        """One layer: (N, L, H) -> (N, L, H)."""
        a, name = self._architecture, f"layers.{layer}"
        inner = x
        if a.bottleneck:
            inner = self._dense_and_norm(f"{name}.bottleneck.input", a.inner, x)
        inner = self._residual(f"{name}.attention", inner, lambda y: self._attention(layer, x, y, mask))
        for network in [*(f"{name}.stacked.{index}" for index in range(a.stacked)), f"{name}.feed_forward"]:
            inner = self._residual(network, inner, lambda y, network=network: self._feed_forward(layer, network, y))
        if not a.bottleneck:
            return inner
        y = self.dropout(f"{name}.dropout", self.dense(f"{name}.bottleneck.output", a.hidden, inner))
        return self.norm(f"{name}.bottleneck.output_norm", self._add(f"{name}.sum", x, y))

    def _residual(self, name: str, x: Any, block: Any) -> Any:
        """The sum of x and block(x), normalized before or after."""
        if self._architecture.norm == "pre":
            return self._add(f"{name}.sum", x, block(self.norm(f"{name}.norm", x)))
        return self.norm(f"{name}.norm", self._add(f"{name}.sum", x, block(x)))

    def _attention(self, layer: int, full: Any, x: Any, mask: Any) -> Any:
        from litesmith.converters.text.layers import Attention

        a, name = self._architecture, f"layers.{layer}.attention"
        matched, values = x, x
        if a.bottleneck and not a.bottleneck_attention:
            matched = self._dense_and_norm(f"layers.{layer}.bottleneck.shared", a.inner, full)
            values = full
        width = a.heads[layer] * a.head_size
        parts = [
            self.dense(f"{name}.{part}", width, source)
            for part, source in (("query", matched), ("key", matched), ("value", values))
        ]
        context = Attention(a.heads[layer], name=f"{name}.context")([*parts, mask])
        return self.dropout(f"{name}.dropout", self.dense(f"{name}.output", a.inner, context))

    def _feed_forward(self, layer: int, name: str, x: Any) -> Any:
        from litesmith.converters.text.layers import activation_layer

        a = self._architecture
        x = self.dense(f"{name}.intermediate", a.intermediate[layer], x)
        x = activation_layer(a.activation, f"{name}.activation")(x)
        return self.dropout(f"{name}.dropout", self.dense(f"{name}.output", a.inner, x))

    def dense(self, name: str, units: int, x: Any) -> Any:
        """A dense layer without activation."""
        return self._keras.layers.Dense(units, name=name)(x)

    def norm(self, name: str, x: Any) -> Any:
        """The normalization of the architecture."""
        from litesmith.converters.text.layers import Affine

        if self._architecture.norm == "affine":
            return Affine(name=name)(x)
        return self._keras.layers.LayerNormalization(epsilon=self._architecture.epsilon, name=name)(x)

    def dropout(self, name: str, x: Any) -> Any:
        """Dropout where it was asked for."""
        return self._keras.layers.Dropout(self._dropout, name=name)(x) if self._dropout else x

    def _add(self, name: str, x: Any, y: Any) -> Any:
        return self._keras.layers.Add(name=name)([x, y])

    def _dense_and_norm(self, name: str, units: int, x: Any) -> Any:
        return self.norm(f"{name}_norm", self.dense(name, units, x))
