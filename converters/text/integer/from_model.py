"""The network of a text model, as its weights have it: nothing is rewritten yet."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from litesmith.converters.text.architecture import TextModel
from litesmith.converters.text.integer.blocks import Array, Attention, Dense, FeedForward
from litesmith.converters.text.integer.network import Joint, Network, Step
from litesmith.errors import ConversionError


def network_of(model: TextModel) -> Network:
    """The form that the rewrites work on; it computes what the Keras model computes.

    The norms' epsilon is left out: it is far below the variance of what they read.

    Raises:
        ConversionError: an arrangement that this form has not got.
    """
    weights = model.weights
    _check(model)
    position = weights["embeddings.position"][: model.length]
    types = weights.get("embeddings.type")
    if types is not None and not model.takes_token_types:
        position, types = position + types[0], None
    return Network(
        word=weights["embeddings.word"],
        word_scale=np.ones(weights["embeddings.word"].shape[1], np.float32),
        position=position,
        types=types,
        embeddings=_joint(weights, "embeddings.norm"),
        steps=tuple(_steps(model)),
        head=model.head,
        dense=_dense(weights, "head.dense") if model.head.activation else None,
        output=_dense(weights, "head.output") if model.head.outputs else None,
        pad_id=model.pad_id,
    )


def _check(model: TextModel) -> None:
    a = model.architecture
    if a.norm == "affine" or a.bottleneck or a.stacked or a.trigram:
        raise ConversionError(
            f"the integer rewrites do not know the blocks of {a.family}: norms that only scale and shift, bottlenecks, "
            "stacked feed-forwards or trigrams; convert it with --quantize int8"
        )
    if model.head.kind == "embedding" and model.head.pooling == "max":
        raise ConversionError("the integer rewrites do not know pooling by maximum; use mean or first")


def _steps(model: TextModel) -> list[Step]:
    a, weights = model.architecture, model.weights
    blocks = [name for i in range(a.layers) for name in (f"layers.{i}.attention", f"layers.{i}.feed_forward")]
    pre = a.norm == "pre"
    steps = []
    if a.projects:
        ones, zeros = np.ones(a.hidden, np.float32), np.zeros(a.hidden, np.float32)
        projection = _dense(weights, "embeddings.projection")
        steps.append(Step("embeddings.projection", projection, False, Joint.of(ones, zeros, normalised=False)))
    joints = [_joint(weights, f"{name}.norm", passes_sum=pre) for name in blocks]
    if pre:
        # A joint stands before its block: the first one holds what comes from the embeddings.
        steps.append(Step("embeddings.stream", None, True, joints[0]))
        joints = [*joints[1:], _joint(weights, "final_norm")]
    for name, joint in zip(blocks, joints, strict=True):
        layer = int(name.split(".")[1])
        branch = _attention(model, layer) if name.endswith("attention") else _feed_forward(model, layer)
        steps.append(Step(name, branch, True, joint))
    return steps


def _attention(model: TextModel, layer: int) -> Attention:
    a, name = model.architecture, f"layers.{layer}.attention"
    query, key, value, output = (
        _dense(model.weights, f"{name}.{part}") for part in ("query", "key", "value", "output")
    )
    factor = np.full(query.bias.size, a.head_size**-0.5, np.float32)
    return Attention(query.times(factor), key, value, output, a.heads[layer])


def _feed_forward(model: TextModel, layer: int) -> FeedForward:
    name = f"layers.{layer}.feed_forward"
    up, down = _dense(model.weights, f"{name}.intermediate"), _dense(model.weights, f"{name}.output")
    return FeedForward(up, down, model.architecture.activation)


def _dense(weights: Mapping[str, Array], name: str) -> Dense:
    return Dense(weights[f"{name}.kernel"], weights[f"{name}.bias"])


def _joint(weights: Mapping[str, Array], name: str, *, passes_sum: bool = False) -> Joint:
    return Joint.of(weights[f"{name}.gamma"], weights[f"{name}.beta"], passes_sum=passes_sum)
