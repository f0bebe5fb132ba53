"""The Unicode facts of the text contract, the same in Python and in generated Kotlin.

Python, Java and the parts of the tokenizers library (0.23) follow different versions of Unicode. The tables follow the
library, as measured on every code point: its marks and its punctuation are of Unicode 8, its decompositions and
orders of Unicode 9, its letters and numbers of Unicode 16, its lower case of Unicode 17. They are small: classes are
sorted ranges that are searched by halves, mappings are what differs from the code point itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from litesmith.calibration.text import unicode_classes, unicode_mappings

Range = tuple[int, int]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PointSet:
    """A class of code points.

    Attributes:
        ranges: (first, last), ascending, with gaps between them.
    """

    ranges: tuple[Range, ...]

    def __contains__(self, point: int) -> bool:
        # The last range that begins at or before the point; every second value of a pair is above all code points.
        place = bisect_right(self.ranges, (point, 0x110000)) - 1
        return place >= 0 and point <= self.ranges[place][1]


@dataclass(frozen=True, slots=True)
class UnicodeTables:
    """What the contract knows of Unicode.

    Attributes:
        removed: NUL, U+FFFD, and general categories Cc, Cf and Co but for tab, line feed and carriage return: what
            cleaning drops. Unassigned code points stay.
        spaces: White_Space. Those that are not removed become U+0020 when text is cleaned.
        punctuation: the ASCII characters ``!-/:-@[-`{-~`` and general categories P*.
        chinese: the blocks that BERT puts spaces around: CJK ideographs, no kana and no Hangul.
        marks: general category Mn: dropped from decomposed text.
        letters: L* for byte-level BPE.
        numbers: N* for byte-level BPE.
        orders: canonical combining class, where it is not 0.
        stripped: canonical decomposition, in full and without marks (with them where nothing else would be left).
            Hangul syllables are not in it: their decomposition is computed.
        lowered: lower case of a single code point, wherever it stands; only U+0130 becomes two.
    """

    removed: PointSet
    spaces: PointSet
    punctuation: PointSet
    chinese: PointSet
    marks: PointSet
    letters: PointSet
    numbers: PointSet
    orders: Mapping[int, int]
    stripped: Mapping[int, str]
    lowered: Mapping[int, str]


@cache
def unicode_tables() -> UnicodeTables:
    """The tables, unpacked once."""
    return UnicodeTables(
        removed=_point_set(unicode_classes.REMOVED),
        spaces=_point_set(unicode_classes.SPACES),
        punctuation=_point_set(unicode_classes.PUNCTUATION),
        chinese=_point_set(unicode_classes.CHINESE),
        marks=_point_set(unicode_classes.MARKS),
        letters=_point_set(unicode_classes.LETTERS),
        numbers=_point_set(unicode_classes.NUMBERS),
        orders=_mapping(unicode_mappings.ORDERS, lambda text: int(text, 16)),
        stripped=_mapping(unicode_mappings.STRIPPED, _characters),
        lowered=_mapping(unicode_mappings.LOWERED, _characters),
    )


def _point_set(packed: str) -> PointSet:
    numbers = [int(word, 16) for word in packed.split()]
    ranges, end = [], 0
    for gap, length in zip(numbers[::2], numbers[1::2], strict=True):
        first, end = end + gap, end + gap + length
        ranges.append((first, end - 1))
    return PointSet(tuple(ranges))


def _mapping(packed: str, read: Callable[[str], T]) -> dict[int, T]:
    words = packed.split()
    result, point = {}, 0
    for distance, value in zip(words[::2], words[1::2], strict=True):
        point += int(distance, 16)
        result[point] = read(value)
    return result


def _characters(text: str) -> str:
    return "".join(chr(int(word, 16)) for word in text.split("+"))
