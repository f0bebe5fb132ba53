"""Reads the metadata flatbuffer of a `.tflite`, treating it as untrusted data.

Places and numbers are those of `metadata_tables`; what other writers put elsewhere is not looked at.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import flatbuffers
from flatbuffers import number_types
from flatbuffers.table import Table

from litesmith.converters.metadata_tables import (
    BERT_TOKENIZER,
    COLOURS,
    IDENTIFIER,
    IMAGE_PROPERTIES,
    NORMALIZATION,
    AssociatedFile,
    ModelFacts,
    TensorFacts,
)
from litesmith.errors import ModelError

# A damaged file may name the same table, text or number again and again: an honest one holds every byte once.
_ALLOWANCE_BYTES = 1 << 12
_TABLE_BYTES = 8
_DAMAGE = (struct.error, ValueError, IndexError, TypeError, OverflowError)
_COLOUR_NAMES = {number: name for name, number in COLOURS.items()}


def parse_metadata(content: bytes) -> ModelFacts:
    """The facts of the first subgraph's inputs and outputs.

    Raises:
        ModelError: it is no such flatbuffer, or it is damaged.
    """
    if content[4:8] != IDENTIFIER:
        raise ModelError("its TFLite metadata have no identifier M001; write them again")
    try:
        return _Reader(content).model()
    except _DAMAGE as error:
        raise ModelError(f"its TFLite metadata are damaged ({error}); write them again") from error


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._credit_bytes = 2 * len(content) + _ALLOWANCE_BYTES

    def model(self) -> ModelFacts:
        root = Table(self._content, flatbuffers.encode.Get(number_types.UOffsetTFlags.packer_type, self._content, 0))
        graph = next(self._tables(root, 3), None)
        inputs, outputs = (
            () if graph is None else tuple(self._tensor(tensor) for tensor in self._tables(graph, place))
            for place in (2, 3)
        )
        wordpiece = () if graph is None else self._wordpiece(graph)
        return ModelFacts(self._text(root, 0), self._text(root, 1), inputs, outputs, self._text(root, 7), wordpiece)

    def _wordpiece(self, graph: Table) -> tuple[AssociatedFile, ...]:
        for unit in self._tables(graph, 5):
            options = self._table(unit, 1)
            if self._byte(unit, 0) == BERT_TOKENIZER and options is not None:
                return self._files(options, 0)
        return ()

    def _tensor(self, table: Table) -> TensorFacts:
        content, stats = self._table(table, 3), self._table(table, 5)
        colour, size = "", None
        if content is not None and self._byte(content, 0) == IMAGE_PROPERTIES:
            colour, size = self._image(content)
        mean, std = self._normalization(table)
        return TensorFacts(
            self._text(table, 0),
            self._text(table, 1),
            mean,
            std,
            low=() if stats is None else self._floats(stats, 1),
            high=() if stats is None else self._floats(stats, 0),
            colour=colour,
            size=size,
            files=self._files(table, 6),
        )

    def _files(self, table: Table, place: int) -> tuple[AssociatedFile, ...]:
        return tuple(
            AssociatedFile(self._text(file, 0), self._text(file, 1), self._byte(file, 2))
            for file in self._tables(table, place)
        )

    def _image(self, content: Table) -> tuple[str, tuple[int, int] | None]:
        properties = self._table(content, 1)
        if properties is None:
            return "", None
        sides = self._table(properties, 1)
        size = None if sides is None else (self._whole(sides, 1), self._whole(sides, 0))
        return _COLOUR_NAMES.get(self._byte(properties, 0), ""), size

    def _normalization(self, table: Table) -> tuple[tuple[float, ...], tuple[float, ...]]:
        for unit in self._tables(table, 4):
            options = self._table(unit, 1)
            if self._byte(unit, 0) == NORMALIZATION and options is not None:
                return self._floats(options, 0), self._floats(options, 1)
        return (), ()

    def _charge(self, size_bytes: int) -> None:
        self._credit_bytes -= size_bytes
        if self._credit_bytes < 0:
            raise ValueError("its tables together are larger than the metadata")

    def _place(self, table: Table, place: int) -> int:
        """Where a field lies in the buffer, 0 if it is absent."""
        offset = table.Offset(4 + 2 * place)
        return int(table.Pos + offset) if offset else 0

    def _table(self, table: Table, place: int) -> Table | None:
        where = self._place(table, place)
        self._charge(_TABLE_BYTES)
        return Table(self._content, table.Indirect(where)) if where else None

    def _tables(self, table: Table, place: int) -> Iterator[Table]:
        where = self._place(table, place) - table.Pos
        if where <= 0:
            return
        start, length = table.Vector(where), table.VectorLen(where)
        self._charge(length * _TABLE_BYTES)
        for index in range(length):
            yield Table(self._content, table.Indirect(start + 4 * index))

    def _text(self, table: Table, place: int) -> str:
        where = self._place(table, place)
        raw: Any = table.String(where) if where else b""
        self._charge(len(raw))
        text: str = raw.decode("utf-8", errors="replace")
        return text

    def _floats(self, table: Table, place: int) -> tuple[float, ...]:
        where = self._place(table, place) - table.Pos
        if where <= 0:
            return ()
        start, length = table.Vector(where), table.VectorLen(where)
        self._charge(4 * length)
        return struct.unpack_from(f"<{length}f", self._content, start)

    def _byte(self, table: Table, place: int) -> int:
        where = self._place(table, place)
        return self._content[where] if where else 0

    def _whole(self, table: Table, place: int) -> int:
        where = self._place(table, place)
        return int(struct.unpack_from("<I", self._content, where)[0]) if where else 0
