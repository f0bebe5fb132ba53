"""Trains an encoder: batches cut at their longest sentence, AdamW, any loss on what the encoder computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from litesmith.converters.backend import tensorflow
from litesmith.converters.text.architecture import Architecture, Head, TextModel
from litesmith.errors import CompressionError
from litesmith.events import EpochFinished, OnEvent
from litesmith.text.batches import Ids, Places, lengths, shuffled, trimmed
from litesmith.text.forward import States, check_trainable, encode, logits
from litesmith.text.grids import EXACT, Grids
from litesmith.text.optimizer import optimizer
from litesmith.train import steps_per_epoch
from litesmith.training_specs import TrainSpec

Tensors = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Encoder:
    """A text model whose weights are variables.

    `extra` are variables that only the training has, such as projections between widths; `grids` what is rounded.
    """

    architecture: Architecture
    head: Head
    pad_id: int
    weights: Tensors
    extra: Tensors = field(default_factory=dict)
    grids: Grids = EXACT

    def states(self, ids: Any) -> States:
        """What the encoder computes for ids (N, L)."""
        return encode(self.weights, self.architecture, self.pad_id, ids, grids=self.grids)

    def logits(self, states: States) -> Any:
        """What the head of a classifier says of them, (N, C)."""
        return logits(self.weights, self.head, states, self.grids)


@dataclass(frozen=True, slots=True)
class Objective:
    """What is learnt: the loss of each sample, and what it takes beside the sentences.

    Attributes:
        loss: (encoder, its states, targets of the batch) -> (N,).
        targets: places (B,) and the batch's length -> arrays by name, first axis B.
        extra: variables that are trained with the encoder, by name.
    """

    loss: Callable[[Encoder, States, Tensors], Any]
    targets: Callable[[Places, int], Mapping[str, Any]]
    extra: Mapping[str, Any] = field(default_factory=dict)

    def at(self, chosen: Places) -> Objective:
        """The same objective for some of the samples, in their order."""
        return Objective(self.loss, lambda places, length: self.targets(chosen[places], length), self.extra)


def fit(
    model: TextModel,
    ids: Ids,
    objective: Objective,
    spec: TrainSpec,
    *,
    stage: str,
    seed: int,
    on_event: OnEvent,
    grids: Grids = EXACT,
    keep_zeros: bool = False,
) -> TextModel:
    """Train a model and give it with its new weights; the one that came stays as it was.

    Args:
        model: where training starts.
        ids: samples (N, L).
        objective: what is learnt.
        spec: epochs, learning rate, batch size, and what stays as it is.
        stage: name in events and errors.
        seed: of the order of the samples.
        on_event: gets an EpochFinished after every epoch.
        grids: what is rounded while it learns; its weights themselves are not.
        keep_zeros: whether weights of kernels that are zero stay so.

    Raises:
        CompressionError: the loss or a weight became NaN or infinite.
        ConversionError: the model is of a form that cannot be trained.
    """
    check_trainable(model)
    tf = tensorflow()
    weights = {name: tf.Variable(array, name=name.replace(".", "_")) for name, array in model.weights.items()}
    encoder = Encoder(model.architecture, model.head, model.pad_id, weights, objective.extra, grids)
    free = [name for name in weights if grids.trains(name) and not name.startswith(spec.frozen or ("-",))]
    trained = [weights[name] for name in free]
    trained += objective.extra.values()
    adam = optimizer(spec, steps_per_epoch(len(ids), spec) * spec.epochs, trained)
    step = _step(encoder, objective, trained, adam, keep_zeros)
    sizes, random = lengths(ids, model.pad_id), np.random.default_rng(seed)
    for epoch in range(spec.epochs):
        total = 0.0
        for places in shuffled(sizes, spec.batch_size, random):
            batch = trimmed(ids[places], model.pad_id)
            targets = objective.targets(places, batch.shape[1])
            total += float(step(tf.constant(batch), {name: tf.constant(one) for name, one in targets.items()}))
        loss = total / len(ids)
        _check_finite(loss, stage, spec)
        on_event(EpochFinished(stage, epoch + 1, loss))
    found = {name: weight.numpy() for name, weight in weights.items()}
    for array in found.values():
        _check_finite(array, stage, spec)
    return replace(model, weights=found, fresh=())


def _step(
    encoder: Encoder, objective: Objective, trained: list[Any], adam: Any, keep_zeros: bool
) -> Callable[[Any, Tensors], Any]:
    """One optimizer step, giving the summed loss. It is traced once: lengths and batch sizes are open."""
    tf = tensorflow()

    def masked(gradient: Any, variable: Any) -> Any:
        if not keep_zeros or "kernel" not in variable.name:
            return gradient
        return gradient * tf.cast(tf.not_equal(variable, 0.0), tf.float32)

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def step(ids: Any, targets: Tensors) -> Any:
        with tf.GradientTape() as tape:
            losses = objective.loss(encoder, encoder.states(ids), targets)
            mean = tf.reduce_mean(losses)
        gradients = tape.gradient(mean, trained)
        known = [
            (masked(one, variable), variable)
            for one, variable in zip(gradients, trained, strict=True)
            if one is not None
        ]
        adam.apply_gradients(known)
        return tf.reduce_sum(losses)

    return step  # type: ignore[no-any-return]


def _check_finite(values: Any, stage: str, spec: TrainSpec) -> None:
    if not np.isfinite(values).all():
        raise CompressionError(
            f"loss or weights are no longer finite; lower learning_rate ({spec.learning_rate})", stage=stage
        )
