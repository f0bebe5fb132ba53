"""Splits: disjoint by content, covering, stratified, seeded."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from litesmith.calibration.preprocess import Preprocess
from litesmith.dataset import Dataset
from litesmith.errors import DataError
from litesmith.splits import Splits, split

shares = st.floats(0.05, 0.3)


def dataset(values, labels, classes):
    x = np.array(values, np.float32).reshape(-1, 1)
    return Dataset(x, np.array(labels), tuple(f"class{i}" for i in range(classes)), Preprocess((1,), "tensor"), "made")


def test_parts_of_different_contracts_are_refused():
    part = dataset([1, 2], [0, 1], 2)
    other = Dataset(part.x, part.y, part.class_names, Preprocess((1,), "tensor", scale=2.0), "other")
    with pytest.raises(DataError, match=r"scale 2\.0 and 1\.0") as failure:
        Splits(part, part, other, part)
    assert part.preprocess.digest[:12] in str(failure.value)
    assert other.preprocess.digest[:12] in str(failure.value)


def parts(splits):
    return [splits.train, splits.validation, splits.calibration, splits.test]


@st.composite
def datasets(draw):
    """Two to four classes of differing size, some samples twice or more, in any order."""
    sizes = draw(st.lists(st.integers(8, 40), min_size=2, max_size=4))
    labels = np.repeat(np.arange(len(sizes)), sizes)
    values = np.arange(len(labels))
    copies = draw(st.lists(st.integers(0, len(labels) - 1), max_size=30))
    order = np.random.default_rng(draw(st.integers(0, 99))).permutation(len(labels) + len(copies))
    return dataset(np.append(values, values[copies])[order], np.append(labels, labels[copies])[order], len(sizes))


def try_split(data, **arguments):
    try:
        return split(data, **arguments)
    except DataError as error:
        assert "need" in str(error)
        assume(False)
        raise


@settings(deadline=None)
@given(datasets(), st.integers(0, 2**31), shares, shares, shares)
def test_parts_are_disjoint_by_content_and_cover_everything(data, seed, validation, calibration, test):
    splits = try_split(data, seed=seed, validation=validation, calibration=calibration, test=test)
    contents = [set(part.x[:, 0].tolist()) for part in parts(splits)]
    assert sum(len(content) for content in contents) == len(set().union(*contents))
    together = np.concatenate([np.column_stack([part.x[:, 0], part.y]) for part in parts(splits)])
    original = np.column_stack([data.x[:, 0], data.y])
    assert np.array_equal(np.sort(together, axis=0), np.sort(original, axis=0))


@settings(deadline=None)
@given(datasets(), st.integers(0, 2**31), shares, shares, shares)
def test_parts_are_stratified_and_have_the_size_asked_for(data, seed, validation, calibration, test):
    splits = try_split(data, seed=seed, validation=validation, calibration=calibration, test=test)
    _, first = np.unique(data.x[:, 0], return_index=True)
    whole = np.bincount(data.y[first])
    for part, share in zip(parts(splits)[1:], (validation, calibration, test), strict=True):
        _, first = np.unique(part.x[:, 0], return_index=True)
        counts = np.bincount(part.y[first], minlength=len(whole))
        total = round(share * int(whole.sum()))
        assert counts.sum() == total
        assert counts.min() >= 1
        if (whole * total >= whole.sum()).all():
            assert np.abs(counts - total * whole / whole.sum()).max() < 1


@settings(deadline=None)
@given(datasets(), st.integers(0, 2**31))
def test_the_seed_and_the_content_decide_not_the_order(data, seed):
    arguments = {"seed": seed, "validation": 0.1, "calibration": 0.1, "test": 0.2}
    first = try_split(data, **arguments)
    again = split(data, **arguments)
    backwards = split(data.select(np.arange(len(data))[::-1], "backwards"), **arguments)
    for one, two, three in zip(parts(first), parts(again), parts(backwards), strict=True):
        assert one.digest == two.digest
        assert sorted(one.x[:, 0].tolist()) == sorted(three.x[:, 0].tolist())


def test_another_seed_is_another_split():
    data = dataset(range(100), np.arange(100) % 2, 2)
    arguments = {"validation": 0.1, "calibration": 0.1, "test": 0.2}
    assert split(data, seed=0, **arguments).test.digest != split(data, seed=1, **arguments).test.digest


def test_counts_and_names():
    splits = split(dataset(range(100), np.arange(100) % 4, 4), seed=0, validation=8, calibration=16, test=0.25)
    assert [(part.name, len(part)) for part in parts(splits)] == [
        ("made/train", 51), ("made/validation", 8), ("made/calibration", 16), ("made/test", 25),
    ]  # fmt: skip


def test_copies_with_other_labels_and_negative_zero_stay_together():
    values = [float(i) for i in range(1, 40)] + [0.0, -0.0, 1.0]
    labels = [i % 2 for i in range(39)] + [0, 1, 1]
    splits = split(dataset(values, labels, 2), seed=4, validation=0.2, calibration=0.2, test=0.2)
    for value in (0.0, 1.0):
        assert sorted(int((part.x == value).sum()) for part in parts(splits)) == [0, 0, 0, 2]


def test_rare_classes_are_in_every_part():
    labels = np.array([0] * 400 + [1] * 4)
    splits = split(dataset(range(404), labels, 2), seed=0, validation=0.1, calibration=0.1, test=0.2)
    assert [int((part.y == 1).sum()) for part in parts(splits)] == [1, 1, 1, 1]
    assert [len(part) for part in parts(splits)[1:]] == [40, 40, 81]


@pytest.mark.parametrize(
    ("count", "validation", "message"),
    [
        (6, 2, r"'class0' has 3 distinct samples but this split needs at least 4"),
        (40, 40, r"'class0' has 20 distinct samples but this split needs at least 23"),
        (40, 1, r"validation = 1 is 1 of 40 distinct samples, but 2 classes need at least 2"),
        (40, 0.01, r"validation = 0.01 is 0 of 40 distinct samples, but 2 classes need at least 2"),
        (40, 0, "neither a share between 0 and 1 nor a count"),
        (40, -3, "neither a share"),
        (40, 1.0, "neither a share"),
        (40, 1.5, "neither a share"),
        (40, True, "neither a share"),
    ],
)
def test_impossible_splits(count, validation, message):
    data = dataset(range(count), np.arange(count) % 2, 2)
    with pytest.raises(DataError, match=f"made: .*{message}"):
        split(data, seed=0, validation=validation, calibration=2, test=2)


def test_a_class_without_samples():
    with pytest.raises(DataError, match="'class2' has 0 distinct samples"):
        split(dataset(range(40), np.arange(40) % 2, 3), seed=0, validation=4, calibration=4, test=4)


def test_copies_do_not_count():
    data = dataset([0] * 20 + list(range(1, 21)), [0] * 20 + [1] * 20, 2)
    with pytest.raises(DataError, match="'class0' has 1 distinct samples"):
        split(data, seed=0, validation=2, calibration=2, test=2)


def test_samples_under_two_labels_are_named_where_they_leave_too_few():
    data = dataset([*range(20), *range(20)], [0] * 20 + [1] * 20, 2)
    message = r"'class1' has 0 distinct samples.* 40 samples stand under more than one label \(samples 0, 1, .*, \.\.\."
    with pytest.raises(DataError, match=message):
        split(data, seed=0, validation=2, calibration=2, test=2)
    with pytest.raises(DataError, match=r"classes need at least 2.* 2 samples .* \(samples 3, 40\)"):
        split(dataset([*range(40), 3], [0, 1] * 20 + [0], 2), seed=0, validation=1, calibration=2, test=2)


def test_repeated_and_contradictory_samples_are_counted():
    values = [*range(40), 7, 7, 8, 9]
    labels = [0, 1] * 20 + [1, 0, 1, 1]
    splits = split(dataset(values, labels, 2), seed=0, validation=4, calibration=4, test=4)
    assert (splits.duplicates, splits.conflicts) == (4, 5)
    whole = split(dataset(range(40), [0, 1] * 20, 2), seed=0, validation=4, calibration=4, test=4)
    assert (whole.duplicates, whole.conflicts) == (0, 0)


def test_splits_check_themselves():
    data = dataset(range(4), [0, 1, 0, 1], 2)
    with pytest.raises(DataError, match="lone: has no sample of class 'class1'"):
        Splits(data, data, data, data.select(np.array([0]), "lone"))


class TestWithoutClasses:
    def test_parts_are_disjoint_and_get_the_vectors_in_their_order(self):
        values = np.repeat(np.arange(50, dtype=np.float32), 2)[:, None]
        data = Dataset(values, np.zeros((100, 0), np.float32), (), Preprocess((1,), "tensor"), "made")
        splits = split(data, seed=1, validation=0.1, calibration=0.1, test=0.2)
        assert [len(part) for part in splits.parts] == [60, 10, 10, 20]
        assert (splits.duplicates, splits.conflicts) == (50, 0)
        found = [set(part.x.ravel().tolist()) for part in splits.parts]
        assert sum(map(len, found)) == len(set().union(*found)) == 50
        wanted = np.concatenate([part.x for part in splits.parts]) * [[1, 2]]
        for part in splits.with_vectors(wanted.astype(np.float32)).parts:
            assert np.array_equal(part.y, part.x * [[1, 2]])

    def test_too_few_samples_are_said_without_classes(self):
        data = Dataset(np.ones((1, 1), np.float32), np.zeros((1, 0)), (), Preprocess((1,), "tensor"), "made")
        with pytest.raises(DataError, match="made: the source has 1 distinct samples but this split needs at least 4"):
            split(data, seed=1, validation=1, calibration=1, test=1)
