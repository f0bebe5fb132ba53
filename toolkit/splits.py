"""Train, validation, calibration and test: disjoint by content, each with every class where there are some."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from litesmith.calibration.preprocess import Preprocess
from litesmith.calibration.same_contract import require_same
from litesmith.converters.metric import Metric
from litesmith.dataset import Dataset
from litesmith.errors import DataError

Counts = npt.NDArray[np.int64]
_CONFLICTS_SHOWN = 6


@dataclass(frozen=True, slots=True)
class Splits:
    """Four disjoint parts of one dataset, each with every class.

    Attributes:
        train: what is left after the other parts.
        validation: to choose by.
        calibration: to quantize with.
        test: to measure with, once.
        duplicates: samples of the dataset that repeat the content of an earlier one.
        conflicts: samples of the dataset whose content stands under more than one label.

    Raises:
        DataError: at construction, if a class is missing in a part, or the parts went through different contracts.
    """

    train: Dataset
    validation: Dataset
    calibration: Dataset
    test: Dataset
    duplicates: int = 0
    conflicts: int = 0

    def __post_init__(self) -> None:
        for part in self.parts:
            missing = np.setdiff1d(np.arange(len(part.class_names)), part.y)
            if missing.size:
                raise DataError(f"{part.name}: has no sample of class {part.class_names[missing[0]]!r}; add samples")
            _require_same(part, self.train)

    @property
    def parts(self) -> tuple[Dataset, Dataset, Dataset, Dataset]:
        """All four, from `train` to `test`."""
        return self.train, self.validation, self.calibration, self.test

    @property
    def metric(self) -> Metric:
        """What the share that is measured on these samples is called."""
        return self.test.metric

    def with_vectors(self, vectors: npt.NDArray[np.float32]) -> Splits:
        """The same samples, with the vectors that are wanted of `parts` one after the other, (N, width)."""
        ends = np.cumsum([len(part) for part in self.parts])[:-1]
        train, validation, calibration, test = (
            replace(part, y=y) for part, y in zip(self.parts, np.split(vectors, ends), strict=True)
        )
        return Splits(train, validation, calibration, test, self.duplicates, self.conflicts)


def _require_same(one: Dataset, other: Dataset) -> None:
    mine, theirs = one.preprocess, other.preprocess
    if isinstance(mine, Preprocess) and isinstance(theirs, Preprocess):
        require_same(mine, one.name, theirs, other.name)
    elif mine != theirs:
        raise DataError(f"{one.name} and {other.name} went through different contracts; encode both with one text.json")


def split(
    dataset: Dataset, *, seed: int, validation: float | int, calibration: float | int, test: float | int
) -> Splits:
    """Split by class and by content; the rest is for training.

    Samples that are identical after preprocessing stay together, so that nothing is tested that was trained
    on; shares and counts are of distinct samples. Which part a sample falls in depends on `seed`, its
    content and its class-mates, not on the order of the data.

    Args:
        dataset: what to split.
        seed: another seed, another split.
        validation: a share in (0, 1) or a count, likewise `calibration` and `test`.
        calibration: see `validation`.
        test: see `validation`.

    Raises:
        DataError: a part would lack a class; the message says how many samples are needed.
    """
    division = divide(dataset, seed=seed, wanted={"validation": validation, "calibration": calibration, "test": test})
    parts = {part: dataset.select(places, f"{dataset.name}/{part}") for part, places in division.places.items()}
    return Splits(**parts, duplicates=division.duplicates, conflicts=division.conflicts)


@dataclass(frozen=True, slots=True, eq=False)
class Division:
    """Where the samples of a dataset go: sorted places by part, and what was found on the way as in `Splits`."""

    places: dict[str, Counts]
    duplicates: int
    conflicts: int


def divide(dataset: Dataset, *, seed: int, wanted: Mapping[str, float | int]) -> Division:
    """The places that `split` gives each part of `wanted`, and the rest as `train`.

    Raises:
        DataError: a part would lack a class; the message says how many samples are needed.
    """
    groups = _groups(dataset, seed)
    conflicts = _conflicts(dataset, groups)
    sizes = np.bincount([label for label, _ in groups.values()], minlength=max(1, len(dataset.class_names)))
    try:
        quotas = {part: _quotas(dataset.name, part, amount, sizes) for part, amount in wanted.items()}
        _check_enough(dataset, sizes, quotas)
    except DataError as error:
        raise DataError(f"{error}{_told(conflicts)}") from error
    members = {part: np.sort(np.array(places, np.int64)) for part, places in _assign(groups, quotas).items()}
    return Division(members, len(dataset) - len(groups), len(conflicts))


def _groups(dataset: Dataset, seed: int) -> dict[bytes, tuple[int, list[int]]]:
    """Label and places of identical samples, by a key that orders them at random."""
    groups: dict[bytes, tuple[int, list[int]]] = {}
    for index, (sample, label) in enumerate(zip(dataset.x, dataset.strata.tolist(), strict=True)):
        # Adding zero makes -0.0 the same content as 0.0.
        key = hashlib.sha256(f"{seed} ".encode() + (sample + np.float32(0)).tobytes()).digest()
        known, indices = groups.get(key, (label, []))
        indices.append(index)
        groups[key] = (min(known, label), indices)
    return groups


def _conflicts(dataset: Dataset, groups: dict[bytes, tuple[int, list[int]]]) -> list[int]:
    """Places of samples whose content stands under more than one label."""
    strata = dataset.strata
    return sorted(place for _, places in groups.values() if len(set(strata[places].tolist())) > 1 for place in places)


def _told(conflicts: list[int]) -> str:
    if not conflicts:
        return ""
    shown = ", ".join(map(str, conflicts[:_CONFLICTS_SHOWN])) + (", ..." if len(conflicts) > _CONFLICTS_SHOWN else "")
    return (
        f". {len(conflicts)} samples stand under more than one label (samples {shown}); identical ones count once, "
        "for the lowest of their labels: give each one label"
    )


def _assign(groups: dict[bytes, tuple[int, list[int]]], quotas: dict[str, Counts]) -> dict[str, list[int]]:
    """Fill one part after the other, class by class; what is left goes to `train`."""
    members: dict[str, list[int]] = {part: [] for part in ("train", *quotas)}
    left = {part: quota.copy() for part, quota in quotas.items()}
    for key in sorted(groups):
        label, places = groups[key]
        part = next((part for part in left if left[part][label] > 0), "train")
        if part != "train":
            left[part][label] -= 1
        members[part].extend(places)
    return members


def _check_enough(dataset: Dataset, sizes: Counts, quotas: dict[str, Counts]) -> None:
    needed = 1 + np.sum(list(quotas.values()), axis=0)
    short = np.flatnonzero(sizes < needed)
    if short.size:
        label = short[0]
        whose = f"class {dataset.class_names[label]!r}" if dataset.class_names else "the source"
        raise DataError(
            f"{dataset.name}: {whose} has {sizes[label]} distinct samples but "
            f"this split needs at least {needed[label]}; add samples or make the parts smaller"
        )


def _quotas(name: str, part: str, wanted: float | int, sizes: Counts) -> Counts:
    """Distinct samples of each class for `part`: in proportion, at least one, summing to `wanted`."""
    is_share = isinstance(wanted, float) and 0 < wanted < 1
    if not is_share and (isinstance(wanted, bool | float) or wanted < 1):
        raise DataError(f"{name}: {part} = {wanted} is neither a share between 0 and 1 nor a count")
    total = round(wanted * int(sizes.sum())) if is_share else int(wanted)
    if total < len(sizes):
        needed = f"{len(sizes)} classes need at least {len(sizes)}" if len(sizes) > 1 else "at least 1 is needed"
        raise DataError(
            f"{name}: {part} = {wanted} is {total} of {sizes.sum()} distinct samples, but {needed}; ask for more or "
            "add samples"
        )
    exact = total * sizes / sizes.sum()
    quotas: Counts = np.maximum(1, np.floor(exact).astype(np.int64))
    while quotas.sum() < total:
        quotas[np.argmax(exact - quotas)] += 1
    while quotas.sum() > total:
        quotas[np.argmax(np.where(quotas > 1, quotas - exact, -np.inf))] -= 1
    return quotas
