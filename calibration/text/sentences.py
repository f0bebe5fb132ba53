"""Sentences from a file: one a line, or a column of a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from litesmith.calibration.table_rows import SUFFIXES, TableFile
from litesmith.calibration.tables import LABELS
from litesmith.errors import DataError

# A column called so holds the sentences, in capitals or not.
COLUMNS = ("sentence", "text")
_MOST_BYTES = 1 << 30


def read_sentences(path: Path | str, *, column: str | None = None) -> tuple[str, ...]:
    """The sentences of a file, in its order.

    A `.tsv` or `.csv` is a table with a header; the sentences stand in `column`, or in the one called "sentence" or
    "text", or in the only one that does not hold labels. Any other file has one sentence a line. A line that is empty
    or has only spaces is no sentence; spaces around one are dropped.

    Args:
        path: the file, UTF-8.
        column: name in the header of a table.

    Raises:
        DataError: there is no such file, it is a folder, it is not text in UTF-8, it has no sentences, or the column
            cannot be told.
    """
    path = Path(path)
    if not path.is_file():
        found = "is a folder" if path.is_dir() else "there is no such file"
        raise DataError(f"{path}: {found}; give a text file with one sentence a line, or a .tsv or .csv")
    if path.stat().st_size > _MOST_BYTES:
        raise DataError(f"{path}: has more than {_MOST_BYTES:,} bytes; give a part of it")
    if path.suffix.lower() in SUFFIXES:
        sentences = _column(path, column)
    elif column is not None:
        raise DataError(f"{path}: has no columns; leave out column {column!r}, or give a .tsv or .csv")
    else:
        sentences = _lines(path)
    if not sentences:
        raise DataError(f"{path}: has no sentence; give one a line")
    return tuple(sentences)


def read_texts(path: Path | str, columns: Sequence[str] = ()) -> list[tuple[str, ...]]:
    """The texts of a file, or pairs of them, in its order.

    Args:
        path: see `read_sentences`.
        columns: of a table: the one that holds the texts, or the two that hold pairs; none to find it.

    Raises:
        DataError: see `read_sentences`.
    """
    wanted: Sequence[str | None] = columns or [None]
    return list(zip(*(read_sentences(path, column=column) for column in wanted), strict=True))


def sentence_column(path: Path) -> str | None:
    """The column that `read_sentences` reads where none is named; None where the file is no table.

    Raises:
        DataError: it is not text in UTF-8, or the column cannot be told.
    """
    if path.suffix.lower() not in SUFFIXES:
        return None
    names = TableFile(path).names
    return names[_place(path, names, None)]


def _lines(path: Path) -> list[str]:
    data = path.read_bytes()
    if (place := data.find(0)) >= 0:
        raise DataError(f"{path}, line {_line(data, place)}: has a zero byte, so it is no text in UTF-8; convert it")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # The place is counted from behind a byte order mark.
        start = error.start + len(data) - len(error.object)
        raise DataError(f"{path}, line {_line(data, start)}: is not UTF-8; save the file as UTF-8") from error
    return [line.strip() for line in text.split("\n") if line.strip()]


def _line(data: bytes, place: int) -> int:
    return data.count(b"\n", 0, place) + 1


def _column(path: Path, column: str | None) -> list[str]:
    file = TableFile(path)
    place = _place(path, file.names, column)
    result = []
    for line, cells in file.rows():
        if not cells[place].strip():
            raise DataError(f"{path}, line {line}: {file.names[place]!r} is empty; give a sentence, or remove the line")
        result.append(cells[place].strip())
    return result


def _place(path: Path, names: tuple[str, ...], column: str | None) -> int:
    there = ", ".join(names)
    if column is not None:
        if column not in names:
            raise DataError(f"{path}: has no column {column!r}, only {there}")
        return names.index(column)
    for wanted in (COLUMNS, [name.lower() for name in names if name.lower() not in LABELS]):
        found = [place for place, name in enumerate(names) if name.lower() in wanted]
        if len(found) == 1:
            return found[0]
    raise DataError(f"{path}: which of its columns ({there}) holds the sentences? Name it, or call one 'sentence'")
