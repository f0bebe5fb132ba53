"""What an encoder computes, operator by operator, written once for float and for integers."""

from __future__ import annotations

from dataclasses import replace
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from litesmith.converters.text.integer.network import (
    Array,
    Attention,
    Dense,
    FeedForward,
    Joint,
    Network,
    Step,
    normal_factors,
)
from litesmith.converters.text.integer.operations import Operations, Rows

T = TypeVar("T")


class _Passed(NamedTuple, Generic[T]):
    """What a joint hands on: to dense layers, and to the next sum in that one's scale, part by part."""

    read: T
    residual: list[T]


class Program(Generic[T]):
    """Runs networks on operators.

    Args:
        ops: computes the operators, or writes them.
        rows: the parts that sums are held in, from the first token to the last.
    """

    def __init__(self, ops: Operations[T], rows: tuple[Rows, ...]) -> None:
        self._ops = ops
        self._rows = rows

    def run(self, network: Network) -> T:
        """From ids to the head's answer."""
        joint = network.embeddings
        sums = self._embed(network)
        name = "embeddings"
        for step in network.steps:
            passed = self._hand_on(name, joint, sums, step.joint.scale)
            sums = self._sum(step, joint, passed)
            name, joint = step.name, step.joint
        return self._head(network, name, joint, sums)

    def _embed(self, network: Network) -> list[T]:
        """The first sum, part by part: each adds its own tokens' positions."""
        factors = network.word_scale / network.embeddings.scale
        words = self._ops.words("embeddings.word", network.word)
        types = None if network.types is None else self._ops.types("embeddings.type", network.types)
        sums = []
        for rows in self._rows:
            name = f"embeddings{rows.suffix}"
            x = self._ops.scale(f"{name}.scaled", self._ops.part(f"{name}.words", words, rows), factors)
            if types is not None:
                x = self._ops.add(f"{name}.typed", x, self._ops.part(f"{name}.types", types, rows))
            sums.append(self._ops.add_constant(f"{name}.sum", x, network.position[rows.start : rows.stop]))
        return sums

    def _hand_on(self, name: str, joint: Joint, sums: list[T], following: Array | None) -> _Passed[T]:
        """Normalise a sum and scale it for its readers; `following` is the scale of the next sum."""
        read, residual = [], []
        for rows, held in zip(self._rows, sums, strict=True):
            part = f"{name}{rows.suffix}"
            normal, factors = self._normalise(part, joint, held)
            read.append(self._affine(f"{part}.fed", normal, factors / joint.feed, joint.beta / joint.feed))
            if following is None:
                continue
            if joint.passes_sum:
                residual.append(self._ops.scale(f"{part}.residual", held, joint.scale / following))
            else:
                shift = joint.beta / following
                residual.append(self._affine(f"{part}.residual", normal, factors / following, shift))
        return _Passed(self._ops.read(f"{name}.read", read), residual)

    def _normalise(self, name: str, joint: Joint, held: T) -> tuple[T, Array]:
        """The normalised sum, and what to multiply it by: (1 / size) times sqrt(C) * gamma is gamma / deviation."""
        factors = normal_factors(joint)
        if not joint.normalised:
            return held, factors
        sized = self._ops.scale(f"{name}.sized", held, joint.scale)
        if not joint.centred:
            held = sized = self._ops.centre(f"{name}.centred", sized)
            factors = factors / joint.scale
        inverse = self._ops.inverse_size(f"{name}.size", sized)
        return self._ops.times_rows(f"{name}.normal", held, inverse), factors

    def _affine(self, name: str, x: T, factors: Array, shift: Array) -> T:
        x = self._ops.scale(name, x, factors)
        return self._ops.add_constant(f"{name}.shifted", x, shift) if shift.any() else x

    def _sum(self, step: Step, before: Joint, passed: _Passed[T]) -> list[T]:
        """The parts of a step's sum."""
        sums: list[T] = passed.residual if step.residual else []
        for name, term in self._terms(step, before, passed.read):
            added = self._parts(name, term)
            if sums:
                sums = [
                    self._ops.add(f"{name}{rows.suffix}.sum", held, more)
                    for rows, held, more in zip(self._rows, sums, added, strict=True)
                ]
            else:
                sums = added
        return self._with_excess(step, passed.read, sums)

    def _with_excess(self, step: Step, x: T, sums: list[T]) -> list[T]:
        """What feed-forward units reach beyond their limit, for each part with its own range."""
        if not isinstance(step.branch, FeedForward) or not step.branch.excess:
            return sums
        up, down = step.branch.beyond()
        added = []
        for rows, held in zip(self._rows, sums, strict=True):
            name = f"{step.name}.beyond{rows.suffix}"
            read = self._ops.part(f"{name}.read", x, replace(rows, wide=False))
            reached = self._ops.dense(f"{name}.units", read, up, relu=True)
            term = self._ops.term(f"{name}.output", reached, down, held)
            if rows.wide:
                term = self._ops.widen(f"{name}.part", term)
            added.append(self._ops.add(f"{name}.sum", held, term))
        return added

    def _terms(self, step: Step, before: Joint, x: T) -> list[tuple[str, T]]:
        """What a step adds to the residual, each under its name."""
        terms = []
        mean = None if before.mean is None else self._mean(step, before.mean, x)
        if isinstance(step.branch, Attention):
            terms.append((f"{step.name}.output", self._attention(step.name, x, step.branch)))
        elif isinstance(step.branch, FeedForward):
            terms.append((f"{step.name}.output", self._feed_forward(step.name, x, step.branch)))
        elif step.branch is not None:
            terms.append((f"{step.name}.output", self._ops.dense(f"{step.name}.output", x, step.branch)))
        if mean is None:
            return terms
        if not terms:
            return [(f"{step.name}.mean", mean)]
        (name, first), *rest = terms
        return [(f"{name}.level", self._ops.add(f"{name}.level", first, mean)), *rest]

    def _mean(self, step: Step, mean: Array, x: T) -> T:
        """Minus the mean of the residual, in the scale of the sum."""
        column = Dense(-mean[:, None], np.zeros(1, np.float32))
        spread = Dense(1 / step.joint.scale[None], np.zeros_like(step.joint.scale))
        return self._ops.dense(f"{step.name}.mean", self._ops.dense(f"{step.name}.mean.row", x, column), spread)

    def _attention(self, name: str, x: T, attention: Attention) -> T:
        query = self._ops.dense(f"{name}.query", x, attention.query)
        key = self._ops.dense(f"{name}.key", x, attention.key, symmetric=True)
        value = self._ops.dense(f"{name}.value", x, attention.value, symmetric=True)
        context = self._ops.attend(name, query, key, value, attention.heads)
        return self._ops.dense(f"{name}.output", context, attention.output)

    def _feed_forward(self, name: str, x: T, network: FeedForward) -> T:
        hidden = self._ops.limited(f"{name}.up", x, network.up, network.limits, network.activation)
        return self._ops.dense(f"{name}.output", hidden, network.down)

    def _parts(self, name: str, x: T) -> list[T]:
        return [self._ops.part(f"{name}{rows.suffix}.part", x, rows) for rows in self._rows]

    def _head(self, network: Network, name: str, joint: Joint, sums: list[T]) -> T:
        head = network.head
        if head.kind == "embedding":
            return self._embedding(network, name, joint, sums)
        x = self._hand_on(name, joint, sums, None).read
        if head.kind == "sequence":
            x = self._ops.first("head.first", x)
        if network.dense is not None:
            assert head.activation  # a dense layer of a head has one
            x = self._ops.limited("head.dense", x, network.dense, None, head.activation)
        assert network.output is not None  # all heads but embeddings have it
        return self._ops.answer(self._ops.dense("head.output", x, network.output))

    def _embedding(self, network: Network, name: str, joint: Joint, sums: list[T]) -> T:
        parts, factors = [], joint.gamma
        for rows, held in zip(self._rows, sums, strict=True):
            normal, factors = self._normalise(f"{name}{rows.suffix}", joint, held)
            parts.append(normal)
        pooled = self._ops.pool("head.mean", parts, self._rows, network.head.pooling)
        pooled = self._affine("head.pooled", pooled, factors, joint.beta)
        if network.head.normalize:
            pooled = self._ops.times_rows("head.unit", pooled, self._ops.inverse_size("head.size", pooled))
        return self._ops.answer(pooled)
