"""Changing a `.tflite`: the file as an object graph, and back to bytes that every parser reads."""

from __future__ import annotations

from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from litesmith.converters.flatbuffer import OP_NAMES, TYPE_NAMES
from litesmith.converters.header import FILE_IDENTIFIER
from litesmith.errors import ModelError

Array = npt.NDArray[Any]

_OP_CODES = {name: code for code, name in OP_NAMES.items()}
_TYPE_CODES = {name: code for code, name in TYPE_NAMES.items()}
# Operators above this number do not fit the 8-bit field that files older than schema v3a have.
_PLACEHOLDER = schema.BuiltinOperator.PLACEHOLDER_FOR_GREATER_OP_CODES
# Data of constants starts at multiples of this (`force_align` of Buffer.data in the TFLite schema).
_ALIGNMENT_BYTES = 16


class ModelEditor:
    """One model, open for changes; tensor indices are those of the main subgraph.

    Parse untrusted content as a `TFLiteModel` first: that is where damaged files are found.

    Attributes:
        model: the whole file as `ModelT` of the TFLite schema.
    """

    def __init__(self, content: bytes) -> None:
        self.model: Any = schema.ModelT.InitFromPackedBuf(content, 0)
        _inline(self.model, content)

    @property
    def graph(self) -> Any:
        """The main subgraph (`SubGraphT`)."""
        return self.model.subgraphs[0]

    def tensor(self, index: int) -> Any:
        """A tensor (`TensorT`)."""
        return self.graph.tensors[index]

    def name(self, index: int) -> str:
        """A tensor's name."""
        name = self.tensor(index).name or b""
        return name if isinstance(name, str) else name.decode("utf-8", errors="replace")

    def op_name(self, operator: Any) -> str:
        """The builtin that an operator is, `CUSTOM` for any custom one."""
        code = self.model.operatorCodes[operator.opcodeIndex]
        number = max(code.builtinCode, code.deprecatedBuiltinCode)
        return OP_NAMES.get(number, f"UNKNOWN_{number}")

    def op_code(self, op: str, version: int = 1) -> int:
        """Place of a builtin operator among the model's operator codes, added where it is missing."""
        number = _OP_CODES[op]
        for place, code in enumerate(self.model.operatorCodes):
            if max(code.builtinCode, code.deprecatedBuiltinCode) == number and code.version == version:
                return place
        code = schema.OperatorCodeT()
        code.builtinCode, code.deprecatedBuiltinCode = number, min(number, _PLACEHOLDER)
        code.version = version
        self.model.operatorCodes.append(code)
        return len(self.model.operatorCodes) - 1

    def constant(self, index: int) -> Array | None:
        """A copy of a tensor's constant value in its shape; None where the tensor is computed or fed.

        Raises:
            ModelError: the elements are of a packed type or too few.
        """
        tensor = self.tensor(index)
        data = self.model.buffers[tensor.buffer].data
        if data is None or len(data) == 0:
            return None
        try:
            flat = np.frombuffer(np.asarray(data, np.uint8).tobytes(), TYPE_NAMES[tensor.type])
            return flat.reshape([] if tensor.shape is None else tensor.shape).copy()
        except (TypeError, ValueError) as error:
            raise ModelError(f"tensor {self.name(index)!r} holds no readable constant ({error})") from error

    def set_constant(self, index: int, values: Array) -> None:
        """Give a tensor another constant value; tensors that shared its buffer keep theirs.

        Raises:
            ModelError: type or shape differ from the tensor's.
        """
        tensor = self.tensor(index)
        shape = tuple(tensor.shape) if tensor.shape is not None else ()
        if values.dtype.name != TYPE_NAMES[tensor.type] or values.shape != shape:
            raise ModelError(
                f"tensor {self.name(index)!r} is {TYPE_NAMES[tensor.type]} {shape}; "
                f"it cannot take {values.dtype} {values.shape}"
            )
        users = sum(other.buffer == tensor.buffer for graph in self.model.subgraphs for other in graph.tensors)
        if users > 1 or tensor.buffer == 0:
            tensor.buffer = self._add_buffer()
        self.model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), np.uint8)

    def add_constant(self, name: str, values: Array) -> int:
        """Append a constant tensor and return its index."""
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type = name, list(values.shape), _TYPE_CODES[values.dtype.name]
        tensor.buffer = self._add_buffer()
        self.graph.tensors.append(tensor)
        index = len(self.graph.tensors) - 1
        self.set_constant(index, values)
        return index

    def drop_unused_tensors(self) -> None:
        """Remove the main subgraph's tensors that nothing refers to, with their data; the others are renumbered."""
        graph = self.graph
        items = [item for signature in self.model.signatureDefs or () for item in _signature_items(signature)]
        lists = [(operator, name) for operator in graph.operators for name in ("inputs", "outputs", "intermediates")]
        lists += [(graph, "inputs"), (graph, "outputs")]
        used = {int(index) for holder, name in lists for index in _indices(holder, name)} - {-1}
        kept = sorted(used | {item.tensorIndex for item in items})
        places = {index: place for place, index in enumerate(kept)} | {-1: -1}
        graph.tensors = [graph.tensors[index] for index in kept]
        for holder, name in lists:
            setattr(holder, name, [places[int(index)] for index in _indices(holder, name)])
        for item in items:
            item.tensorIndex = places[item.tensorIndex]
        self._drop_unused_data()

    def _drop_unused_data(self) -> None:
        used = {tensor.buffer for graph in self.model.subgraphs for tensor in graph.tensors}
        used |= {entry.buffer for entry in self.model.metadata or ()} | set(self.model.metadataBuffer or ())
        for place, buffer in enumerate(self.model.buffers):
            if place not in used:
                buffer.data = None

    def add_buffer(self, content: bytes) -> int:
        """Append a buffer of bytes and return its index."""
        place = self._add_buffer()
        self.model.buffers[place].data = np.frombuffer(content, np.uint8)
        return place

    def to_bytes(self) -> bytes:
        """The file, every buffer inside the flatbuffer and aligned as the schema asks; equal vectors are held once."""
        size_bytes = sum(len(buffer.data) for buffer in self.model.buffers if buffer.data is not None)
        builder = _Builder(size_bytes + (1 << 16))
        builder.Finish(self.model.Pack(builder), FILE_IDENTIFIER)
        return bytes(builder.Output())

    def _add_buffer(self) -> int:
        self.model.buffers.append(_Buffer())
        return len(self.model.buffers) - 1


class _Builder(flatbuffers.Builder):  # type: ignore[misc]
    """A builder that writes equal vectors of numbers once and refers to them from everywhere, as flatbuffers may.

    Weights with a scale for each channel have as many zero points of 8 bytes, all 0: 0.3 MB in a text encoder of 22 MB.
    """

    def __init__(self, size_bytes: int) -> None:
        super().__init__(size_bytes)
        self._written: dict[tuple[str, bytes], int] = {}

    def CreateNumpyVector(self, x: Array) -> int:  # noqa: N802
        key = x.dtype.str, x.tobytes()
        if key not in self._written:
            self._written[key] = int(super().CreateNumpyVector(x))
        return self._written[key]


class _Buffer(schema.BufferT):  # type: ignore[misc]
    """A buffer that packs its data aligned, which the generated class does not."""

    def Pack(self, builder: Any) -> int:  # noqa: N802
        data = b"" if self.data is None else np.asarray(self.data, np.uint8).tobytes()
        if data:
            builder.StartVector(1, len(data), _ALIGNMENT_BYTES)
            builder.head -= len(data)
            builder.Bytes[builder.head : builder.head + len(data)] = data
            vector = builder.EndVector()
        schema.BufferStart(builder)
        if data:
            schema.BufferAddData(builder, vector)
        return int(schema.BufferEnd(builder))


def _indices(holder: Any, name: str) -> Any:
    found = getattr(holder, name)
    return () if found is None else found


def _signature_items(signature: Any) -> list[Any]:
    """What a signature of the main subgraph names."""
    return [] if signature.subgraphIndex else [*(signature.inputs or ()), *(signature.outputs or ())]


def _inline(model: Any, content: bytes) -> None:
    """Move data that lie behind the flatbuffer into it."""
    for place, buffer in enumerate(model.buffers):
        inlined = _Buffer()
        # Offset 1 marks a placeholder that some writers leave, as in `flatbuffer.FlatbufferReader`.
        inside = buffer.offset <= 1
        inlined.data = buffer.data if inside else np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
        model.buffers[place] = inlined
    for operator in (operator for graph in model.subgraphs for operator in graph.operators or ()):
        if operator.largeCustomOptionsOffset > 1:
            start, size = operator.largeCustomOptionsOffset, operator.largeCustomOptionsSize
            operator.customOptions = np.frombuffer(content, np.uint8, size, start)
            operator.largeCustomOptionsOffset = operator.largeCustomOptionsSize = 0
