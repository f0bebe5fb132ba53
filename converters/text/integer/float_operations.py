"""The operators in float32, many texts at once, with every tensor shown to an observer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from litesmith.calibration.text.encoding import PairTypes
from litesmith.converters.text.architecture import Activation, Pooling
from litesmith.converters.text.integer.blocks import Array, Dense, Side
from litesmith.converters.text.integer.functions import FUNCTIONS
from litesmith.converters.text.integer.operations import Rows

Ids = npt.NDArray[np.int32]
Valid = npt.NDArray[np.bool_]
# Takes a tensor's name, its values (N, rows, ...), and which rows (N, rows) are those of tokens.
Observe = Callable[[str, Array, Valid], None]

# Added to the scores of padding: its share is exactly 0, and a text of padding alone is still finite.
MASKED = np.float32(-1e9)
# Below the largest score of a row a share is under exp(-10), 5e-5: less than the 1/256 that int8 tells apart.
SOFTMAX_FLOOR = np.float32(-10.0)


@dataclass(frozen=True, slots=True, eq=False)
class Values:
    """A tensor.

    Attributes:
        array: (N, rows, C).
        start: place of the first row among the tokens; None where the rows are no tokens.
    """

    array: Array
    start: int | None = 0


def ignore(name: str, array: Array, valid: Valid) -> None:
    """Observe nothing."""


class FloatOperations:
    """Computes what the integer file approximates.

    Args:
        ids: (N, L).
        pad_id: of the padding.
        observe: is shown every tensor.
    """

    def __init__(self, ids: Ids, pad_id: int, observe: Observe = ignore) -> None:
        self._ids = ids
        self._pad_id = pad_id
        self._valid: Valid = ids != pad_id
        self._observe = observe

    def words(self, name: str, table: Array) -> Values:
        """See `Operations`."""
        return self._result(name, table[self._ids])

    def types(self, name: str, table: Array, told: PairTypes) -> Values:
        """See `Operations`."""
        return self._result(name, table[told.of(self._ids, self._pad_id)])

    def neighbours(self, name: str, x: Values) -> Values:
        """See `Operations`."""
        nothing = np.zeros_like(x.array[:, :1])
        following = np.concatenate([x.array[:, 1:], nothing], axis=1)
        previous = np.concatenate([nothing, x.array[:, :-1]], axis=1)
        return self._result(name, np.concatenate([following, x.array, previous], axis=2))

    def add_constant(self, name: str, x: Values, constant: Array) -> Values:
        """See `Operations`."""
        return self._result(name, x.array + constant, x.start)

    def add(self, name: str, a: Values, b: Values) -> Values:
        """See `Operations`."""
        return self._result(name, a.array + b.array, a.start)

    def scale(self, name: str, x: Values, factors: Array) -> Values:
        """See `Operations`."""
        return self._result(name, x.array * factors, x.start)

    def dense(self, name: str, x: Values, dense: Dense, *, relu: bool = False, symmetric: bool = False) -> Values:
        """See `Operations`."""
        result = _dense(x.array, dense)
        return self._result(name, np.maximum(result, 0) if relu else result, x.start)

    def wide_dense(self, name: str, x: Values, dense: Dense) -> Values:
        """See `Operations`."""
        return self.dense(name, x, dense)

    def beside(self, name: str, x: Values, read: Values, side: Side, output: Dense) -> tuple[Values, Dense]:
        """See `Operations`."""
        more = np.clip(_dense(read.array, side.up), 0, side.caps)
        self._result(f"{name}.side", more)
        both = self._result(name, np.concatenate([x.array, more], axis=-1))
        return both, Dense(np.concatenate([output.kernel, side.rows]), output.bias)

    def limited(self, name: str, x: Values, dense: Dense, limits: Array, activation: Activation) -> Values:
        """See `Operations`."""
        before = np.minimum(_dense(x.array, dense), limits)
        self._result(f"{name}.before", before, x.start)
        return self._result(name, FUNCTIONS[activation](before), x.start)

    def inverse_size(self, name: str, x: Values, factors: Array) -> Values:
        """See `Operations`."""
        sized = self._result(f"{name}.sized", x.array * factors, x.start)
        squares = self._result(f"{name}.squares", np.square(sized.array).sum(-1, keepdims=True), x.start)
        return self._result(f"{name}.size", 1 / np.sqrt(squares.array), x.start)

    def times_rows(self, name: str, x: Values, factors: Values, *, symmetric: bool = False) -> Values:
        """See `Operations`."""
        return self._result(name, x.array * factors.array, x.start)

    def centre(self, name: str, x: Values) -> Values:
        """See `Operations`."""
        return self._result(name, x.array - x.array.mean(-1, keepdims=True), x.start)

    def attend(self, name: str, query: Values, key: Values, value: Values, heads: int) -> Values:
        """See `Operations`."""
        q, k, v = (_split(x.array, heads) for x in (query, key, value))
        scores = q @ k.swapaxes(-1, -2)
        self._pairs(f"{name}.scores", scores)
        masked = scores + np.where(self._valid, np.float32(0), MASKED)[:, None, None]
        self._pairs(f"{name}.masked", masked)
        shares = np.exp(masked - masked.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        context = (shares @ v).transpose(0, 2, 1, 3).reshape(value.array.shape)
        return self._result(f"{name}.context", context)

    def part(self, name: str, x: Values, rows: Rows) -> Values:
        """See `Operations`."""
        return self._result(name, x.array[:, rows.start : rows.stop], rows.start)

    def read(self, name: str, parts: list[Values]) -> Values:
        """See `Operations`."""
        return self._result(name, np.concatenate([part.array for part in parts], axis=1))

    def first(self, name: str, x: Values) -> Values:
        """See `Operations`."""
        return self._result(name, x.array[:, :1])

    def pool(self, name: str, parts: list[Values], rows: tuple[Rows, ...], pooling: Pooling) -> Values:
        """See `Operations`."""
        for one, part in zip(rows, parts, strict=True):
            self._result(f"{name}{one.suffix}.part", part.array, one.start)
        tokens = np.concatenate([part.array for part in parts], axis=1)
        if pooling == "first":
            return self._result(name, tokens[:, :1], None)
        shares = (self._valid / np.maximum(self._valid.sum(1, keepdims=True), 1)).astype(np.float32)
        return self._result(name, shares[:, None] @ tokens, None)

    def answer(self, x: Values) -> Values:
        """See `Operations`."""
        return self._result("answer", x.array, x.start)

    def _result(self, name: str, array: Array, start: int | None = 0) -> Values:
        rows = array.shape[1]
        everything = np.ones((len(array), rows), np.bool_)
        self._observe(name, array, everything if start is None else self._valid[:, start : start + rows])
        return Values(array, start)

    def _pairs(self, name: str, scores: Array) -> None:
        """Show the limits of scores (N, heads, L, L) of tokens to tokens.

        Of what a softmax reads only those near the largest score of their row, or near 0 where that is positive: what
        is further below may be cut, as the scores of padding are.
        """
        tokens = np.where(self._valid[:, None, None], scores, -np.inf)
        floor = np.minimum(tokens.max(-1, keepdims=True), 0) + SOFTMAX_FLOOR
        if name.endswith(".masked"):
            tokens = np.maximum(tokens, floor)
        limits = np.stack([np.where(np.isfinite(tokens), tokens, np.inf).min(-1), tokens.max(-1)], axis=-1)
        self._observe(name, np.moveaxis(limits, 1, 2).astype(np.float32), self._valid)


def _dense(x: Array, dense: Dense) -> Array:
    return x @ dense.kernel + dense.bias


def _split(x: Array, heads: int) -> Array:
    """(N, L, heads * size) -> (N, heads, L, size)."""
    return x.reshape(*x.shape[:2], heads, -1).transpose(0, 2, 1, 3)
