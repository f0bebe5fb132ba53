"""Other weights on the grids of a file that is there: what was trained on these grids is written on the same ones.

A rewrite that is fitted again would choose other scales, and weights that training left near the middle between two
integers would be rounded to the other one.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from litesmith.converters.text.architecture import TextModel
from litesmith.converters.text.integer.blocks import Array, Attention, Branch, Dense, FeedForward
from litesmith.converters.text.integer.from_model import network_of
from litesmith.converters.text.integer.network import Joint, Network, Step
from litesmith.converters.text.integer.quantize import IntegerText, Output, written
from litesmith.converters.text.integer.rewrites import STRUCTURE
from litesmith.converters.text.integer.rewrites.shifts import centre_words

_TINY = np.float32(1e-12)


def with_weights(made: IntegerText, before: TextModel, after: TextModel, *, output: Output = "int8") -> IntegerText:
    """The file of a model that was trained on the grids of another file.

    Args:
        made: the other file: its rewrites and ranges are kept.
        before: the model that it was made of.
        after: the trained one. Its norms are the same: the file holds factors made of them, in integers.
        output: type of the answer.
    """
    network, old, new = made.network, _structured(before, made.rewrites), _structured(after, made.rewrites)
    steps = []
    for place, step in enumerate(network.steps):
        branch = _branch(step, old.steps[place], new.steps[place], network.joints[place].feed)
        steps.append(replace(step, branch=branch, joint=_joint(step.joint, new.joints[place + 1])))
    # Integers of the table end where they did.
    largest = np.abs(network.word).max()
    scale, last = network.embeddings.scale, network.joints[-1].feed
    types = None if network.types is None or new.types is None else new.types / scale
    network = replace(
        network,
        word=np.clip(network.word + (new.word - old.word) / network.word_scale, -largest, largest),
        position=network.position + (new.position - old.position) / scale,
        types=types,
        embeddings=_joint(network.embeddings, new.embeddings),
        steps=tuple(steps),
        dense=_layer(network.dense, old.dense, new.dense, last),
        output=_layer(network.output, old.output, new.output, last if network.dense is None else np.ones_like(last)),
    )
    return replace(made, content=written(after, network, made.rows, made.seen, output), network=network)


def output_factors(plain: Array, rewritten: Array) -> Array:
    """What each output of a kernel (inputs, outputs) was multiplied by; 0 where it has no weights."""
    squares = np.square(plain).sum(0)
    factors = np.where(squares > _TINY, (plain * rewritten).sum(0) / np.maximum(squares, _TINY), 0)
    return factors.astype(np.float32)


def _structured(model: TextModel, names: tuple[str, ...]) -> Network:
    """The network with those rewrites that go by the weights alone; the middle of the words stays where it was."""
    network = network_of(model)
    for structure in STRUCTURE:
        if structure.__name__ in names and structure is not centre_words:
            network = structure(network)
    return network


def _joint(final: Joint, new: Joint) -> Joint:
    return replace(final, gamma=new.gamma, beta=new.beta)


def _branch(step: Step, old: Step, new: Step, feed: Array) -> Branch | None:
    final, was, now = step.branch, old.branch, new.branch
    if isinstance(final, Attention) and isinstance(was, Attention) and isinstance(now, Attention):
        sizes = 1 / np.maximum(output_factors(was.value.kernel * feed[:, None], final.value.kernel), _TINY)
        return replace(
            final,
            query=_moved(final.query, was.query, now.query, feed),
            key=_moved(final.key, was.key, now.key, feed),
            value=_moved(final.value, was.value, now.value, feed),
            # What the values lost, their middle, went through this kernel.
            output=_moved(final.output, was.output, now.output, sizes, was.value.bias - final.value.bias * sizes),
        )
    if isinstance(final, FeedForward) and isinstance(was, FeedForward) and isinstance(now, FeedForward):
        up = _moved(final.up, was.up, now.up, feed)
        return replace(final, up=up, down=_moved(final.down, was.down, now.down, np.ones_like(up.bias)))
    if isinstance(final, Dense) and isinstance(was, Dense) and isinstance(now, Dense):
        return _moved(final, was, now, feed)
    return final


def _layer(final: Dense | None, old: Dense | None, new: Dense | None, inputs: Array) -> Dense | None:
    if final is None or old is None or new is None:
        return None
    return _moved(final, old, new, inputs)


def _moved(final: Dense, old: Dense, new: Dense, inputs: Array, middle: Array | None = None) -> Dense:
    """A rewritten layer with the difference of two plain ones added.

    Args:
        final: the rewritten layer of `old`.
        old: before the training.
        new: after it.
        inputs: what the rewrites multiplied the rows of the kernel by.
        middle: what they took out of the inputs and put through the kernel into its bias.
    """
    outputs = output_factors(old.kernel * inputs[:, None], final.kernel)
    kernel, bias = new.kernel - old.kernel, new.bias - old.bias
    if middle is not None:
        bias = bias + middle @ kernel
    return Dense(final.kernel + kernel * inputs[:, None] * outputs, final.bias + bias * outputs)
