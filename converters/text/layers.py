"""The few layers of a text encoder that Keras has not got. Imports TensorFlow: import it inside functions only."""

# ruff: noqa: D102 -- build, call and get_config are Keras' own; each class says what it computes

from __future__ import annotations

from typing import Any

from litesmith.converters.backend import tensorflow, tf_keras
from litesmith.converters.text.architecture import Activation

tf = tensorflow()
Layer: Any = tf_keras().layers.Layer
_registered: Any = tf_keras().utils.register_keras_serializable("litesmith")

# Added to what no token may look at: exp(-1e4) is 0, and the sum is still finite in float16.
MASKED = -1e4


@_registered
class PaddingMask(Layer):  # type: ignore[misc]
    """Ids (N, L) -> 1.0 where there is a token, 0.0 where there is padding: (N, L) float32."""

    def __init__(self, pad_id: int, **options: Any) -> None:
        super().__init__(**options)
        self.pad_id = pad_id

    def call(self, inputs: Any) -> Any:
        return tf.cast(tf.not_equal(inputs, self.pad_id), tf.float32)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pad_id": self.pad_id}


@_registered
class TokenTypes(Layer):  # type: ignore[misc]
    """Ids (N, L) -> 1 where there is a token after so many ends, else 0: (N, L) int32, as `PairTypes` has them."""

    def __init__(self, end: int, ends: int, pad_id: int, **options: Any) -> None:
        super().__init__(**options)
        self.end, self.ends, self.pad_id = end, ends, pad_id

    def call(self, inputs: Any) -> Any:
        before = tf.cumsum(tf.cast(tf.equal(inputs, self.end), tf.int32), axis=1, exclusive=True)
        return tf.cast(tf.logical_and(before >= self.ends, tf.not_equal(inputs, self.pad_id)), tf.int32)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "end": self.end, "ends": self.ends, "pad_id": self.pad_id}


@_registered
class Trigram(Layer):  # type: ignore[misc]
    """Sets the next and the previous token's values beside each token's own: (N, L, E) -> (N, L, 3 E)."""

    def call(self, inputs: Any) -> Any:
        following = tf.pad(inputs[:, 1:], [[0, 0], [0, 1], [0, 0]])
        previous = tf.pad(inputs[:, :-1], [[0, 0], [1, 0], [0, 0]])
        return tf.concat([following, inputs, previous], axis=2)


class _Table(Layer):  # type: ignore[misc]
    """A table of `rows` vectors that are added to the input."""

    def __init__(self, rows: int, **options: Any) -> None:
        super().__init__(**options)
        self.rows = rows

    def build(self, shape: Any) -> None:
        width = shape[0][-1] if isinstance(shape, list) else shape[-1]
        self.embeddings = self.add_weight("embeddings", (self.rows, width), initializer="uniform")
        super().build(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rows": self.rows}


@_registered
class AddPositions(_Table):
    """Adds row i to token i: (N, L, E)."""

    def call(self, inputs: Any) -> Any:
        return inputs + self.embeddings[: inputs.shape[1]]


@_registered
class AddTokenTypes(_Table):
    """Adds to each token the row of its type: (N, L, E), types (N, L). Without types, all are of the first."""

    def call(self, inputs: Any) -> Any:
        if not isinstance(inputs, list | tuple):
            return inputs + self.embeddings[0]
        x, types = inputs
        return x + tf.gather(self.embeddings, types)


@_registered
class Affine(Layer):  # type: ignore[misc]
    """x * gamma + beta over the last axis."""

    def build(self, shape: Any) -> None:
        self.gamma = self.add_weight("gamma", (shape[-1],), initializer="ones")
        self.beta = self.add_weight("beta", (shape[-1],), initializer="zeros")
        super().build(shape)

    def call(self, inputs: Any) -> Any:
        return inputs * self.gamma + self.beta


@_registered
class Attention(Layer):  # type: ignore[misc]
    """Scaled dot-product attention of several heads (arXiv 1706.03762, section 3.2), without its projections.

    Inputs are queries, keys and values (N, L, heads * size) and the padding mask (N, L); the output is shaped as the
    values. A text of padding alone attends to all places equally, so that nothing is divided by 0.
    """

    def __init__(self, heads: int, **options: Any) -> None:
        super().__init__(**options)
        self.heads = heads

    def call(self, inputs: Any) -> Any:
        query, key, value = (self._split(tensor) for tensor in inputs[:3])
        mask = inputs[3]
        scores = tf.matmul(query * query.shape[-1] ** -0.5, key, transpose_b=True)
        shares = tf.nn.softmax(scores + (1.0 - mask[:, None, None, :]) * MASKED)
        context = tf.transpose(tf.matmul(shares, value), (0, 2, 1, 3))
        return tf.reshape(context, (-1, *inputs[2].shape[1:]))

    def _split(self, x: Any) -> Any:
        """(N, L, heads * size) -> (N, heads, L, size)."""
        return tf.transpose(tf.reshape(x, (-1, x.shape[1], self.heads, x.shape[2] // self.heads)), (0, 2, 1, 3))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "heads": self.heads}


@_registered
class Pool(Layer):  # type: ignore[misc]
    """Tokens (N, L, H) and the padding mask (N, L) -> one vector a text (N, H); 0 for padding alone."""

    def __init__(self, pooling: str, **options: Any) -> None:
        super().__init__(**options)
        self.pooling = pooling

    def call(self, inputs: Any) -> Any:
        tokens, mask = inputs
        if self.pooling == "first":
            return tokens[:, 0] * mask[:, :1]
        if self.pooling == "max":
            highest = tf.reduce_max(tokens + (1.0 - mask[:, :, None]) * MASKED, axis=1)
            return highest * tf.reduce_max(mask, axis=1, keepdims=True)
        return tf.reduce_sum(tokens * mask[:, :, None], axis=1) / tf.maximum(tf.reduce_sum(mask, 1, keepdims=True), 1.0)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "pooling": self.pooling}


@_registered
class UnitLength(Layer):  # type: ignore[misc]
    """Scales each vector to length 1; a vector of zeros stays one."""

    def call(self, inputs: Any) -> Any:
        return tf.math.l2_normalize(inputs, axis=-1)


@_registered
class GeluTanh(Layer):  # type: ignore[misc]
    """GELU by its tanh approximation (arXiv 1606.08415, section 2)."""

    def call(self, inputs: Any) -> Any:
        return tf.nn.gelu(inputs, approximate=True)


def activation_layer(activation: Activation, name: str) -> Any:
    """The layer that computes an activation. A file with a function in it would count as code, so none is named."""
    if activation == "gelu_tanh":
        return GeluTanh(name=name)
    return tf_keras().layers.Activation("swish" if activation == "silu" else activation, name=name)
