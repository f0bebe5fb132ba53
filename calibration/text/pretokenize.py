"""How text is cut before its pieces are looked up: BERT's words, and those of GPT-2's byte-level BPE."""

from __future__ import annotations

from functools import lru_cache
from typing import Literal

from litesmith.calibration.text.unicode_tables import unicode_tables

Kind = Literal["letter", "number", "space", "other"]
# GPT-2's contractions, in the order of its pattern; only with this apostrophe and in lower case.
_CONTRACTIONS = ("'s", "'t", "'re", "'ve", "'m", "'ll", "'d")


def bert_words(text: str) -> list[str]:
    """Normalised text -> words: `spaces` divide and are dropped, each code point of `punctuation` is a word."""
    result, start = [], 0
    for place, character in enumerate(text):
        kind = _bert_kind(character)
        if kind == "letter":
            continue
        if start < place:
            result.append(text[start:place])
        if kind == "other":
            result.append(character)
        start = place + 1
    return [*result, text[start:]] if start < len(text) else result


def byte_level_words(text: str) -> list[str]:
    r"""Text -> words that joined are the text, as GPT-2's pattern finds them from the left.

    ``'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+``: the first of these that fits:

    1. a contraction;
    2. one U+0020 or none, then all letters, all numbers, or all that are neither letter, number nor space;
    3. all spaces up to the end of the text; or, if something follows them, all but the last of them; or that last one.
    """
    result, start = [], 0
    while start < len(text):
        end = _word_end(text, start)
        result.append(text[start:end])
        start = end
    return result


def _word_end(text: str, start: int) -> int:
    for contraction in _CONTRACTIONS:
        if text.startswith(contraction, start):
            return start + len(contraction)
    first = start + 1 if text[start] == " " and start + 1 < len(text) else start
    kind = _byte_level_kind(text[first])
    if kind != "space":
        return _run_end(text, first, kind)
    end = _run_end(text, start, "space")
    return end if end == len(text) or end == start + 1 else end - 1


def _run_end(text: str, start: int, kind: Kind) -> int:
    end = start
    while end < len(text) and _byte_level_kind(text[end]) == kind:
        end += 1
    return end


@lru_cache(maxsize=1 << 16)
def _bert_kind(character: str) -> Kind:
    tables = unicode_tables()
    if ord(character) in tables.spaces:
        return "space"
    return "other" if ord(character) in tables.punctuation else "letter"


@lru_cache(maxsize=1 << 16)
def _byte_level_kind(character: str) -> Kind:
    tables, point = unicode_tables(), ord(character)
    if point in tables.letters:
        return "letter"
    if point in tables.numbers:
        return "number"
    return "space" if point in tables.spaces else "other"
