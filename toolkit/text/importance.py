"""How much heads and feed-forward units matter: |gradient x activation| (Michel et al., arXiv 1905.10650)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.converters.backend import tensorflow
from litesmith.converters.text.architecture import TextModel
from litesmith.text.batches import Ids, Places, in_order, lengths, trimmed
from litesmith.text.fit import Encoder, Objective
from litesmith.text.forward import Gates, check_trainable, encode

Scores = npt.NDArray[np.float64]
_BATCH = 32
# The integer kernels compute in blocks: a number of units that is no multiple of this saves nothing.
UNIT_STEP = 16


@dataclass(frozen=True, slots=True)
class Importance:
    """Scores of each layer's heads and units, as long as the architecture says; each layer's have length 1.

    Layers differ in the size of their gradients, so they are compared after that division, as the paper does.
    """

    heads: tuple[Scores, ...]
    units: tuple[Scores, ...]


def importance(model: TextModel, ids: Ids, objective: Objective) -> Importance:
    """Mean over samples of the absolute gradient of the loss at a factor of 1 before each head and unit.

    Raises:
        ConversionError: the model is of a form that this does not compute.
    """
    check_trainable(model)
    tf, a = tensorflow(), model.architecture
    weights = {name: tf.constant(array) for name, array in model.weights.items()}
    encoder = Encoder(a, model.head, model.pad_id, weights, objective.extra)

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def gradients(batch: Any, targets: Any) -> Any:
        count = tf.shape(batch)[0]
        gates = Gates([tf.ones((count, size)) for size in a.heads], [tf.ones((count, size)) for size in a.intermediate])
        with tf.GradientTape() as tape:
            tape.watch([*gates.heads, *gates.units])
            losses = objective.loss(encoder, encode(weights, a, model.pad_id, batch, gates), targets)
        return [tf.reduce_sum(tf.abs(one), 0) for one in tape.gradient(losses, [*gates.heads, *gates.units])]

    sums: list[Scores] = [np.zeros(size) for size in (*a.heads, *a.intermediate)]
    for places in in_order(lengths(ids, model.pad_id), _BATCH):
        batch = trimmed(ids[places], model.pad_id)
        targets = {name: tf.constant(one) for name, one in objective.targets(places, batch.shape[1]).items()}
        for total, found in zip(sums, gradients(tf.constant(batch), targets), strict=True):
            total += np.asarray(found)
    scores = [total / (np.linalg.norm(total) or 1.0) for total in sums]
    return Importance(tuple(scores[: a.layers]), tuple(scores[a.layers :]))


def best(scores: Sequence[Scores], share: float, step: int = 1) -> list[Places]:
    """The places of each layer that are kept: a share of all, the most important ones of all layers together.

    Args:
        scores: of each layer.
        share: of all layers' places together, above 0 and at most 1.
        step: each layer keeps a multiple of so many, and at least that, or all it has.
    """
    ranked = np.sort(np.concatenate(scores))[::-1]
    least = ranked[max(1, round(share * len(ranked))) - 1]
    kept = []
    for layer in scores:
        count = int(np.sum(layer >= least))
        count = min(len(layer), max(step, round(count / step) * step))
        kept.append(np.sort(np.argsort(-layer, kind="stable")[:count]))
    return kept
