"""What an encoder computes, from its named weights: any batch length, with the states that a student learns from.

`converters.text.encoder` builds the graph of one length that becomes a file. Training wants batches as short as their
longest sentence, and gradients at heads and units, so it computes the same from the same weights here; a test holds
both together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litesmith.converters.backend import tensorflow
from litesmith.converters.text.architecture import Architecture, Head, TextModel
from litesmith.errors import ConversionError

_MASKED = -1e4  # added to the scores of padding


@dataclass(frozen=True, slots=True)
class States:
    """What an encoder computed for ids (N, L), float32.

    Attributes:
        hidden: of the embeddings and of each layer, (N, L, H) each.
        queries: of each layer, (N, L, heads * head size); likewise `keys` and `values`.
        contexts: of each layer, what its heads read, before the output projection; (N, L, heads * head size).
        units: of each layer, the feed-forward activations, (N, L, intermediate).
        mask: 1 at tokens, 0 at padding, (N, L).
    """

    hidden: Sequence[Any]
    queries: Sequence[Any]
    keys: Sequence[Any]
    values: Sequence[Any]
    contexts: Sequence[Any]
    units: Sequence[Any]
    mask: Any


@dataclass(frozen=True, slots=True)
class Gates:
    """Factors of heads and units, one tensor a layer: (N, heads) and (N, intermediate); ones change nothing."""

    heads: Sequence[Any]
    units: Sequence[Any]


def check_trainable(model: TextModel) -> None:
    """Refuse what this forward pass does not compute.

    Raises:
        ConversionError: the model has MobileBERT's bottlenecks or norms.
    """
    architecture = model.architecture
    if architecture.norm == "affine" or architecture.bottleneck or architecture.stacked or architecture.trigram:
        raise ConversionError(
            f"{model.origin}: an encoder of the family {architecture.family} with bottlenecks or affine norms cannot "
            "be trained here; take it as it is (epochs = 0), or train a student of BERT's form"
        )


def encode(
    weights: Mapping[str, Any], architecture: Architecture, pad_id: int, ids: Any, gates: Gates | None = None
) -> States:
    """Hidden states of `ids` (N, L), L at most the number of positions.

    Args:
        weights: tensors or variables by their canonical names.
        architecture: what they are of.
        pad_id: the id that is masked.
        ids: int32.
        gates: factors to take gradients at.
    """
    tf = tensorflow()
    mask = tf.cast(tf.not_equal(ids, pad_id), tf.float32)
    x = _embed(weights, architecture, ids)
    found: dict[str, list[Any]] = {name: [] for name in ("queries", "keys", "values", "contexts", "units")}
    hidden = [x]
    for index in range(architecture.layers):
        x, layer = _layer(weights, architecture, index, x, mask, gates)
        hidden.append(x)
        for name, value in layer.items():
            found[name].append(value)
    if architecture.norm == "pre":
        hidden[-1] = _norm(hidden[-1], weights, "final_norm", architecture.epsilon)
    return States(hidden, **found, mask=mask)


def pooled(states: States) -> Any:
    """Mean of the last hidden states over tokens, (N, H)."""
    tf = tensorflow()
    mask = states.mask[..., None]
    return tf.reduce_sum(states.hidden[-1] * mask, axis=1) / tf.maximum(tf.reduce_sum(mask, axis=1), 1.0)


def logits(weights: Mapping[str, Any], head: Head, states: States) -> Any:
    """Logits of a sequence head, (N, C): from the first token, as BERT has them."""
    x = states.hidden[-1][:, 0]
    if head.activation:
        x = activation(head.activation, dense(x, weights, "head.dense"))
    return dense(x, weights, "head.output")


def activation(name: str, x: Any) -> Any:
    """GELU by the error function or by tanh, ReLU, SiLU or tanh."""
    tf = tensorflow()
    if name in ("gelu", "gelu_tanh"):
        return tf.nn.gelu(x, approximate=name == "gelu_tanh")
    return {"relu": tf.nn.relu, "silu": tf.nn.silu, "tanh": tf.tanh}[name](x)


def dense(x: Any, weights: Mapping[str, Any], name: str) -> Any:
    """`x W + b` over the last axis."""
    tf = tensorflow()
    kernel = weights[f"{name}.kernel"]
    flat = tf.matmul(tf.reshape(x, (-1, kernel.shape[0])), kernel) + weights[f"{name}.bias"]
    return tf.reshape(flat, tf.concat([tf.shape(x)[:-1], [kernel.shape[1]]], 0))


def _norm(x: Any, weights: Mapping[str, Any], name: str, epsilon: float) -> Any:
    tf = tensorflow()
    centred = x - tf.reduce_mean(x, -1, keepdims=True)
    scale = tf.math.rsqrt(tf.reduce_mean(tf.square(centred), -1, keepdims=True) + epsilon)
    return centred * scale * weights[f"{name}.gamma"] + weights[f"{name}.beta"]


def _embed(weights: Mapping[str, Any], architecture: Architecture, ids: Any) -> Any:
    tf = tensorflow()
    x = tf.gather(weights["embeddings.word"], ids) + weights["embeddings.position"][: tf.shape(ids)[1]]
    if architecture.token_types:
        x += weights["embeddings.type"][0]
    x = _norm(x, weights, "embeddings.norm", architecture.epsilon)
    return dense(x, weights, "embeddings.projection") if architecture.projects else x


def _layer(
    weights: Mapping[str, Any], architecture: Architecture, index: int, x: Any, mask: Any, gates: Gates | None
) -> tuple[Any, dict[str, Any]]:
    name, pre = f"layers.{index}", architecture.norm == "pre"
    epsilon = architecture.epsilon
    source = _norm(x, weights, f"{name}.attention.norm", epsilon) if pre else x
    query, key, value = (dense(source, weights, f"{name}.attention.{part}") for part in ("query", "key", "value"))
    context = _attend(query, key, value, architecture.heads[index], mask, None if gates is None else gates.heads[index])
    x = x + dense(context, weights, f"{name}.attention.output")
    x = x if pre else _norm(x, weights, f"{name}.attention.norm", epsilon)
    source = _norm(x, weights, f"{name}.feed_forward.norm", epsilon) if pre else x
    units = activation(architecture.activation, dense(source, weights, f"{name}.feed_forward.intermediate"))
    units = units if gates is None else units * gates.units[index][:, None, :]
    x = x + dense(units, weights, f"{name}.feed_forward.output")
    x = x if pre else _norm(x, weights, f"{name}.feed_forward.norm", epsilon)
    return x, {"queries": query, "keys": key, "values": value, "contexts": context, "units": units}


def _attend(query: Any, key: Any, value: Any, heads: int, mask: Any, gate: Any) -> Any:
    tf = tensorflow()
    query, key, value = (split_heads(one, heads) for one in (query, key, value))
    size = query.shape[-1]
    scores = tf.matmul(query, key, transpose_b=True) * size**-0.5 + (1.0 - mask[:, None, None, :]) * _MASKED
    context = tf.matmul(tf.nn.softmax(scores), value)
    if gate is not None:
        context *= gate[:, :, None, None]
    merged = tf.transpose(context, (0, 2, 1, 3))
    return tf.reshape(merged, tf.concat([tf.shape(merged)[:2], [heads * size]], 0))


def split_heads(x: Any, heads: int) -> Any:
    """(N, L, heads * size) to (N, heads, L, size)."""
    tf = tensorflow()
    shape = tf.shape(x)
    return tf.transpose(tf.reshape(x, (shape[0], shape[1], heads, x.shape[-1] // heads)), (0, 2, 1, 3))
