"""The operators as TFLite's integer kernels, written into a file."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from litesmith.calibration.ranges import Range
from litesmith.calibration.text.encoding import PairTypes
from litesmith.converters.text.architecture import Activation, Pooling
from litesmith.converters.text.integer import emit_attention, emit_layers, emit_pooling, emit_sizes, emit_types
from litesmith.converters.text.integer.blocks import Array, Dense, Side
from litesmith.converters.text.integer.emitter import Emitter
from litesmith.converters.text.integer.graph_writer import Held
from litesmith.converters.text.integer.integers import INT8, rounded
from litesmith.converters.text.integer.observations import Observations
from litesmith.converters.text.integer.operations import Rows
from litesmith.converters.text.integer.padding import Padding
from litesmith.errors import ConversionError


class IntegerOperations:
    """Writes a program for one text of `length` tokens.

    Args:
        seen: the ranges of all tensors, by the names that the program gives them.
        length: tokens.
        pad_id: of the padding, which is found among the ids.
        output: int8 or int16, the type of the answer.
    """

    def __init__(self, seen: Observations, length: int, pad_id: int, *, output: str) -> None:
        self._emit = Emitter(seen)
        self._seen = seen
        self._length = length
        self._output = output
        writer = self._emit.writer
        self._ids = writer.tensor("ids", (1, length), "int32")
        self._padding = Padding(writer, self._ids, pad_id)

    def finish(self, answer: Held, description: str) -> bytes:
        """The file."""
        return self._emit.writer.finish({"ids": self._ids}, {"answer": answer}, description)

    def words(self, name: str, table: Array) -> Held:
        """See `Operations`."""
        return self._rows(name, table, self._ids)

    def types(self, name: str, table: Array, told: PairTypes) -> Held:
        """See `Operations`."""
        return self._rows(name, table, emit_types.token_types(self._emit.writer, self._ids, self._padding, told))

    def _rows(self, name: str, table: Array, places: Held) -> Held:
        scale = float(np.abs(table).max()) / INT8
        writer, width = self._emit.writer, table.shape[1]
        stored = writer.constant(f"{name}.table", rounded(table, scale, INT8, np.int8), scale)
        found = writer.tensor(f"{name}.gathered", (1, self._length, width), "int8", scale)
        writer.operator("GATHER", [stored, places], found, schema.GatherOptionsT())
        return self._emit.reshape(name, found, (self._length, width))

    def neighbours(self, name: str, x: Held) -> Held:
        """See `Operations`."""
        return emit_layers.neighbours(self._emit, name, x)

    def add_constant(self, name: str, x: Held, constant: Array) -> Held:
        """See `Operations`; what int8 steps cannot hold of the constant is added first: it is small."""
        constant = np.broadcast_to(constant, x.shape)  # a full one is added faster than one that is broadcast
        stored = self._emit.constant(f"{name}.constant", constant, x.dtype)
        if x.dtype == "int8":
            rest = constant - np.float32(stored.scale) * np.rint(constant / np.float32(stored.scale))
            small = self._emit.constant(f"{name}.rest", rest, x.dtype)
            x = self._emit.sum_into(x, small, self._emit.alike(f"{name}.nearer", x.shape, x))
        return self._emit.sum_into(x, stored, self._emit.result(name, x.shape, x.dtype, self._limits(name, x)))

    def add(self, name: str, a: Held, b: Held) -> Held:
        """See `Operations`."""
        return self._emit.sum(name, a, b)

    def scale(self, name: str, x: Held, factors: Array) -> Held:
        """See `Operations`."""
        result = self._emit.result(name, x.shape, x.dtype, self._limits(name, x))
        return self._emit.times(x, self._emit.constant(f"{name}.factors", factors[None], x.dtype), result)

    def _limits(self, name: str, x: Held) -> Range:
        """What was seen under the name; parts that are read together in int8 share their steps."""
        shared = name.endswith(".fed") and x.dtype == "int8"
        return self._seen.range(f"{name.removesuffix('.fed')}.read" if shared else name)

    def dense(self, name: str, x: Held, dense: Dense, *, relu: bool = False, symmetric: bool = False) -> Held:
        """See `Operations`."""
        limits = self._seen.range(name)
        return emit_layers.fully_connected(self._emit, name, x, dense, limits, relu=relu, symmetric=symmetric)

    def wide_dense(self, name: str, x: Held, dense: Dense) -> Held:
        """See `Operations`."""
        return emit_layers.wide_dense(self._emit, name, x, dense)

    def beside(self, name: str, x: Held, read: Held, side: Side, output: Dense) -> tuple[Held, Dense]:
        """See `Operations`."""
        return emit_layers.beside(self._emit, name, x, read, side, output)

    def limited(self, name: str, x: Held, dense: Dense, limits: Array, activation: Activation) -> Held:
        """See `Operations`; the limits are those of the values that were seen."""
        return emit_layers.limited(self._emit, name, x, dense, activation)

    def inverse_size(self, name: str, x: Held, factors: Array) -> Held:
        """See `Operations`."""
        return emit_sizes.inverse_size(self._emit, name, x, factors)

    def times_rows(self, name: str, x: Held, factors: Held, *, symmetric: bool = False) -> Held:
        """See `Operations`."""
        result = self._emit.result(name, x.shape, x.dtype, self._seen.range(name), symmetric=symmetric)
        return self._emit.times(x, factors, result)

    def centre(self, name: str, x: Held) -> Held:
        """Not in integers.

        Raises:
            ConversionError: the network was not rewritten.
        """
        raise ConversionError(f"{name} is not centred; rewrite the network by centre_sums before it is written")

    def attend(self, name: str, query: Held, key: Held, value: Held, heads: int) -> Held:
        """See `Operations`."""
        return emit_attention.attend(self._emit, self._padding, name, query, key, value, heads)

    def part(self, name: str, x: Held, rows: Rows) -> Held:
        """See `Operations`."""
        count = rows.stop - rows.start
        if count < x.shape[0]:
            x = self._emit.cut(name, x, (rows.start, 0), (count, x.shape[1]), f"{name}.rows")
        return self._emit.widened(name, x) if rows.wide else x

    def read(self, name: str, parts: list[Held]) -> Held:
        """See `Operations`."""
        limits = self._seen.range(name)
        narrow = [
            self._emit.requantized(f"{name}.narrow", part, "int8", limits) if part.dtype == "int16" else part
            for part in parts
        ]
        if len(narrow) == 1:
            return narrow[0]
        result = self._emit.result(f"{name}.all", (self._length, parts[0].shape[1]), "int8", limits)
        return self._emit.joined(narrow, result, axis=0)

    def first(self, name: str, x: Held) -> Held:
        """See `Operations`."""
        return emit_pooling.first_row(self._emit, name, x)

    def pool(self, name: str, parts: list[Held], rows: tuple[Rows, ...], pooling: Pooling) -> Held:
        """See `Operations`."""
        return emit_pooling.pool(self._emit, self._padding, name, parts, rows, pooling)

    def answer(self, x: Held) -> Held:
        """See `Operations`; rows of tokens get the axis of the one text in front, as the Keras model has it."""
        if x.dtype != self._output:
            if self._output == "int16":
                x = self._emit.widened("answer", x)
            else:
                x = self._emit.requantized("answer", x, self._output, self._seen.range("answer"))
        return x if x.shape[0] == 1 else self._emit.reshape("answer.text", x, (1, *x.shape))
