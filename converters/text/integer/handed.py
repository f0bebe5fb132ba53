"""A sum that a joint holds, and what it hands on: to dense layers, and to later sums."""

from __future__ import annotations

from typing import Generic, TypeVar

import numpy as np

from litesmith.converters.text.integer.blocks import Array
from litesmith.converters.text.integer.network import Joint, normal_factors
from litesmith.converters.text.integer.operations import Operations, Rows

T = TypeVar("T")


class Handed(Generic[T]):
    """One joint of a program; what is never asked for is never computed.

    Args:
        ops: computes the operators, or writes them.
        rows: the parts that the sum is held in.
        name: of the joint.
        joint: what becomes of the sum.
        sums: the parts.
    """

    def __init__(self, ops: Operations[T], rows: tuple[Rows, ...], name: str, joint: Joint, sums: list[T]) -> None:
        self.joint = joint
        self._ops = ops
        self._rows = rows
        self._name = name
        self._sums = sums
        self._normal: list[tuple[T, Array]] = []
        self._read: list[T] = []

    def read(self) -> T:
        """The normalised sum as dense layers read it, all parts together."""
        if not self._read:
            joint = self.joint
            parts = [
                affine(self._ops, f"{part}.fed", normal, factors / joint.feed, joint.beta / joint.feed)
                for part, (normal, factors) in zip(self._parts(), self.normal(), strict=True)
            ]
            self._read.append(self._ops.read(f"{self._name}.read", parts))
        return self._read[0]

    def residual(self, step: str, scale: Array) -> list[T]:
        """What a step's sum takes, in the scale of that sum, part by part."""
        names, joint = [f"{step}{rows.suffix}.residual" for rows in self._rows], self.joint
        if joint.passes_sum:
            factors = joint.scale / scale
            return [self._ops.scale(name, held, factors) for name, held in zip(names, self._sums, strict=True)]
        return [
            affine(self._ops, name, normal, factors / scale, joint.beta / scale)
            for name, (normal, factors) in zip(names, self.normal(), strict=True)
        ]

    def normal(self, *, symmetric: bool = False) -> list[tuple[T, Array]]:
        """Each part normalised, and what to multiply it by: (1 / size) times sqrt(C) * gamma is gamma / deviation."""
        if not self._normal:
            parts = zip(self._parts(), self._sums, strict=True)
            self._normal.extend(self._normalise(part, held, symmetric=symmetric) for part, held in parts)
        return self._normal

    def _parts(self) -> list[str]:
        return [f"{self._name}{rows.suffix}" for rows in self._rows]

    def _normalise(self, name: str, held: T, *, symmetric: bool) -> tuple[T, Array]:
        ops, joint, factors = self._ops, self.joint, normal_factors(self.joint)
        if not joint.normalised:
            return held, factors
        if not joint.centred:
            held = ops.centre(f"{name}.centred", ops.scale(f"{name}.scaled", held, joint.scale))
            inverse = ops.inverse_size(name, held, np.ones_like(joint.scale))
            return ops.times_rows(f"{name}.normal", held, inverse, symmetric=symmetric), factors / joint.scale
        inverse = ops.inverse_size(name, held, joint.scale)
        return ops.times_rows(f"{name}.normal", held, inverse, symmetric=symmetric), factors


def affine(ops: Operations[T], name: str, x: T, factors: Array, shift: Array) -> T:
    """`x * factors + shift`, the shift left out where it is 0."""
    if not shift.any():
        return ops.scale(name, x, factors)
    return ops.add_constant(name, ops.scale(f"{name}.scaled", x, factors), shift)
