"""One training run: Adam, cosine decay, a loss on logits. Every training stage uses it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.converters.backend import tensorflow, tf_keras
from litesmith.errors import CompressionError
from litesmith.events import EpochFinished, OnEvent
from litesmith.training_specs import TrainSpec


def seed_everything(seed: int) -> None:
    """Make what follows repeatable: seeds, op determinism, and layer names that count from zero again."""
    keras = tf_keras()
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    tensorflow().config.experimental.enable_op_determinism()


def steps_per_epoch(samples: int, spec: TrainSpec) -> int:
    """Number of optimizer steps in an epoch; the last batch may be smaller."""
    return -(-samples // spec.batch_size)


def fit(
    model: Any,
    x: npt.NDArray[Any],
    y: npt.NDArray[Any],
    loss: Callable[[Any, Any], Any],
    spec: TrainSpec,
    *,
    stage: str,
    on_event: OnEvent,
    callbacks: Sequence[Any] = (),
) -> None:
    """Train `model` in place.

    Args:
        model: tf_keras model giving logits (N, classes).
        x: samples (N, ...).
        y: what `loss` takes beside the logits, first axis N.
        loss: (y, logits) -> loss of each sample (N,).
        spec: epochs, learning rate, batch size.
        stage: name of the stage in events and errors.
        on_event: gets an EpochFinished after every epoch.
        callbacks: further Keras callbacks, such as TFMOT's.

    Raises:
        CompressionError: the loss or a weight became NaN or infinite.
    """
    keras = tf_keras()
    steps = steps_per_epoch(len(x), spec) * spec.epochs
    schedule = keras.optimizers.schedules.CosineDecay(spec.learning_rate, max(steps, 1))
    model.compile(keras.optimizers.Adam(schedule), loss)

    def report(epoch: int, logs: dict[str, float]) -> None:
        _check_finite(logs["loss"], stage, spec)
        on_event(EpochFinished(stage, epoch + 1, float(logs["loss"])))

    watch = keras.callbacks.LambdaCallback(on_epoch_end=report)
    model.fit(x, y, batch_size=spec.batch_size, epochs=spec.epochs, verbose=0, callbacks=[*callbacks, watch])
    for weight in model.get_weights():
        _check_finite(weight, stage, spec)


def _check_finite(values: Any, stage: str, spec: TrainSpec) -> None:
    if not np.isfinite(values).all():
        raise CompressionError(
            f"loss or weights are no longer finite; lower learning_rate ({spec.learning_rate}), or look for outliers "
            "and a wrong scale in the data",
            stage=stage,
        )
