"""The operators that an encoder is a program of; one class computes them, another one writes them into a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

from litesmith.calibration.text.encoding import PairTypes
from litesmith.converters.text.architecture import Activation, Pooling
from litesmith.converters.text.integer.blocks import Array, Dense, Side

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Rows:
    """Tokens `start` to `stop` of every text; sums of wide ones are held in int16, the others in int8."""

    start: int
    stop: int
    wide: bool

    @property
    def suffix(self) -> str:
        """What tells the part's tensors from those of the others."""
        return ".wide" if self.wide else ""


class Operations(Protocol[T]):
    """One tensor is a `T`: (N, L, C) in float, (L, C) of the one text in a file.

    Every result has a name, under which its range is kept.
    """

    def words(self, name: str, table: Array) -> T:
        """Rows of a table (V, C) by the ids: (L, C)."""

    def types(self, name: str, table: Array, told: PairTypes) -> T:
        """Rows of a table (T, C) by the token types, which follow from the ids: (L, C)."""

    def neighbours(self, name: str, x: T) -> T:
        """The rows of the next and the previous token on either side of each token's own: (L, C) to (L, 3 C).

        At the ends, where there is none, zeros; padding is a neighbour as any token.
        """

    def add_constant(self, name: str, x: T, constant: Array) -> T:
        """Sum of (rows, C) and a constant (rows, C) or (C,)."""

    def add(self, name: str, a: T, b: T) -> T:
        """Sum of two of one shape."""

    def scale(self, name: str, x: T, factors: Array) -> T:
        """Each channel times its factor (C,)."""

    def dense(self, name: str, x: T, dense: Dense, *, relu: bool = False, symmetric: bool = False) -> T:
        """`x @ kernel + bias`, with a relu after it; symmetric: the integers' zero point is 0."""

    def wide_dense(self, name: str, x: T, dense: Dense) -> T:
        """`x @ kernel + bias` in int16."""

    def beside(self, name: str, x: T, read: T, side: Side, output: Dense) -> tuple[T, Dense]:
        """`x` with the side's columns of `read` set beside it, and the layer that reads both."""

    def limited(self, name: str, x: T, dense: Dense, limits: Array, activation: Activation) -> T:
        """`activation(min(x @ kernel + bias, limits))`."""

    def inverse_size(self, name: str, x: T, factors: Array) -> T:
        """1 / sqrt(sum of the squares of a row, each channel times its factor first): (rows, 1)."""

    def times_rows(self, name: str, x: T, factors: T, *, symmetric: bool = False) -> T:
        """Each row of (rows, C) times its factor (rows, 1); symmetric: the integers' zero point is 0."""

    def centre(self, name: str, x: T) -> T:
        """Each row less its mean. In float only: the rewrites do without it."""

    def attend(self, name: str, query: T, key: T, value: T, heads: int) -> T:
        """Attention of several heads to what is no padding: (L, C)."""

    def part(self, name: str, x: T, rows: Rows) -> T:
        """Those rows, in the part's own width."""

    def read(self, name: str, parts: list[T]) -> T:
        """The parts below each other, in int8 as dense layers read them."""

    def first(self, name: str, x: T) -> T:
        """The first token's row: (1, C)."""

    def pool(self, name: str, parts: list[T], rows: tuple[Rows, ...], pooling: Pooling) -> T:
        """One row for all tokens that are no padding: (1, C), in int16."""

    def answer(self, x: T) -> T:
        """What the model gives."""
