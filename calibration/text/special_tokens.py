"""Tokens that are found in the text as they are written, before it is cut: "[SEP]", "<mask>"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from litesmith.calibration.text.unicode_tables import unicode_tables
from litesmith.errors import DataError


@dataclass(frozen=True, slots=True)
class AddedToken:
    """A token that is one id wherever it stands in a text, also where a user typed it.

    Attributes:
        content: what is looked for, and the token of the vocabulary.
        normalized: it is normalised as the text is, and found in normalised text; else in the text as it came.
        lstrip: the spaces before it belong to it.
        rstrip: the spaces after it belong to it.

    Raises:
        DataError: at construction, if it is empty, or begins or ends with a space.
    """

    content: str
    normalized: bool = False
    lstrip: bool = False
    rstrip: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.content, str) or not self.content:
            raise DataError(f"text: an added token must be text, not {self.content!r}")
        if _is_space(self.content[0]) or _is_space(self.content[-1]):
            raise DataError(f"text: the added token {self.content!r} begins or ends with a space; leave the space out")
        for name in ("normalized", "lstrip", "rstrip"):
            if not isinstance(getattr(self, name), bool):
                raise DataError(f"text: {name} of the added token {self.content!r} must be true or false")


class AddedTokens:
    """Where added tokens stand in a text.

    Of those that begin at a place the longest is found, and from its end on the next is looked for. Spaces that
    `lstrip` or `rstrip` give to a token are dropped with it.

    Args:
        tokens: what is looked for, with the token that it is.
    """

    def __init__(self, tokens: Mapping[str, AddedToken]) -> None:
        longest_first = sorted(tokens, key=len, reverse=True)
        self._tokens = tokens
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if tokens else None

    def split(self, text: str) -> Iterator[str | AddedToken]:
        """The text's parts, none of them empty: added tokens, and what is between them."""
        start = 0
        for match in self._pattern.finditer(text) if self._pattern else ():
            token = self._tokens[match.group()]
            left = _spaces_begin(text, match.start()) if token.lstrip else match.start()
            if start < left:
                yield text[start:left]
            yield token
            start = _spaces_end(text, match.end()) if token.rstrip else match.end()
        if start < len(text):
            yield text[start:]


def _spaces_begin(text: str, end: int) -> int:
    while end > 0 and _is_space(text[end - 1]):
        end -= 1
    return end


def _spaces_end(text: str, start: int) -> int:
    while start < len(text) and _is_space(text[start]):
        start += 1
    return start


def _is_space(character: str) -> bool:
    return ord(character) in unicode_tables().spaces
