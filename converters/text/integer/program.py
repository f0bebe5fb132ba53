"""What an encoder computes, operator by operator, written once for float and for integers."""

from __future__ import annotations

from dataclasses import replace
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from litesmith.converters.text.integer.blocks import Array, Attention, Dense, FeedForward, Side
from litesmith.converters.text.integer.network import Joint, Network, Step, normal_factors
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
            passed = self._hand_on(name, joint, sums, step.joint.scale if step.residual else None)
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

    def _normalise(self, name: str, joint: Joint, held: T, *, symmetric: bool = False) -> tuple[T, Array]:
        """The normalised sum, and what to multiply it by: (1 / size) times sqrt(C) * gamma is gamma / deviation."""
        factors = normal_factors(joint)
        if not joint.normalised:
            return held, factors
        if not joint.centred:
            held = self._ops.centre(f"{name}.centred", self._ops.scale(f"{name}.scaled", held, joint.scale))
            inverse = self._ops.inverse_size(name, held, np.ones_like(joint.scale))
            return self._ops.times_rows(f"{name}.normal", held, inverse, symmetric=symmetric), factors / joint.scale
        inverse = self._ops.inverse_size(name, held, joint.scale)
        return self._ops.times_rows(f"{name}.normal", held, inverse, symmetric=symmetric), factors

    def _affine(self, name: str, x: T, factors: Array, shift: Array) -> T:
        if not shift.any():
            return self._ops.scale(name, x, factors)
        return self._ops.add_constant(name, self._ops.scale(f"{name}.scaled", x, factors), shift)

    def _sum(self, step: Step, before: Joint, passed: _Passed[T]) -> list[T]:
        """The parts of a step's sum."""
        added = self._branch(step, before, passed.read)
        if not step.residual:
            return added
        if not added:
            return passed.residual
        return [
            self._ops.add(f"{step.name}{rows.suffix}.sum", held, more)
            for rows, held, more in zip(self._rows, passed.residual, added, strict=True)
        ]

    def _branch(self, step: Step, before: Joint, x: T) -> list[T]:
        """What a step adds, part by part; less the mean of what it is added to."""
        sides = [] if before.mean is None else [_mean(step, before.mean)]
        branch = step.branch
        if isinstance(branch, Attention):
            inner, output = self._attention(step.name, x, branch), branch.output
        elif isinstance(branch, FeedForward):
            inner = self._ops.limited(f"{step.name}.up", x, branch.up, branch.limits, branch.activation)
            output = branch.down
            sides += [branch.beyond()] if branch.stairs else []
        elif isinstance(branch, Dense):
            inner, output = x, branch
        elif sides:
            (side,) = sides
            columns = self._ops.dense(f"{step.name}.side", x, side.up, relu=True)
            return self._outputs(step.name, columns, Dense(side.rows, np.zeros_like(step.joint.scale)))
        else:
            return []
        if sides:
            inner, output = self._ops.beside(f"{step.name}.inner", inner, x, _together(sides), output)
        return self._outputs(step.name, inner, output)

    def _outputs(self, name: str, x: T, dense: Dense) -> list[T]:
        """A layer for each part on its own: what massive rows give has another range."""
        results = []
        for rows in self._rows:
            part = self._ops.part(f"{name}{rows.suffix}.inner.part", x, replace(rows, wide=False))
            layer = self._ops.wide_dense if rows.wide else self._ops.dense
            results.append(layer(f"{name}{rows.suffix}.output", part, dense))
        return results

    def _attention(self, name: str, x: T, attention: Attention) -> T:
        query = self._ops.dense(f"{name}.query", x, attention.query)
        key = self._ops.dense(f"{name}.key", x, attention.key, symmetric=True)
        value = self._ops.dense(f"{name}.value", x, attention.value, symmetric=True)
        return self._ops.attend(name, query, key, value, attention.heads)

    def _head(self, network: Network, name: str, joint: Joint, sums: list[T]) -> T:
        head = network.head
        if head.kind == "embedding":
            return self._embedding(network, name, joint, sums)
        x = self._hand_on(name, joint, sums, None).read
        if head.kind == "sequence":
            x = self._ops.first("head.first", x)
        if network.dense is not None:
            assert head.activation  # a dense layer of a head has one
            x = self._ops.limited(
                "head.dense", x, network.dense, np.full_like(network.dense.bias, np.inf), head.activation
            )
        assert network.output is not None  # all heads but embeddings have it
        return self._ops.answer(self._ops.dense("head.output", x, network.output))

    def _embedding(self, network: Network, name: str, joint: Joint, sums: list[T]) -> T:
        parts, factors = [], joint.gamma
        for rows, held in zip(self._rows, sums, strict=True):
            normal, factors = self._normalise(f"{name}{rows.suffix}", joint, held, symmetric=True)
            parts.append(normal)
        pooled = self._ops.pool("head.mean", parts, self._rows, network.head.pooling)
        pooled = self._affine("head.pooled", pooled, factors, joint.beta)
        if network.head.normalize:
            pooled = self._ops.times_rows(
                "head.unit", pooled, self._ops.inverse_size("head", pooled, np.ones_like(factors))
            )
        return self._ops.answer(pooled)


def _mean(step: Step, mean: Array) -> Side:
    """Minus the mean of the residual: m is relu(m) - relu(-m)."""
    up = Dense(np.stack([mean, -mean], axis=1), np.zeros(2, np.float32))
    return Side(up, np.full(2, np.inf, np.float32), np.stack([-1 / step.joint.scale, 1 / step.joint.scale]))


def _together(sides: list[Side]) -> Side:
    up = Dense(
        np.concatenate([side.up.kernel for side in sides], axis=1), np.concatenate([side.up.bias for side in sides])
    )
    return Side(up, np.concatenate([side.caps for side in sides]), np.concatenate([side.rows for side in sides]))
