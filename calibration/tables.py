"""Samples and their labels from a `.tsv` or `.csv`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from litesmith.calibration.draw import draw_at_most
from litesmith.calibration.encoding import Column
from litesmith.calibration.table_rows import TableFile, is_number
from litesmith.errors import DataError

Labels = npt.NDArray[np.int64]

# A column called so holds labels, in capitals or not.
LABELS = ("label", "labels", "y", "class")
# Beyond it not every whole number is a float64.
_LARGEST = 2**53


@dataclass(frozen=True, slots=True)
class Table:
    """Samples by column, in the order of the file.

    Attributes:
        columns: by name, without the labels: float32 `(N,)` where every cell of the file is a number, else N texts.
        labels: `(N,)`, or None.
        class_names: in label order, if the labels are texts.
    """

    columns: dict[str, Column]
    labels: Labels | None
    class_names: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class _Survey:
    """What is known once all rows were seen; of the cells only the labels are kept.

    Attributes:
        lines: the line of each sample.
        labels: as they are written.
        numeric: places of the columns whose cells all are numbers.
    """

    lines: list[int]
    labels: list[str]
    numeric: list[int]


def read_table(path: Path, *, limit: int | None = None, seed: int = 0) -> Table:
    """Read a table; a column of `LABELS` holds whole numbers, or names of classes.

    The file is gone through twice, so that only rows that were drawn take memory.

    Args:
        path: an existing file, as `TableFile` describes it.
        limit: draw at most so many rows, from all classes alike; all if None.
        seed: for drawing.

    Raises:
        CalibrationError: `limit` is below 1.
        DataError: it is damaged, has no sample or no input, a label is missing or a broken number, or a cell is
            empty in a column of numbers. The message names the line.
    """
    file = TableFile(path)
    marked = _label_column(file)
    survey = _survey(file, marked)
    labels, class_names = (None, None) if marked is None else _labels(file, marked, survey)
    places = draw_at_most(len(survey.lines), limit, seed, labels, source=str(path))
    columns = _columns(file, set(places.tolist()), survey.numeric)
    if marked is not None:
        del columns[file.names[marked]]
    return Table(columns, None if labels is None else labels[places], class_names)


def _label_column(file: TableFile) -> int | None:
    marked = [place for place, name in enumerate(file.names) if name.lower() in LABELS]
    if len(marked) > 1:
        listed = ", ".join(repr(file.names[place]) for place in marked)
        raise DataError(f"{file.path}, line 1: columns {listed} all are labels; keep one of them")
    if len(marked) == len(file.names):
        raise DataError(f"{file.path}, line 1: has no column but the labels; add the inputs")
    return marked[0] if marked else None


def _survey(file: TableFile, marked: int | None) -> _Survey:
    survey = _Survey([], [], [place for place in range(len(file.names)) if place != marked])
    empty: dict[int, int] = {}
    for line, cells in file.rows():
        survey.lines.append(line)
        if marked is not None:
            survey.labels.append(cells[marked].strip())
        if not _are_numbers([cells[place] for place in survey.numeric]):
            blank = {place for place in survey.numeric if not cells[place].strip()}
            empty = dict.fromkeys(blank, line) | empty
            survey.numeric[:] = [place for place in survey.numeric if place in blank or is_number(cells[place])]
    if not survey.lines:
        raise DataError(f"{file.path}, line 2: there is no sample; give one line for each below the header")
    for place in survey.numeric:
        if place in empty:
            raise DataError(
                f"{file.path}, line {empty[place]}: column {file.names[place]!r} is empty; fill in a number, or "
                "remove this line"
            )
    return survey


def _are_numbers(cells: Sequence[str]) -> bool:
    """`is_number` of every cell, several times as fast."""
    try:
        for _ in map(float, cells):
            pass
    except ValueError:
        return False
    return "_" not in "".join(cells)


def _labels(file: TableFile, marked: int, survey: _Survey) -> tuple[Labels, tuple[str, ...] | None]:
    texts, column = survey.labels, f"column {file.names[marked]!r}"
    if "" in texts:
        line = survey.lines[texts.index("")]
        raise DataError(f"{file.path}, line {line}: {column} is empty; give every sample a label")
    if not _are_numbers(texts):
        names = sorted(set(texts))
        places = {name: place for place, name in enumerate(names)}
        return np.array([places[text] for text in texts], np.int64), tuple(names)
    values = np.array([float(text) for text in texts])
    wrong = np.flatnonzero((values != np.rint(values)) | ~(np.abs(values) <= _LARGEST))
    if wrong.size:
        raise DataError(
            f"{file.path}, line {survey.lines[wrong[0]]}: {column} holds {texts[wrong[0]]}, but labels are whole "
            "numbers or texts; rename the column if it is an input, else remove it"
        )
    return values.astype(np.int64), None


def _columns(file: TableFile, chosen: Collection[int], numeric: Sequence[int]) -> dict[str, Column]:
    numbers = np.empty((len(chosen), len(numeric)), np.float32)
    texts: dict[int, list[str]] = {place: [] for place in sorted(set(range(len(file.names))) - set(numeric))}
    kept = (cells for index, (_, cells) in enumerate(file.rows()) if index in chosen)
    # What float32 cannot hold becomes infinite, which whoever uses the values refuses.
    with np.errstate(over="ignore"):
        for row, cells in enumerate(kept):
            numbers[row] = [float(cells[place]) for place in numeric]
            for place, column in texts.items():
                column.append(cells[place])
    by_place = dict(zip(numeric, numbers.T, strict=True))
    return {name: by_place[place] if place in by_place else texts[place] for place, name in enumerate(file.names)}
