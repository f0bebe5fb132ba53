"""From the ids of a row back to what a person reads: the words that their pieces spell."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from litesmith.calibration.text.byte_bpe import ALPHABET
from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.wordpiece import CONTINUES

# Bytes that are a space by themselves: U+0009 to U+000D and U+0020.
_SPACES = (*range(0x09, 0x0E), 0x20)
_SPACE_CHARACTERS = "".join(map(chr, _SPACES))
_SPACE_SYMBOLS = frozenset(ALPHABET[byte] for byte in _SPACES)
_BYTES = {symbol: bytes([byte]) for byte, symbol in enumerate(ALPHABET)}


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a row: what its pieces spell, and their places in the row, one after another."""

    text: str
    places: tuple[int, ...]


class Spelling:
    """What the pieces of a contract spell: the text as the contract normalised it.

    So it may be in lower case and without accents, and has the unknown token where a word has no pieces.

    Args:
        contract: which made the rows.
    """

    def __init__(self, contract: TextContract) -> None:
        self._tokens = contract.vocabulary
        self._frame = {contract.pad, contract.start, contract.end}
        self._added = {token.content for token in contract.added}
        self._by_bytes = contract.kind == "byte_bpe"

    def words(self, ids: Sequence[int]) -> tuple[Word, ...]:
        """The words of a row.

        Padding, start and end divide words and are in none. An added token is a word by itself. Any other piece
        continues the word before it where it begins with "##" (WordPiece), or where it does not begin with a space
        (byte-level BPE); of the latter, pieces of spaces alone divide as well.

        Args:
            ids: of the row, (L,).
        """
        groups: list[list[int]] = []
        divided = True
        for place, number in enumerate(ids):
            token = self._tokens[number]
            if self._divides(token):
                divided = True
                continue
            alone = token in self._added
            if divided or alone or self._begins(token):
                groups.append([])
            groups[-1].append(place)
            divided = alone
        return tuple(Word(self.text([ids[place] for place in places]), tuple(places)) for places in groups)

    def text(self, ids: Iterable[int]) -> str:
        """What ids spell together; an added token is written as it is.

        WordPiece: the pieces with a space between, but for those that begin with "##", which goes. Byte-level BPE: the
        bytes as UTF-8 without what is no whole character, and without spaces at both ends.
        """
        tokens = [self._tokens[number] for number in ids]
        if self._by_bytes:
            runs = groupby(tokens, key=self._added.__contains__)
            return "".join("".join(run) if added else _decoded(run) for added, run in runs).strip(_SPACE_CHARACTERS)
        parts = [f" {token}" if self._begins(token) else token.removeprefix(CONTINUES) for token in tokens]
        return "".join(parts).removeprefix(" ")

    def token(self, number: int) -> str:
        """The piece of an id, as the vocabulary has it."""
        return self._tokens[number]

    def in_frame(self, number: int) -> bool:
        """Whether an id is that of padding, start or end."""
        return self._tokens[number] in self._frame

    def _divides(self, token: str) -> bool:
        blank = self._by_bytes and token not in self._added and _SPACE_SYMBOLS.issuperset(token)
        return blank or token in self._frame

    def _begins(self, token: str) -> bool:
        if self._by_bytes:
            return token[0] in _SPACE_SYMBOLS
        return token in self._added or not token.startswith(CONTINUES)


def _decoded(symbols: Iterable[str]) -> str:
    """The text of bytes that are written as characters."""
    found = b"".join(_BYTES.get(symbol, symbol.encode()) for token in symbols for symbol in token)
    return found.decode("utf-8", errors="ignore")
