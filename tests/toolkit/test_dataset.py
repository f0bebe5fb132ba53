"""Dataset: every fault in the data is one clear error."""

import numpy as np
import pytest

from litesmith.calibration.preprocess import Preprocess
from litesmith.converters.metric import COSINE
from litesmith.dataset import Dataset
from litesmith.errors import DataError

X = np.arange(8, dtype=np.float32).reshape(4, 2)
Y = np.array([0, 1, 0, 1])
NAMES = ("cat", "dog")
PREPROCESS = Preprocess((2,), "tensor")


def make(x=X, y=Y, class_names=NAMES, preprocess=PREPROCESS):
    return Dataset(x, y, class_names, preprocess, "pets")


def with_nan():
    x = X.copy()
    x[2, 1] = np.nan
    return x


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": X[:0], "y": Y[:0]}, "is empty"),
        ({"x": with_nan()}, "sample 2 holds NaN or infinity"),
        ({"x": np.full_like(X, -np.inf)}, "sample 0 holds NaN or infinity"),
        ({"x": X.reshape(4, 2, 1)}, r"shape \(4, 2, 1\); expected float32 \(N, 2\)"),
        ({"x": X.astype(np.float64)}, "x is float64"),
        ({"y": Y[:3]}, "4 samples but 3 labels"),
        ({"y": Y.astype(np.float32)}, "labels are float32"),
        ({"y": np.eye(2, dtype=int)[Y]}, "one-hot"),
        ({"y": np.array([0, 1, -1, 0])}, "sample 2 has label -1; labels must be 0 to 1"),
        ({"y": np.array([0, 1, 0, 2])}, "sample 3 has label 2; labels must be 0 to 1"),
        ({"y": np.array([0, 1, 10**7, 1])}, "0 to 1, .* 2 classes, but there are 3 distinct ones from 0 to 10000000"),
        ({"y": np.array([0, 1, 0, 2**63], np.uint64)}, "sample 3 has label 9223372036854775808"),
        ({"class_names": ("cat",)}, "at least 2"),
        ({"class_names": ("cat", "cat")}, "repeat or are empty"),
        ({"class_names": ("cat", "")}, "repeat or are empty"),
    ],
)
def test_faults(change, message):
    with pytest.raises(DataError, match=f"pets: .*{message}"):
        make(**change)


def test_arrays_are_read_only_and_the_callers_are_not():
    x = X.copy()
    dataset = make(x=x, y=Y.astype(np.uint8))
    assert dataset.y.dtype == np.int64
    for array in (dataset.x, dataset.y):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    x[0] = 5


def test_digest_depends_on_samples_labels_and_names():
    digests = {make().digest, make(x=X + 1).digest, make(y=1 - Y).digest, make(class_names=("a", "b")).digest}
    assert len(digests) == 4
    assert make(y=Y.astype(np.uint8)).digest == make().digest


def test_select_keeps_order_and_contract():
    part = make().select(np.array([3, 0]), "pets/part")
    assert np.array_equal(part.x, X[[3, 0]])
    assert part.y.tolist() == [1, 0]
    assert (part.name, part.class_names, part.preprocess) == ("pets/part", NAMES, PREPROCESS)


def test_vectors_may_be_wanted_in_place_of_labels():
    wanted = np.ones((4, 3))
    dataset = make(y=wanted, class_names=())
    assert (dataset.y.dtype, dataset.metric) == (np.float32, COSINE)
    assert dataset.strata.tolist() == [0] * 4
    assert make().strata.tolist() == Y.tolist()
    assert dataset.select(np.array([1]), "one").y.shape == (1, 3)
    assert make(y=wanted[:, :0], class_names=()).digest != dataset.digest
    for wrong in (wanted[:3], wanted * np.nan, wanted[..., None]):
        with pytest.raises(DataError, match="pets: vectors of shape"):
            make(y=wrong, class_names=())
