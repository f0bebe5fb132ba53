"""What stands on an encoder, as Keras layers: pooling, logits of texts and of tokens, answers."""

from __future__ import annotations

from typing import Any

from litesmith.converters.backend import tf_keras
from litesmith.converters.text.architecture import Head


def apply_head(head: Head, x: Any, mask: Any, dropout: float) -> Any:
    """Keras layers from tokens (N, L, H) and the padding mask (N, L) to what the head gives."""
    from litesmith.converters.text.layers import Pool, UnitLength, activation_layer

    layers = tf_keras().layers
    if head.kind == "embedding":
        x = Pool(head.pooling, name="head.pool")([x, mask])
        return UnitLength(name="head.unit_length")(x) if head.normalize else x
    if head.kind == "sequence":
        x = Pool("first", name="head.pool")([x, mask])
    if head.activation:
        x = layers.Dense(x.shape[-1], name="head.dense")(x)
        x = activation_layer(head.activation, "head.activation")(x)
    if dropout:
        x = layers.Dropout(dropout, name="head.dropout")(x)
    return layers.Dense(head.outputs, name="head.output")(x)
