"""Sentences of a file, with labels where the task has classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.table_rows import SUFFIXES
from litesmith.calibration.tables import read_table
from litesmith.calibration.text import sentences as sentence_files
from litesmith.errors import DataError
from litesmith.text.spec import TextSpec

Labels = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sentences:
    """Texts with labels, and the names of the classes where the table or the recipe gives them.

    Without classes, `targets` are the vectors of `Dataset.y`, which nobody has computed yet: (N, 0).
    """

    texts: list[str]
    targets: npt.NDArray[Any]
    class_names: tuple[str, ...]

    @property
    def labels(self) -> Labels | None:
        """(N,), None without classes."""
        return self.targets if self.class_names else None

    def at(self, places: Sequence[int] | npt.NDArray[np.int64]) -> Sentences:
        """Those at `places`."""
        return Sentences([self.texts[place] for place in places], self.targets[list(places)], self.class_names)


def read_plain(path: Path, text: TextSpec) -> Sentences:
    """Texts without labels: a column of a table, or one a line.

    Raises:
        DataError: it cannot be read, lacks the column, or has no sentence or an empty one.
    """
    column = text.column if path.suffix.lower() in SUFFIXES else None
    texts = list(sentence_files.read_sentences(path, column=column))
    return Sentences(texts, np.zeros((len(texts), 0), np.float32), ())


def read_labelled(path: Path, text: TextSpec) -> Sentences:
    """Texts and labels of a table.

    Raises:
        DataError: it cannot be read, lacks a column, or a text is empty or a label is no class.
    """
    texts, labels, names = _columns(path, text)
    if labels is None:
        raise DataError(f"{path}: has no column {text.label!r} of labels; name it in data.text.label")
    names = text.classes or names or tuple(str(label) for label in range(max(2, int(labels.max(initial=0)) + 1)))
    wrong = np.flatnonzero((labels < 0) | (labels >= len(names)))
    if wrong.size:
        raise DataError(
            f"{path}: sample {wrong[0]} has label {labels[wrong[0]]}, but the classes are {', '.join(names)}; "
            "number them from 0, or name them in data.text.classes"
        )
    return Sentences(texts, labels, names)


def _columns(path: Path, text: TextSpec) -> tuple[list[str], Labels | None, tuple[str, ...] | None]:
    if not path.is_file():
        raise DataError(f"{path}: no such file; give a .tsv or .csv with a column {text.column!r}")
    table = read_table(path)
    texts = table.columns.get(text.column)
    if not isinstance(texts, list):
        columns = ", ".join(map(repr, table.columns))
        raise DataError(f"{path}: has no column {text.column!r} of texts, but {columns}; name it in data.text.column")
    empty = next((place for place, one in enumerate(texts) if not one.strip()), None)
    if empty is not None:
        raise DataError(f"{path}: text {empty} is empty; remove its line")
    labels, names = table.labels, table.class_names
    other = table.columns.get(text.label)
    if isinstance(other, list):
        names = tuple(sorted(set(other)))
        labels = np.array([names.index(one) for one in other], np.int64)
    elif other is not None:
        labels = np.asarray(other).astype(np.int64)
    return texts, labels, names
