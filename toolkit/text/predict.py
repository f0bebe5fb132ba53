"""What an encoder gives for many sentences, in batches of about the same length."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.converters.backend import tensorflow
from litesmith.converters.text.architecture import TextModel
from litesmith.errors import DataError
from litesmith.files import write_bytes
from litesmith.text.batches import Ids, in_order, lengths, trimmed
from litesmith.text.fit import Encoder
from litesmith.text.forward import check_trainable, embedding
from litesmith.text.grids import EXACT, Grids

Array = npt.NDArray[np.float32]
_BATCH = 64


def predict(model: TextModel, ids: Ids, grids: Grids = EXACT) -> Array:
    """Logits (N, C) of a sequence head, or vectors (N, H) of an embedding head; on grids where given.

    Raises:
        ConversionError: the model is of a form that this does not compute.
    """
    answer = compiled(model, grids)
    rows: Array | None = None
    for places in in_order(lengths(ids, model.pad_id), _BATCH):
        found = answer(trimmed(ids[places], model.pad_id))
        rows = np.empty((len(ids), found.shape[1]), np.float32) if rows is None else rows
        rows[places] = found
    assert rows is not None
    return rows


def compiled(model: TextModel, grids: Grids = EXACT) -> Callable[[Ids], Array]:
    """A function from a batch of ids (N, L) to what `predict` gives."""
    check_trainable(model)
    tf = tensorflow()
    weights = {name: tf.constant(array) for name, array in model.weights.items()}
    encoder = Encoder(model.architecture, model.head, model.pad_id, weights, grids=grids)

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def answer(ids: Any) -> Any:
        states = encoder.states(ids)
        return encoder.logits(states) if model.head.outputs else embedding(model.head, states)

    return lambda ids: np.asarray(answer(tf.constant(ids)))


def model_digest(model: TextModel) -> str:
    """sha256 over architecture, head and weights: two models with the same digest give the same answers."""
    digest = hashlib.sha256(json.dumps([asdict(model.architecture), asdict(model.head), model.pad_id]).encode())
    for name, array in sorted(model.weights.items()):
        digest.update(name.encode() + np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def cached_answers(teacher: TextModel, ids: Ids, cache: Path) -> Array:
    """What `predict` gives of the teacher, from `cache` where the same was computed before.

    Raises:
        DataError: the teacher gives NaN or infinite values.
    """
    width = teacher.head.outputs or teacher.architecture.hidden
    key = hashlib.sha256(model_digest(teacher).encode() + ids.tobytes()).hexdigest()
    path = cache / f"{'logits' if teacher.head.outputs else 'embeddings'}-{key[:32]}.npy"
    if path.is_file():
        stored: Array = np.load(path, allow_pickle=False)
        if stored.shape == (len(ids), width):
            return stored
    found = predict(teacher, ids)
    if not np.isfinite(found).all():
        raise DataError("the teacher gives NaN or infinite values; check its weights and its training")
    buffer = io.BytesIO()
    np.save(buffer, found, allow_pickle=False)
    write_bytes(path, buffer.getvalue())
    return found
