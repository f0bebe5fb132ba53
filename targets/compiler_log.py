"""Reads what `edgetpu_compiler` prints and what it writes to `*_edgetpu.log`.

Both hold a table of operators by kind and status; what is printed holds sums as well, the table only with `-s`, and
the reason where the compiler gave up. Texts of compilers 2.0 to 16: see `[sources.log_*]` in profiles/edge_tpu.toml.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from litesmith.errors import ModelError

MAPPED = "Mapped to Edge TPU"
MAX_LOG_BYTES = 16 * 2**20  # a log of many models has kilobytes; more than this is something else

_VERSION = re.compile(r"Edge TPU Compiler version (\S+)")
_INPUT = re.compile(r"(?:Input(?: model)?|Invalid model): (.+)")
_HEADER = re.compile(r"Operator\s+Count\s+Status")
_ROW = re.compile(r"([A-Z][A-Z0-9_]*)\s+(\d+)\s+(\S.*)")
_NUMBERS = {
    "segments": re.compile(r"Number of Edge TPU subgraphs: (\d+)"),
    "total": re.compile(r"Total number of operations: (\d+)"),
    "on_edge_tpu": re.compile(r"Number of operations that will run on Edge TPU: (\d+)"),
    "on_cpu": re.compile(r"Number of operations that will run on CPU: (\d+)"),
}
# How the compiler says that it wrote nothing; what tells most first.
_FAILURES = tuple(
    re.compile(text)
    for text in (
        # the line behind an invalid model says why
        r"Compilation failed: .+", r"Internal compiler error.*", r"Invalid model.*(?:\n[A-Z][a-z].*)?",
        r"ERROR: (?!Restored original).+", r"Compilation failed.*",
    )
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LogRow:
    """`count` operators of one kind got one status."""

    op: str
    count: int
    status: str


@dataclass(frozen=True, slots=True)
class CompilerLog:
    """What the compiler said of one model.

    Attributes:
        source: path of the log.
        version: of the compiler, such as `16.0.384591198`; None where the log does not say.
        model: path of the model as the compiler was given it; None where the log does not say.
        rows: the table by kind and status; empty where the compiler ran without `-s`.
        segments: pieces that run on the Edge TPU; None where the log does not say.
        on_edge_tpu: number of operators that run there; None as above.
        on_cpu: number of the others; None as above.
        failure: why the compiler wrote no file; None where it wrote one.
        sections: number of compilations that the file is about.
    """

    source: str
    version: str | None
    model: str | None
    rows: tuple[LogRow, ...]
    segments: int | None
    on_edge_tpu: int | None
    on_cpu: int | None
    failure: str | None = None
    sections: int = 1

    def __post_init__(self) -> None:
        mapped = sum(row.count for row in self.rows if row.status == MAPPED)
        if self.rows and self.on_edge_tpu not in {None, mapped}:
            raise ValueError(f"its table has {mapped} operators on the Edge TPU, its sum is {self.on_edge_tpu}")


def read_log(path: Path, model: str) -> CompilerLog:
    """What the log at `path` says of `model`, the last time where it does so several times.

    Args:
        path: a file with the printed or the written log, of one model or of several.
        model: name or path of the model; only the name counts. A log of one model only is taken for its log.

    Raises:
        ModelError: the file cannot be read, is no log of the compiler, or is about other models.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_LOG_BYTES + 1)
    except OSError as error:
        raise ModelError(f"cannot be read ({error.strerror}); check the path", file=path) from error
    if len(content) > MAX_LOG_BYTES:
        raise ModelError("is too large for a log of edgetpu_compiler; check the path", file=path)
    logs = parse_log(content.decode("utf-8", errors="replace"), str(path))
    mine = [log for log in logs if log.model is not None and file_name(log.model) == file_name(model)]
    if not mine and len(logs) > 1:
        named = ", ".join(dict.fromkeys(file_name(log.model or "a file without a name") for log in logs))
        raise ModelError(f"says nothing of {file_name(model)!r}; it is about {named}; give one log", file=path)
    return replace((mine or logs)[-1], sections=len(logs))


def parse_log(text: str, source: str = "<text>") -> tuple[CompilerLog, ...]:
    """Every model that a log is about, in its order.

    Raises:
        ModelError: the text is no log of the compiler, or it contradicts itself.
    """
    lines = [line.strip(" \t\r>") for line in text.splitlines()]
    try:
        logs = tuple(_parse(section, source) for section in _sections(lines))
    except ValueError as error:
        raise ModelError(f"{error}; take the log from the compiler again", file=source) from error
    told = tuple(log for log in logs if log.rows or log.on_edge_tpu is not None)
    # beside logs that count, a failure without a name may be one try of a search (-d)
    meant = tuple(log for log in logs if log in told or (log.failure and (log.model or not told)))
    if not meant:
        raise ModelError("is no log of edgetpu_compiler; run the compiler with -s and keep what it says", file=source)
    return meant


def _sections(lines: Iterable[str]) -> Iterator[tuple[str | None, list[str]]]:
    """The lines about one model each, with the compiler's version."""
    version: str | None = None
    section: list[str] = []
    for line in lines:
        found = _VERSION.search(line)
        if section and (found or _INPUT.fullmatch(line)):
            yield version, section
            section = []
        if found:
            version = found[1]
        section.append(line)
    yield version, section


def _parse(section: tuple[str | None, list[str]], source: str) -> CompilerLog:
    version, lines = section
    text = "\n".join(lines)
    numbers = {name: int(found[1]) for name, pattern in _NUMBERS.items() if (found := pattern.search(text))}
    if "total" in numbers and "on_cpu" not in numbers:
        numbers |= {"on_edge_tpu": numbers["total"], "on_cpu": 0}  # the compiler counts them only where some are left
    models = (found[1] for line in lines if (found := _INPUT.fullmatch(line)))
    failures = (found[0] for pattern in _FAILURES if (found := pattern.search(text)))
    rows = tuple(_rows(lines))
    wrote = bool(rows) or "on_edge_tpu" in numbers  # a search (-d) fails many times before it succeeds
    return CompilerLog(
        source, version, next(models, None), rows, numbers.get("segments"), numbers.get("on_edge_tpu"),
        numbers.get("on_cpu"), None if wrote else next((text.replace("\n", ": ") for text in failures), None),
    )  # fmt: skip


def _rows(lines: Iterable[str]) -> Iterator[LogRow]:
    """The table: from its heading to the first line that is no row of it."""
    remaining = iter(lines)
    if not any(_HEADER.fullmatch(line) for line in remaining):
        return
    for line in remaining:
        found = _ROW.fullmatch(line)
        if found:
            yield LogRow(found[1], int(found[2]), " ".join(found[3].split()))
        elif line:
            return


def file_name(path: str) -> str:
    """The last part of a path, which may be one of Windows."""
    return re.split(r"[/\\]", path.strip())[-1]
