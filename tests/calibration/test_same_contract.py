"""Samples of two contracts are not mixed."""

import numpy as np
import pytest

from litesmith.calibration.preprocess import Preprocess
from litesmith.calibration.same_contract import differences, require_same, stored_arrays, stored_contract
from litesmith.calibration.samples import CalibrationSet
from litesmith.errors import DataError

ONE = Preprocess((2, 2, 1), "image", "area", 1 / 255)
OTHER = Preprocess((2, 2, 1), "image", "bilinear", 1 / 127.5, -1.0)


def test_an_unknown_contract_fits_any():
    require_same(None, "a", ONE, "b")
    require_same(ONE, "a", None, "b")
    require_same(ONE, "a", Preprocess((2, 2, 1), "image", "area", 1 / 255), "b")


def test_the_message_has_both_and_what_differs():
    with pytest.raises(DataError) as failure:
        require_same(ONE, "train.npz", OTHER, "test.npz")
    text = str(failure.value)
    assert all(part in text for part in ("train.npz", ONE.digest[:12], "test.npz", OTHER.digest[:12]))
    assert differences(ONE, OTHER) in text
    assert differences(ONE, OTHER).startswith("resize 'area' and 'bilinear', scale 0.00392")
    assert "offset 0.0 and -1.0" in text


@pytest.mark.parametrize("labels", [None, np.array([0, 1])])
def test_stored_samples_are_read_with_their_contract(tmp_path, labels):
    x = ONE.apply_batch(np.arange(8, dtype=np.uint8).reshape(2, 2, 2))
    np.savez(tmp_path / "set.npz", **stored_arrays(ONE, x, labels))
    samples = CalibrationSet.from_source("set.npz", base=tmp_path)
    assert samples.preprocess == ONE
    assert list(samples.inputs) == ["x"]
    assert np.array_equal(samples.inputs["x"], x)
    assert (samples.labels is None) == (labels is None)
    drawn, rest = samples.split(1, 0)
    assert drawn.preprocess == rest.preprocess == samples.bind({"image": (None, 2, 2, 1)}).preprocess == ONE
    assert CalibrationSet.from_source("set.npz", base=tmp_path, preprocess=ONE).preprocess == ONE
    with pytest.raises(DataError, match=OTHER.digest[:12]):
        CalibrationSet.from_source("set.npz", base=tmp_path, preprocess=OTHER)


def test_an_input_may_be_called_preprocess():
    assert stored_contract(np.zeros((3, 2)), "d.npz") is None
    assert stored_contract(None, "d.npz") is None
    assert stored_contract(np.array(["a", "b"]), "d.npz") is None
