"""The canonical names of an encoder's weights, with the shape that each has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from litesmith.errors import ModelError

if TYPE_CHECKING:  # the architecture checks its weights with this file
    from litesmith.converters.text.architecture import Architecture, Head

Shapes = Iterator[tuple[str, tuple[int, ...]]]


def weight_shapes(architecture: Architecture, head: Head) -> dict[str, tuple[int, ...]]:
    """Every weight of an encoder with that head, in the order of computation.

    Tables are `embeddings.word` (V, E), `embeddings.position` (P, E), whose first row is the first token's, and
    `embeddings.type` (T, E); every other weight is a `kernel` (inputs, outputs), a `bias`, a `gamma` or a `beta`.
    """
    shapes = dict(_embeddings(architecture))
    for layer in range(architecture.layers):
        shapes |= {f"layers.{layer}.{name}": shape for name, shape in _layer(architecture, layer)}
    if architecture.norm == "pre":
        shapes |= dict(_norm("final_norm", architecture.hidden))
    return shapes | dict(_head(architecture, head))


def check_weights(
    weights: Mapping[str, npt.NDArray[np.float32]], architecture: Architecture, head: Head, origin: str
) -> None:
    """Prove that the weights are those of the architecture; `origin` names them in messages.

    Raises:
        ModelError: one is missing, left over, of another shape or type, or not finite.
    """
    expected = weight_shapes(architecture, head)
    if missing := [name for name in expected if name not in weights]:
        raise ModelError(f"{len(missing)} weights are missing, such as {missing[0]}", file=origin or None)
    if left := [name for name in weights if name not in expected]:
        raise ModelError(f"{len(left)} weights belong to no layer, such as {left[0]}", file=origin or None)
    for name, shape in expected.items():
        array = weights[name]
        if array.shape != shape or array.dtype != np.float32:
            found = f"{array.dtype} {array.shape}"
            raise ModelError(f"{name} is {found}; the architecture has float32 {shape}", file=origin or None)
        if not np.isfinite(array).all():
            raise ModelError(f"{name} holds NaN or infinity; repair the trained model", file=origin or None)


def _embeddings(a: Architecture) -> Shapes:
    yield "embeddings.word", (a.vocabulary, a.embedding)
    yield "embeddings.position", (a.positions, a.summed)
    if a.token_types:
        yield "embeddings.type", (a.token_types, a.summed)
    yield from _norm("embeddings.norm", a.summed)
    if a.projects:
        yield from _dense("embeddings.projection", a.embedding * (3 if a.trigram else 1), a.hidden)


def _layer(a: Architecture, layer: int) -> Shapes:
    attended, units = a.heads[layer] * a.head_size, a.intermediate[layer]
    if a.bottleneck:
        yield from _dense_and_norm("bottleneck.input", a.hidden, a.inner)
        if not a.bottleneck_attention:
            yield from _dense_and_norm("bottleneck.shared", a.hidden, a.inner)
    for name in ("query", "key"):
        yield from _dense(f"attention.{name}", a.inner, attended)
    yield from _dense("attention.value", a.inner if a.bottleneck_attention else a.hidden, attended)
    yield from _dense("attention.output", attended, a.inner)
    yield from _norm("attention.norm", a.inner)
    for network in [*(f"stacked.{index}" for index in range(a.stacked)), "feed_forward"]:
        yield from _dense(f"{network}.intermediate", a.inner, units)
        yield from _dense(f"{network}.output", units, a.inner)
        yield from _norm(f"{network}.norm", a.inner)
    if a.bottleneck:
        yield from _dense_and_norm("bottleneck.output", a.inner, a.hidden)


def _head(a: Architecture, head: Head) -> Shapes:
    if head.activation:
        yield from _dense("head.dense", a.hidden, a.hidden)
    if head.outputs:
        yield from _dense("head.output", a.hidden, head.outputs)


def _dense(name: str, inputs: int, outputs: int) -> Shapes:
    yield f"{name}.kernel", (inputs, outputs)
    yield f"{name}.bias", (outputs,)


def _norm(name: str, width: int) -> Shapes:
    yield f"{name}.gamma", (width,)
    yield f"{name}.beta", (width,)


def _dense_and_norm(name: str, inputs: int, outputs: int) -> Shapes:
    yield from _dense(name, inputs, outputs)
    yield from _norm(f"{name}_norm", outputs)
