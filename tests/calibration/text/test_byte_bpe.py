"""Merging, against the definition."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from litesmith.calibration.text.byte_bpe import ALPHABET, merged


def by_definition(symbols: str, ranks: dict[tuple[str, str], int]) -> list[str]:
    pieces = list(symbols)
    while True:
        places = [(ranks[pair], i) for i, pair in enumerate(pairwise(pieces)) if pair in ranks]
        if not places:
            return pieces
        _, left = min(places)
        pieces[left : left + 2] = [pieces[left] + pieces[left + 1]]


piece = st.text("ab", min_size=1, max_size=3)


@given(symbols=st.text("ab", max_size=24), pairs=st.lists(st.tuples(piece, piece), unique=True, max_size=12))
def test_the_lowest_rank_and_the_leftmost_first(symbols, pairs):
    ranks = {pair: rank for rank, pair in enumerate(pairs)}
    assert merged(symbols, ranks) == by_definition(symbols, ranks)


def test_a_long_word_takes_no_square_time():
    ranks = {("a" * 2**k, "a" * 2**k): k for k in range(14)}
    assert merged("a" * 2**16, ranks) == ["a" * 2**14] * 4


def test_the_alphabet():
    assert len(set(ALPHABET)) == 256
    assert (ALPHABET[0], ALPHABET[10], ALPHABET[32], ALPHABET[65], ALPHABET[0xAD]) == ("Ā", "Ċ", "Ġ", "A", "Ń")
