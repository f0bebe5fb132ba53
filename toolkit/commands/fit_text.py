"""Text that fits a terminal. Where there is none, nothing is cut and nothing wrapped: other programs read lines."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence

from litesmith.commands.answer import table

_NARROWEST = 40  # columns, below which wrapped text cannot be read either
_LEAST_COLUMN = 8
_GAP = 2  # between columns
PLACES_SHOWN = 22  # characters


def terminal_width() -> int | None:
    """Columns of the terminal that stdout is; None where it is a file or a pipe."""
    return max(_NARROWEST, shutil.get_terminal_size().columns) if sys.stdout.isatty() else None


def wrapped(line: str, width: int | None, indent: int) -> str:
    """A line as several of at most `width` columns, but for longer words such as addresses.

    Args:
        line: which may begin with spaces of its own.
        width: of the terminal; None leaves the line as it is.
        indent: spaces before the second line and those after it.
    """
    if width is None or len(line) <= width:
        return line
    space = " " * indent
    lines = textwrap.wrap(line, width, subsequent_indent=space, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)


def fitted_table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> str:
    """A table whose cells take several lines where it would be wider than `width`; the widest columns give way."""
    if width is None:
        return table(header, rows)
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    while sum(widths) + _GAP * (len(widths) - 1) > width and max(widths) > _LEAST_COLUMN:
        widths[widths.index(max(widths))] -= 1
    lines: list[Sequence[str]] = []
    for row in rows:
        cells = [textwrap.wrap(cell, size) or [""] for cell, size in zip(row, widths, strict=True)]
        height = max(map(len, cells))
        lines += zip(*([*cell, *[""] * (height - len(cell))] for cell in cells), strict=True)
    return table(header, lines)


def ranges(places: Iterable[int], *, short: bool = False) -> str:
    """Places: `3, 7-9`; in short only the first of many: `3, 7-9, ... (154 of them)`."""
    listed = sorted(set(places))
    spans: list[list[int]] = []
    for place in listed:
        if spans and place == spans[-1][1] + 1:
            spans[-1][1] = place
        else:
            spans.append([place, place])
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in spans]
    if not short or len(", ".join(texts)) <= PLACES_SHOWN:
        return ", ".join(texts)
    shown = next(count for count in range(len(texts), 0, -1) if count == 1 or len(", ".join(texts[:count])) <= 12)
    return f"{', '.join(texts[:shown])}, ... ({len(listed)})"
