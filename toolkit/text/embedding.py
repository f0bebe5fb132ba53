"""Learning a teacher's sentence embeddings; no labels are needed, any sentences do."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.converters.backend import tensorflow
from litesmith.text.fit import Encoder, Objective, Tensors
from litesmith.text.forward import States, pooled
from litesmith.text.hidden import projection

Array = npt.NDArray[np.float32]


def from_embeddings(embeddings: Array, width: int) -> Objective:
    """`1 - cosine` to a teacher's pooled vectors, plus their squared distance in units of the teacher's length.

    Args:
        embeddings: the teacher's, (N, Ht).
        width: the student's hidden width; another one than Ht is projected by a kernel that is trained along.
    """
    extra = {} if width == embeddings.shape[1] else {"projection": projection(width, embeddings.shape[1])}

    def loss(encoder: Encoder, states: States, targets: Tensors) -> Any:
        tf = tensorflow()
        ours, theirs = pooled(states), targets["embedding"]
        ours = tf.matmul(ours, encoder.extra["projection"]) if "projection" in encoder.extra else ours
        cosine = tf.reduce_sum(tf.nn.l2_normalize(ours, -1) * tf.nn.l2_normalize(theirs, -1), axis=-1)
        distance = tf.reduce_sum(tf.square(ours - theirs), axis=-1) / tf.reduce_sum(tf.square(theirs), axis=-1)
        return 1.0 - cosine + distance

    return Objective(loss, lambda places, length: {"embedding": embeddings[places]}, extra)
