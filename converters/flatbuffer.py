"""Decodes a `.tflite` flatbuffer into plain values, treating the file as untrusted data.

The generated flatbuffer accessors follow any offset they are given. Everything that is decoded is therefore
charged against the size of the file, so that overlapping or endless vectors cost no more than an honest file
would, and whatever the accessors raise on a damaged file becomes one `ModelError` at this boundary.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from litesmith.converters.graph import Operator, Quantization, Subgraph, Tensor
from litesmith.converters.header import is_flatbuffer, refusal
from litesmith.converters.signature import Signature
from litesmith.errors import ModelError

T = TypeVar("T")

CUSTOM = "CUSTOM:"
# An honest file holds each byte once; the rest allows for writers that share vectors, and for tiny files.
_ALLOWANCE = 2
_ALLOWANCE_BYTES = 1 << 16
# A table with its offsets, name and vectors takes at least about this much of the file.
_TABLE_BYTES = 32
# What the accessors raise when offsets, lengths or strings in the file are wrong.
_DAMAGE = (struct.error, ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError)


def _names(enum: type) -> dict[int, str]:
    return {value: name for name, value in vars(enum).items() if isinstance(value, int) and name[0] != "_"}


OP_NAMES = _names(schema.BuiltinOperator)
TYPE_NAMES = {value: name.lower() for value, name in _names(schema.TensorType).items()}
_OPTION_NAMES = _names(schema.BuiltinOptions)
_ACTIVATION_NAMES = _names(schema.ActivationFunctionType)


class FlatbufferReader:
    """Reads one model; the size of the file bounds what is decoded from it."""

    def __init__(self, content: bytes) -> None:
        """Check the header.

        Raises:
            ModelError: the content is not a TFLite flatbuffer.
        """
        if not is_flatbuffer(content):
            raise ModelError(refusal(content))
        self._content = content
        self._credit_bytes = _ALLOWANCE * len(content) + _ALLOWANCE_BYTES
        self._buffer_lengths: dict[int, int] = {}
        self._model: Any = self._guard(lambda: schema.Model.GetRootAs(content, 0))

    def subgraphs(self) -> tuple[Subgraph, ...]:
        """Every subgraph of the model, in file order."""
        return self._guard(self._subgraphs)

    def metadata(self) -> dict[str, bytes]:
        """Metadata buffers by name."""
        return self._guard(self._metadata)

    def description(self) -> str:
        """The description that the converter left in the file."""
        return self._guard(lambda: self._text(self._model.Description()))

    def external_files(self) -> tuple[str, ...]:
        """Names of the files beside this one that hold constants."""
        count, get = self._model.ExternalBufferGroupsLength, self._model.ExternalBufferGroups
        return self._guard(lambda: tuple(self._text(group.Name()) for group in self._each(count(), get)))

    def signatures(self) -> tuple[Signature, ...]:
        """The signatures of the model, in file order."""
        count, get = self._model.SignatureDefsLength, self._model.SignatureDefs
        return self._guard(lambda: tuple(self._signature(entry) for entry in self._each(count(), get)))

    def buffer(self, index: int) -> bytes:
        """The bytes of one buffer, whether stored in the flatbuffer or after it (offset and size)."""
        return self.view(index).tobytes()

    def view(self, index: int) -> npt.NDArray[np.uint8]:
        """The bytes of one buffer, sharing the file's memory."""
        return self._guard(lambda: self._view(index))

    def buffer_bytes(self, index: int) -> int:
        """The size of one buffer, without copying it."""
        return self._guard(lambda: self._buffer_bytes(index))

    def _guard(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except _DAMAGE as error:
            raise ModelError(f"the flatbuffer is damaged or truncated ({error}); convert the model again") from error

    def _charge(self, size_bytes: int) -> None:
        self._credit_bytes -= size_bytes
        if self._credit_bytes < 0:
            raise ValueError("its vectors together are larger than the file")

    def _each(self, length: int, get: Callable[[int], Any]) -> Iterator[Any]:
        self._charge(length * _TABLE_BYTES)
        return map(get, range(length))

    def _text(self, raw: bytes | None) -> str:
        self._charge(len(raw or b""))
        return (raw or b"").decode("utf-8", errors="replace")

    def _numbers(self, array: Any) -> list[Any]:
        # The accessor answers 0 instead of an array where the vector is absent.
        if isinstance(array, int):
            return []
        self._charge(array.nbytes)
        values: list[Any] = array.tolist()
        return values

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
            name = f"{CUSTOM}{self._text(code.CustomCode())}"
        return name, code.Version()

    def _subgraph(self, graph: Any, codes: list[tuple[str, int]]) -> Subgraph:
        tensors = enumerate(self._each(graph.TensorsLength(), graph.Tensors))
        operators = enumerate(self._each(graph.OperatorsLength(), graph.Operators))
        result = Subgraph(
            name=self._text(graph.Name()),
            tensors=tuple(self._tensor(index, tensor) for index, tensor in tensors),
            operators=tuple(self._operator(index, operator, codes) for index, operator in operators),
            inputs=tuple(self._numbers(graph.InputsAsNumpy())),
            outputs=tuple(self._numbers(graph.OutputsAsNumpy())),
        )
        # Inputs and outputs are described wherever they are named, so one endless tensor may not be named often.
        self._charge(sum(_described_bytes(result.tensors[index]) for index in (*result.inputs, *result.outputs)))
        return result

    def _tensor(self, index: int, tensor: Any) -> Tensor:
        shape = tuple(self._numbers(tensor.ShapeAsNumpy()))
        return Tensor(
            index=index,
            name=self._text(tensor.Name()),
            shape=shape,
            shape_signature=tuple(self._numbers(tensor.ShapeSignatureAsNumpy())) or shape,
            dtype=TYPE_NAMES.get(tensor.Type(), f"unknown_{tensor.Type()}"),
            buffer=tensor.Buffer(),
            is_constant=self._buffer_bytes(tensor.Buffer()) > 0,
            is_variable=bool(tensor.IsVariable()),
            quantization=self._quantization(tensor.Quantization()),
            is_sparse=tensor.Sparsity() is not None,
            is_external=tensor.ExternalBuffer() != 0,
        )

    def _quantization(self, parameters: Any) -> Quantization | None:
        scales = self._numbers(parameters.ScaleAsNumpy()) if parameters is not None else []
        if not scales:
            return None
        zero_points = self._numbers(parameters.ZeroPointAsNumpy()) or [0]
        # One zero point may stand for all channels.
        if len(zero_points) == 1:
            zero_points *= len(scales)
        return Quantization(tuple(scales), tuple(zero_points), axis=int(parameters.QuantizedDimension()))

    def _operator(self, index: int, operator: Any, codes: list[tuple[str, int]]) -> Operator:
        name, version = codes[operator.OpcodeIndex()]
        # Each operator is named wherever it is reported, so many may not share one endless custom name.
        self._charge(len(name) if name.startswith(CUSTOM) else 0)
        return Operator(
            index=index,
            op=name,
            version=version,
            inputs=tuple(self._numbers(operator.InputsAsNumpy())),
            outputs=tuple(self._numbers(operator.OutputsAsNumpy())),
            options=self._options(operator),
        )

    def _options(self, operator: Any) -> dict[str, Any]:
        """The builtin options in snake_case; enums stay numbers, the activation gets its name."""
        kind = _OPTION_NAMES.get(operator.BuiltinOptionsType(), "NONE")
        table = operator.BuiltinOptions()
        if kind == "NONE" or table is None:
            return {}
        options = getattr(schema, kind)()
        options.Init(table.Bytes, table.Pos)
        unpacked = vars(getattr(schema, f"{kind}T").InitFromObj(options))
        result = {_snake(key): self._option(value) for key, value in unpacked.items()}
        if "fused_activation_function" in result:
            number = result["fused_activation_function"]
            result["fused_activation_function"] = _ACTIVATION_NAMES.get(number, f"UNKNOWN_{number}")
        return result

    def _option(self, value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return tuple(self._numbers(value))
        return self._text(value) if isinstance(value, bytes) else value

    def _buffer_bytes(self, index: int) -> int:
        if index not in self._buffer_lengths:
            self._buffer_lengths[index] = self._view(index).nbytes
            self._charge(self._buffer_lengths[index])
        return self._buffer_lengths[index]

    def _view(self, index: int) -> npt.NDArray[np.uint8]:
        """The buffer as an array of bytes that shares the file's memory."""
        if not 0 <= index < self._model.BuffersLength():
            raise ValueError(f"buffer {index} does not exist")
        buffer = self._model.Buffers(index)
        # Offset 1 marks a placeholder that some writers leave; real data starts behind the header.
        if buffer.Offset() > 1:
            return np.frombuffer(self._content, np.uint8, buffer.Size(), buffer.Offset())
        data: npt.NDArray[np.uint8] | int = buffer.DataAsNumpy()
        return np.empty(0, np.uint8) if isinstance(data, int) else data

    def _signature(self, entry: Any) -> Signature:
        inputs = tuple(self._text(item.Name()) for item in self._each(entry.InputsLength(), entry.Inputs))
        outputs = tuple(self._text(item.Name()) for item in self._each(entry.OutputsLength(), entry.Outputs))
        return Signature(self._text(entry.SignatureKey()), entry.SubgraphIndex(), inputs, outputs)

    def _metadata(self) -> dict[str, bytes]:
        model = self._model
        found = {}
        for entry in self._each(model.MetadataLength(), model.Metadata):
            self._charge(self._buffer_bytes(entry.Buffer()))
            found[self._text(entry.Name())] = self.buffer(entry.Buffer())
        return found


def _described_bytes(tensor: Tensor) -> int:
    scales = len(tensor.quantization.scales) if tensor.quantization else 0
    return len(tensor.name) + 4 * (len(tensor.shape) + scales)


def _snake(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
