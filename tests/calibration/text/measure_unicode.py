"""Asks the tokenizers library, code point by code point, for the Unicode facts that the text contract rests on.

Writes `unicode_classes.py` and `unicode_mappings.py`, which hold them as data: the library's parts follow several
Unicode versions, none of them Python's.

Usage: python tests/calibration/text/measure_unicode.py calibration/text
"""

import sys
import textwrap
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path

# Every Unicode scalar value: surrogates are none.
POINTS = [point for point in range(0x110000) if not 0xD800 <= point <= 0xDFFF]
# Its own normal form in every step, and part of no other character's.
_BETWEEN = "1"


def normalised(normalizer) -> dict[int, str]:
    """What each code point becomes."""
    result = {}
    for first in range(0, len(POINTS), 20_000):
        points = [point for point in POINTS[first : first + 20_000] if chr(point) != _BETWEEN]
        joined = _BETWEEN.join(["", *map(chr, points), ""])
        pieces = normalizer.normalize_str(joined)[1:-1].split(_BETWEEN)
        assert len(pieces) == len(points)
        result.update(zip(points, pieces, strict=True))
    return result


def bert_step(**switches: bool):
    from tokenizers.normalizers import BertNormalizer

    off = {"clean_text": False, "handle_chinese_chars": False, "strip_accents": False, "lowercase": False}
    return normalised(BertNormalizer(**{**off, **switches}))


def bert_classes() -> dict[str, set[int]]:
    from tokenizers.pre_tokenizers import BertPreTokenizer

    clean, chinese = bert_step(clean_text=True), bert_step(handle_chinese_chars=True)
    split = BertPreTokenizer().pre_tokenize_str
    parts = {point: len(split(f"x{chr(point)}x")) for point in POINTS}
    return {
        "REMOVED": {point for point, text in clean.items() if not text},
        "SPACES": {point for point, count in parts.items() if count == 2},
        "PUNCTUATION": {point for point, count in parts.items() if count == 3},
        "CHINESE": {point for point, text in chinese.items() if text == f" {chr(point)} "},
        "MARKS": {point for point, text in bert_step(strip_accents=True).items() if not text},
    }


def byte_level_classes() -> dict[str, set[int]]:
    from tokenizers.pre_tokenizers import ByteLevel

    split = ByteLevel(add_prefix_space=False).pre_tokenize_str
    together = {
        kind: {point for point in POINTS if len(split(kind + chr(point) + kind)) == 1} for kind in ("a", "1", "!")
    }
    spaces = set(POINTS) - set.union(*together.values())
    return {"LETTERS": together["a"], "NUMBERS": together["1"], "BYTE_LEVEL_SPACES": spaces}


def orders() -> dict[int, int]:
    """Canonical combining class, where it is not 0, of each code point that does not decompose."""
    import unicodedata

    from tokenizers.normalizers import NFD

    whole = normalised(NFD())
    kept = [chr(point) for point, text in whole.items() if text == chr(point)]

    def swapped(first: str, second: str) -> bool:
        text = _BETWEEN + first + second
        return NFD().normalize_str(text) != text

    # U+0345 has the highest class, 240, and U+0334 the lowest, 1: what moves beside neither has class 0.
    moving = [c for c in kept if swapped("\u0345", c) or swapped(c, "\u0334")]
    known: dict[int, str] = {}
    for character in moving:
        known.setdefault(unicodedata.combining(character), character)
    result = {}
    for character in moving:
        (result[ord(character)],) = (
            order for order, c in known.items() if not swapped(c, character) and not swapped(character, c)
        )
    return result


def stripped(marks: set[int]) -> dict[int, str]:
    """Decomposition without the marks that are dropped, or with them where nothing else is left; no Hangul."""
    from tokenizers.normalizers import NFD

    result = {}
    for point, text in normalised(NFD()).items():
        if text != chr(point) and not 0xAC00 <= point <= 0xD7A3:
            result[point] = "".join(c for c in text if ord(c) not in marks) or text
    return result


def lowered() -> dict[int, str]:
    return {point: text for point, text in bert_step(lowercase=True).items() if text != chr(point)}


def ranges(points: Iterable[int]) -> list[tuple[int, int]]:
    """(gap since the end of the one before, length)."""
    result: list[tuple[int, int]] = []
    end = 0
    for point in sorted(points):
        if result and point == end:
            result[-1] = (result[-1][0], result[-1][1] + 1)
        else:
            result.append((point - end, 1))
        end = point + 1
    return result


def ranges_text(points: Iterable[int]) -> str:
    return " ".join(f"{gap:x} {length:x}" for gap, length in ranges(points))


def orders_text(table: dict[int, int]) -> str:
    return mapping_text({point: f"{order:x}" for point, order in table.items()}, str)


def letters_text(table: dict[int, str]) -> str:
    return mapping_text(table, lambda text: "+".join(f"{ord(c):x}" for c in text))


def mapping_text(table: dict[int, str], write: Callable[[str], str]) -> str:
    """Pairs: the distance to the code point before, and what it becomes."""
    points = sorted(table)
    return " ".join(f"{after - before:x} {write(table[after])}" for before, after in pairwise([0, *points]))


def module(heading: str, tables: dict[str, str]) -> str:
    parts = [f'"""{heading}\n\nMeasured from the tokenizers library by measure_unicode.py; not edited by hand.\n"""\n']
    for name, text in tables.items():
        parts.append(f'{name} = """\n' + "\n".join(textwrap.wrap(text, 119)) + '\n"""\n')
    return "\n".join(parts)


def modules() -> dict[str, str]:
    classes = {**bert_classes(), **byte_level_classes()}
    assert classes.pop("BYTE_LEVEL_SPACES") == classes["SPACES"]
    sets = {name: ranges_text(points) for name, points in classes.items()}
    heading = "Classes of code points, as ranges: hexadecimal pairs of the gap since the last range, and the length."
    mappings = {
        "ORDERS": orders_text(orders()),
        "STRIPPED": letters_text(stripped(classes["MARKS"])),
        "LOWERED": letters_text(lowered()),
    }
    return {
        "unicode_classes.py": module(heading, sets),
        "unicode_mappings.py": module(
            "What code points become: hexadecimal pairs of the distance to the one before, and the result.", mappings
        ),
    }


if __name__ == "__main__":
    for name, text in modules().items():
        (Path(sys.argv[1]) / name).write_text(text)
