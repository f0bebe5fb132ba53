"""Loading datasets by name, from files and from entry points."""

import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from litesmith.calibration.preprocess import Preprocess
from litesmith.calibration.same_contract import stored_arrays
from litesmith.data import NO_STEPS, load_dataset, split
from litesmith.errors import DataError

IMAGES = np.arange(4 * 6 * 5 * 3, dtype=np.uint8).reshape(4, 6, 5, 3)
Y = np.array([0, 1, 0, 1])


def load(source, base, *, image_shape=None, scale=None, offset=None, steps=NO_STEPS):
    return load_dataset(str(source), base=base, image_shape=image_shape, scale=scale, offset=offset, steps=steps)


@pytest.fixture
def npz(tmp_path):
    def save(**arrays):
        np.savez(tmp_path / "d.npz", **arrays)
        return tmp_path

    return save


@pytest.fixture(scope="module")
def digits():
    return load("digits", Path())


def test_digits_are_what_scikit_learn_has(digits):
    from sklearn.datasets import load_digits

    original = load_digits()
    assert digits.preprocess == Preprocess((8, 8, 1), "image", "area", 1 / 16, 0.0, fit="letterbox", block=4)
    assert np.array_equal(digits.x[..., 0], original.images / 16)
    assert np.array_equal(digits.y, original.target)
    assert digits.class_names == tuple("0123456789")


def test_digits_split_as_a_recipe_would(digits):
    splits = split(digits, seed=0, validation=0.1, calibration=0.1, test=0.2)
    assert [len(part) for part in (splits.train, splits.validation, splits.calibration, splits.test)] == [
        1078, 180, 180, 359,
    ]  # fmt: skip


def test_digits_resized_and_scaled(digits):
    larger = load("digits", Path(), image_shape=(16, 16, 3), scale=0.5, offset=-1.0)
    assert larger.x.shape == (1797, 16, 16, 3)
    assert larger.x.min() == -1.0
    assert larger.digest != digits.digest


def test_without_scikit_learn_the_message_says_what_to_install():
    code = (
        "import sys; sys.modules['sklearn'] = None\n"
        "from pathlib import Path; from litesmith.data import load_dataset\n"
        "load_dataset('digits', base=Path(), image_shape=None, scale=None, offset=None)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "DataError" in result.stderr
    assert "pip install 'litesmith[train]'" in result.stderr


def test_loading_arrays_needs_neither_tensorflow_nor_the_train_extra(npz):
    base = npz(x=IMAGES, y=Y)
    code = (
        "import sys; from pathlib import Path; from litesmith.data import load_dataset\n"
        f"load_dataset('d.npz', base=Path({str(base)!r}), image_shape=None, scale=None, offset=None)\n"
        "sys.exit(sorted({'tensorflow', 'sklearn', 'PIL'} & sys.modules.keys()) or None)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("x", "arguments", "expected"),
    [
        (IMAGES, {}, Preprocess((6, 5, 3), "image", "bilinear", 1 / 255)),
        (IMAGES[..., 0], {}, Preprocess((6, 5, 1), "image", "bilinear", 1 / 255)),
        (IMAGES, {"image_shape": ()}, Preprocess((6, 5, 3), "image", "bilinear", 1 / 255)),
        (IMAGES, {"image_shape": (3, 3, 1)}, Preprocess((3, 3, 1), "image", "bilinear", 1 / 255)),
        (IMAGES, {"scale": 2, "offset": 1}, Preprocess((6, 5, 3), "image", "bilinear", 2, 1)),
        (IMAGES / 255, {}, Preprocess((6, 5, 3), "tensor")),
        (IMAGES / 255, {"image_shape": (6, 5, 3)}, Preprocess((6, 5, 3), "image", "bilinear")),
        (IMAGES.reshape(4, -1), {}, Preprocess((90,), "tensor")),
        (np.zeros((4, 7, 9, 2), np.uint8), {}, Preprocess((7, 9, 2), "tensor")),
    ],
)
def test_npz_and_what_preprocessing_it_gets(npz, x, arguments, expected):
    dataset = load("d.npz", npz(x=x, y=Y), **arguments)
    assert dataset.preprocess == expected
    assert np.array_equal(dataset.x, expected.apply_batch(x))
    assert dataset.class_names == ("0", "1")


def test_a_drawing_of_a_digit_becomes_counts(digits):
    """A 32x32 bitmap whose blocks hold as many pixels as a digit of the set is that digit."""
    counts = (digits.x[0, ..., 0] * 16).astype(int)
    bitmap = np.zeros((8, 4, 8, 4), np.uint8)
    for row, column in np.ndindex(8, 8):
        block = np.zeros(16, np.uint8)
        block[: counts[row, column]] = 255
        bitmap[row, :, column] = block.reshape(4, 4)
    assert np.array_equal(digits.preprocess.apply(bitmap.reshape(32, 32)), digits.x[0])


def test_steps_of_the_recipe_are_taken_once(npz, tmp_path):
    steps = {"crop": 0.5, "fit": "center_crop", "resize": "area", "layout": "nchw"}
    expected = Preprocess((3, 3, 1), "image", "area", 1 / 255, 0.0, crop=0.5, fit="center_crop", layout="nchw")
    arrays = load("d.npz", npz(x=IMAGES, y=Y), image_shape=(3, 3, 1), steps=steps)
    assert arrays.preprocess == expected
    assert arrays.x.shape == (4, 1, 3, 3)
    for index, name in enumerate(("cat", "cat", "dog", "dog")):
        (tmp_path / "pets" / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(IMAGES[index]).save(tmp_path / "pets" / name / f"{index}.png")
    folder = load("pets", tmp_path, image_shape=(3, 3, 1), steps=steps)
    assert np.array_equal(folder.x, arrays.x)
    assert np.array_equal(folder.x, expected.apply_batch(IMAGES))


def test_samples_that_hold_their_contract_keep_it(npz):
    contract = Preprocess((3, 3, 1), "image", "area", 1 / 255, crop=0.5)
    base = npz(**stored_arrays(contract, contract.apply_batch(IMAGES), Y))
    kept = load("d.npz", base)
    assert kept.preprocess == contract
    assert np.array_equal(kept.x, contract.apply_batch(IMAGES))
    same = load("d.npz", base, image_shape=(3, 3, 1), scale=1 / 255, steps={"resize": "area", "crop": 0.5})
    assert same.preprocess == contract


def test_another_contract_than_the_one_they_went_through_is_refused(npz):
    contract = Preprocess((3, 3, 1), "image", "area", 1 / 255, crop=0.5)
    base = npz(**stored_arrays(contract, contract.apply_batch(IMAGES), Y))
    with pytest.raises(DataError, match=r"crop 0\.5 and 1\.0") as failure:
        load("d.npz", base, image_shape=(3, 3, 1), scale=1 / 255, steps={"resize": "area"})
    other = Preprocess((3, 3, 1), "image", "area", 1 / 255)
    assert contract.digest[:12] in str(failure.value)
    assert other.digest[:12] in str(failure.value)


@pytest.mark.parametrize(
    ("x", "message"),
    [(np.zeros((4, 3, 3, 1), np.uint8), "x is uint8"), (np.zeros((4, 2, 3, 1), np.float32), r"\(2, 3, 1\)")],
)
def test_samples_that_their_contract_cannot_have_made_are_refused(npz, x, message):
    with pytest.raises(DataError, match=message):
        load("d.npz", npz(**stored_arrays(Preprocess((3, 3, 1)), x, Y)))


def test_a_stored_contract_must_be_one(npz):
    with pytest.raises(DataError, match=r"d\.npz: its 'preprocess' is no preprocess\.json"):
        load("d.npz", npz(x=IMAGES, y=Y, preprocess="{}"))


def test_plain_numbers_have_no_steps_of_images(npz):
    with pytest.raises(DataError, match="a tensor cannot be given crop"):
        load("d.npz", npz(x=IMAGES.reshape(4, -1), y=Y), steps={"crop": 0.5})


def test_folder_of_images_by_class(tmp_path):
    for index, name in enumerate(("cat", "cat", "dog", "dog")):
        (tmp_path / "pets" / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(IMAGES[index]).save(tmp_path / "pets" / name / f"{index}.png")
    dataset = load("pets", tmp_path)
    assert dataset.class_names == ("cat", "dog")
    assert dataset.y.tolist() == [0, 0, 1, 1]
    assert np.array_equal(dataset.x, IMAGES * np.float32(1 / 255))
    assert load("pets", tmp_path, image_shape=(3, 3, 1)).x.shape == (4, 3, 3, 1)


def test_entry_point_in_the_recipes_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "made_for_test_data.py").write_text(
        "import numpy as np\n"
        "def load():\n    return np.ones((4, 3)) * np.arange(4)[:, None], [0, 1, 0, 1], ['a', 'b']\n"
    )
    dataset = load("made_for_test_data:load", tmp_path)
    assert dataset.x.tolist() == [[0.0] * 3, [1.0] * 3, [2.0] * 3, [3.0] * 3]
    assert dataset.class_names == ("a", "b")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": IMAGES}, "no labels"),
        ({"x": IMAGES[:0], "y": Y[:0]}, "is empty"),
        ({"x": IMAGES.reshape(4, -1)[:, :0], "y": Y}, "is empty"),
        ({"x": Y, "y": Y}, r"x has shape \(4,\), a list of numbers .* such as \(4, 1\)"),
        ({"x": Y[:0], "y": Y[:0]}, "is empty"),
        ({"a": IMAGES, "b": IMAGES, "y": Y}, "one input is needed"),
        ({"x": np.full((4, 2), np.nan), "y": Y}, "sample 0 holds NaN"),
        ({"x": np.full((4, 2), 1e300), "y": Y}, "sample 0 holds NaN or infinity"),
        ({"x": np.array([["a"]] * 4), "y": Y}, "not numbers"),
        ({"x": IMAGES, "y": Y[:3]}, "4 samples but 3 labels"),
        ({"x": IMAGES, "y": Y / 2}, "labels are float64"),
        ({"x": IMAGES, "y": Y - 1}, "sample 0 has label -1"),
        ({"x": IMAGES, "y": Y * 2, "class_names": ["a", "b"]}, "sample 1 has label 2; labels must be 0 to 1"),
        ({"x": IMAGES, "y": Y * 10**9}, "sample 1 has label 1000000000"),
        ({"x": IMAGES, "y": [0, 1, 10**7, 1]}, "0 to 2, .*3 classes, but there are 3 distinct ones from 0 to 10000000"),
        (
            {"x": IMAGES, "y": [-1, 0, 1, 0]},
            "0 to 2, the places of 3 classes, but there are 3 distinct ones from -1 to 1",
        ),
        ({"x": IMAGES, "y": Y * 0}, "at least 2"),
        ({"x": IMAGES, "y": Y, "class_names": ["a"]}, "at least 2"),
        ({"x": IMAGES, "y": np.array([[0], [1], [0], [1]])}, r"shape \(4, 1\)"),
    ],
)
def test_faults(npz, arrays, message):
    with pytest.raises(DataError, match=rf"d\.npz: .*{message}"):
        load("d.npz", npz(**arrays))


def test_a_scale_of_zero_is_refused_as_such(npz):
    with pytest.raises(DataError, match=r"d\.npz: .*scale 0 makes every sample the same"):
        load("d.npz", npz(x=IMAGES, y=Y), scale=0.0)


def test_an_image_shape_that_cannot_be(npz):
    with pytest.raises(DataError, match="1 or 3"):
        load("d.npz", npz(x=IMAGES, y=Y), image_shape=(8, 8, 2))
    with pytest.raises(DataError, match=r"d\.npz: .*is no image"):
        load("d.npz", npz(x=IMAGES.reshape(4, -1), y=Y), image_shape=(6, 5, 3))


@pytest.mark.parametrize("source", ["missing", "missing.npz", "folder/missing"])
def test_missing_data(tmp_path, source):
    with pytest.raises(DataError, match=f"{source}: no such file or folder"):
        load(source, tmp_path)


def test_empty_folder(tmp_path):
    with pytest.raises(DataError, match="holds no images"):
        load(".", tmp_path)


def test_real_cifar_images(real_data, tmp_path):
    archives = sorted((real_data / "cifar10_jpeg").glob("*.zip"))
    with zipfile.ZipFile(archives[-1]) as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")]
        classes = sorted({Path(name).parent.name for name in names})
        for class_name in classes:
            for name in [name for name in names if Path(name).parent.name == class_name][:6]:
                target = tmp_path / class_name / Path(name).name
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(archive.read(name))
    dataset = load(".", tmp_path)
    assert dataset.class_names == tuple(classes)
    assert dataset.x.shape == (6 * len(classes), 32, 32, 3)
    splits = split(dataset, seed=0, validation=len(classes), calibration=len(classes), test=len(classes))
    assert np.bincount(splits.test.y).tolist() == [1] * len(classes)


def test_a_table_of_text_says_what_to_do_with_it(tmp_path):
    (tmp_path / "mood.tsv").write_text("sentence\tlabel\nfine\t1\nsad\t0\n")
    with pytest.raises(DataError, match=r"'sentence' holds text, not numbers; name an entry point"):
        load_dataset("mood.tsv", base=tmp_path, image_shape=None, scale=None, offset=None)
