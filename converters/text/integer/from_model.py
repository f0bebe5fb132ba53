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
    types, told = weights.get("embeddings.type"), model.told_apart
    if types is not None and told is None:
        position, types = position + types[0], None
    return Network(
        word=weights["embeddings.word"],
        word_scale=np.ones(weights["embeddings.word"].shape[1], np.float32),
        position=position,
        types=types,
        pair_types=told,
        embeddings=_joint(model, "embeddings.norm"),
        neighbours=_dense(weights, "embeddings.projection") if model.architecture.trigram else None,
        steps=tuple(_steps(model)),
        head=model.head,
        dense=_dense(weights, "head.dense") if model.head.activation else None,
        output=_dense(weights, "head.output") if model.head.outputs else None,
        pad_id=model.pad_id,
    )


def _check(model: TextModel) -> None:
    a = model.architecture
    if a.norm == "pre" and a.bottleneck:
        raise ConversionError(
            f"the integer rewrites do not know bottlenecks with norms before each block, as {a.family} has them; "
            "convert it with --quantize int8"
        )
    if model.head.kind == "embedding" and model.head.pooling == "max":
        raise ConversionError("the integer rewrites do not know pooling by maximum; use mean or first")


def _steps(model: TextModel) -> list[Step]:
    a, weights = model.architecture, model.weights
    steps: list[Step] = []
    if a.projects and not a.trigram:
        ones, zeros = np.ones(a.hidden, np.float32), np.zeros(a.hidden, np.float32)
        joint = Joint.of(ones, zeros, normalised=False)
        steps.append(Step("embeddings.projection", _dense(weights, "embeddings.projection"), (0,), None, joint))
    if a.norm == "pre":
        # A joint stands before its block: the first one holds what comes from the embeddings.
        stream = _joint(model, "layers.0.attention.norm", passes_sum=True)
        steps.append(Step("embeddings.stream", None, (), len(steps), stream))
    for layer in range(a.layers):
        _add_layer(steps, model, layer)
    return steps


def _add_layer(steps: list[Step], model: TextModel, layer: int) -> None:
    """One layer's steps; `full` is the joint between layers, `inner` the one that the layer attends and feeds from."""
    a, name = model.architecture, f"layers.{layer}"
    full = inner = matched = values = len(steps)
    if a.bottleneck:
        _add_projection(steps, model, f"{name}.bottleneck.input", full)
        inner = matched = values = len(steps)
    if a.bottleneck and not a.bottleneck_attention:
        _add_projection(steps, model, f"{name}.bottleneck.shared", full)
        matched, values = len(steps), full
    attention, *networks = _blocks(model, layer)
    reads = (matched, matched, values)
    steps.append(Step(attention, _attention(model, layer), reads, inner, _joint_after(model, layer, attention)))
    for network in networks:
        place, joint = len(steps), _joint_after(model, layer, network)
        steps.append(Step(network, _feed_forward(model, network), (place,), place, joint))
    if a.bottleneck:
        _add_projection(steps, model, f"{name}.bottleneck.output", len(steps), residual=full)


def _blocks(model: TextModel, layer: int) -> list[str]:
    stacked = (f"stacked.{index}" for index in range(model.architecture.stacked))
    return [f"layers.{layer}.{name}" for name in ("attention", *stacked, "feed_forward")]


def _joint_after(model: TextModel, layer: int, block: str) -> Joint:
    """Of the sum of a block: its norm, or where norms stand before blocks, that of the block after it."""
    if model.architecture.norm != "pre":
        return _joint(model, f"{block}.norm")
    blocks = [*_blocks(model, layer), f"layers.{layer + 1}.attention"]
    following = blocks[blocks.index(block) + 1]
    last = following.startswith(f"layers.{model.architecture.layers}.")
    return _joint(model, "final_norm") if last else _joint(model, f"{following}.norm", passes_sum=True)


def _add_projection(steps: list[Step], model: TextModel, name: str, read: int, residual: int | None = None) -> None:
    dense = _dense(model.weights, name)
    steps.append(Step(name, dense, (read,), residual, _joint(model, f"{name}_norm")))


def _attention(model: TextModel, layer: int) -> Attention:
    a, name = model.architecture, f"layers.{layer}.attention"
    query, key, value, output = (
        _dense(model.weights, f"{name}.{part}") for part in ("query", "key", "value", "output")
    )
    factor = np.full(query.bias.size, a.head_size**-0.5, np.float32)
    return Attention(query.times(factor), key, value, output, a.heads[layer])


def _feed_forward(model: TextModel, name: str) -> FeedForward:
    up, down = _dense(model.weights, f"{name}.intermediate"), _dense(model.weights, f"{name}.output")
    return FeedForward(up, down, model.architecture.activation)


def _dense(weights: Mapping[str, Array], name: str) -> Dense:
    return Dense(weights[f"{name}.kernel"], weights[f"{name}.bias"])


def _joint(model: TextModel, name: str, *, passes_sum: bool = False) -> Joint:
    gamma, beta = model.weights[f"{name}.gamma"], model.weights[f"{name}.beta"]
    return Joint.of(gamma, beta, normalised=model.architecture.norm != "affine", passes_sum=passes_sum)
