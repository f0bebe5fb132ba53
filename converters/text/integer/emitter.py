"""Writes the common pieces of an integer program: tensors with their steps, constants, sums, products and views."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from litesmith.calibration.ranges import Range
from litesmith.converters.text.integer.blocks import Array
from litesmith.converters.text.integer.graph_writer import GraphWriter, Held
from litesmith.converters.text.integer.integers import INT8, INT16, int8_steps, int16_steps, rounded
from litesmith.converters.text.integer.observations import Observations
from litesmith.errors import ConversionError

_TINY = 1e-12
# ADD shifts its operands by 20 bits in int8 and 15 in int16, and aborts where twice the larger step over the result's
# needs more (TFLite add.cc, PopulateOptions: QuantizeMultiplierSmallerThanOneExp).
_LARGEST_STEPS = {"int8": 2.0**19, "int16": 2.0**14}


class Emitter:
    """A file in the making, and the ranges of its tensors.

    Args:
        seen: the ranges, by the names that the program gives its tensors.
    """

    def __init__(self, seen: Observations) -> None:
        self.writer = GraphWriter()
        self.seen = seen

    def result(self, name: str, shape: tuple[int, ...], dtype: str, limits: Range, *, symmetric: bool = False) -> Held:
        """A tensor whose integers, int8 or int16, span the limits."""
        steps = int16_steps(limits) if dtype == "int16" else int8_steps(limits, symmetric=symmetric)
        return self.writer.tensor(name, shape, dtype, steps.scale, steps.zero_point)

    def alike(self, name: str, shape: tuple[int, ...], like: Held) -> Held:
        """A tensor with the steps of another one."""
        return self.writer.tensor(name, shape, like.dtype, like.scale, like.zero_point)

    def constant(self, name: str, values: Array, dtype: str) -> Held:
        """Values in int8 or int16, with one scale for all."""
        largest = INT16 if dtype == "int16" else INT8
        scale = max(float(np.abs(values).max()), _TINY) / largest
        return self.writer.constant(name, rounded(values, np.float32(scale), largest, dtype), scale)

    def numbers(self, name: str, values: tuple[int, ...] | tuple[tuple[int, ...], ...]) -> Held:
        """Shapes, axes and places: plain int32."""
        return self.writer.constant(name, np.array(values, np.int32))

    def requantized(self, name: str, x: Held, dtype: str, limits: Range) -> Held:
        """The same values in other integers, not wider ones than int8 unless they are so already."""
        result = self.result(name, x.shape, dtype, limits)
        return self.writer.operator("QUANTIZE", [x], result, schema.QuantizeOptionsT())

    def widened(self, name: str, x: Held) -> Held:
        """int8 as int16 with the same steps.

        By a CAST: QUANTIZE does not do it before LiteRT 2.1.3 (`runtime_traps`). A CAST leaves integers as they are and
        int16 has no zero point, so that x must have none either.
        """
        if x.zero_point:
            reach = max(127 - x.zero_point, 128 + x.zero_point) * x.scale
            around = self.result(f"{name}.around", x.shape, "int8", Range(-reach, reach), symmetric=True)
            x = self.writer.operator("QUANTIZE", [x], around, schema.QuantizeOptionsT())
        options: Any = schema.CastOptionsT()
        options.inDataType, options.outDataType = schema.TensorType.INT8, schema.TensorType.INT16
        return self.writer.operator("CAST", [x], self.writer.tensor(name, x.shape, "int16", x.scale), options)

    def times(self, a: Held, b: Held, result: Held) -> Held:
        """The product, b being broadcast."""
        return self.writer.operator("MUL", [a, b], result, schema.MulOptionsT())

    def sum(self, name: str, a: Held, b: Held) -> Held:
        """The sum of two of one type and shape, in the range that was seen under the name."""
        return self.sum_into(a, b, self.result(name, a.shape, a.dtype, self.seen.range(name)))

    def sum_into(self, a: Held, b: Held, result: Held) -> Held:
        """The sum, in the steps of the result.

        Raises:
            ConversionError: a part has so much larger steps that TFLite's kernel ends the process.
        """
        if max(a.scale, b.scale) >= _LARGEST_STEPS[result.dtype] * result.scale:
            name = self.writer.name(result)
            raise ConversionError(
                f"{name}: what is added is {max(a.scale, b.scale) / result.scale:.0e} times as large as the sum, which "
                "integers cannot hold; check the weights, or convert with --quantize dynamic"
            )
        options = schema.AddOptionsT()
        options.potScaleInt16 = False  # the scales need not be powers of two
        return self.writer.operator("ADD", [a, b], result, options)

    def matmul(self, a: Held, b: Held, result: Held, *, transposed: bool = False) -> Held:
        """The product of the last two axes; transposed: with b's last two exchanged."""
        options = schema.BatchMatMulOptionsT()
        options.adjY = transposed
        return self.writer.operator("BATCH_MATMUL", [a, b], result, options)

    def reshape(self, name: str, x: Held, shape: tuple[int, ...]) -> Held:
        """The same integers in another shape."""
        stored = self.numbers(f"{name}.shape", shape)
        options: Any = schema.ReshapeOptionsT()
        options.newShape = list(shape)
        return self.writer.operator("RESHAPE", [x, stored], self.alike(name, shape, x), options)

    def exchange(self, name: str, x: Held) -> Held:
        """The second and the third of four axes exchanged."""
        order = self.numbers(f"{name}.order", (0, 2, 1, 3))
        a, b, c, d = x.shape
        return self.writer.operator(
            "TRANSPOSE", [x, order], self.alike(name, (a, c, b, d), x), schema.TransposeOptionsT()
        )

    def cut(self, name: str, x: Held, begin: tuple[int, int], shape: tuple[int, ...], result: str) -> Held:
        """A window of two axes; its constants stand under `name`, the tensor is called `result`."""
        places = [self.numbers(f"{name}.begin", begin), self.numbers(f"{name}.count", shape)]
        return self.writer.operator("SLICE", [x, *places], self.alike(result, shape, x), schema.SliceOptionsT())

    def joined(self, parts: list[Held], result: Held, axis: int) -> Held:
        """Tensors that have the result's steps, one after another along an axis."""
        options = schema.ConcatenationOptionsT()
        options.axis = axis
        return self.writer.operator("CONCATENATION", parts, result, options)
