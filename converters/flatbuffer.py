"""Decodes a `.tflite` flatbuffer into plain values, treating the file as untrusted data.

The generated flatbuffer accessors follow any offset they are given. Every vector is therefore measured
against the file before it is walked, and whatever the accessors raise on a damaged file becomes one
`ModelError` at this boundary.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from litesmith.converters.graph import Operator, Quantization, Subgraph, Tensor
from litesmith.errors import ModelError

T = TypeVar("T")

FILE_IDENTIFIER = b"TFL3"
# What the accessors raise when offsets, lengths or strings in the file are wrong.
_DAMAGE = (
    struct.error, ValueError, IndexError, KeyError, TypeError, AttributeError, UnicodeDecodeError, OverflowError,
)  # fmt: skip


def _names(enum: type) -> dict[int, str]:
    return {value: name for name, value in vars(enum).items() if isinstance(value, int)}


OP_NAMES = _names(schema.BuiltinOperator)
TYPE_NAMES = {value: name.lower() for value, name in _names(schema.TensorType).items()}
_OPTION_NAMES = _names(schema.BuiltinOptions)
_ACTIVATION_NAMES = _names(schema.ActivationFunctionType)


class FlatbufferReader:
    """Reads one model; `size` bounds every vector in it."""

    def __init__(self, content: bytes) -> None:
        """Check the header.

        Raises:
            ModelError: the content is not a TFLite flatbuffer.
        """
        if len(content) < 8 or content[4:8] != FILE_IDENTIFIER:
            raise ModelError(
                "this is not a TFLite flatbuffer (no 'TFL3' identifier at byte 4); "
                "pass a file that a TFLite converter wrote"
            )
        self._content = content
        self._budget = len(content) // 4
        self._model: Any = self._guard(lambda: schema.Model.GetRootAs(content, 0))

    def subgraphs(self) -> tuple[Subgraph, ...]:
        """Every subgraph of the model, in file order."""
        return self._guard(self._subgraphs)

    def metadata(self) -> dict[str, bytes]:
        """Metadata buffers by name."""
        return self._guard(self._metadata)

    def description(self) -> str:
        """The description that the converter left in the file."""
        return self._guard(lambda: _text(self._model.Description()))

    def buffer(self, index: int) -> bytes:
        """The bytes of one buffer, whether stored in the flatbuffer or after it (offset and size)."""
        return self._guard(lambda: self._buffer(index))

    def _guard(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except _DAMAGE as error:
            raise ModelError(f"the flatbuffer is damaged or truncated ({error}); convert the model again") from error

    def _each(self, length: int, get: Callable[[int], Any]) -> Iterator[Any]:
        """Walk a vector whose elements take at least four bytes each."""
        self._budget -= length
        if length < 0 or self._budget < -len(self._content):
            raise ValueError(f"a vector of {length} elements does not fit in the file")
        for index in range(length):
            yield get(index)

    def _subgraphs(self) -> tuple[Subgraph, ...]:
        model = self._model
        codes = [self._op_code(code) for code in self._each(model.OperatorCodesLength(), model.OperatorCodes)]
        graphs = self._each(model.SubgraphsLength(), model.Subgraphs)
        result = tuple(self._subgraph(graph, codes) for graph in graphs)
        if not result:
            raise ValueError("it holds no subgraph")
        return result

    def _op_code(self, code: Any) -> tuple[str, int]:
        # Files older than schema v3a have only the deprecated 8-bit field.
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        name = OP_NAMES.get(number, f"UNKNOWN_{number}")
        if name == "CUSTOM":
            name = f"CUSTOM:{_text(code.CustomCode())}"
        return name, code.Version()

    def _subgraph(self, graph: Any, codes: list[tuple[str, int]]) -> Subgraph:
        tensors = tuple(
            self._tensor(index, tensor)
            for index, tensor in enumerate(self._each(graph.TensorsLength(), graph.Tensors))
        )
        operators = tuple(
            self._operator(index, operator, codes)
            for index, operator in enumerate(self._each(graph.OperatorsLength(), graph.Operators))
        )
        return Subgraph(
            name=_text(graph.Name()),
            tensors=tensors,
            operators=operators,
            inputs=_integers(graph.InputsAsNumpy()),
            outputs=_integers(graph.OutputsAsNumpy()),
        )

    def _tensor(self, index: int, tensor: Any) -> Tensor:
        shape = _integers(tensor.ShapeAsNumpy())
        return Tensor(
            index=index,
            name=_text(tensor.Name()),
            shape=shape,
            shape_signature=_integers(tensor.ShapeSignatureAsNumpy()) or shape,
            dtype=TYPE_NAMES.get(tensor.Type(), f"unknown_{tensor.Type()}"),
            buffer=tensor.Buffer(),
            is_constant=self._buffer_bytes(tensor.Buffer()) > 0,
            is_variable=bool(tensor.IsVariable()),
            quantization=_quantization(tensor.Quantization()),
        )

    def _operator(self, index: int, operator: Any, codes: list[tuple[str, int]]) -> Operator:
        name, version = codes[operator.OpcodeIndex()]
        return Operator(
            index=index,
            op=name,
            version=version,
            inputs=_integers(operator.InputsAsNumpy()),
            outputs=_integers(operator.OutputsAsNumpy()),
            options=_options(operator),
        )

    def _buffer_bytes(self, index: int) -> int:
        if not 0 <= index < self._model.BuffersLength():
            raise ValueError(f"buffer {index} does not exist")
        buffer = self._model.Buffers(index)
        # offset 1 marks a placeholder that some writers leave; real data starts behind the header.
        return int(buffer.Size()) if buffer.Offset() > 1 else int(buffer.DataLength())

    def _buffer(self, index: int) -> bytes:
        length = self._buffer_bytes(index)
        buffer = self._model.Buffers(index)
        if buffer.Offset() > 1:
            start = buffer.Offset()
            if start + length > len(self._content):
                raise ValueError(f"buffer {index} reaches past the end of the file")
            return self._content[start : start + length]
        return bytes(buffer.DataAsNumpy()) if length else b""

    def _metadata(self) -> dict[str, bytes]:
        model = self._model
        entries = self._each(model.MetadataLength(), model.Metadata)
        return {_text(entry.Name()): self._buffer(entry.Buffer()) for entry in entries}


def _text(raw: bytes | None) -> str:
    return (raw or b"").decode("utf-8", errors="replace")


def _integers(array: Any) -> tuple[int, ...]:
    # The accessor answers 0 instead of an array where the vector is absent.
    return () if isinstance(array, int) else tuple(int(value) for value in array)


def _quantization(parameters: Any) -> Quantization | None:
    if parameters is None or parameters.ScaleLength() == 0:
        return None
    scales = np.array(parameters.ScaleAsNumpy(), np.float32)
    zero_points = np.zeros(len(scales), np.int64)
    if parameters.ZeroPointLength():
        zero_points = np.array(parameters.ZeroPointAsNumpy(), np.int64)
    return Quantization(
        scales=tuple(float(scale) for scale in scales),
        zero_points=tuple(int(point) for point in zero_points),
        axis=int(parameters.QuantizedDimension()),
    )


def _options(operator: Any) -> dict[str, Any]:
    """The builtin options as a plain mapping in snake_case; enums stay numbers, the activation gets its name."""
    kind = _OPTION_NAMES.get(operator.BuiltinOptionsType(), "NONE")
    table = operator.BuiltinOptions()
    if kind == "NONE" or table is None:
        return {}
    options = getattr(schema, kind)()
    options.Init(table.Bytes, table.Pos)
    unpacked = vars(getattr(schema, f"{kind}T").InitFromObj(options))
    result = {re.sub(r"(?<!^)(?=[A-Z])", "_", key).lower(): value for key, value in unpacked.items()}
    for key, value in result.items():
        if isinstance(value, np.ndarray):
            result[key] = tuple(int(item) for item in value)
    if "fused_activation_function" in result:
        number = result["fused_activation_function"]
        result["fused_activation_function"] = _ACTIVATION_NAMES.get(number, f"UNKNOWN_{number}")
    return result
