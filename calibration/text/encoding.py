"""Ids of one or two texts -> the model's row: cut to what fits, framed by special tokens, padded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Encoding:
    """What a model of length L is given for one text or pair.

    Attributes:
        ids: `(L,)` int32.
        mask: `(L,)` int8, 1 where there is a token and 0 where there is padding.
        token_types: `(L,)` int32, as `PairTypes` finds them in the ids.
        second: places of the second text's tokens; none for one text.
    """

    ids: npt.NDArray[np.int32]
    mask: npt.NDArray[np.int8]
    token_types: npt.NDArray[np.int32]
    second: range


@dataclass(frozen=True, slots=True)
class PairTypes:
    """Token types as the ids alone say them, so that a model computes them and nobody can give it wrong ones.

    An end token that a text itself holds counts as any other one.

    Attributes:
        end: id of the token after each text.
        ends: how many of them stand before the second text.
        second: type of the second text, 0 or 1.
    """

    end: int
    ends: int
    second: int

    def of(self, ids: npt.NDArray[np.int32], pad: int) -> npt.NDArray[np.int32]:
        """Of rows `(..., L)`: `second` after so many ends, 0 before and at padding."""
        is_end = ids == self.end
        before = np.cumsum(is_end, axis=-1) - is_end
        return np.where((before >= self.ends) & (ids != pad), self.second, 0).astype(np.int32)


@dataclass(frozen=True, slots=True)
class Frame:
    """How a row is laid out: `start A end`, or `start A end*ends B end`, then `pad` up to `length`."""

    length: int
    start: int
    end: int
    pad: int
    ends: int
    second_type: int

    def single(self, first: Sequence[int]) -> Encoding:
        """A row of one text, whose end is cut off where it is too long."""
        return self._padded([self.start, *first[: self.length - 2], self.end], [])

    def pair(self, first: Sequence[int], second: Sequence[int]) -> Encoding:
        """A row of two texts, cut by `shares`."""
        one, two = shares(len(first), len(second), self.length - 2 - self.ends)
        return self._padded([self.start, *first[:one], *[self.end] * self.ends], [*second[:two], self.end])

    @property
    def pair_types(self) -> PairTypes:
        """How the ids of a row tell its second text."""
        return PairTypes(self.end, self.ends + (self.start == self.end), self.second_type)

    def _padded(self, first: list[int], second: list[int]) -> Encoding:
        used = len(first) + len(second)
        ids, mask = np.full(self.length, self.pad, np.int32), np.zeros(self.length, np.int8)
        ids[:used] = first + second
        mask[:used] = 1
        places = range(len(first), used - 1) if second else range(0)
        return Encoding(ids, mask, self.pair_types.of(ids, self.pad), places)


def shares(first: int, second: int, room: int) -> tuple[int, int]:
    """How many of two texts' tokens are kept, from their beginnings, where both have `room` places.

    The longer one is cut first. Where the shorter one has more than half as well, both get half, and the second the
    odd place; but where the second is the shorter, the first does.
    """
    if first + second <= room:
        return first, second
    short, long = min(first, second), max(first, second)
    # The tokenizers library's order: of equally long texts the first is the short one.
    long = max(short, room - short)
    if short + long > room:
        short = room // 2
        long = short + room % 2
    return (long, short) if first > second else (short, long)
