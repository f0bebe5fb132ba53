"""Byte-level byte-pair encoding, as GPT-2 and RoBERTa have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from itertools import pairwise

from litesmith.calibration.text.pretokenize import byte_level_words
from litesmith.calibration.text.special_tokens import AddedToken, AddedTokens

Pair = tuple[str, str]
# The bytes that stand for themselves as the character of that number; the others, in ascending order, are written as
# the characters from U+0100 on.
_PRINTED = (*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100))


def byte_alphabet() -> tuple[str, ...]:
    """The character that a token has for each of the 256 bytes."""
    others = [byte for byte in range(256) if byte not in _PRINTED]
    return tuple(chr(b) if b in _PRINTED else chr(0x100 + others.index(b)) for b in range(256))


ALPHABET = byte_alphabet()


@dataclass(frozen=True, slots=True)
class ByteBpe:
    """Text -> ids.

    With `add_prefix_space`, what stands between added tokens and does not begin with U+0020 gets one in front. It is
    cut (`pretokenize.byte_level_words`), each word becomes its UTF-8 bytes and those the characters of `ALPHABET`.
    Then, again and again, of the neighbours that `ranks` holds, those of the lowest rank become one, the leftmost
    first.

    Attributes:
        ids: token -> id; it has the whole alphabet and what each merge makes.
        ranks: pair -> its place among the merges.
        add_prefix_space: whether a text begins like a word in the middle of one.
        added: tokens that are looked for where the text as it came held no others.
    """

    ids: Mapping[str, int]
    ranks: Mapping[Pair, int]
    add_prefix_space: bool
    added: AddedTokens

    def divide(self, text: str) -> Iterable[str | AddedToken]:
        """Words, and added tokens between them."""
        for part in self.added.split(text):
            if isinstance(part, AddedToken):
                yield part
            else:
                gap = " " if self.add_prefix_space and not part.startswith(" ") else ""
                yield from byte_level_words(gap + part)

    def encode_word(self, word: str) -> list[int]:
        """Ids of what `byte_level_words` gave as one."""
        symbols = "".join(ALPHABET[byte] for byte in word.encode())
        return [self.ids[piece] for piece in merged(symbols, self.ranks)]


def merged(symbols: str, ranks: Mapping[Pair, int]) -> list[str]:
    """The pieces that are left when no neighbours can become one; in n log n steps for n symbols."""
    pieces: list[str] = list(symbols)
    after = [*range(1, len(pieces)), -1]
    before = list(range(-1, len(pieces) - 1))
    waiting = [(ranks[p], i, p) for i, p in enumerate(pairwise(pieces)) if p in ranks]
    heapify(waiting)
    while waiting:
        _, left, pair = heappop(waiting)
        right = after[left]
        # One of the two was merged into another piece since.
        if right < 0 or (pieces[left], pieces[right]) != pair:
            continue
        pieces[left], pieces[right] = pair[0] + pair[1], ""
        after[left] = after[right]
        if after[left] >= 0:
            before[after[left]] = left
        for first in (before[left], left):
            if first >= 0 and after[first] >= 0:
                found = (pieces[first], pieces[after[first]])
                if found in ranks:
                    heappush(waiting, (ranks[found], first, found))
    return [piece for piece in pieces if piece]
