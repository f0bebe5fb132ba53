"""What an encoder computes, operator by operator, written once for float and for integers."""

from __future__ import annotations

from dataclasses import replace
from typing import Generic, TypeVar

import numpy as np

from litesmith.converters.text.integer.blocks import Array, Attention, Dense, FeedForward, Side
from litesmith.converters.text.integer.handed import Handed, affine
from litesmith.converters.text.integer.network import Network, Step
from litesmith.converters.text.integer.operations import Operations, Rows

T = TypeVar("T")


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
        joints = [Handed(self._ops, self._rows, "embeddings", network.embeddings, self._embed(network))]
        for step in network.steps:
            joints.append(Handed(self._ops, self._rows, step.name, step.joint, self._sum(step, joints)))
        return self._head(network, joints[-1])

    def _embed(self, network: Network) -> list[T]:
        """The first sum, part by part: each adds its own tokens' positions."""
        words = self._words(network)
        told = network.pair_types
        types = None
        if network.types is not None and told is not None:
            types = self._ops.types("embeddings.type", network.types, told)
        sums = []
        for rows, x in zip(self._rows, words, strict=True):
            name = f"embeddings{rows.suffix}"
            if types is not None:
                x = self._ops.add(f"{name}.typed", x, self._ops.part(f"{name}.types", types, rows))
            sums.append(self._ops.add_constant(f"{name}.sum", x, network.position[rows.start : rows.stop]))
        return sums

    def _words(self, network: Network) -> list[T]:
        """What the ids stand for, in the scale of the first sum, part by part."""
        words = self._ops.words("embeddings.word", network.word)
        if network.neighbours is not None:
            three = self._ops.neighbours("embeddings.neighbours", words)
            return self._outputs("embeddings.words", three, network.neighbours)
        factors, named = network.word_scale / network.embeddings.scale, [f"embeddings{r.suffix}" for r in self._rows]
        return [
            self._ops.scale(f"{name}.scaled", self._ops.part(f"{name}.words", words, rows), factors)
            for name, rows in zip(named, self._rows, strict=True)
        ]

    def _sum(self, step: Step, joints: list[Handed[T]]) -> list[T]:
        """The parts of a step's sum."""
        if step.residual is None:
            return self._branch(step, None, joints)
        before = joints[step.residual]
        passed = before.residual(step.name, step.joint.scale)
        added = self._branch(step, before, joints)
        if not added:
            return passed
        return [
            self._ops.add(f"{step.name}{rows.suffix}.sum", held, more)
            for rows, held, more in zip(self._rows, passed, added, strict=True)
        ]

    def _branch(self, step: Step, before: Handed[T] | None, joints: list[Handed[T]]) -> list[T]:
        """What a step adds, part by part; less the mean of what it is added to."""
        branch, read = step.branch, [joints[place].read() for place in step.reads]
        mean = before.joint.mean if before is not None and step.joint.normalised else None
        sides = [] if mean is None else [_mean(step, mean)]
        if isinstance(branch, Attention):
            inner, output = self._attention(step.name, read, branch), branch.output
        elif isinstance(branch, FeedForward):
            inner = self._ops.limited(f"{step.name}.up", read[0], branch.up, branch.limits, branch.activation)
            output = branch.down
            sides += [branch.beyond()] if branch.stairs else []
        elif isinstance(branch, Dense):
            inner, output = read[0], branch
        elif before is not None and sides:
            (side,) = sides
            columns = self._ops.dense(f"{step.name}.side", before.read(), side.up, relu=True)
            return self._outputs(step.name, columns, Dense(side.rows, np.zeros_like(step.joint.scale)))
        else:
            return []
        if before is not None and sides:
            inner, output = self._ops.beside(f"{step.name}.inner", inner, before.read(), _together(sides), output)
        return self._outputs(step.name, inner, output)

    def _outputs(self, name: str, x: T, dense: Dense) -> list[T]:
        """A layer for each part on its own: what massive rows give has another range."""
        results = []
        for rows in self._rows:
            part = self._ops.part(f"{name}{rows.suffix}.inner.part", x, replace(rows, wide=False))
            layer = self._ops.wide_dense if rows.wide else self._ops.dense
            results.append(layer(f"{name}{rows.suffix}.output", part, dense))
        return results

    def _attention(self, name: str, read: list[T], attention: Attention) -> T:
        query = self._ops.dense(f"{name}.query", read[0], attention.query)
        key = self._ops.dense(f"{name}.key", read[1], attention.key, symmetric=True)
        value = self._ops.dense(f"{name}.value", read[2], attention.value, symmetric=True)
        return self._ops.attend(name, query, key, value, attention.heads)

    def _head(self, network: Network, last: Handed[T]) -> T:
        head = network.head
        if head.kind == "embedding":
            return self._embedding(network, last)
        x = last.read()
        if head.kind == "sequence":
            x = self._ops.first("head.first", x)
        if network.dense is not None:
            assert head.activation  # a dense layer of a head has one
            x = self._ops.limited(
                "head.dense", x, network.dense, np.full_like(network.dense.bias, np.inf), head.activation
            )
        assert network.output is not None  # all heads but embeddings have it
        return self._ops.answer(self._ops.dense("head.output", x, network.output))

    def _embedding(self, network: Network, last: Handed[T]) -> T:
        normal = last.normal(symmetric=True)
        pooled = self._ops.pool("head.mean", [part for part, _ in normal], self._rows, network.head.pooling)
        factors = normal[0][1]
        pooled = affine(self._ops, "head.pooled", pooled, factors, last.joint.beta)
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
