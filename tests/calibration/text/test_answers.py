"""The answer to a question, out of the logits of a row."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.calibration.text.answers import MOST_PIECES, best_answer
from litesmith.errors import DataError
from tests.calibration.text.test_text_contract import byte_bpe, wordpiece


def logits(length, starts=(), ends=()):
    """Zero but for some places."""
    values = np.zeros((length, 2), np.float32)
    for column, given_there in enumerate((starts, ends)):
        for place, value in dict(given_there).items():
            values[place, column] = value
    return values


def test_the_best_span_of_the_passage():
    contract = wordpiece(length=12)
    row = contract.encode("a", "unaffable a!")
    assert row.ids.tolist() == [2, 7, 3, 4, 5, 6, 7, 8, 3, 0, 0, 0] and row.second == range(3, 8)
    found = best_answer(contract, row, logits(12, {1: 90, 4: 3, 8: 90}, {2: 90, 6: 2.5, 3: 2, 9: 90}))
    assert (found.text, found.first, found.last, found.score) == ("affable a", 4, 6, 5.5)


@pytest.mark.parametrize(("question", "first"), [("a", 4), ("[SEP] a", 5)])
def test_a_separator_in_the_question_moves_the_passage(question, first):
    contract = wordpiece(length=16, pair_ends=2)
    row = contract.encode(question, "a!")
    assert row.second == range(first, first + 2)
    assert best_answer(contract, row, logits(16)).text == "a"


def test_bytes_are_the_passage_as_it_was():
    contract = byte_bpe(length=32)
    row = contract.encode("a?", "Das ist  Ü, ja.")
    first = row.second.start + 4
    found = best_answer(contract, row, logits(32, {first: 5}, {first + 5: 5}))
    assert found.text == "ist" and row.second.start == 5
    found = best_answer(contract, row, logits(32, {first: 5}, {first + 6: 5}))
    assert found.text == "ist  Ü"


def test_at_most_so_many_pieces():
    contract = byte_bpe(length=64)
    row = contract.encode("b", "a" * 50)
    first = row.second.start
    near, far = {first + MOST_PIECES - 1: 5}, {first + MOST_PIECES: 5}
    assert best_answer(contract, row, logits(64, {first: 10}, near)).score == 15
    assert best_answer(contract, row, logits(64, {first: 10}, far)).score == 10


def test_no_answer_ends_before_it_begins():
    contract = byte_bpe(length=16)
    row = contract.encode("b", "aaaa")
    found = best_answer(contract, row, logits(16, {7: 4}, {5: 4}))
    assert row.second == range(4, 8) and (found.first, found.last, found.score) == (4, 5, 4.0)


def test_a_part_of_a_character_is_no_answer():
    contract = byte_bpe(length=24)
    row = contract.encode("a", "a 😀 b")
    smile = next(place for place in row.second if contract.vocabulary[row.ids[place]] == "\u00f0")
    found = best_answer(contract, row, logits(24, {smile: 20}, {smile: 9, smile + 1: 8}))
    assert (found.text, found.first, found.last, found.score) == ("😀", smile, smile + 3, 20)


@pytest.mark.parametrize("passage", ["", "  \n"])
@pytest.mark.parametrize("contract", [wordpiece(), byte_bpe()])
def test_no_passage_has_no_answer(contract, passage):
    assert best_answer(contract, contract.encode("a", passage), logits(contract.length)) is None


def test_no_answer_begins_or_ends_with_a_separator_that_was_typed():
    contract = wordpiece(length=12)
    row = contract.encode("a", "[SEP] a [SEP] a [SEP]")
    found = best_answer(contract, row, logits(12, {3: 90, 4: 5}, {7: 90, 6: 5}))
    assert row.second == range(3, 8) and (found.text, found.first, found.last) == ("a [SEP] a", 4, 6)


def test_one_text_has_no_passage():
    contract = wordpiece()
    assert best_answer(contract, contract.encode("a"), logits(8)) is None


def test_what_does_not_fit_is_refused():
    row = wordpiece().encode("a", "a")
    with pytest.raises(DataError, match=r"shape \(8, 3\) do not fit 8 ids"):
        best_answer(wordpiece(), row, np.zeros((8, 3), np.float32))
    for value in (np.nan, np.inf, -np.inf):
        with pytest.raises(DataError, match="gave NaN or infinity"):
            best_answer(wordpiece(), row, np.full((8, 2), value, np.float32))


@given(st.integers(0, 2**32 - 1), st.integers(0, 60))
def test_it_is_the_best_of_all_and_its_probability_their_share(seed, length):
    contract = byte_bpe(length=64)
    row = contract.encode("b", "a" * length)
    values = np.random.default_rng(seed).integers(-9, 9, (64, 2)).astype(np.float32)
    scores = {
        (first, last): float(values[first, 0] + values[last, 1])
        for first, last in product(row.second, repeat=2)
        if 0 <= last - first < 30
    }
    found = best_answer(contract, row, values)
    assert (found is None) == (not scores)
    if found is not None:
        assert (found.first, found.last) == max(scores, key=lambda span: (scores[span], -span[0], -span[1]))
        assert found.probability == pytest.approx(np.exp(found.score) / np.exp(list(scores.values())).sum(), rel=1e-9)
