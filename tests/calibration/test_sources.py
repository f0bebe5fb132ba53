"""Reading what a user names."""

import pickle
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.calibration.preprocess import Preprocess
from litesmith.calibration.samples import CalibrationSet
from litesmith.calibration.sources import read_source
from litesmith.errors import CalibrationError, DataError

X = np.arange(12, dtype=np.float32).reshape(3, 4)


class Evil:
    """Would leave a file behind if it were unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.fixture
def returning(tmp_path, request, monkeypatch):
    """An entry point whose function returns what an expression says."""
    monkeypatch.setattr(sys, "path", list(sys.path))

    def write(expression, parameter=""):
        name = f"source_{abs(hash(request.node.nodeid))}"
        (tmp_path / f"{name}.py").write_text(f"import numpy as np\ndef make({parameter}):\n    return {expression}\n")
        return f"{name}:make"

    return write


def test_npz_with_labels_and_names(tmp_path):
    np.savez(tmp_path / "d.npz", x=X, y=[0, 1, 0], class_names=["a", "b"])
    raw = read_source("d.npz", base=tmp_path)
    assert np.array_equal(raw.x, X)
    assert raw.labels.tolist() == [0, 1, 0]
    assert raw.class_names == ("a", "b")
    assert raw.source == "d.npz"


def test_npz_with_named_inputs(tmp_path):
    np.savez(tmp_path / "d.npz", ids=X.astype(np.int32), mask=X)
    raw = read_source(str(tmp_path / "d.npz"), base=tmp_path / "elsewhere")
    assert set(raw.inputs) == {"ids", "mask"}
    assert raw.labels is None
    with pytest.raises(DataError, match="one input is needed"):
        _ = raw.x


def test_pickled_npz_is_refused_and_never_run(tmp_path):
    np.savez(tmp_path / "d.npz", x=np.array([Evil(tmp_path / "ran")], object))
    with pytest.raises(DataError, match="pickled data"):
        read_source("d.npz", base=tmp_path)
    (tmp_path / "p.npz").write_bytes(pickle.dumps(Evil(tmp_path / "ran")))
    with pytest.raises(DataError, match="pickled data"):
        read_source("p.npz", base=tmp_path)
    assert not (tmp_path / "ran").exists()


@given(st.data())
def test_damaged_npz_reads_or_gives_one_error(tmp_path_factory, data):
    file = tmp_path_factory.getbasetemp() / "damaged.npz"
    np.savez(file, x=X, y=[0, 1, 0])
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    file.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        raw = read_source("damaged.npz", base=file.parent)
    except DataError as error:
        assert "damaged.npz" in str(error)
    else:
        assert all(array.ndim for array in raw.inputs.values())


def test_a_bare_npy_is_not_an_npz(tmp_path):
    with (tmp_path / "d.npz").open("wb") as file:
        np.save(file, X)
    with pytest.raises(DataError, match="damaged or not an"):
        read_source("d.npz", base=tmp_path)


def test_a_tf_data_set_is_named(returning, tmp_path):
    pytest.importorskip("tensorflow")
    with pytest.raises(DataError, match=r"gives a .*Dataset, not an array"):
        read_source(
            returning("__import__('tensorflow').data.Dataset.from_tensor_slices(np.ones((3, 2)))"), base=tmp_path
        )


@pytest.mark.parametrize("content", [b"x,y\n1,2\n", b"{}", b"pickles are green\n"])
def test_text_is_no_pickle(tmp_path, content):
    (tmp_path / "d.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"d\.npz: is damaged or not an \.npz \(no zip archive\)"):
        read_source("d.npz", base=tmp_path)


def test_other_files_are_refused(tmp_path):
    (tmp_path / "d.xlsx").write_text("1,2")
    with pytest.raises(DataError, match=r"d\.xlsx: is not an \.npz, \.tsv or \.csv"):
        read_source("d.xlsx", base=tmp_path)


def test_missing_path_says_where_it_looked(tmp_path):
    with pytest.raises(DataError, match="no such file or folder in"):
        read_source("not/there", base=tmp_path)


def test_what_the_system_refuses_is_one_error(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_source("a" * 300, base=tmp_path)


def test_npz_without_inputs(tmp_path):
    np.savez(tmp_path / "d.npz", y=[1])
    with pytest.raises(DataError, match="holds no input"):
        read_source("d.npz", base=tmp_path)


def test_folder_of_images(tmp_path, save_image):
    for name in ("b", "a"):
        save_image(tmp_path / "images" / name / "1.png", np.full((4, 6), ord(name), np.uint8))
    raw = read_source("images", base=tmp_path, preprocess=Preprocess((2, 2, 1), "image", "nearest"))
    assert raw.x.tolist() == [[[[97]] * 2] * 2, [[[98]] * 2] * 2]
    assert raw.labels.tolist() == [0, 1]
    assert raw.class_names == ("a", "b")


@pytest.mark.parametrize(
    ("expression", "names", "labels", "class_names"),
    [
        ("np.ones((2, 3))", {"x"}, None, None),
        ("[[1, 2], [3, 4]]", {"x"}, None, None),
        ("(np.ones((2, 3)), [0, 1])", {"x"}, [0, 1], None),
        ("(np.ones((2, 3)), [0, 1], ['a', 'b'])", {"x"}, [0, 1], ("a", "b")),
        ("{'ids': np.ones((2, 3)), 'mask': np.ones((2, 3))}", {"ids", "mask"}, None, None),
        ("({'ids': np.ones((2, 3))}, [0, 1])", {"ids"}, [0, 1], None),
        ("{'x': np.ones((2, 3)), 'y': [0, 1], 'class_names': [b'a', b'b']}", {"x"}, [0, 1], ("a", "b")),
        ("(np.ones(3) for _ in range(2))", {"x"}, None, None),
        ("iter([[1, 2], [3, 4]])", {"x"}, None, None),
        ("({'ids': np.ones(3), 'y': label} for label in (1, 0))", {"ids"}, [1, 0], None),
    ],
)
def test_entry_points(returning, tmp_path, expression, names, labels, class_names):
    raw = read_source(returning(expression), base=tmp_path)
    assert set(raw.inputs) == names
    assert (None if raw.labels is None else raw.labels.tolist()) == labels
    assert raw.class_names == class_names


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("None", r":make: gives None, not an array; return arrays: x, \(x, y\)"),
        ("iter(())", r":make: gives no sample; give at least one"),
        ("(1 / i for i in (1, 0))", r":make: the generator failed \(ZeroDivisionError: .*; repair it"),
        ("(np.ones(i) for i in (1, 2))", r":make: sample 1 has shape \(2,\) as 'x' but the first has \(1,\)"),
        ("(np.ones(2), iter([0, 1]))", "gives a list_iterator, not an array"),
        ("{'x': (i for i in range(3))}", "gives a generator, not an array"),
        ("np.array([{}])", "'x' holds Python objects"),
        ("(np.ones(2), np.array([0, None]))", "'y' holds Python objects"),
        ("3.0", "single number"),
        ("(1, 2, 3, 4)", "returned 4 values"),
        ("[[1, 2], [3]]", "do not form an array"),
        ("{}", "holds no input"),
        ("(np.ones(2), [0, 1], 'ab')", "class_names must be a list"),
        ("(np.ones(2), [0, 1], [1, 2])", "class_names must be a list"),
    ],
)
def test_unusable_results(returning, tmp_path, expression, message):
    with pytest.raises(DataError, match=message):
        read_source(returning(expression), base=tmp_path)


@pytest.mark.parametrize("expression", ["(X, Y)", "({'a': x, 'y': y} for x, y in zip(X, Y))"])
def test_drawing_from_arrays_is_by_class(returning, tmp_path, expression):
    data = "np.arange(90).reshape(30, 3), np.repeat([0, 1, 2], (2, 8, 20))"
    source = returning(f"(lambda X, Y: {expression})({data})")
    whole = CalibrationSet.from_source(source, base=tmp_path)
    raw = read_source(source, base=tmp_path, limit=12, seed=3)
    assert np.bincount(raw.labels).tolist() == [2, 5, 5]
    assert np.array_equal(raw.x, next(iter(whole.take(12, 3).inputs.values())))
    assert len(read_source(source, base=tmp_path, limit=31).x) == 30
    with pytest.raises(CalibrationError, match="cannot take 0 of 30"):
        read_source(source, base=tmp_path, limit=0)


@pytest.mark.parametrize("labels", ["np.linspace(0, 1, 30)", "np.eye(30)", "np.array(['a'] * 30)"])
def test_labels_that_are_no_classes_do_not_matter_for_drawing(returning, tmp_path, labels):
    raw = read_source(returning(f"(np.arange(30)[:, None], {labels})"), base=tmp_path, limit=5, seed=1)
    assert raw.x[:, 0].tolist() == sorted(np.random.default_rng(1).permutation(30)[:5]) and len(raw.labels) == 5


@pytest.mark.parametrize("expression", ["(X, np.zeros(29, int))", "{'a': X, 'b': X[1:]}"])
def test_lengths_that_differ_are_left_for_the_user_of_the_samples(returning, tmp_path, expression):
    source = returning(f"(lambda X: {expression})(np.ones((30, 3)))")
    assert len(next(iter(read_source(source, base=tmp_path, limit=5).inputs.values()))) == 30
    with pytest.raises(CalibrationError, match=r"differ in their number|shape \(29,\) for 30 samples"):
        CalibrationSet.from_source(source, base=tmp_path, count=5)


def test_arrays_are_encoded_too(returning, tmp_path):
    np.savez(tmp_path / "d.npz", text=["ab", "c", "def"], y=[0, 1, 0])
    (tmp_path / "encoder_of_arrays.py").write_text(
        "def lengths(inputs):\n    return [[len(text)] for text in inputs['text']]\n"
    )
    returning("None")
    raw = read_source("d.npz", base=tmp_path, encode="encoder_of_arrays:lengths")
    assert raw.x.tolist() == [[2], [1], [3]] and raw.labels.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("inputs['title']", r":make: failed to encode text \(KeyError: 'title'\)"),
        ("1 / 0", "failed to encode text .*ZeroDivisionError"),
        ("[[1], [1, 2], [3]]", "input 'x' is no array .*one length"),
        ("np.ones((2, 4))", r"input 'x' has shape \(2, 4\) for 3 samples"),
        ("(np.ones(3), np.ones(3))", r"input 'x' has shape \(2, 3\) for 3 samples"),
        ("{'ids': np.ones(3), 'mask': 1.0}", r"input 'mask' has shape \(\) for 3 samples"),
        ("None", r"input 'x' has shape \(\) for 3 samples"),
        ("{}", "holds no input"),
        ("[None] * 3", "holds Python objects"),
    ],
)
def test_encoders_that_fail(returning, tmp_path, expression, message):
    np.savez(tmp_path / "d.npz", text=["ab", "c", "def"])
    encoder = returning(expression, "inputs")
    with pytest.raises(DataError, match=message):
        read_source("d.npz", base=tmp_path, encode=encoder)
