"""What an encoder computes, from its named weights: any batch length, with the states that a student learns from.

`converters.text.encoder` builds the graph of one length that becomes a file. Training wants batches as short as their
longest sentence, and gradients at heads and units, so it computes the same from the same weights here; a test holds
both together. What a stage of quantization-aware training computes is the same with its tensors on the grids of an
integer file (`text.grids`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litesmith.converters.backend import tensorflow
from litesmith.converters.text.architecture import Architecture, Head, TextModel
from litesmith.errors import ConversionError
from litesmith.text.grids import EXACT, Grids

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
    weights: Mapping[str, Any],
    architecture: Architecture,
    pad_id: int,
    ids: Any,
    gates: Gates | None = None,
    grids: Grids = EXACT,
) -> States:
    """Hidden states of `ids` (N, L), L at most the number of positions.

    Args:
        weights: tensors or variables by their canonical names.
        architecture: what they are of.
        pad_id: the id that is masked.
        ids: int32.
        gates: factors to take gradients at.
        grids: what is rounded on the way.
    """
    tf = tensorflow()
    mask = tf.cast(tf.not_equal(ids, pad_id), tf.float32)
    encoder = _Forward(weights, architecture, mask, gates, grids)
    hidden = [encoder.embed(ids)]
    for index in range(architecture.layers):
        hidden.append(encoder.layer(index, hidden[-1]))
    if architecture.norm == "pre":
        hidden[-1] = encoder.norm(hidden[-1], "final_norm", encoder.joint)
    return States(hidden, **encoder.found, mask=mask)


def embedding(head: Head, states: States) -> Any:
    """Vectors of an embedding head, (N, H): the last hidden states, pooled, at length 1 where the head says so."""
    tf = tensorflow()
    tokens, mask = states.hidden[-1], states.mask[..., None]
    if head.pooling == "first":
        x = tokens[:, 0]
    elif head.pooling == "max":
        x = tf.reduce_max(tokens + (1.0 - mask) * _MASKED, axis=1)
    else:
        x = tf.reduce_sum(tokens * mask, axis=1) / tf.maximum(tf.reduce_sum(mask, axis=1), 1.0)
    return tf.nn.l2_normalize(x, -1) if head.normalize else x


def logits(weights: Mapping[str, Any], head: Head, states: States, grids: Grids = EXACT) -> Any:
    """Logits of a sequence head, (N, C): from the first token, as BERT has them."""
    x = grids.value("head.read", states.hidden[-1][:, 0])
    if head.activation:
        x = grids.value("head.dense.before", dense(x, weights, "head.dense", grids))
        x = grids.value("head.dense", activation(head.activation, x))
    return grids.value("head.output", dense(x, weights, "head.output", grids))


def activation(name: str, x: Any) -> Any:
    """GELU by the error function or by tanh, ReLU, SiLU or tanh."""
    tf = tensorflow()
    if name in ("gelu", "gelu_tanh"):
        return tf.nn.gelu(x, approximate=name == "gelu_tanh")
    return {"relu": tf.nn.relu, "silu": tf.nn.silu, "tanh": tf.tanh}[name](x)


def dense(x: Any, weights: Mapping[str, Any], name: str, grids: Grids = EXACT) -> Any:
    """`x W + b` over the last axis."""
    tf = tensorflow()
    kernel = weights[f"{name}.kernel"]
    flat = grids.dense(name, tf.reshape(x, (-1, kernel.shape[0])), kernel, weights[f"{name}.bias"])
    return tf.reshape(flat, tf.concat([tf.shape(x)[:-1], [kernel.shape[1]]], 0))


class _Forward:
    """One pass through an encoder.

    Attributes:
        found: the states of each layer so far, by their names in `States`.
        joint: the sum of branches that was reached last, as the integer file names it.
    """

    def __init__(
        self, weights: Mapping[str, Any], architecture: Architecture, mask: Any, gates: Gates | None, grids: Grids
    ) -> None:
        self.found: dict[str, list[Any]] = {name: [] for name in ("queries", "keys", "values", "contexts", "units")}
        self.joint = "embeddings"
        self._weights, self._architecture, self._mask = weights, architecture, mask
        self._gates, self._grids = gates, grids

    def embed(self, ids: Any) -> Any:
        """What the first layer gets: (N, L, H)."""
        tf = tensorflow()
        weights, grids = self._weights, self._grids
        places = weights["embeddings.position"][: tf.shape(ids)[1]]
        if self._architecture.token_types:
            places = places + weights["embeddings.type"][0]
        x = grids.value("embeddings.word", grids.levelled(tf.gather(weights["embeddings.word"], ids)))
        x = grids.value("embeddings.sum", grids.value("embeddings.scaled", x) + grids.levelled(places))
        x = self.norm(x, "embeddings.norm", self.joint)
        if self._architecture.projects:
            x = self._dense(grids.value("embeddings.fed", x), "embeddings.projection")
            x = grids.value("embeddings.projection.output", x)
            self.joint = "embeddings.projection"
        if self._architecture.norm == "pre":
            x = grids.add("embeddings.stream", x, tf.zeros_like(x))
            self.joint = "embeddings.stream"
        return x

    def layer(self, index: int, x: Any) -> Any:
        """Attention and feed-forward network, each added to what it reads: (N, L, H) -> (N, L, H)."""
        name = f"layers.{index}"
        x = self._block(f"{name}.attention", x, lambda source: self._attention(index, source))
        return self._block(f"{name}.feed_forward", x, lambda source: self._feed_forward(index, source))

    def norm(self, x: Any, name: str, joint: str) -> Any:
        """The layer normalization of a joint's sum."""
        tf = tensorflow()
        grids, centred = self._grids, x - tf.reduce_mean(x, -1, keepdims=True)
        variance = tf.reduce_mean(tf.square(centred), -1, keepdims=True)
        scale = grids.value(f"{joint}.size", tf.math.rsqrt(variance + self._architecture.epsilon))
        normal = grids.value(f"{joint}.normal", centred * scale)
        return normal * self._weights[f"{name}.gamma"] + self._weights[f"{name}.beta"]

    def _block(self, name: str, x: Any, branch: Callable[[Any], Any]) -> Any:
        pre, before = self._architecture.norm == "pre", self.joint
        source = self.norm(x, f"{name}.norm", before) if pre else x
        x = self._grids.add(name, x, branch(self._grids.value(f"{before}.fed", source)))
        self.joint = name
        return x if pre else self.norm(x, f"{name}.norm", name)

    def _attention(self, index: int, source: Any) -> Any:
        name, grids = f"layers.{index}.attention", self._grids
        query, key, value = (
            grids.value(f"{name}.{part}", self._dense(source, f"{name}.{part}")) for part in ("query", "key", "value")
        )
        context = self._attend(index, query, key, value)
        for kind, state in (("queries", query), ("keys", key), ("values", value), ("contexts", context)):
            self.found[kind].append(state)
        return self._dense(context, f"{name}.output")

    def _attend(self, index: int, query: Any, key: Any, value: Any) -> Any:
        tf = tensorflow()
        name, grids, heads = f"layers.{index}.attention", self._grids, self._architecture.heads[index]
        # Softmax does not see what all keys share, and what all values share passes through.
        shared = grids.offset(f"{name}.value")
        parts = (query, key - grids.offset(f"{name}.key"), value - shared)
        query, key, value = (split_heads(one, heads) for one in parts)
        size = query.shape[-1]
        scores = grids.value(f"{name}.scores", tf.matmul(query, key, transpose_b=True) * size**-0.5)
        scores = grids.value(f"{name}.masked", scores + (1.0 - self._mask[:, None, None, :]) * _MASKED)
        context = tf.matmul(grids.value(f"{name}.shares", tf.nn.softmax(scores)), value)
        if self._gates is not None:
            context *= self._gates.heads[index][:, :, None, None]
        merged = tf.transpose(context, (0, 2, 1, 3))
        merged = tf.reshape(merged, tf.concat([tf.shape(merged)[:2], [heads * size]], 0))
        return grids.value(f"{name}.context", merged + shared)

    def _feed_forward(self, index: int, source: Any) -> Any:
        name, grids = f"layers.{index}.feed_forward", self._grids
        units = grids.value(f"{name}.up.before", self._dense(source, f"{name}.intermediate"))
        units = grids.value(f"{name}.up", activation(self._architecture.activation, units))
        units = units if self._gates is None else units * self._gates.units[index][:, None, :]
        self.found["units"].append(units)
        return self._dense(units, f"{name}.output")

    def _dense(self, x: Any, name: str) -> Any:
        return dense(x, self._weights, name, self._grids)


def split_heads(x: Any, heads: int) -> Any:
    """(N, L, heads * size) to (N, heads, L, size)."""
    tf = tensorflow()
    shape = tf.shape(x)
    return tf.transpose(tf.reshape(x, (shape[0], shape[1], heads, x.shape[-1] // heads)), (0, 2, 1, 3))
