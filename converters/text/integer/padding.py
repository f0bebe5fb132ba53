"""Which tokens are padding, found in the file from the ids, as integers that attention and pooling use."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from litesmith.converters.text.integer.graph_writer import GraphWriter, Held
from litesmith.converters.text.integer.integers import INT8, INT16

_INT32, _BOOL = schema.TensorType.INT32, schema.TensorType.BOOL


class Padding:
    """Operators on the ids (1, L), written when first asked for."""

    def __init__(self, writer: GraphWriter, ids: Held, pad_id: int) -> None:
        self._writer = writer
        self._ids = ids
        self._pad_id = pad_id
        self._differs: Held | None = None
        self._found: Held | None = None
        self._scores: dict[float, Held] = {}

    def scores(self, masked: float) -> Held:
        """What is added to scores: 0 for tokens, `masked` (negative) for padding, (1, 1, 1, L) int8."""
        if masked not in self._scores:
            scale = -masked / INT8
            table = self._writer.constant("padding.table", np.array([-INT8, 0], np.int8), scale)
            row = self._looked_up("padding.row", table, self._tokens())
            shape = (1, 1, 1, self._ids.shape[1])
            stored = self._writer.constant("padding.shape", np.array(shape, np.int32))
            options = schema.ReshapeOptionsT()
            options.newShape = list(shape)
            result = self._writer.tensor("padding.scores", shape, "int8", scale)
            self._scores[masked] = self._writer.operator("RESHAPE", [row, stored], result, options)
        return self._scores[masked]

    def shares(self) -> Held:
        """1 / number of tokens for tokens, 0 for padding, (1, L) int16."""
        length = self._ids.shape[1]
        tokens = self._tokens()
        axis = self._writer.constant("padding.axis", np.array([1], np.int32))
        count = self._writer.tensor("padding.count", (1,), "int32")
        self._writer.operator("SUM", [tokens, axis], count, schema.ReducerOptionsT())
        inverses = np.rint(INT16 / np.maximum(np.arange(length + 1), 1)).astype(np.int16)
        inverse = self._looked_up(
            "padding.inverse", self._writer.constant("padding.inverses", inverses, 1 / INT16), count
        )
        ones = self._writer.constant("padding.ones", np.array([0, INT16], np.int16), 1 / INT16)
        row = self._looked_up("padding.tokens", ones, tokens)
        result = self._writer.tensor("padding.shares", (1, length), "int16", 1 / INT16)
        return self._writer.operator("MUL", [row, inverse], result, schema.MulOptionsT())

    def differs(self) -> Held:
        """Which ids are tokens, (1, L) bool."""
        if self._differs is None:
            pad = self._writer.constant("padding.id", np.array([self._pad_id], np.int32))
            differs = self._writer.tensor("padding.differs", self._ids.shape, "bool")
            self._differs = self._writer.operator("NOT_EQUAL", [self._ids, pad], differs, schema.NotEqualOptionsT())
        return self._differs

    def _tokens(self) -> Held:
        """1 for tokens, 0 for padding, (1, L) int32."""
        if self._found is None:
            differs = self.differs()
            options = schema.CastOptionsT()
            options.inDataType, options.outDataType = _BOOL, _INT32
            found = self._writer.tensor("padding.found", self._ids.shape, "int32")
            self._found = self._writer.operator("CAST", [differs], found, options)
        return self._found

    def _looked_up(self, name: str, table: Held, places: Held) -> Held:
        result = self._writer.tensor(name, places.shape, table.dtype, table.scale)
        return self._writer.operator("GATHER", [table, places], result, schema.GatherOptionsT())
