"""Tables of samples: what is an input, what a label, and what is damaged."""

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.calibration.preprocess import Preprocess
from litesmith.calibration.samples import CalibrationSet
from litesmith.calibration.sources import read_source
from litesmith.calibration.tables import LABELS, read_table
from litesmith.errors import CalibrationError, DataError

ENCODER = """
import zlib
import numpy as np

def words(columns):
    "Each word counts in one of 16 places."
    counts = np.zeros((len(columns["sentence"]), 16), np.float32)
    for row, text in enumerate(columns["sentence"]):
        for word in text.split():
            counts[row, zlib.crc32(word.encode()) % 16] += 1
    return counts

def seen(columns):
    assert all(type(text) is str for text in columns["text"])
    return {"lengths": [[len(text)] for text in columns["text"]], "size": columns["size"] * 2}
"""


@pytest.fixture
def write(tmp_path):
    def write(text, name="d.csv", encoding="utf-8"):
        (tmp_path / name).write_bytes(text.encode(encoding))
        return tmp_path / name

    return write


@pytest.fixture
def encoder(tmp_path, request, monkeypatch):
    """A module of its own for each test: an imported one stays."""
    monkeypatch.syspath_prepend(str(tmp_path))
    name = f"encoder_{abs(hash(request.node.nodeid))}"
    (tmp_path / f"{name}.py").write_text(ENCODER)
    return name


@pytest.mark.parametrize("name", ["d.csv", "d.tsv", "D.TSV"])
def test_numbers_are_one_input(tmp_path, write, name):
    text = "a,label,b\n1,0,-2.5\n3e2,2,.5\n"
    write(text if name == "d.csv" else text.replace(",", "\t"), name)
    raw = read_source(name, base=tmp_path)
    assert list(raw.inputs) == ["x"] and raw.x.dtype == np.float32
    assert raw.x.tolist() == [[1, -2.5], [300, 0.5]]
    assert raw.labels.dtype == np.int64 and raw.labels.tolist() == [0, 2]
    assert raw.class_names is None and raw.source == name


@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(
            st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=width, max_size=width),
            min_size=1,
            max_size=8,
        )
    ),
    st.sampled_from(("\n", "\r\n")),
)
def test_what_a_csv_writer_wrote_is_read_back(tmp_path_factory, rows, newline):
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator=newline)
    writer.writerows([[f"column {place}" for place in range(len(rows[0]))], *rows])
    path = tmp_path_factory.getbasetemp() / "written.csv"
    path.write_bytes(buffer.getvalue().encode())
    assert np.array_equal(read_source("written.csv", base=path.parent).x, np.array(rows, np.float32))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_text_columns_keep_their_names(tmp_path, write, encoding):
    write('title,text,size,class\nà,"one, ""two""\nthree",4,b\n\n1,x,5,a\n', encoding=encoding)
    raw = read_source("d.csv", base=tmp_path)
    assert {name: array.tolist() for name, array in raw.inputs.items()} == {
        "title": ["à", "1"],
        "text": ['one, "two"\nthree', "x"],
        "size": [4, 5],
    }
    assert raw.inputs["size"].dtype == np.float32
    assert (raw.labels.tolist(), raw.class_names) == ([1, 0], ("a", "b"))


def test_a_quote_in_a_tsv_is_a_quote(write):
    table = read_table(write('text\tn\n"begun\t1\nfive " inches\t2\n', "d.tsv"))
    assert table.columns["text"] == ['"begun', 'five " inches']


@pytest.mark.parametrize("name", [*LABELS, "Label", "Y", " class "])
def test_columns_that_hold_labels(write, name):
    table = read_table(write(f"a,{name}\n1,-3\n2,4.0\n"))
    assert list(table.columns) == ["a"] and table.labels.tolist() == [-3, 4]


@pytest.mark.parametrize(
    ("cells", "names"),
    [
        (["dog", "cat ", "dog"], ("cat", "dog")),
        (["2", "1", "many"], ("1", "2", "many")),
        (["1_0", "1_1", "1_0"], ("1_0", "1_1")),
    ],
)
def test_labels_that_are_texts_are_classes_in_sorted_order(write, cells, names):
    table = read_table(write("a,y\n" + "".join(f"1,{cell}\n" for cell in cells)))
    assert table.class_names == names
    assert [names[label] for label in table.labels] == [cell.strip() for cell in cells]


def test_what_looks_like_a_number_in_python_only_is_text(write):
    assert read_table(write("a,b\n1_000,1\n2_000,2\n")).columns["a"] == ["1_000", "2_000"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the file is empty"),
        ("\n\n", "line 1: the file is empty"),
        ("a,b\n", "line 2: there is no sample"),
        ("1,2.5\n3,4\n", "line 1: holds numbers"),
        ("a,b,a\n1,2,3\n", "line 1: 2 columns are called 'a'"),
        ("a, a\n1,2\n", "line 1: 2 columns are called 'a'"),
        (",a\n0,1\n", "line 1: column 1 has no name"),
        ("a,b\n1,2\n3\n", "line 3: has 1 columns but the header has 2"),
        ('a,b\n"1\n",2\n\n3,4,5\n', "line 5: has 3 columns but the header has 2"),
        ('a,b\n1,2\n3,"4\n5,6\n', "line 4: cannot be read"),
        ('a,b\n1,"2"3\n', "line 2: cannot be read"),
        (f"a,b\n1,{'9' * 200_000}\n", "line 2: cannot be read .*limit"),
        ("a,b\n1,2\n3,\n5,6\n", "line 3: column 'b' is empty"),
        ("a,b\n1,\n3, \n", "line 2: column 'b' is empty"),
        ("a,y\n1,0\n2,\n", "line 3: column 'y' is empty"),
        ("a,y\n1,0\n2,0.5\n", "line 3: column 'y' holds 0.5, but labels are whole"),
        ("a,y\n1,nan\n", "line 2: column 'y' holds nan"),
        ("a,y\n1,1e300\n", "line 2: column 'y' holds 1e300"),
        ("a,y,Label\n1,0,0\n", "line 1: columns 'y', 'Label' all are labels"),
        ("y\n1\n", "line 1: has no column but the labels"),
    ],
)
def test_damaged_tables_say_in_which_line(write, text, message):
    path = write(text)
    with pytest.raises(DataError, match=rf"d\.csv, {message}"):
        read_table(path)


def test_other_encodings_say_in_which_line(write):
    path = write("a\nb\ncafé\n", encoding="latin-1")
    with pytest.raises(DataError, match=r"d\.csv, line 3: is not UTF-8"):
        read_table(path)


@given(st.binary(max_size=60), st.sampled_from(("damaged.csv", "damaged.tsv")))
def test_any_bytes_are_a_table_or_one_error(tmp_path_factory, content, name):
    path = tmp_path_factory.getbasetemp() / name
    path.write_bytes(b"a,b\n1,2\n" + content)
    try:
        table = read_table(path)
    except DataError as error:
        assert f"{name}, line " in str(error)
    else:
        assert len({len(column) for column in table.columns.values()}) == 1


def test_drawing_rows_is_reading_all_and_taking(tmp_path, write):
    random = np.random.default_rng(0)
    values = random.normal(size=(60, 3)).astype(np.float32)
    rows = [f"{a},{b},{c},{'rare' if index < 4 else 'often'}" for index, (a, b, c) in enumerate(values.tolist())]
    write("a,b,c,label\n" + "\n".join(rows))
    whole = CalibrationSet.from_source("d.csv", base=tmp_path)
    for count, rare in ((1, None), (6, 3), (20, 4), (60, 4)):
        drawn = CalibrationSet.from_source("d.csv", base=tmp_path, count=count, seed=5)
        assert drawn.digest == whole.take(count, 5).digest
        assert rare is None or np.bincount(drawn.labels).tolist() == [count - rare, rare]
    with pytest.raises(CalibrationError, match="cannot take 61 of 60"):
        CalibrationSet.from_source("d.csv", base=tmp_path, count=61)


def test_one_stray_text_makes_a_column_text_wherever_it_is(write):
    path = write("a,b\n" + "1,2\n" * 30 + "?,2\n")
    for limit in (1, 5, 31):
        assert isinstance(read_table(path, limit=limit).columns["a"], list)


@pytest.mark.parametrize(
    ("text", "message"),
    [("text,label\ngood,1\nbad,0\n", "'text' holds text"), ("text,n,title\ngood,1,a\n", "'text', 'title' hold text")],
)
def test_text_must_be_encoded_and_the_message_says_how(tmp_path, write, text, message):
    write(text)
    for preprocess in (None, Preprocess((1,), "tensor")):
        with pytest.raises(CalibrationError, match=rf"d\.csv: {message}.*--encode package\.module:function"):
            CalibrationSet.from_source("d.csv", base=tmp_path, preprocess=preprocess)


def test_an_encoder_gets_all_columns_and_names_the_inputs(tmp_path, write, encoder):
    write("text,size,label\nab,1,0\nc,2,1\n")
    samples = CalibrationSet.from_source("d.csv", base=tmp_path, encode=f"{encoder}:seen")
    assert {name: array.tolist() for name, array in samples.inputs.items()} == {"lengths": [[2], [1]], "size": [2, 4]}
    assert samples.labels.tolist() == [0, 1]


def test_real_sentences_are_drawn_by_class_and_encoded(real_data, encoder):
    sst2 = real_data / "sst2"
    raw = read_source("train.tsv", base=sst2)
    assert raw.inputs["sentence"].shape == raw.labels.shape == (67_349,)
    assert raw.inputs["sentence"][0] == "hide new secretions from the parental units "
    whole = CalibrationSet.from_source("dev.tsv", base=sst2, encode=f"{encoder}:words")
    assert whole.inputs["x"].shape == (872, 16) and np.bincount(whole.labels).tolist() == [428, 444]
    drawn = CalibrationSet.from_source("dev.tsv", base=sst2, encode=f"{encoder}:words", count=101, seed=1)
    assert sorted(np.bincount(drawn.labels)) == [50, 51] and drawn.digest == whole.take(101, 1).digest
    with pytest.raises(CalibrationError, match="'sentence' holds text"):
        CalibrationSet.from_source("dev.tsv", base=sst2, count=10)
