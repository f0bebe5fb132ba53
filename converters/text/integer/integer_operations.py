"""The operators as TFLite's integer kernels, written into a file."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from litesmith.calibration.ranges import Range
from litesmith.converters.text.architecture import Activation, Pooling
from litesmith.converters.text.integer.functions import ZERO_BELOW
from litesmith.converters.text.integer.graph_writer import GraphWriter, Held
from litesmith.converters.text.integer.integers import (
    INT8,
    INT16,
    int8_steps,
    int16_steps,
    kernel_integers,
    rounded,
)
from litesmith.converters.text.integer.network import Array, Dense, Side
from litesmith.converters.text.integer.observations import Observations
from litesmith.converters.text.integer.operations import MASKED, Rows
from litesmith.converters.text.integer.padding import Padding
from litesmith.errors import ConversionError

_RELU = schema.ActivationFunctionType.RELU
# A softmax in int8 gives shares in steps of 1/256, from 0 to 255/256 (TFLite quantization specification).
_SHARE = 1 / 256
# XNNPACK takes products whose steps are less than 256 times the result's; finer results would hold nothing more.
_LEAST_PRODUCT = 2**-6
# A column at the side is not enlarged beyond this.
_SMALLEST_SIDE = 2**-7
# Factors of a sum of squares that are further above the median get steps of their own.
_TIMES_MEDIAN = 8.0


class IntegerOperations:
    """Writes a program for one text of `length` tokens.

    Args:
        seen: the ranges of all tensors, by the names that the program gives them.
        length: tokens.
        pad_id: of the padding, which is found among the ids.
        token_types: whether these are an input.
        output: int8, or int16 for an embedding.
    """

    def __init__(self, seen: Observations, length: int, pad_id: int, *, token_types: bool, output: str) -> None:
        self.writer = GraphWriter()
        self._seen = seen
        self._length = length
        self._output = output
        self.inputs = {"ids": self.writer.tensor("ids", (1, length), "int32")}
        if token_types:
            self.inputs["token_types"] = self.writer.tensor("token_types", (1, length), "int32")
        self._padding = Padding(self.writer, self.inputs["ids"], pad_id)

    def finish(self, answer: Held, description: str) -> bytes:
        """The file."""
        return self.writer.finish(self.inputs, {"answer": answer}, description)

    def words(self, name: str, table: Array) -> Held:
        """See `Operations`."""
        return self._rows(name, table, self.inputs["ids"])

    def types(self, name: str, table: Array) -> Held:
        """See `Operations`."""
        return self._rows(name, table, self.inputs["token_types"])

    def _rows(self, name: str, table: Array, places: Held) -> Held:
        scale = float(np.abs(table).max()) / INT8
        stored = self.writer.constant(f"{name}.table", rounded(table, scale, INT8, np.int8), scale)
        found = self.writer.tensor(f"{name}.gathered", (1, self._length, table.shape[1]), "int8", scale)
        self.writer.operator("GATHER", [stored, places], found, schema.GatherOptionsT())
        return self._reshape(name, found, (self._length, table.shape[1]))

    def add_constant(self, name: str, x: Held, constant: Array) -> Held:
        """See `Operations`."""
        constant = np.broadcast_to(constant, x.shape)  # a full one is added faster than one that is broadcast
        stored = self._constant(f"{name}.constant", constant, x.dtype)
        if x.dtype == "int8":  # what its steps cannot hold is added first; it is small
            rest = constant - np.float32(stored.scale) * np.rint(constant / np.float32(stored.scale))
            small = self._constant(f"{name}.rest", rest, x.dtype)
            nearer = self.writer.tensor(f"{name}.nearer", x.shape, x.dtype, x.scale, x.zero_point)
            x = self.writer.operator("ADD", [x, small], nearer, _plain_add())
        return self._sum(name, x, stored)

    def add(self, name: str, a: Held, b: Held) -> Held:
        """See `Operations`."""
        return self._sum(name, a, b)

    def scale(self, name: str, x: Held, factors: Array) -> Held:
        """See `Operations`."""
        range_name = f"{name.removesuffix('.fed')}.read" if name.endswith(".fed") and x.dtype == "int8" else name
        result = self._result(name, x.shape, x.dtype, self._seen.range(range_name))
        return self._times(x, self._constant(f"{name}.factors", factors[None], x.dtype), result)

    def _times(self, a: Held, b: Held, result: Held) -> Held:
        return self.writer.operator("MUL", [a, b], result, schema.MulOptionsT())

    def dense(self, name: str, x: Held, dense: Dense, *, relu: bool = False, symmetric: bool = False) -> Held:
        """See `Operations`."""
        return self._fully_connected(name, x, dense, self._seen.range(name), relu=relu, symmetric=symmetric)

    def wide_dense(self, name: str, x: Held, dense: Dense) -> Held:
        """See `Operations`.

        A few channels of massive rows are far larger than all others. The layer is computed twice where that is so:
        with steps for the others, which cuts these channels, and with steps for these.
        """
        sizes = self._seen.size(name)
        fine = float(_TIMES_MEDIAN * np.median(sizes))
        if sizes.max() <= fine:
            return self._requantized(f"{name}.int16", self.dense(name, x, dense), "int16", self._seen.range(name))
        parts = []
        for part, size, kept in (("fine", fine, sizes <= fine), ("coarse", float(sizes.max()), sizes > fine)):
            once = self._fully_connected(f"{name}.{part}", x, dense, Range(-size, size), symmetric=True)
            wide = self._requantized(f"{name}.{part}.int16", once, "int16", Range(-size, size))
            result = self._result(f"{name}.{part}.kept", wide.shape, "int16", Range(-size, size))
            parts.append(
                self._times(wide, self._constant(f"{name}.{part}.channels", 1.0 * kept[None], "int16"), result)
            )
        return self._sum(name, *parts)

    def beside(self, name: str, x: Held, read: Held, side: Side, output: Dense) -> tuple[Held, Dense]:
        """See `Operations`; the integers of x end at the caps, and smaller columns are enlarged to fill them."""
        largest = np.float32((INT8 - x.zero_point) * x.scale)
        divide = np.clip(self._seen.high(f"{name}.side") / largest, np.float32(_SMALLEST_SIDE), 1)
        more = self._fully_connected(f"{name}.side", read, side.up.times(1 / divide), x, relu=True)
        width = x.shape[1] + more.shape[1]
        both = self.writer.tensor(name, (x.shape[0], width), "int8", x.scale, x.zero_point)
        options = schema.ConcatenationOptionsT()
        options.axis = 1
        self.writer.operator("CONCATENATION", [x, more], both, options)
        return both, Dense(np.concatenate([output.kernel, side.rows * divide[:, None]]), output.bias)

    def _fully_connected(
        self, name: str, x: Held, dense: Dense, steps: Range | Held, *, relu: bool = False, symmetric: bool = False
    ) -> Held:
        """Into integers for a range, or into those of another tensor."""
        integers, scales = kernel_integers(dense.kernel)
        kernel = self.writer.constant(f"{name}.kernel", integers, scales)
        products = scales * np.float32(x.scale)
        bias = self.writer.constant(f"{name}.bias", rounded(dense.bias, products, 2**31 - 1, np.int32), products)
        shape = (x.shape[0], dense.bias.size)
        if isinstance(steps, Held):
            result = self.writer.tensor(name, shape, "int8", steps.scale, steps.zero_point)
        else:
            least = _LEAST_PRODUCT * float(products.max()) * INT8
            limits = Range(min(steps.low, -least), max(steps.high, least))
            result = self._result(name, shape, "int8", limits, symmetric=symmetric)
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = _RELU if relu else 0
        return self.writer.operator("FULLY_CONNECTED", [x, kernel, bias], result, options)

    def limited(self, name: str, x: Held, dense: Dense, limits: Array, activation: Activation) -> Held:
        """See `Operations`; the integers of what comes before the activation end at the limit."""
        if activation == "relu":
            return self.dense(name, x, dense, relu=True)
        seen, floor = self._seen.range(f"{name}.before"), ZERO_BELOW.get(activation)
        seen = seen if floor is None else Range(max(seen.low, floor), max(seen.high, floor))
        before = self._fully_connected(f"{name}.before", x, dense, seen)
        return self._activation(name, before, activation)

    def _activation(self, name: str, x: Held, activation: Activation) -> Held:
        if activation == "tanh":  # its kernel fixes the steps of its result
            return self.writer.operator("TANH", [x], self.writer.tensor(name, x.shape, "int8", 1 / 128, 0))
        result = self._result(name, x.shape, "int8", self._seen.range(name))
        if activation == "silu":
            shares = self.writer.tensor(f"{name}.shares", x.shape, "int8", _SHARE, -128)
            self.writer.operator("LOGISTIC", [x], shares)
            return self.writer.operator("MUL", [x, shares], result, schema.MulOptionsT())
        options = schema.GeluOptionsT()
        options.approximate = activation == "gelu_tanh"
        return self.writer.operator("GELU", [x], result, options)

    def inverse_size(self, name: str, x: Held, factors: Array) -> Held:
        """See `Operations`."""
        groups = [np.ones(factors.shape, np.bool_)]
        if x.dtype == "int8":  # a few large factors would take the steps from all others
            large = np.abs(factors) > _TIMES_MEDIAN * np.median(np.abs(factors))
            groups = [group for group in (~large, large) if group.any()]
        squares: Held | None = None
        for place, group in enumerate(groups):
            part = self._squares(f"{name}{f'.{place}' * bool(place)}", name, x, np.where(group, factors, 0))
            squares = part if squares is None else self._sum(f"{name}.squares", squares, part)
        assert squares is not None  # there is a channel
        rows, limits = x.shape[0], self._seen.range(f"{name}.size")
        column = self._reshape(f"{name}.column", squares, (rows, 1))
        inverse = self._result(f"{name}.size.int16", (rows, 1), "int16", limits)
        self.writer.operator("RSQRT", [column], inverse)
        return inverse if x.dtype == "int16" else self._requantized(f"{name}.size", inverse, "int8", limits)

    def _squares(self, name: str, seen: str, x: Held, factors: Array) -> Held:
        """Sums of squares of rows, in int16: (rows, 1, 1)."""
        rows, channels = x.shape
        size = float(np.where(factors != 0, self._seen.size(f"{seen}.sized"), 0).max())
        # int8 has no zero point here: its products are then exact in int32.
        sized = self._result(f"{name}.sized", x.shape, x.dtype, Range(-size, size), symmetric=True)
        self._times(x, self._constant(f"{name}.sizes", factors[None], x.dtype), sized)
        row = self._reshape(f"{name}.row", sized, (rows, 1, channels))
        options = schema.BatchMatMulOptionsT()
        options.adjY = True
        limits = self._seen.range(f"{seen}.squares")
        if x.dtype == "int16":
            squares = self._result(f"{name}.squares", (rows, 1, 1), "int16", limits)
            return self.writer.operator("BATCH_MATMUL", [row, row], squares, options)
        exact = self.writer.tensor(f"{name}.exact", (rows, 1, 1), "int32", sized.scale**2)
        self.writer.operator("BATCH_MATMUL", [row, row], exact, options)
        return self._requantized(f"{name}.squares", exact, "int16", limits)

    def times_rows(self, name: str, x: Held, factors: Held) -> Held:
        """See `Operations`."""
        result = self._result(name, x.shape, x.dtype, self._seen.range(name))
        return self._times(x, factors, result)

    def centre(self, name: str, x: Held) -> Held:
        """Not in integers.

        Raises:
            ConversionError: the network was not rewritten.
        """
        raise ConversionError(f"{name} is not centred; rewrite the network before it is written in integers")

    def attend(self, name: str, query: Held, key: Held, value: Held, heads: int) -> Held:
        """See `Operations`."""
        q, k, v = (
            self._split(f"{name}.{part}", held, heads)
            for part, held in (("query", query), ("key", key), ("value", value))
        )
        square = (1, heads, self._length, self._length)
        options = schema.BatchMatMulOptionsT()
        options.adjY = True
        scores = self._result(f"{name}.scores", square, "int8", self._seen.range(f"{name}.scores"))
        self.writer.operator("BATCH_MATMUL", [q, k], scores, options)
        masked = self._result(f"{name}.masked", square, "int8", self._seen.range(f"{name}.masked"))
        self.writer.operator("ADD", [scores, self._padding.scores(MASKED)], masked, schema.AddOptionsT())
        shares = self.writer.tensor(f"{name}.shares", square, "int8", _SHARE, -128)
        softmax = schema.SoftmaxOptionsT()
        softmax.beta = 1.0
        self.writer.operator("SOFTMAX", [masked], shares, softmax)
        context = self._result(f"{name}.context.heads", v.shape, "int8", self._seen.range(f"{name}.context"))
        self.writer.operator("BATCH_MATMUL", [shares, v], context, schema.BatchMatMulOptionsT())
        rows = self._transpose(f"{name}.context.rows", context)
        return self._reshape(f"{name}.context", rows, value.shape)

    def _split(self, name: str, x: Held, heads: int) -> Held:
        """(L, heads * size) -> (1, heads, L, size)."""
        split = self._reshape(f"{name}.split", x, (1, self._length, heads, x.shape[1] // heads))
        return self._transpose(f"{name}.heads", split)

    def part(self, name: str, x: Held, rows: Rows) -> Held:
        """See `Operations`."""
        count = rows.stop - rows.start
        if count < x.shape[0]:
            begin = self.writer.constant(f"{name}.begin", np.array([rows.start, 0], np.int32))
            size = self.writer.constant(f"{name}.count", np.array([count, x.shape[1]], np.int32))
            result = self.writer.tensor(f"{name}.rows", (count, x.shape[1]), x.dtype, x.scale, x.zero_point)
            x = self.writer.operator("SLICE", [x, begin, size], result, schema.SliceOptionsT())
        return self._requantized(name, x, "int16", self._seen.range(name)) if rows.wide else x

    def read(self, name: str, parts: list[Held]) -> Held:
        """See `Operations`."""
        limits = self._seen.range(name)
        narrow = [
            self._requantized(f"{name}.narrow", part, "int8", limits) if part.dtype == "int16" else part
            for part in parts
        ]
        if len(narrow) == 1:
            return narrow[0]
        result = self._result(f"{name}.all", (self._length, parts[0].shape[1]), "int8", limits)
        return self.writer.operator("CONCATENATION", narrow, result, schema.ConcatenationOptionsT())

    def first(self, name: str, x: Held) -> Held:
        """See `Operations`."""
        return self.part(name, x, Rows(0, 1, wide=False))

    def pool(self, name: str, parts: list[Held], rows: tuple[Rows, ...], pooling: Pooling) -> Held:
        """See `Operations`."""
        if pooling == "max":
            raise ConversionError("the integer rewrites do not know pooling by maximum; use mean or first")
        wide = [
            part
            if part.dtype == "int16"
            else self._requantized(f"{name}.part.int16", part, "int16", self._seen.range(f"{name}.part"))
            for part in parts
        ]
        if pooling == "first":
            return self.part(name, wide[0], Rows(0, 1, wide=False))
        shares = self._padding.shares()
        limits = self._seen.range(name)
        pooled: Held | None = None
        for one, part in zip(rows, wide, strict=True):
            begin = self.writer.constant(f"{name}{one.suffix}.begin", np.array([0, one.start], np.int32))
            size = self.writer.constant(f"{name}{one.suffix}.count", np.array([1, one.stop - one.start], np.int32))
            share = self.writer.tensor(f"{name}{one.suffix}.shares", (1, one.stop - one.start), "int16", shares.scale)
            self.writer.operator("SLICE", [shares, begin, size], share, schema.SliceOptionsT())
            mean = self._result(f"{name}{one.suffix}.mean", (1, part.shape[1]), "int16", limits)
            self.writer.operator("BATCH_MATMUL", [share, part], mean, schema.BatchMatMulOptionsT())
            pooled = mean if pooled is None else self._sum(name, pooled, mean)
        assert pooled is not None  # there is at least one part
        return pooled

    def answer(self, x: Held) -> Held:
        """See `Operations`."""
        if x.dtype == self._output:
            return x
        return self._requantized("answer", x, self._output, self._seen.range("answer"))

    def _sum(self, name: str, a: Held, b: Held) -> Held:
        result = self._result(name, a.shape, a.dtype, self._seen.range(name))
        return self.writer.operator("ADD", [a, b], result, _plain_add())

    def _constant(self, name: str, values: Array, dtype: str) -> Held:
        largest = INT16 if dtype == "int16" else INT8
        scale = max(float(np.abs(values).max()), 1e-12) / largest
        return self.writer.constant(name, rounded(values, np.float32(scale), largest, dtype), scale)

    def _result(self, name: str, shape: tuple[int, ...], dtype: str, limits: Range, *, symmetric: bool = False) -> Held:
        steps = int16_steps(limits) if dtype == "int16" else int8_steps(limits, symmetric=symmetric)
        return self.writer.tensor(name, shape, dtype, steps.scale, steps.zero_point)

    def _requantized(self, name: str, x: Held, dtype: str, limits: Range) -> Held:
        result = self._result(name, x.shape, dtype, limits)
        return self.writer.operator("QUANTIZE", [x], result, schema.QuantizeOptionsT())

    def _reshape(self, name: str, x: Held, shape: tuple[int, ...]) -> Held:
        stored = self.writer.constant(f"{name}.shape", np.array(shape, np.int32))
        options = schema.ReshapeOptionsT()
        options.newShape = list(shape)
        result = self.writer.tensor(name, shape, x.dtype, x.scale, x.zero_point)
        return self.writer.operator("RESHAPE", [x, stored], result, options)

    def _transpose(self, name: str, x: Held) -> Held:
        """Exchange the second and the third axis."""
        order = self.writer.constant(f"{name}.order", np.array([0, 2, 1, 3], np.int32))
        a, b, c, d = x.shape
        result = self.writer.tensor(name, (a, c, b, d), x.dtype, x.scale, x.zero_point)
        return self.writer.operator("TRANSPOSE", [x, order], result, schema.TransposeOptionsT())


def _plain_add() -> Any:
    options = schema.AddOptionsT()
    options.potScaleInt16 = False  # the scales need not be powers of two
    return options
