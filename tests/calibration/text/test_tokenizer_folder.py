"""Folders of tokenizers that are read, and those that are refused by name."""

import json
from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from litesmith.calibration.text.tokenizer_folder import contract_from_folder
from litesmith.errors import DataError

BERT = "\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##b"]) + "\n"


@pytest.fixture
def edited(train_wordpiece, tmp_path):
    """A folder whose tokenizer.json was changed by a function."""
    original = (train_wordpiece(lowercase=True) / "tokenizer.json").read_text()

    def edit(change):
        document = json.loads(original)
        change(document)
        (tmp_path / "tokenizer.json").write_text(json.dumps(document))
        return tmp_path

    return edit


@pytest.fixture
def edited_bpe(train_byte_bpe, tmp_path):
    original = (train_byte_bpe(add_prefix_space=False) / "tokenizer.json").read_text()

    def edit(change):
        document = json.loads(original)
        change(document)
        (tmp_path / "tokenizer.json").write_text(json.dumps(document))
        return tmp_path

    return edit


def refused(folder, message: str) -> None:
    with pytest.raises(DataError, match=message):
        contract_from_folder(folder, 16)


def test_minilm(minilm):
    contract = contract_from_folder(minilm, 64)
    assert (contract.kind, len(contract.vocabulary), contract.pad_id) == ("wordpiece", 30_522, 0)
    assert contract.lowercase and contract.strip_accents and contract.chinese_characters and contract.clean_text
    assert [token.content for token in contract.added] == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"type": "Unigram", "vocab": []}, "the model Unigram cannot be followed; a contract can say WordPiece with"),
        ({"type": "WordLevel", "vocab": {}}, "WordLevel"),
        ({"type": "WordPiece", "vocab": {}, "continuing_subword_prefix": "@@"}, "'@@' of its WordPiece model"),
        ({"vocab": {}}, "without a type"),
    ],
)
def test_models_that_a_contract_cannot_say(edited, model, message):
    refused(edited(lambda document: document.update(model=model)), message)


@pytest.mark.parametrize(
    ("part", "value", "message"),
    [
        ("normalizer", {"type": "NFKC"}, "the normalizer NFKC cannot be followed here, only BertNormalizer"),
        ("normalizer", None, "the normalizer nothing"),
        (
            "normalizer",
            {"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Strip"}]},
            "normalizer Sequence",
        ),
        ("pre_tokenizer", {"type": "Metaspace"}, "the pre_tokenizer Metaspace cannot be followed here"),
        ("post_processor", None, "the post_processor nothing cannot be followed; a contract can say START A END"),
        ("post_processor", {"type": "ByteLevel"}, "ByteLevel"),
        ("model", None, "not as the tokenizers library writes it"),
        ("added_tokens", [{"id": 1}], "not as the tokenizers library writes it"),
    ],
)
def test_parts_that_a_contract_cannot_say(edited, part, value, message):
    refused(edited(lambda document: document.update({part: value})), message)


@pytest.mark.parametrize(
    ("option", "value"),
    [("dropout", 0.1), ("end_of_word_suffix", "</w>"), ("byte_fallback", True), ("ignore_merges", True)],
)
def test_options_of_bpe_that_a_contract_cannot_say(edited_bpe, option, value):
    refused(edited_bpe(lambda document: document["model"].update({option: value})), f"{option} {value!r} of its BPE")


def test_bpe_with_another_normalizer_or_pattern(edited_bpe):
    refused(edited_bpe(lambda d: d.update(normalizer={"type": "NFC"})), "normalizer NFC cannot be followed with BPE")
    refused(edited_bpe(lambda d: d["pre_tokenizer"].update(use_regex=False)), "ByteLevel without its own pattern")


def test_a_template_of_another_shape(edited):
    def swap(document):
        document["post_processor"]["single"].reverse()

    refused(edited(swap), "the template .* cannot be followed")


@pytest.mark.parametrize("ids", [[7], [2, 2], [], [-1], [10**6]])
def test_a_post_processor_with_other_ids(edited, ids):
    def other(document):
        document["post_processor"]["special_tokens"]["[CLS]"]["ids"] = ids

    refused(edited(other), r"gives '\[CLS\]' the ids \[")


def test_a_whole_word_token(edited):
    refused(
        edited(lambda d: d["added_tokens"][4].update(single_word=True)), r"'\[MASK\]' is found as a whole word only"
    )


def test_an_added_token_with_another_id(edited):
    refused(edited(lambda d: d["added_tokens"][4].update(id=3)), r"'\[MASK\]' is id 4 and, as an added token, 3")


def test_ids_with_a_gap_and_twice(edited):
    def gap(document):
        del document["model"]["vocab"][next(t for t, i in document["model"]["vocab"].items() if i == 9)]

    def twice(document):
        document["model"]["vocab"]["one more"] = 9

    refused(edited(gap), "id 9 is missing")
    refused(edited(twice), "id 9 has two tokens")


def test_a_vocabulary_without_special_tokens(tmp_path):
    (tmp_path / "vocab.txt").write_text("a\nb\n")
    refused(tmp_path, r"the pad token '\[PAD\]' is not in the vocabulary")


def test_a_vocabulary_with_a_token_twice(tmp_path):
    (tmp_path / "vocab.txt").write_text(f"{BERT}a\n")
    refused(tmp_path, "token 8 of the vocabulary, 'a', is token 5 too")


def test_a_vocabulary_of_another_model(edited):
    folder = edited(lambda document: None)
    (folder / "vocab.txt").write_text(BERT)
    refused(folder, r"has 8 lines and tokenizer.json \d+ tokens")


def test_a_vocabulary_that_is_not_utf8(tmp_path):
    (tmp_path / "vocab.txt").write_bytes(b"[PAD]\n\xff\n")
    refused(tmp_path, "line 2 is not UTF-8")


def test_a_vocabulary_with_the_line_ends_of_windows(tmp_path):
    (tmp_path / "vocab.txt").write_bytes(BERT.replace("\n", "\r\n").encode())
    assert contract_from_folder(tmp_path, 16).encode("AB [MASK]").ids.tolist()[:6] == [2, 5, 7, 4, 3, 0]


def test_settings_of_the_configuration(tmp_path):
    (tmp_path / "vocab.txt").write_text(BERT.replace("[PAD]", "<nothing>"))
    config = {"do_lower_case": False, "pad_token": {"content": "<nothing>"}, "tokenizer_class": "ElectraTokenizerFast"}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    contract = contract_from_folder(tmp_path, 16)
    assert contract.pad == "<nothing>" and not contract.lowercase and not contract.strip_accents


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {"tokenizer_class": "T5Tokenizer"},
            "T5Tokenizer without tokenizer.json cannot be followed, only BertTokenizer",
        ),
        ({"do_basic_tokenize": False}, "do_basic_tokenize"),
        ({"padding_side": "left"}, "padding_side 'left'"),
        ({"added_tokens_decoder": {"8": {"content": "x"}}}, "tokens were added"),
    ],
)
def test_configurations_that_a_contract_cannot_say(tmp_path, config, message):
    (tmp_path / "vocab.txt").write_text(BERT)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    refused(tmp_path, message)


def test_two_files_that_contradict_each_other(edited):
    folder = edited(lambda document: None)
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false}')
    refused(folder, "do_lower_case is False in tokenizer_config.json and True in tokenizer.json")


@pytest.mark.parametrize("text", ["{", "[]", "\ud800"])
def test_json_that_cannot_be_read(tmp_path, text):
    (tmp_path / "tokenizer.json").write_bytes(text.encode("utf-8", "surrogatepass"))
    refused(tmp_path, "tokenizer.json: ")


def test_merges_that_cannot_be_read(tmp_path):
    (tmp_path / "vocab.json").write_text('{"a": 0}')
    (tmp_path / "merges.txt").write_text("#version: 0.2\na b\nab\n")
    refused(tmp_path, "line 3, 'ab', must be two pieces")
    (tmp_path / "vocab.json").write_text('{"a": "0"}')
    refused(tmp_path, "the id of 'a' is '0'")


def test_folders_without_a_tokenizer(tmp_path):
    refused(tmp_path, "has no tokenizer; it needs tokenizer.json, vocab.txt")
    (tmp_path / "spiece.model").write_bytes(b"")
    refused(tmp_path, "spiece.model is a SentencePiece model, which cannot be followed")
    refused(tmp_path / "missing", "is no folder")


junk = st.one_of(st.none(), st.booleans(), st.integers(-2, 9), st.text(max_size=3), st.just([]), st.just({}))


def places(value, path=()):
    """All paths into a document, of long lists and objects only the first."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items)[:12]:
        yield from places(item, (*path, key))


@given(data=st.data(), value=junk)
@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_is_a_data_error_or_a_contract(edited, data, value):
    def damage(document):
        *before, last = data.draw(st.sampled_from([path for path in places(document) if path]))
        for key in before:
            document = document[key]
        document[last] = value

    with suppress(DataError):
        assert contract_from_folder(edited(damage), 16).encode("a [MASK]").ids.shape == (16,)
