"""The ids of a text without its frame: added tokens, and the pieces of what is between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Protocol

from litesmith.calibration.text.special_tokens import AddedToken, AddedTokens

# Words that come again and again are looked up once; longer ones do not fill the memory.
_CACHED_WORDS, _CACHED_LETTERS = 1 << 16, 64


class Model(Protocol):
    """`WordPiece` or `ByteBpe`."""

    def divide(self, text: str) -> Iterable[str | AddedToken]:
        """A text in words that do not depend on each other, and the added tokens that are found on the way."""

    def encode_word(self, word: str) -> list[int]:
        """The ids of one of these words."""


class Tokenizer:
    """Text -> ids. The added tokens that are looked for in the text as it came are found first.

    Args:
        ids: token -> id.
        model: what the text between them is cut by.
        added: what is looked for, with the token that it is.
    """

    def __init__(self, ids: Mapping[str, int], model: Model, added: Mapping[str, AddedToken]) -> None:
        self._ids, self._model, self._tokens = ids, model, added
        self._added = AddedTokens(added)
        self._remembered = lru_cache(maxsize=_CACHED_WORDS)(model.encode_word)

    def __reduce__(self) -> tuple[type[Tokenizer], tuple[Mapping[str, int], Model, Mapping[str, AddedToken]]]:
        # What is remembered stays behind when a contract is copied or sent to another process.
        return Tokenizer, (self._ids, self._model, self._tokens)

    def ids(self, text: str) -> list[int]:
        """All ids of a text that holds no surrogates."""
        result: list[int] = []
        for part in self._added.split(text):
            for word in self._model.divide(part) if isinstance(part, str) else (part,):
                if isinstance(word, AddedToken):
                    result.append(self._ids[word.content])
                elif len(word) <= _CACHED_LETTERS:
                    result += self._remembered(word)
                else:
                    result += self._model.encode_word(word)
        return result
