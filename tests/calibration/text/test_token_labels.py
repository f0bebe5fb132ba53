"""Rows back to words, and what a model says of each."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.calibration.text.special_tokens import AddedToken
from litesmith.calibration.text.spelling import Spelling
from litesmith.calibration.text.token_labels import labelled_pieces, labelled_words
from litesmith.errors import DataError
from tests.calibration.text.test_text_contract import byte_bpe, wordpiece

LABELS = ("O", "PER")


def words(contract, text):
    return [word.text for word in Spelling(contract).words(contract.encode(text).ids.tolist())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Unaffable a!", ["unaffable", "a", "!"]),
        ("a unknown a", ["a", "[UNK]", "a"]),
        ("a [SEP] un", ["a", "un"]),
        ("un[x]able", ["un", "[x]", "[UNK]"]),
        ("", []),
        (" \n ", []),
        ("a " * 40, ["a"] * 6),
    ],
)
def test_pieces_of_wordpiece_become_words(text, expected):
    assert words(wordpiece(), text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hi, you!", ["Hi,", "you!"]),
        ("a  b\tc\nd", ["a", "b", "c", "d"]),
        ("abc ü", ["abc", "ü"]),
        ("a<É>b c", ["a", "<É>", "b", "c"]),
        ("   ", []),
    ],
)
def test_pieces_of_bytes_become_words(text, expected):
    contract = byte_bpe(length=16)
    added = replace(contract, vocabulary=(*contract.vocabulary, "<É>"), added=(AddedToken("<É>"),))
    assert words(added, text) == expected


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_words_of_bytes_are_the_text_without_its_spaces(text):
    contract = byte_bpe(length=128)
    spaces = str.maketrans("", "", "\t\n\x0b\x0c\r ")
    assert "".join(words(contract, text)) == text.translate(spaces)


def test_a_character_that_is_cut_is_left_out():
    contract = byte_bpe(length=5)  # room for three bytes
    assert words(contract, "aüü") == ["aü"] and words(contract, "aaü") == ["aa"]


def test_a_word_has_the_label_of_its_first_piece():
    contract = wordpiece()
    row = contract.encode("unaffable a")
    assert row.ids.tolist() == [2, 4, 5, 6, 7, 3, 0, 0]
    logits = np.zeros((8, 2), np.float32)
    logits[1] = (0, 1)
    logits[2:4] = (9, 0)
    logits[4] = (1e30, 0)
    pieces = labelled_pieces(contract, row.ids, logits, LABELS)
    assert [(piece.place, piece.piece, piece.label) for piece in pieces] == [
        (1, "un", "PER"), (2, "##aff", "O"), (3, "##able", "O"), (4, "a", "O"),
    ]  # fmt: skip
    first, second = labelled_words(contract, row.ids, logits, LABELS)
    assert (first.text, first.label, first.pieces) == ("unaffable", "PER", pieces[:3])
    assert first.probability == pytest.approx(math.e / (1 + math.e), abs=1e-12)
    assert (second.text, second.label, second.probability) == ("a", "O", 1.0)


def test_the_first_of_equal_labels_is_taken():
    row = wordpiece().encode("a")
    (word,) = labelled_words(wordpiece(), row.ids, np.zeros((8, 2), np.float32), LABELS)
    assert (word.label, word.probability) == ("O", 0.5)


def test_what_does_not_fit_is_refused():
    row = wordpiece().encode("a")
    with pytest.raises(DataError, match=r"shape \(8, 3\) do not fit 8 ids and 2 labels"):
        labelled_words(wordpiece(), row.ids, np.zeros((8, 3), np.float32), LABELS)
    for value in (np.nan, np.inf):
        with pytest.raises(DataError, match="gave NaN or infinity"):
            labelled_pieces(wordpiece(), row.ids, np.full((8, 2), value, np.float32), LABELS)
    for number in (-1, len(wordpiece().vocabulary)):
        with pytest.raises(DataError, match="not all in a vocabulary"):
            labelled_pieces(wordpiece(), np.full(8, number, np.int32), np.zeros((8, 2), np.float32), LABELS)
