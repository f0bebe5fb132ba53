"""BERT's normalisation of text, step by step over the contract's own tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from litesmith.calibration.text.unicode_tables import unicode_tables

# Hangul syllables decompose by arithmetic (The Unicode Standard, section 3.12).
_SYLLABLES, _COUNT, _TAILS, _VOWELS_AND_TAILS = 0xAC00, 11172, 28, 588
_LEADS, _VOWELS, _LAST = 0x1100, 0x1161, 0x11A7


class _Translation(dict[int, str]):
    """What single code points become; each is looked up in the tables once."""

    def __init__(self, translate: Callable[[int], str]) -> None:
        super().__init__()
        self._translate = translate

    def __missing__(self, point: int) -> str:
        self[point] = self._translate(point)
        return self[point]


@dataclass(frozen=True, slots=True)
class Normaliser:
    """Text -> text, in this order; a step that is off is left out.

    1. `clean_text`: code points of `removed` are dropped, those of `spaces` become U+0020.
    2. `chinese_characters`: a U+0020 before and one after each code point of `chinese`.
    3. `strip_accents`: each code point is decomposed (`stripped`, Hangul syllables by arithmetic); each longest run of
       code points whose order is not 0 is sorted by order, equal ones staying as they were; `marks` are dropped.
    4. `lowercase`: each code point becomes `lowered` of it, whatever stands beside it.

    What is between two U+0020 never changes what is beyond them, so text may be normalised word by word.
    """

    clean_text: bool
    chinese_characters: bool
    strip_accents: bool
    lowercase: bool

    def __call__(self, text: str) -> str:
        """Normalise; the text holds no surrogates."""
        if self.clean_text:
            text = text.translate(_cleaned())
        if self.chinese_characters and not text.isascii():
            text = text.translate(_spaced())
        if self.strip_accents and not text.isascii():
            text = _without_marks(text.translate(_decomposed()))
        return text.translate(_lowered()) if self.lowercase else text


@cache
def _cleaned() -> _Translation:
    tables = unicode_tables()
    return _Translation(lambda p: "" if p in tables.removed else " " if p in tables.spaces else chr(p))


@cache
def _spaced() -> _Translation:
    chinese = unicode_tables().chinese
    return _Translation(lambda point: f" {chr(point)} " if point in chinese else chr(point))


@cache
def _decomposed() -> _Translation:
    stripped = unicode_tables().stripped
    return _Translation(lambda point: _syllable(point) or stripped.get(point, chr(point)))


@cache
def _lowered() -> _Translation:
    lowered = unicode_tables().lowered
    return _Translation(lambda point: lowered.get(point, chr(point)))


def _syllable(point: int) -> str:
    """A Hangul syllable's two or three letters; empty for other code points."""
    index = point - _SYLLABLES
    if not 0 <= index < _COUNT:
        return ""
    vowel, tail = index % _VOWELS_AND_TAILS // _TAILS, index % _TAILS
    letters = chr(_LEADS + index // _VOWELS_AND_TAILS) + chr(_VOWELS + vowel)
    return letters + chr(_LAST + tail) if tail else letters


def _without_marks(text: str) -> str:
    tables = unicode_tables()
    result: list[str] = []
    run: list[str] = []
    for character in text:
        if ord(character) in tables.orders:
            run.append(character)
            continue
        result += _sorted(run)
        run.clear()
        result.append(character)
    result += _sorted(run)
    return "".join(c for c in result if ord(c) not in tables.marks)


def _sorted(run: list[str]) -> list[str]:
    orders = unicode_tables().orders
    return sorted(run, key=lambda character: orders[ord(character)]) if len(run) > 1 else run
