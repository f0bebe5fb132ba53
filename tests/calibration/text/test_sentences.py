"""Files of sentences."""

import pytest

from litesmith.calibration.text.sentences import read_sentences
from litesmith.errors import DataError


def written(tmp_path, content: str | bytes, name: str = "sentences.txt"):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_one_sentence_a_line(tmp_path):
    path = written(tmp_path, "\ufeffone\r\n\n  two, \u2028 and more \nthree")
    assert read_sentences(path) == ("one", "two, \u2028 and more", "three")


@pytest.mark.parametrize(
    ("name", "content", "column"),
    [
        ("a.tsv", 'sentence\tlabel\n"one\t1\ntwo \t0\n', None),
        ("a.csv", 'label,Text\n1,"""one"\n0,two\n', None),
        ("a.csv", 'label,review\n1,"""one"\n0,two\n', None),
        ("a.csv", 'id,review,label\n7,"""one",1\n8,two,0\n', "review"),
    ],
)
def test_a_column_of_a_table(tmp_path, name, content, column):
    assert read_sentences(written(tmp_path, content, name), column=column) == ('"one', "two")


@pytest.mark.parametrize(
    ("name", "content", "column", "message"),
    [
        ("a.txt", b"one\nt\xffo\n", None, "line 2: is not UTF-8"),
        ("a.txt", b"\xef\xbb\xbfone\nt\xffo\n", None, "line 2: is not UTF-8"),
        ("a.txt", b"one\n\x89PNG\x00\n", None, "line 2: has a zero byte"),
        ("a.txt", " \n\n", None, "has no sentence"),
        ("a.txt", "", None, "has no sentence"),
        ("a.txt", "one\n", "sentence", "has no columns"),
        ("a.tsv", "sentence\tlabel\n", None, "has no sentence"),
        ("a.tsv", "sentence\tlabel\none\t1\n \t0\n", None, "line 3: 'sentence' is empty"),
        ("a.tsv", "sentence\tlabel\none\n", None, "line 2: has 1 columns"),
        ("a.tsv", "question\tanswer\none\ttwo\n", None, r"its columns \(question, answer\) holds the sentences"),
        ("a.tsv", "sentence\tlabel\none\t1\n", "review", "no column 'review', only sentence, label"),
        ("a.tsv", b"sentence\tlabel\nt\xffo\t1\n", None, "UTF-8"),
    ],
)
def test_files_without_sentences(tmp_path, name, content, column, message):
    with pytest.raises(DataError, match=message):
        read_sentences(written(tmp_path, content, name), column=column)


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_sentences(tmp_path / "missing.txt")
