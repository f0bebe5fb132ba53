"""Keeps measurements in one SQLite file: JSON documents with the columns that they are looked up by."""

from __future__ import annotations

import json
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litesmith.errors import DataError, OutputError
from litesmith.targets.measurement import Measurement

SCHEMA_VERSION = 1
_WAIT_S = 30.0
_SCHEMA = """
CREATE TABLE measurements (
    id INTEGER PRIMARY KEY,
    session TEXT NOT NULL,
    at TEXT NOT NULL,
    model TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    device TEXT NOT NULL,
    delegate TEXT NOT NULL,
    threads INTEGER NOT NULL,
    cores TEXT,
    document TEXT NOT NULL
) STRICT
"""
_INSERT = (
    "INSERT INTO measurements (session, at, model, sha256, device, delegate, threads, cores, document) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


@dataclass(frozen=True, slots=True)
class Stored:
    """One measurement of the store, with the session it was made in; `document` is `Measurement.to_dict`."""

    session: str
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class BenchStore:
    """A file that measurements are appended to, also by several processes at a time."""

    path: Path

    def prepare(self) -> None:
        """Make the file where it is not there yet.

        Raises:
            OutputError: it cannot be written, or is no store of this version.
        """
        with self._transaction():
            pass

    def append(self, measurements: Sequence[Measurement]) -> str:
        """Add all measurements of a session in one transaction, and return the session's name.

        Raises:
            OutputError: the file cannot be written, or is no store of this version.
        """
        session = uuid.uuid4().hex
        rows = [_row(session, measurement) for measurement in measurements]
        with self._transaction() as connection:
            connection.executemany(_INSERT, rows)
        return session

    def read(self) -> tuple[Stored, ...]:
        """Every measurement, the oldest first.

        Raises:
            DataError: there is no such file.
            OutputError: the file is no store of this version.
        """
        if not self.path.is_file():
            raise DataError(f"{self.path}: there is no such store; measure with --store first, or check the path")
        with self._connected() as connection:
            self._check(connection)
            found = connection.execute("SELECT session, document FROM measurements ORDER BY id").fetchall()
        return tuple(Stored(session, json.loads(document)) for session, document in found)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._connected() as connection:
            connection.execute("BEGIN IMMEDIATE")  # waits for whoever writes; closing without COMMIT undoes all
            if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] == 0:
                connection.execute(_SCHEMA)
                connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            self._check(connection)
            yield connection
            connection.execute("COMMIT")

    def _check(self, connection: sqlite3.Connection) -> None:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version != SCHEMA_VERSION:
            raise OutputError(
                f"{self.path}: this is no store of version {SCHEMA_VERSION} (it says {version}); choose another file"
            )

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        try:
            # Without an isolation level, transactions begin and end where this file says.
            with closing(sqlite3.connect(self.path, timeout=_WAIT_S, isolation_level=None)) as connection:
                yield connection
        except sqlite3.Error as error:
            advice = "choose another file"
            if "locked" in str(error):
                advice = "another program is writing to it: wait for that, then run again"
            if "full" in str(error):
                advice = f"free space, or {advice}"
            raise OutputError(f"{self.path}: cannot be used as a store ({error}); {advice}") from error


def _row(session: str, measurement: Measurement) -> tuple[object, ...]:
    configuration = measurement.configuration
    return (
        session,
        measurement.when,
        measurement.model,
        measurement.sha256,
        measurement.device.label,
        configuration.delegate,
        configuration.threads,
        configuration.cores,
        json.dumps(measurement.to_dict(), allow_nan=False),
    )
