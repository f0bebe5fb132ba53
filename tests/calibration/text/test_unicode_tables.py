"""The tables are what the tokenizers library does, for every code point."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.calibration.text import unicode_classes
from litesmith.calibration.text.normalise import Normaliser
from litesmith.calibration.text.pretokenize import bert_words, byte_level_words
from litesmith.calibration.text.unicode_tables import PointSet, unicode_tables
from tests.calibration.text import measure_unicode

tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is what the tables follow")
STEPS = ("clean_text", "chinese_characters", "strip_accents", "lowercase")
SETS = ("removed", "spaces", "punctuation", "chinese", "marks", "letters", "numbers")
# Outside of these all is ideographs, Hangul syllables, private use or unassigned, with few exceptions.
VARIED = ((0, 0x33FF), (0xA000, 0xABFF), (0xD7A4, 0x1FFFF), (0x2F800, 0x2FA1F), (0xE0000, 0xE01FF))


def blocks():
    """Code points: all where they vary, the ends of all ranges, and every 64th."""
    points = {point for first, last in VARIED for point in range(first, last + 1)} | set(range(0, 0x110000, 64))
    for name in SETS:
        for first, last in getattr(unicode_tables(), name).ranges:
            points |= {first - 1, first, last, last + 1}
    known = sorted(points.intersection(measure_unicode.POINTS))
    assert len(known) > 100_000
    return (known[first : first + 1024] for first in range(0, len(known), 1024))


@pytest.mark.parametrize("step", [*STEPS, "all"])
def test_each_step_of_normalisation(step):
    switches = {name: step in (name, "all") for name in STEPS}
    ours = Normaliser(**switches)
    switches["handle_chinese_chars"] = switches.pop("chinese_characters")
    theirs = tokenizers.normalizers.BertNormalizer(**switches)
    for block in blocks():
        text = "".join(f"{chr(point)}1" for point in block)
        assert ours(text) == theirs.normalize_str(text), hex(block[0])


def test_words_around_each_code_point():
    bert = tokenizers.pre_tokenizers.BertPreTokenizer()
    byte_level = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    for block in blocks():
        text = "".join(f"{chr(point)}a{chr(point)}1{chr(point)}! " for point in block)
        assert bert_words(text) == [word for word, _ in bert.pre_tokenize_str(text)]
        theirs = byte_level.pre_tokenize_str(text)
        assert byte_level_words(text) == [text[first:last] for _, (first, last) in theirs], hex(block[0])


@pytest.mark.slow
def test_the_data_are_what_is_measured():
    for name, text in measure_unicode.modules().items():
        assert (Path(unicode_classes.__file__).parent / name).read_text() == text, "run measure_unicode.py again"


@given(text=st.text(st.sampled_from([chr(point) for point in unicode_tables().orders] + ["a", "é", "각", "ྃ"])))
def test_marks_move_as_in_the_library(text):
    ours = Normaliser(clean_text=False, chinese_characters=False, strip_accents=True, lowercase=False)
    theirs = tokenizers.normalizers.BertNormalizer(False, False, True, False)
    assert ours(text) == theirs.normalize_str(text)


@given(text=st.text(st.sampled_from(" \t\n\u00a0\u3000a1!'strelvdmSTé٣½…")))
def test_byte_level_words_of_hard_places(text):
    theirs = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False).pre_tokenize_str(text)
    assert byte_level_words(text) == [text[first:last] for _, (first, last) in theirs]
    assert "".join(byte_level_words(text)) == text


def test_ranges_are_found_at_their_ends():
    points = PointSet(((3, 5), (9, 9)))
    assert [point for point in range(12) if point in points] == [3, 4, 5, 9]


def test_facts_that_differ_from_other_unicode_versions():
    tables = unicode_tables()
    assert 0x200B in tables.removed and 0x00AD in tables.removed and 0xFFFD in tables.removed  # Cf and U+FFFD
    assert 0x0378 not in tables.removed  # unassigned
    assert 0x110CD not in tables.removed  # Cf since Unicode 11, beyond the library's tables
    assert 0x2E52 not in tables.punctuation  # punctuation since Unicode 14
    assert ord("$") in tables.punctuation and ord("€") not in tables.punctuation
    assert 0x08D3 not in tables.marks  # a mark since Unicode 11
    assert tables.lowered[0x0130] == "i\u0307" and tables.lowered[0x16EA0] == "\U00016ebb"  # the latter of Unicode 17
    assert 0x3042 not in tables.chinese and 0xAC00 not in tables.chinese  # kana and Hangul


def test_a_table_is_small_enough_for_an_app():
    tables = unicode_tables()
    ranges = sum(len(getattr(tables, name).ranges) for name in SETS)
    assert ranges < 1_500 and len(tables.stripped) + len(tables.lowered) + len(tables.orders) < 5_000
