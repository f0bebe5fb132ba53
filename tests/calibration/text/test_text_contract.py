"""What a text contract gives, writes and refuses."""

import hashlib
import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litesmith.calibration.text.byte_bpe import ALPHABET
from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.special_tokens import AddedToken
from litesmith.converters.associated_files import append_files, appended_files
from litesmith.errors import DataError

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "un", "##aff", "##able", "a", "!", "##é", "[x]", "##a", "c")
SPECIAL = {"pad": "[PAD]", "unknown": "[UNK]", "start": "[CLS]", "end": "[SEP]"}
BERT = {"clean_text": True, "chinese_characters": True, "strip_accents": True, "lowercase": True, "longest_word": 9}


def wordpiece(**changes) -> TextContract:
    added = (AddedToken("[SEP]"), AddedToken("[x]", normalized=True))
    fields = {"kind": "wordpiece", "vocabulary": WORDS, "length": 8, **SPECIAL, **BERT, "added": added}
    return TextContract(**{**fields, **changes})


def byte_bpe(**changes) -> TextContract:
    special = {"pad": "<pad>", "unknown": "<unk>", "start": "<s>", "end": "</s>"}
    vocabulary = ("<s>", "<pad>", "</s>", "<unk>", *ALPHABET, "ab", "abc")
    fields = {"vocabulary": vocabulary, "merges": (("a", "b"), ("ab", "c")), "pair_ends": 2, "second_type": 0}
    return TextContract(**{"kind": "byte_bpe", "length": 10, **special, **fields, **changes})


def test_a_row():
    row = wordpiece().encode("Ünaffable A!")
    assert row.ids.tolist() == [2, 4, 5, 6, 7, 8, 3, 0] and row.mask.tolist() == [1] * 7 + [0]
    assert (row.ids.dtype, row.mask.dtype, row.token_types.dtype) == (np.int32, np.int8, np.int32)


def test_a_pair():
    row = wordpiece().encode("a", "unaffable a")
    assert row.ids.tolist() == [2, 7, 3, 4, 5, 6, 7, 3] and row.token_types.tolist() == [0, 0, 0, 1, 1, 1, 1, 1]
    row = byte_bpe().encode("abc", "ab")
    assert row.ids.tolist() == [0, 261, 2, 2, 260, 2, 1, 1, 1, 1] and not row.token_types.any()


def test_an_end_that_a_text_holds_is_one_as_far_as_types_go():
    row = wordpiece().encode("a [SEP]", "a")
    assert row.ids.tolist() == [2, 7, 3, 3, 7, 3, 0, 0] and row.token_types.tolist() == [0, 0, 0, 1, 1, 1, 0, 0]
    row = wordpiece().encode("a[SEP]a")
    assert row.ids.tolist() == [2, 7, 3, 7, 3, 0, 0, 0] and row.token_types.tolist() == [0, 0, 0, 1, 1, 0, 0, 0]


def test_the_second_text_begins_after_all_ends_between_the_two():
    row = wordpiece(pair_ends=2).encode("a", "a")
    assert row.ids.tolist() == [2, 7, 3, 3, 7, 3, 0, 0] and row.token_types.tolist() == [0, 0, 0, 0, 1, 1, 0, 0]
    row = wordpiece(start="[SEP]").encode("a", "a")
    assert row.ids.tolist() == [3, 7, 3, 7, 3, 0, 0, 0] and row.token_types.tolist() == [0, 0, 0, 1, 1, 0, 0, 0]


@given(st.lists(st.sampled_from(["a", "unaffable", "!"]), max_size=6), st.lists(st.sampled_from("ac!"), max_size=6))
def test_types_of_ordinary_pairs_are_those_of_the_place(first, second):
    contract = wordpiece(length=12)
    row = contract.encode(" ".join(first), " ".join(second))
    ends = np.flatnonzero(row.ids == 3)
    assert row.token_types.tolist() == [int(ends[0] < place <= ends[1]) for place in range(12)]
    assert not contract.encode(" ".join(first)).token_types.any()


@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("", []),
        ("\x00\u200b \t", []),
        ("unaffab", [1]),
        ("aaaaaaaaa", [7] + [11] * 8),
        ("aaaaaaaaaa", [1]),
        ("a[SEP]a", [7, 3, 7]),
        ("[sep]", [1, 1, 1]),
        ("a[X]a", [7, 10, 7]),
        ("a\u0301a", [7, 11]),
        ("中", [1]),
    ],
)
def test_pieces(text, ids):
    assert wordpiece().pieces(text) == ids


def test_a_sequence_of_texts():
    ids = wordpiece().encode_all(["a", ""])
    assert ids.tolist() == [[2, 7, 3, 0, 0, 0, 0, 0], [2, 3, 0, 0, 0, 0, 0, 0]] and ids.dtype == np.int32
    assert wordpiece().encode_all([]).shape == (0, 8)


@pytest.mark.parametrize("contract", [wordpiece(), byte_bpe(), wordpiece(kept_ids=tuple(range(5, 18)))])
def test_files_are_read_as_they_were_written(contract):
    files = contract.to_files()
    again = TextContract.from_files(files)
    assert again == contract and again.digest == contract.digest and hash(again) == hash(contract)
    assert again.to_files() == files and json.loads(files["text.json"]) == contract.to_dict()
    assert pickle.loads(pickle.dumps(contract)) == contract


def test_contracts_that_differ_have_other_digests():
    shuffled = (*WORDS[:4], *reversed(WORDS[4:]))
    others = [wordpiece(length=9), wordpiece(lowercase=False), wordpiece(vocabulary=shuffled), wordpiece(added=())]
    assert len({contract.digest for contract in [wordpiece(), *others]}) == 5


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "unigram"}, "not one of wordpiece, byte_bpe"),
        ({"length": 2}, "length must be a whole number of 3"),
        ({"length": 8.0}, "length must be"),
        ({"length": True}, "length must be"),
        ({"pair_ends": 3}, "pair_ends"),
        ({"second_type": 2}, "second_type"),
        ({"lowercase": 1}, "lowercase must be true or false"),
        ({"vocabulary": ()}, "vocabulary must be"),
        ({"vocabulary": (*WORDS, "a")}, "token 13 .* is token 7 too"),
        ({"vocabulary": (*WORDS, "b\nc")}, "token 13"),
        ({"vocabulary": (*WORDS, "")}, "token 13"),
        ({"vocabulary": (*WORDS, "\ud800")}, "surrogate"),
        ({"vocabulary": WORDS[:2] + WORDS[3:]}, r"start token '\[CLS\]' is not in the vocabulary"),
        ({"pad": "[SEP]"}, "padding"),
        ({"added": (AddedToken("[y]"),)}, r"'\[y\]' is not in the vocabulary"),
        ({"added": (AddedToken("a"), AddedToken("a"))}, "twice"),
        ({"added": ("a",)}, "AddedToken"),
        (
            {"vocabulary": (*WORDS, "[X]"), "added": (AddedToken("[x]", True), AddedToken("[X]", True))},
            "two added tokens are the same after normalisation",
        ),
        ({"longest_word": 0}, "longest_word"),
        ({"merges": (("a", "a"),)}, "belong to byte_bpe"),
        ({"add_prefix_space": True}, "belong to byte_bpe"),
        ({"kept_ids": (1, 2)}, "one old id for each of the 13"),
        ({"kept_ids": (1,) * 13}, "twice"),
        ({"kept_ids": tuple(range(-1, 12))}, "old id"),
        ({"vocabulary": (*WORDS, "中"), "added": (AddedToken("中", normalized=True),)}, "one word"),
    ],
)
def test_a_wordpiece_contract_that_cannot_be_followed(changes, message):
    with pytest.raises(DataError, match=message):
        wordpiece(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"lowercase": True}, "belong to wordpiece"),
        ({"longest_word": 100}, "belong to wordpiece"),
        ({"merges": (("a", "b"), ("a", "b"))}, "twice"),
        ({"merges": (("a", "x"),)}, "needs 'ax'"),
        ({"merges": (("a", ""),)}, "two texts"),
        ({"vocabulary": ("<s>", "<pad>", "</s>", "<unk>", *ALPHABET[1:], "ab", "abc")}, "lacks 1 of the 256"),
    ],
)
def test_a_byte_bpe_contract_that_cannot_be_followed(changes, message):
    with pytest.raises(DataError, match=message):
        byte_bpe(**changes)


@pytest.mark.parametrize("content", ["", " a", "a\u00a0", None])
def test_an_added_token_that_cannot_be_found(content):
    with pytest.raises(DataError, match="added token"):
        AddedToken(content)


@pytest.mark.parametrize(
    ("text", "message"), [(b"a", "not bytes; decode"), (None, "not NoneType"), ("ab\ud83d", r"character 2 .*U\+D83D")]
)
def test_what_is_no_text(text, message):
    with pytest.raises(DataError, match=message):
        wordpiece().encode(text)
    with pytest.raises(DataError, match=f"text 1: .*{message}"):
        wordpiece().encode_all(["a", text])


def test_one_text_is_no_list_of_texts():
    with pytest.raises(DataError, match="list of texts"):
        wordpiece().encode_all("abc")


def test_a_row_without_room_for_a_pair():
    assert wordpiece(length=3).encode("a a").ids.tolist() == [2, 7, 3]
    with pytest.raises(DataError, match="at least 5"):
        wordpiece(length=4).encode("a", "a")
    assert wordpiece(length=5).encode("a a", "a a").ids.tolist() == [2, 7, 3, 7, 3]


def changed(name: str, change) -> dict[str, bytes]:
    files = byte_bpe(kept_ids=tuple(range(262))).to_files()
    return {**files, name: change(files[name])}


def setting(**changes):
    def change(data: bytes) -> bytes:
        return json.dumps({**json.loads(data), **changes}).encode()

    return change


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("text.json", lambda data: data[:-9], "text.json: cannot be read as JSON"),
        ("text.json", lambda data: b"\xff" + data, "UTF-8"),
        ("text.json", lambda data: b"[" * 100_000, "JSON"),
        ("text.json", lambda data: b"[]", "version None"),
        ("text.json", setting(version=2), "version 2 is not known"),
        ("text.json", setting(casing=1), "unknown key casing"),
        ("text.json", setting(added=3), "added must be a list"),
        ("text.json", setting(added=[{"content": "a"}]), r"added\[0\]: missing key lstrip"),
        ("text.json", setting(files={}), "files must name merges.txt, vocabulary.txt"),
        ("text.json", setting(files={"vocabulary.txt": 1, "merges.txt": 2}), "vocabulary.txt: must be an object"),
        ("text.json", setting(kind=[]), "files must name"),
        ("vocabulary.txt", lambda data: data + b"more\n", "has 263 lines, and text.json says 262"),
        ("vocabulary.txt", lambda data: data.replace(b"abc", b"abd"), "SHA-256"),
        ("merges.txt", lambda data: b"", "has 0 lines"),
    ],
)
def test_files_that_cannot_be_followed(name, change, message):
    with pytest.raises(DataError, match=message):
        TextContract.from_files(changed(name, change))


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("vocabulary.txt", b"a\n\xff\n", "vocabulary.txt: line 2 is not UTF-8"),
        ("vocabulary.txt", b"a\nb", "last line has no end"),
        ("merges.txt", b"a b\na\n", "merges.txt: line 2, 'a', must be two pieces"),
        ("merges.txt", b"a b c\n", "merges.txt: line 1"),
        ("kept_ids.txt", b"1\n-1\n", "kept_ids.txt: line 2, '-1', is no id"),
    ],
)
def test_files_that_agree_and_cannot_be_read(name, data, message):
    facts = {"lines": data.count(b"\n"), "sha256": hashlib.sha256(data).hexdigest()}
    files = changed(name, lambda _: data)
    settings = json.loads(files["text.json"])
    settings["files"][name] = facts
    with pytest.raises(DataError, match=message):
        TextContract.from_files({**files, "text.json": json.dumps(settings).encode()})


def test_a_file_that_is_missing():
    files = wordpiece().to_files()
    del files["vocabulary.txt"]
    with pytest.raises(DataError, match=r"vocabulary\.txt is missing"):
        TextContract.from_files(files)
    with pytest.raises(DataError, match=r"text\.json is missing"):
        TextContract.from_files({})


def test_a_contract_behind_a_model():
    content = append_files(b"model", {"labels.txt": b"a\n", **byte_bpe().to_files()})
    assert TextContract.from_files(appended_files(content)) == byte_bpe()


def test_another_length_is_another_contract():
    longer = replace(wordpiece(), length=9)
    assert longer.encode("a").ids.shape == (9,) and longer != wordpiece()


@given(data=st.data(), value=st.sampled_from([None, True, -1, 2, "a", "", [], {}, [1], {"a": 1}, 1.5]))
@settings(max_examples=200)
def test_a_damaged_setting_is_a_data_error_or_a_contract(data, value):
    files = byte_bpe(added=(AddedToken("<s>"),)).to_files()
    settings_ = json.loads(files["text.json"])
    inner = data.draw(st.sampled_from([settings_, settings_["files"], settings_["added"][0]]))
    inner[data.draw(st.sampled_from(sorted(inner)))] = value
    try:
        contract = TextContract.from_files({**files, "text.json": json.dumps(settings_).encode()})
    except DataError:
        return
    assert contract.to_dict().keys() == settings_.keys()
