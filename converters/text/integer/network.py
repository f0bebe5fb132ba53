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
import numpy.typing as npt

from litesmith.converters.text.architecture import Activation, Head

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Dense:
    """`x @ kernel + bias`.

    Attributes:
        kernel: (inputs, outputs).
        bias: (outputs,).
    """

    kernel: Array
    bias: Array

    def __post_init__(self) -> None:
        if self.kernel.ndim != 2 or self.bias.shape != self.kernel.shape[1:]:
            raise ValueError(f"a kernel {self.kernel.shape} takes no bias {self.bias.shape}")

    def times(self, outputs: Array) -> Dense:
        """The layer with each output multiplied."""
        return Dense(self.kernel * outputs, self.bias * outputs)


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


@dataclass(frozen=True, slots=True, eq=False)
class Attention:
    """Self-attention; the factor 1 / sqrt(head size) is in the query already."""

    query: Dense
    key: Dense
    value: Dense
    output: Dense
    heads: int


@dataclass(frozen=True, slots=True, eq=False)
class FeedForward:
    """`down(activation(up(x)))`; what some units reach beyond a limit goes columns of its own, in stairs.

    For an activation that is the identity above the limit l:
    activation(u) = activation(min(u, l)) + min(relu(u - l), l) + min(relu(u - 2 l), l) + ... + relu(u - n l).

    Attributes:
        limit: infinite without stairs.
        stairs: for each column its unit and how many limits lie below it (1 to n).
    """

    up: Dense
    down: Dense
    activation: Activation
    limit: float = np.inf
    stairs: tuple[tuple[int, int], ...] = ()

    @property
    def limits(self) -> Array:
        """The limit of every unit, infinity without one."""
        limits = np.full_like(self.up.bias, np.inf)
        limits[[unit for unit, _ in self.stairs]] = self.limit
        return limits

    def beyond(self) -> Side:
        """The columns."""
        units = [unit for unit, _ in self.stairs]
        below = np.array([stair for _, stair in self.stairs], np.float32)
        top = np.array([(unit, stair + 1) not in self.stairs for unit, stair in self.stairs], np.bool_)
        up = Dense(self.up.kernel[:, units], self.up.bias[units] - below * np.float32(self.limit))
        return Side(up, np.where(top, np.inf, self.limit).astype(np.float32), self.down.kernel[units])


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """Columns set beside what a layer reads: `min(relu(read @ up + bias), caps)`, and the rows that read them.

    Attributes:
        up: (channels, columns).
        caps: (columns,), infinite without one.
        rows: (columns, outputs).
    """

    up: Dense
    caps: Array
    rows: Array


Branch = Attention | FeedForward | Dense


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """From one joint to the next: `sum = residual of the joint before + branch(what it is read as)`.

    Attributes:
        name: such as layers.0.attention.
        branch: None where nothing is added.
        residual: whether the joint before is added; not so for a projection to another width.
        joint: of the sum.
    """

    name: str
    branch: Branch | None
    residual: bool
    joint: Joint


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A whole encoder with its head.

    Attributes:
        word: table (V, E), divided by `word_scale`.
        word_scale: for each channel (E,); the two tables below are in the scale of `embeddings`.
        position: table (L, E), with the row of the only token type where types are no input.
        types: table (T, E) where token types are an input.
        embeddings: the joint of the sum of all three.
        steps: from there to the last joint, which the head reads.
        dense: of the head, with `head.activation` after it.
        output: of the head.
    """

    word: Array
    word_scale: Array
    position: Array
    types: Array | None
    embeddings: Joint
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
