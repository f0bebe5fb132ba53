"""WordPiece: words to the longest pieces that the vocabulary has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from litesmith.calibration.text.normalise import Normaliser
from litesmith.calibration.text.pretokenize import bert_words
from litesmith.calibration.text.special_tokens import AddedToken, AddedTokens

# What begins a piece that does not begin a word.
CONTINUES = "##"


@dataclass(frozen=True, slots=True)
class WordPiece:
    """Text -> ids.

    The text is normalised, added tokens are found in what came of that, and the rest is split into words
    (`pretokenize.bert_words`). From the left, each word gives the longest piece of the vocabulary that it begins with,
    then the same for what is left, with "##" before it. A word of which a part has no piece, or that is longer than
    `longest_word` code points, is the unknown token as a whole.

    Attributes:
        ids: token -> id.
        unknown: id of the unknown token.
        normaliser: applied first.
        longest_word: in code points, after normalisation.
        added: tokens that are looked for in normalised text; none of them holds a space.
    """

    ids: Mapping[str, int]
    unknown: int
    normaliser: Normaliser
    longest_word: int
    added: AddedTokens

    def divide(self, text: str) -> Iterable[str]:
        """What stands between U+0020: no step looks beyond one."""
        return text.split(" ")

    def encode_word(self, word: str) -> list[int]:
        """The ids of a text, here of what `divide` gave as one."""
        result: list[int] = []
        for part in self.added.split(self.normaliser(word)):
            if isinstance(part, AddedToken):
                result.append(self.ids[part.content])
            else:
                result += [piece for found in bert_words(part) for piece in self._pieces(found)]
        return result

    def _pieces(self, word: str) -> list[int]:
        if len(word) > self.longest_word:
            return [self.unknown]
        result, start = [], 0
        while start < len(word):
            found = self._longest(word, start)
            if found is None:
                return [self.unknown]
            start, piece = found
            result.append(piece)
        return result

    def _longest(self, word: str, start: int) -> tuple[int, int] | None:
        """Where the longest piece ends, and its id."""
        prefix = CONTINUES if start else ""
        for end in range(len(word), start, -1):
            piece = self.ids.get(prefix + word[start:end])
            if piece is not None:
                return end, piece
        return None
