"""Learning a teacher's sentence embeddings; no labels are needed, any sentences do."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.converters.backend import tensorflow
from litesmith.text.fit import Encoder, Objective, Tensors
from litesmith.text.forward import States, embedding
from litesmith.text.hidden import projection

Array = npt.NDArray[np.float32]
_PROJECTION = "embedding_projection"


def distance(theirs: Any, ours: Any) -> Any:
    """`1 - cosine` of vectors (N, H), plus their squared distance in units of the first ones' length; (N,)."""
    tf = tensorflow()
    cosine = tf.reduce_sum(tf.nn.l2_normalize(ours, -1) * tf.nn.l2_normalize(theirs, -1), axis=-1)
    apart = tf.reduce_sum(tf.square(ours - theirs), axis=-1) / tf.reduce_sum(tf.square(theirs), axis=-1)
    return 1.0 - cosine + apart


def from_embeddings(embeddings: Array, width: int) -> Objective:
    """The loss `distance` to a teacher's vectors.

    Args:
        embeddings: the teacher's, (N, Ht).
        width: the student's hidden width; another one than Ht is projected by a kernel that is trained along.
    """
    extra = {} if width == embeddings.shape[1] else {_PROJECTION: projection(width, embeddings.shape[1])}

    def loss(encoder: Encoder, states: States, targets: Tensors) -> Any:
        ours = embedding(encoder.head, states)
        ours = tensorflow().matmul(ours, encoder.extra[_PROJECTION]) if _PROJECTION in encoder.extra else ours
        return distance(targets["embedding"], ours)

    return Objective(loss, lambda places, length: {"embedding": embeddings[places]}, extra)
