"""An encoder in the form that the rewrites work on: dense layers, and the sums between them.

A sum of branches (a residual) is held in a scale for each channel, and so is what dense layers read:

    sum = scale * held          read = (normalised sum * gamma + beta) / feed

All scales are 1 in a network that was just made. A rewrite that changes one changes the kernels before and after it,
so that the network computes what it did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from litesmith.calibration.text.encoding import PairTypes
from litesmith.converters.text.architecture import Head
from litesmith.converters.text.integer.blocks import Array, Branch, Dense, FeedForward, inputs


@dataclass(frozen=True, slots=True, eq=False)
class Joint:
    """A sum of branches, what it becomes, and how that is handed on. All vectors have one value for each channel.

    Attributes:
        gamma: factor after normalisation.
        beta: added after it.
        scale: of the sum, as above.
        feed: of what dense layers read, as above.
        normalised: whether the sum is brought to mean 0 and variance 1 over its channels (layer normalisation).
        centred: the sum has mean 0 by itself, so that only its size is normalised.
        passes_sum: the residual is the sum itself (pre-norm), not what it becomes.
        mean: what is read times this vector is the mean to take from the next sum; None where it has none.
    """

    gamma: Array
    beta: Array
    scale: Array
    feed: Array
    normalised: bool = True
    centred: bool = False
    passes_sum: bool = False
    mean: Array | None = None

    @classmethod
    def of(cls, gamma: Array, beta: Array, *, normalised: bool = True, passes_sum: bool = False) -> Joint:
        """A joint with scales of 1."""
        ones = np.ones_like(gamma)
        return cls(gamma, beta, ones, ones, normalised=normalised, passes_sum=passes_sum)

    def fed(self, factors: Array) -> Joint:
        """The joint with what dense layers read divided further."""
        mean = None if self.mean is None else self.mean * factors
        return replace(self, feed=self.feed * factors, mean=mean)


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """To a joint from joints before it: `sum = residual of a joint + branch(what joints are read as)`.

    A joint is named by its place: 0 is that of the embeddings, i + 1 that of step i.

    Attributes:
        name: such as layers.0.attention.
        branch: None where nothing is added.
        reads: place of the joint that each of the branch's input layers reads, in their order.
        residual: place of the joint that is added; None for a projection to another width.
        joint: of the sum.
    """

    name: str
    branch: Branch | None
    reads: tuple[int, ...]
    residual: int | None
    joint: Joint

    def __post_init__(self) -> None:
        if len(self.reads) != len(inputs(self.branch)):
            raise ValueError(f"{self.name} reads {len(self.reads)} joints by {len(inputs(self.branch))} layers")
        if isinstance(self.branch, FeedForward) and self.reads != (self.residual,):
            raise ValueError(f"{self.name} is a feed-forward network that is not added to what it reads")


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A whole encoder with its head.

    Attributes:
        word: table (V, E), divided by `word_scale`.
        word_scale: for each channel (E,); the two tables below are in the scale of `embeddings`.
        position: table (L, E), with the row of the first token type where all tokens are of that.
        types: table (T, E) where token types tell the texts of a pair apart.
        pair_types: how they follow from the ids; None without that table.
        embeddings: the joint of the sum of all three.
        neighbours: the layer that reads each token's row of `word` between those of the next and the previous token,
            (3 E, H), and gives what is added in place of the row (MobileBERT's trigrams); `word_scale` is then 1.
        steps: from there to the last joint, which the head reads.
        dense: of the head, with `head.activation` after it.
        output: of the head.
    """

    word: Array
    word_scale: Array
    position: Array
    types: Array | None
    pair_types: PairTypes | None
    embeddings: Joint
    neighbours: Dense | None
    steps: tuple[Step, ...]
    head: Head
    dense: Dense | None
    output: Dense | None
    pad_id: int

    @property
    def length(self) -> int:
        """Tokens of a text, padding included."""
        return int(self.position.shape[0])

    @property
    def joints(self) -> tuple[Joint, ...]:
        """Every joint in order: the one before step i is at place i."""
        return (self.embeddings, *(step.joint for step in self.steps))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the joints, in the order of `joints`."""
        return ("embeddings", *(step.name for step in self.steps))

    @property
    def sums(self) -> tuple[str, ...]:
        """Names of the tensors that hold the sums of the joints, in the order of `joints`."""
        return ("embeddings.sum", *(f"{step.name}.{self._held(step)}" for step in self.steps))

    def _held(self, step: Step) -> str:
        if step.residual is None:
            return "output"
        mean = self.joints[step.residual].mean if step.joint.normalised else None
        return "residual" if step.branch is None and mean is None else "sum"

    def with_joints(self, joints: Sequence[Joint]) -> Network:
        """The network with other joints, in the order of `joints`."""
        steps = (replace(step, joint=joint) for step, joint in zip(self.steps, joints[1:], strict=True))
        return replace(self, embeddings=joints[0], steps=tuple(steps))


def normal_factors(joint: Joint) -> Array:
    """What the held sum, divided by its size where that is done, is multiplied by to be normalised."""
    if not joint.normalised:
        return joint.scale * joint.gamma
    # 1 / size is 1 / (sqrt(C) * deviation).
    result: Array = joint.scale * joint.gamma * np.float32(joint.gamma.size**0.5)
    return result
