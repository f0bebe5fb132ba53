"""Learning from hidden states, through a projection where the widths differ (TinyBERT, arXiv 1909.10351, eq. 8)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from litesmith.converters.backend import tensorflow


def projection(student: int, teacher: int) -> Any:
    """A variable (student, teacher) that is trained with the student; it starts by copying what fits."""
    tf = tensorflow()
    return tf.Variable(np.eye(student, teacher, dtype=np.float32), name="projection_kernel")


def loss(pairs: Sequence[tuple[Any, Any]], kernel: Any, mask: Any) -> Any:
    """Mean squared error over the tokens of each sample, in units of the teacher's own mean square; (N,).

    Args:
        pairs: student (N, L, Hs) and teacher (N, L, Ht), one pair a layer.
        kernel: (Hs, Ht).
        mask: 1 at tokens that count, (N, L).
    """
    tf = tensorflow()
    total = tf.zeros(tf.shape(mask)[0])
    for student, teacher in pairs:
        flat = tf.matmul(tf.reshape(student, (-1, kernel.shape[0])), kernel)
        error = tf.square(tf.reshape(flat, tf.shape(teacher)) - teacher)
        scale = tf.reduce_mean(tf.square(teacher), axis=-1) + 1e-6
        total += over_tokens(tf.reduce_mean(error, axis=-1) / scale, mask)
    return total / len(pairs)


def over_tokens(values: Any, mask: Any) -> Any:
    """Mean over the tokens that count, (N, L) -> (N,); zero where none does."""
    tf = tensorflow()
    return tf.reduce_sum(values * mask, axis=1) / tf.maximum(tf.reduce_sum(mask, axis=1), 1.0)


def matching_layers(student: int, teacher: int, chosen: Sequence[int] | None) -> tuple[int, ...]:
    """The teacher's layer, from 0, that each of the student's learns from: those it was made of, or evenly spread."""
    if chosen is not None and len(chosen) == student and max(chosen) < teacher:
        return tuple(chosen)
    return tuple(round((layer + 1) * teacher / student) - 1 for layer in range(student))
