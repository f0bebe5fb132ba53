"""The rows of a `.tsv` or `.csv`, each with the line that it stands in."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from litesmith.errors import DataError

SUFFIXES = (".tsv", ".csv")


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table with a header line, UTF-8; empty lines count as none.

    Cells of a `.csv` may be quoted (RFC 4180). In a `.tsv` a quote is a character like any other, as IANA's
    text/tab-separated-values has it.

    Attributes:
        path: an existing file.
        names: of the columns, as the header has them.

    Raises:
        DataError: at construction, if the file is not UTF-8, or the header misses, or has no name or one name for
            several columns; in `rows`, if a line cannot be read or has another number of columns than the header.
    """

    path: Path
    names: tuple[str, ...] = field(init=False)
    _text: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_text", _decoded(self.path))
        line, header = next(self._lines(), (1, []))
        names = tuple(name.strip() for name in header)
        _check_header(names, f"{self.path}, line {line}")
        object.__setattr__(self, "names", names)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Line and cells of one sample after the other; the line is the last one of a cell that has several."""
        lines = self._lines()
        next(lines)
        for line, cells in lines:
            if len(cells) != len(self.names):
                raise DataError(
                    f"{self.path}, line {line}: has {len(cells)} columns but the header has {len(self.names)}; "
                    "repair this line"
                )
            yield line, cells

    def _lines(self) -> Iterator[tuple[int, list[str]]]:
        is_tsv = self.path.suffix.lower() == ".tsv"
        reader = csv.reader(
            io.StringIO(self._text, newline=""),
            delimiter="\t" if is_tsv else ",",
            quoting=csv.QUOTE_NONE if is_tsv else csv.QUOTE_MINIMAL,
            strict=True,
        )
        try:
            for cells in reader:
                if cells:
                    yield reader.line_num, cells
        except csv.Error as error:
            raise DataError(
                f"{self.path}, line {reader.line_num}: cannot be read ({error}); repair this line"
            ) from error


def is_number(cell: str) -> bool:
    """Whether a cell is written as a decimal number; nan and infinity are numbers too."""
    try:
        float(cell)
    except ValueError:
        return False
    # Python also reads 1_000, which no file means as a number.
    return "_" not in cell


def _decoded(path: Path) -> str:
    content = path.read_bytes()
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}, line {line}: is not UTF-8 ({error.reason}); save it as UTF-8") from error


def _check_header(names: tuple[str, ...], where: str) -> None:
    if not names:
        raise DataError(f"{where}: the file is empty; give a header line with names, and one line for each sample")
    if all(map(is_number, names)):
        raise DataError(f"{where}: holds numbers; the first line must name the columns")
    if "" in names:
        raise DataError(f"{where}: column {names.index('') + 1} has no name; name it, or remove it if it is an index")
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise DataError(f"{where}: {count} columns are called {name!r}; give each its own name")
