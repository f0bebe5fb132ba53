"""What a command answers with; only `litesmith.cli` prints it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """`document` is what `--json` prints; `text` is the same for people."""

    document: Mapping[str, Any]
    text: str
    exit_code: int = 0


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, open_end: bool = False) -> str:
    """Columns padded to their widest cell: text to the left, numbers to the right.

    Args:
        header: names of the columns.
        rows: their cells.
        open_end: whether the last column, whose cells may be long, is underlined as far as its name only.
    """
    cells = [list(header), *(list(row) for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    numeric = [all(_is_number(row[column]) for row in rows) for column in range(len(header))]
    lines = [
        "  ".join(
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, numeric, strict=True)
        ).rstrip()
        for row in cells
    ]
    underlined = [*widths[:-1], len(header[-1])] if open_end else widths
    return "\n".join([lines[0], "  ".join("-" * width for width in underlined), *lines[1:]])


def printable(text: str) -> str:
    """Text with control characters replaced: names from a file must not steer a terminal."""
    return "".join(character if character.isprintable() or character == "\n" else "?" for character in text)


def counted(number: int, thing: str) -> str:
    """`1 op`, `2 ops`."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def one_line(name: str) -> str:
    """A name for a line of its own: file names may hold ends of lines too."""
    return "".join(character if character.isprintable() else "?" for character in name)


def _is_number(cell: str) -> bool:
    return cell in {"", "-"} or cell.lstrip("+-").replace(",", "").replace(".", "", 1).rstrip("%").isdigit()
