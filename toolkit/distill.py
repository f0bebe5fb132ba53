"""Distillation: the loss of Hinton et al. (arXiv 1503.02531) on teacher logits that are computed once."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.converters.backend import tensorflow
from litesmith.errors import DataError
from litesmith.files import write_bytes
from litesmith.models import weights_digest
from litesmith.training_specs import DistillSpec

Array = npt.NDArray[np.float32]
_BATCH = 256


def cross_entropy(labels: Any, logits: Any) -> Any:
    """Plain cross-entropy: labels (N,) integers, logits (N, classes) -> (N,)."""
    tf = tensorflow()
    labels = tf.reshape(tf.cast(labels, tf.int32), [-1])
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels, tf.cast(logits, tf.float32))


def distillation_loss(spec: DistillSpec) -> Callable[[Any, Any], Any]:
    """`alpha * T^2 * KL(teacher || student at T) + (1 - alpha) * CE(labels)` on targets of `pack_targets`."""
    tf = tensorflow()
    alpha, temperature = spec.alpha, spec.temperature

    def loss(targets: Any, logits: Any) -> Any:
        teacher = tf.nn.log_softmax(targets[:, 1:] / temperature)
        student = tf.nn.log_softmax(logits / temperature)
        divergence = tf.reduce_sum(tf.exp(teacher) * (teacher - student), axis=-1)
        return alpha * temperature**2 * divergence + (1 - alpha) * cross_entropy(targets[:, 0], logits)

    return loss


def pack_targets(labels: npt.NDArray[np.int64], logits: Array, spec: DistillSpec) -> Array:
    """One array (N, 1 + classes) of label and teacher logits, so that Keras shuffles both together."""
    hard = logits.argmax(axis=1) if spec.labels == "teacher" else labels
    return np.concatenate([hard[:, None].astype(np.float32), logits.astype(np.float32)], axis=1)


def teacher_logits(teacher: Any, x: Array, cache: Path) -> Array:
    """The teacher's logits (N, classes) for `x`, from `cache` where the same were computed before.

    The key covers the teacher's architecture and weights and the samples: nothing stale can be read.

    Raises:
        DataError: the teacher gives NaN or infinite logits.
    """
    key = hashlib.sha256(weights_digest(teacher).encode() + hashlib.sha256(x.tobytes()).digest()).hexdigest()
    path = cache / f"logits-{key[:32]}.npy"
    if path.is_file():
        cached: Array = np.load(path, allow_pickle=False)
        if cached.shape == (len(x), teacher.output_shape[-1]):
            return cached
    logits: Array = teacher.predict(x, batch_size=_BATCH, verbose=0).astype(np.float32)
    if not np.isfinite(logits).all():
        raise DataError("the teacher gives NaN or infinite logits; check its weights and the scale of its input")
    buffer = io.BytesIO()
    np.save(buffer, logits, allow_pickle=False)
    write_bytes(path, buffer.getvalue())
    return logits
