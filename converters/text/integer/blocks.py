"""What is added to a sum: dense layers, attention and feed-forward networks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from litesmith.converters.text.architecture import Activation

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


def inputs(branch: Branch | None) -> tuple[Dense, ...]:
    """The layers that read what joints hand on."""
    if isinstance(branch, Attention):
        return branch.query, branch.key, branch.value
    if isinstance(branch, FeedForward):
        return (branch.up,)
    return () if branch is None else (branch,)
