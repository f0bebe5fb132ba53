"""Smaller vocabularies: what stays, what is spelt, and where the rows of the embedding come from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litesmith.calibration.text.byte_bpe import ALPHABET
from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.pruned_vocabulary import counted, pruned
from litesmith.calibration.text.tokenizer_folder import contract_from_folder
from litesmith.errors import DataError


@pytest.fixture(scope="module")
def whole(minilm) -> TextContract:
    return contract_from_folder(minilm, 32)


@pytest.fixture(scope="module")
def byte_bpe(train_byte_bpe) -> TextContract:
    return contract_from_folder(train_byte_bpe(add_prefix_space=False), 32)


TEXTS = ["a charming and often affecting journey", "it's unflinchingly bleak & desperate!", "Ünaffable 2 [MASK]"]


def old_ids(contract: TextContract, ids) -> list[int]:
    assert contract.kept_ids is not None
    return [contract.kept_ids[place] for place in ids]


@pytest.mark.parametrize("which", ["whole", "byte_bpe"])
def test_texts_that_were_counted_stay_the_same_rows(request, which):
    contract = request.getfixturevalue(which)
    smaller = pruned(contract, counted(contract, TEXTS), 600)
    assert len(smaller.vocabulary) <= 600 < len(contract.vocabulary)
    rows = np.random.default_rng(1).normal(size=(len(contract.vocabulary), 4))
    kept_rows = rows[list(smaller.kept_ids)]
    for text in TEXTS:
        before, after = contract.encode(text), smaller.encode(text)
        assert old_ids(smaller, after.ids) == before.ids.tolist()
        assert (kept_rows[after.ids] == rows[before.ids]).all()


def test_what_must_stay(whole):
    smaller = pruned(whole, counted(whole, ["ab"]), 12)
    special = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}
    assert set(smaller.vocabulary) == special | {"a", "##a", "b", "##b", "ab"}
    assert smaller.vocabulary[0] == "[PAD]" and list(smaller.kept_ids) == sorted(smaller.kept_ids)
    with pytest.raises(DataError, match="9 tokens must stay, and size 8"):
        pruned(whole, counted(whole, ["ab"]), 8)


def test_the_most_frequent_stay(whole):
    counts = counted(whole, ["journey journey movie"])
    fewest = len(pruned(whole, {**dict.fromkeys(counts, 0), **dict.fromkeys("journeymvi", 1)}, 100).vocabulary)
    smaller = pruned(whole, counts, fewest + 1)
    assert "journey" in smaller.vocabulary and "movie" not in smaller.vocabulary
    assert [smaller.vocabulary[i] for i in smaller.pieces("movie")] == ["m", "##o", "##v", "##i", "##e"]


def test_pruning_what_was_pruned_keeps_the_first_ids(whole):
    once = pruned(whole, counted(whole, TEXTS), 200)
    twice = pruned(once, counted(once, TEXTS[:1]), 100)
    assert len(twice.vocabulary) < len(once.vocabulary)
    assert [whole.vocabulary[old] for old in twice.kept_ids] == list(twice.vocabulary)
    assert TextContract.from_files(twice.to_files()) == twice


def test_all_bytes_and_the_way_to_each_token_stay(byte_bpe):
    smaller = pruned(byte_bpe, counted(byte_bpe, TEXTS), 280)
    assert set(ALPHABET) <= set(smaller.vocabulary) and "<mask>" in smaller.vocabulary
    made = {"".join(pair) for pair in smaller.merges}
    special = {"<s>", "<pad>", "</s>", "<unk>", "<mask>"}
    assert set(smaller.vocabulary) == special | set(ALPHABET) | made and made


@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
@settings(max_examples=60)
def test_byte_bpe_still_spells_any_text(byte_bpe, text):
    smaller = pruned(byte_bpe, {}, 300)
    assert len(smaller.vocabulary) == 261 and smaller.unknown not in [
        smaller.vocabulary[i] for i in smaller.pieces(text)
    ]
    spelt = "".join(smaller.vocabulary[place] for place in smaller.pieces(text))
    if not any(token.content in text for token in smaller.added):
        assert bytes(map(ALPHABET.index, spelt)).decode() == text


def test_counts_of_another_vocabulary(whole):
    with pytest.raises(DataError, match="'Ġthe' is counted and not in the vocabulary"):
        pruned(whole, {"Ġthe": 3}, 100)
