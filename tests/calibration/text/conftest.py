"""Tokenizers to compare with: the real one of MiniLM, and some that the tokenizers library trains here."""

from pathlib import Path

import pytest

from tests.calibration.text.text_samples import sentences

BERT_TOKENS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.fixture(scope="session")
def samples() -> list[str]:
    """2,400 sentences in several scripts, the same in every run."""
    return sentences(2_400, seed=7)


@pytest.fixture(scope="session")
def train_wordpiece(tmp_path_factory, samples):
    """Trains a WordPiece tokenizer and gives its folder."""
    tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is what the contract is compared with")

    def train(added=(), **normalizer) -> Path:
        result = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
        result.normalizer = tokenizers.normalizers.BertNormalizer(**normalizer)
        result.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
        trainer = tokenizers.trainers.WordPieceTrainer(
            vocab_size=3_000, special_tokens=BERT_TOKENS, show_progress=False
        )
        result.train_from_iterator(samples[:800], trainer)
        result.add_tokens([tokenizers.AddedToken(**token) for token in added])
        result.post_processor = tokenizers.processors.TemplateProcessing(
            single="[CLS] $A [SEP]",
            pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
        )
        folder = tmp_path_factory.mktemp("wordpiece")
        result.save(str(folder / "tokenizer.json"))
        return folder

    return train


@pytest.fixture(scope="session")
def train_byte_bpe(tmp_path_factory, samples):
    """Trains a byte-level BPE tokenizer with RoBERTa's frame and gives its folder."""
    tokenizers = pytest.importorskip("tokenizers", reason="tokenizers is what the contract is compared with")

    def train(add_prefix_space: bool, added=()) -> Path:
        result = tokenizers.Tokenizer(tokenizers.models.BPE())
        result.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=add_prefix_space)
        mask = tokenizers.AddedToken("<mask>", lstrip=True, normalized=False, special=True)
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=1_500,
            initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(),
            special_tokens=["<s>", "<pad>", "</s>", "<unk>", mask],
            show_progress=False,
        )
        result.train_from_iterator(samples[:800], trainer)
        result.add_tokens([tokenizers.AddedToken(**token) for token in added])
        result.post_processor = tokenizers.processors.RobertaProcessing(
            ("</s>", 2), ("<s>", 0), add_prefix_space=add_prefix_space
        )
        folder = tmp_path_factory.mktemp("byte_bpe")
        result.save(str(folder / "tokenizer.json"))
        return folder

    return train
