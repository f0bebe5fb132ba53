"""The contract's rows are those of the tokenizers library, id for id."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.sentences import read_sentences
from litesmith.calibration.text.tokenizer_folder import contract_from_folder
from tests.calibration.text.text_vectors import vectors

tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is what the contract is compared with")

LENGTH = 48
SWITCHES = [
    {"lowercase": False},
    {"lowercase": True, "strip_accents": False, "handle_chinese_chars": False},
    {"lowercase": False, "strip_accents": True, "clean_text": False},
]
ADDED = [
    {"content": "Émile", "normalized": True},
    {"content": "<x>", "normalized": False, "lstrip": True, "rstrip": True},
    {"content": "<x", "normalized": False},
]
TYPED = [
    "Émile émile EMILE xÉmiley",
    "a <x>  <x> b<x",
    "[SEP][SEP] a",
    "<x><x",
    " <mask>  <mask>b ",
    "<s> a</s>",
    "É mile",
]
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


class Pair:
    """A contract, and the library's tokenizer for the same rows."""

    def __init__(self, folder, length: int = LENGTH) -> None:
        self.contract = contract_from_folder(folder, length)
        self.library = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.library.enable_truncation(length)
        self.library.enable_padding(length=length, pad_id=self.contract.pad_id, pad_token=self.contract.pad)

    def check(self, text: str, pair: str | None = None) -> None:
        ours, theirs = self.contract.encode(text, pair), self.library.encode(text, pair)
        assert ours.ids.tolist() == theirs.ids, repr((text, pair))
        assert ours.mask.tolist() == theirs.attention_mask
        if not self.typed_specials(theirs):
            assert ours.token_types.tolist() == theirs.type_ids

    def typed_specials(self, row: Any) -> bool:
        """Whether a text holds the end or the padding: the library's types go by place then, ours by the ids alone."""
        specials = (self.contract.pair_types.end, self.contract.pad_id)
        return any(i in specials and not framed for i, framed in zip(row.ids, row.special_tokens_mask, strict=True))

    def check_all(self, texts: list[str]) -> None:
        for text in texts:
            self.check(text)
        for text, pair in zip(texts[::3], texts[1::3], strict=False):
            self.check(text, pair)
        again = TextContract.from_files(self.contract.to_files())
        assert (again.encode_all(texts) == self.contract.encode_all(texts)).all()


@pytest.fixture(scope="module")
def real(minilm):
    return Pair(minilm)


@pytest.fixture(scope="module")
def cased(train_wordpiece):
    return Pair(train_wordpiece(lowercase=False))


@pytest.fixture(scope="module")
def byte_bpe(train_byte_bpe):
    return Pair(train_byte_bpe(add_prefix_space=False))


@pytest.fixture(scope="module")
def with_prefix_space(train_byte_bpe):
    return train_byte_bpe(add_prefix_space=True)


def test_minilm(real, samples):
    assert len(samples) >= 2_000
    real.check_all(samples)


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_wordpiece_with_other_switches(train_wordpiece, samples, switches):
    Pair(train_wordpiece(**switches)).check_all(samples)


@pytest.mark.parametrize("add_prefix_space", [False, True])
def test_byte_bpe(train_byte_bpe, samples, add_prefix_space):
    Pair(train_byte_bpe(add_prefix_space)).check_all(samples)


def test_added_tokens_of_wordpiece(train_wordpiece):
    pair = Pair(train_wordpiece(added=ADDED, lowercase=True))
    pair.check_all(TYPED)
    assert pair.contract.vocabulary[pair.contract.pieces("xeMILEy")[1]] == "Émile"


@pytest.mark.parametrize("add_prefix_space", [False, True])
def test_added_tokens_of_byte_bpe(train_byte_bpe, add_prefix_space):
    Pair(train_byte_bpe(add_prefix_space, added=ADDED)).check_all(TYPED)


def test_every_sentence_of_sst2_dev(real, byte_bpe, real_data):
    texts = read_sentences(real_data / "sst2" / "dev.tsv")
    assert len(texts) == 872
    for pair in (real, byte_bpe):
        pair.check_all(list(texts))


@given(text=any_text, other=any_text)
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text(real, cased, byte_bpe, text, other):
    for pair in (real, cased, byte_bpe):
        pair.check(text)
        pair.check(text, other)


@given(counts=st.tuples(st.integers(0, 30), st.integers(0, 30)), length=st.integers(6, 40))
@settings(max_examples=60)
def test_pairs_are_cut_alike(byte_bpe, with_prefix_space, counts, length):
    Pair(with_prefix_space, length).check("a " * counts[0], "b " * counts[1])


def test_golden_vectors_for_other_languages(real):
    texts = list(vectors(real.contract, count=300))
    assert len(texts) == 400
    for vector in texts:
        theirs = real.library.encode(vector["text"], vector["pair"])
        used = sum(theirs.attention_mask)
        assert vector["ids"] == theirs.ids[:used]
        assert vector["token_types"] == theirs.type_ids[:used] or real.typed_specials(theirs)


def test_the_files_from_before_tokenizer_json(minilm, train_byte_bpe, tmp_path, samples):
    (tmp_path / "vocab.txt").write_bytes((minilm / "vocab.txt").read_bytes())
    old, new = contract_from_folder(tmp_path, LENGTH), contract_from_folder(minilm, LENGTH)
    assert old == new and old.digest == new.digest

    folder = train_byte_bpe(add_prefix_space=True)
    model = json.loads((folder / "tokenizer.json").read_text())["model"]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
    merges = "".join(f"{left} {right}\n" for left, right in model["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}")
    (folder / "tokenizer_config.json").write_text(
        '{"add_prefix_space": true, "tokenizer_class": "RobertaTokenizerFast"}'
    )
    new = contract_from_folder(folder, LENGTH)
    (folder / "tokenizer.json").unlink()
    old = contract_from_folder(folder, LENGTH)
    assert (old.encode_all(samples) == new.encode_all(samples)).all()
