"""Read-only view of a `.tflite` file: what it really is, without running it."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.converters.flatbuffer import FlatbufferReader
from litesmith.converters.graph import Subgraph, Tensor
from litesmith.converters.header import HEADER_BYTES, is_flatbuffer
from litesmith.converters.signature import Signature
from litesmith.errors import ModelError

# Where an operator keeps the weights that training prunes: operator -> place among its inputs.
KERNEL_INPUT = {"CONV_2D": 1, "DEPTHWISE_CONV_2D": 1, "FULLY_CONNECTED": 1, "TRANSPOSE_CONV": 1, "CONV_3D": 1,
                "BATCH_MATMUL": 1}  # fmt: skip
# Operators that only unpack a constant: float16 and sparse files keep the weights behind them.
_UNPACKING = frozenset({"DEQUANTIZE", "DENSIFY"})
_NUMPY_TYPES = {"float32": np.float32, "float16": np.float16, "int8": np.int8, "uint8": np.uint8,
                "int16": np.int16, "int32": np.int32, "int64": np.int64, "bool": np.bool_}  # fmt: skip
_GZIP = 31  # zlib's number for a window of 32 KiB with the header and trailer of gzip
_PIECE_BYTES = 1 << 20  # a huge file is worked through in pieces, so that no copy of it is made


@dataclass(frozen=True, slots=True)
class OpCount:
    """How often an operator occurs, and the highest version of it."""

    count: int
    max_version: int


@dataclass(frozen=True)
class TFLiteModel:
    """A parsed `.tflite`. Parsing never runs the model, so any file may be looked at."""

    content: bytes
    source: str = "<bytes>"

    def __post_init__(self) -> None:
        try:
            _ = self.subgraphs, self.metadata, self.external_files  # parsing checks the header and every index
        except ModelError as error:
            raise ModelError(str(error), file=self.source) from error

    @classmethod
    def from_file(cls, path: Path | str) -> TFLiteModel:
        """Read and check a file.

        Raises:
            ModelError: it does not exist, cannot be read, or is not a sound TFLite flatbuffer.
        """
        try:
            with Path(path).open("rb", buffering=0) as file:
                content = file.read(HEADER_BYTES)
                # What is no model may be huge or endless: its first bytes are enough to refuse it.
                if is_flatbuffer(content):
                    content = _whole(file, content)
        except OSError as error:
            raise ModelError(f"cannot be read ({error.strerror}); check the path", file=path) from error
        return cls(content, str(path))

    @cached_property
    def _reader(self) -> FlatbufferReader:
        return FlatbufferReader(self.content)

    @cached_property
    def subgraphs(self) -> tuple[Subgraph, ...]:
        """All subgraphs; the first is the main one."""
        return self._reader.subgraphs()

    @property
    def main(self) -> Subgraph:
        """The subgraph that runs when the model is invoked."""
        return self.subgraphs[0]

    @cached_property
    def metadata(self) -> dict[str, bytes]:
        """Metadata buffers by name."""
        return self._reader.metadata()

    @cached_property
    def signatures(self) -> tuple[Signature, ...]:
        """What callers can run by name, with the names of inputs and outputs.

        Raises:
            ModelError: the signatures are damaged.
        """
        try:
            return self._reader.signatures()
        except ModelError as error:
            raise ModelError(str(error), file=self.source) from error

    @cached_property
    def external_files(self) -> tuple[str, ...]:
        """Names of the files beside this one that hold constants."""
        return self._reader.external_files()

    @cached_property
    def sha256(self) -> str:
        """Digest of the file."""
        return hashlib.sha256(self.content).hexdigest()

    @cached_property
    def gzip_bytes(self) -> int:
        """Size after gzip -9, about what an app store delivers."""
        packer, view = zlib.compressobj(9, zlib.DEFLATED, _GZIP), memoryview(self.content)
        pieces = (view[start : start + _PIECE_BYTES] for start in range(0, len(view), _PIECE_BYTES))
        return sum(len(packer.compress(piece)) for piece in pieces) + len(packer.flush())

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        """Input tensors in the order of the file."""
        return tuple(self.main.tensors[index] for index in self.main.inputs)

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """Output tensors in the order of the file."""
        return tuple(self.main.tensors[index] for index in self.main.outputs)

    @cached_property
    def ops(self) -> dict[str, OpCount]:
        """Operators of all subgraphs by name, in alphabetical order."""
        counts: dict[str, OpCount] = {}
        for operator in (op for graph in self.subgraphs for op in graph.operators):
            seen = counts.get(operator.op, OpCount(0, 0))
            counts[operator.op] = OpCount(seen.count + 1, max(seen.max_version, operator.version))
        return dict(sorted(counts.items()))

    @cached_property
    def float_tensors(self) -> tuple[str, ...]:
        """Names of all floating-point tensors of all subgraphs, constants included."""
        return tuple(tensor.name for graph in self.subgraphs for tensor in graph.tensors if tensor.is_float)

    def kernels(self) -> Iterator[Tensor]:
        """Constant weights of convolutions and dense layers in the main subgraph, each once, as they are stored."""
        producers = self.main.producers()
        seen: set[int] = set()
        for operator in self.main.operators:
            place = KERNEL_INPUT.get(operator.op)
            if place is None or place >= len(operator.inputs) or operator.inputs[place] < 0:
                continue
            tensor = self._stored(self.main.tensors[operator.inputs[place]], producers)
            if tensor.is_constant and tensor.index not in seen:
                seen.add(tensor.index)
                yield tensor

    def _stored(self, tensor: Tensor, producers: Mapping[int, int]) -> Tensor:
        """The constant that `tensor` is unpacked from, or `tensor` itself."""
        # A kernel is at most sparse and float16; a damaged file may name the same operators in a circle.
        for _ in _UNPACKING:
            operator = self.main.operators[producers[tensor.index]] if tensor.index in producers else None
            if operator is None or operator.op not in _UNPACKING or not operator.inputs or operator.inputs[0] < 0:
                break
            tensor = self.main.tensors[operator.inputs[0]]
        return tensor

    def data(self, tensor: Tensor) -> npt.NDArray[np.generic]:
        """The constant value of a tensor, in its shape.

        Raises:
            ModelError: the tensor has no constant data, a packed type, or too few bytes.
        """
        raw = self._values(tensor)
        if tensor.is_sparse:
            raise ModelError(f"tensor {tensor.name!r} is stored sparse; read it with a runtime", file=self.source)
        if raw.size != tensor.elements:
            raise ModelError(
                f"tensor {tensor.name!r} has {raw.nbytes} bytes for shape {tensor.shape}; convert the model again",
                file=self.source,
            )
        return raw.reshape([abs(size) for size in tensor.shape])

    def stored_bytes(self, tensor: Tensor) -> int:
        """Bytes that the file holds for a constant, which is less than its elements take where it is sparse; else 0."""
        return self._reader.buffer_bytes(tensor.buffer)

    def _values(self, tensor: Tensor) -> npt.NDArray[np.generic]:
        """The elements that the file stores for a constant, flat."""
        dtype = np.dtype(_NUMPY_TYPES.get(tensor.dtype, np.void))
        raw = self._reader.view(tensor.buffer) if tensor.is_constant else np.empty(0, np.uint8)
        if not raw.size or dtype.kind == "V" or raw.size % dtype.itemsize:
            raise ModelError(f"tensor {tensor.name!r} ({tensor.dtype}) holds no readable constant", file=self.source)
        return raw.view(dtype)

    @cached_property
    def weight_sparsity(self) -> float:
        """Share of weights that stand for zero, over the kernels of all convolutions and dense layers (0 to 1)."""
        counted = (tensor for tensor in self.kernels() if tensor.dtype in _NUMPY_TYPES or tensor.dtype == "int4")
        kernels = {tensor.buffer: tensor for tensor in counted}
        total = sum(tensor.elements for tensor in kernels.values())
        zeros = sum(self._zeros(tensor) for tensor in kernels.values())
        return zeros / total if total else 0.0

    def _zeros(self, tensor: Tensor) -> int:
        if tensor.dtype == "int4":  # two to a byte, the first one below, symmetric about zero
            packed = self._reader.view(tensor.buffer)
            first, second = packed[: -(-tensor.elements // 2)], packed[: tensor.elements // 2]
            return _count(first, lambda piece: piece & 15 == 0) + _count(second, lambda piece: piece >> 4 == 0)
        values = self._values(tensor) if tensor.is_sparse else self.data(tensor)
        zero_point = tensor.quantization.zero_points[0] if tensor.quantization else 0
        # A sparse constant leaves out most of its zeros, so what is not zero is counted.
        return max(tensor.elements - _count(values, lambda piece: piece != zero_point), 0)


def _whole(file: FileIO, start: bytes) -> bytes:
    """All of a file of which `start` was read; a pipe cannot be read again from its beginning."""
    if not file.seekable():
        return start + file.readall()
    file.seek(0)
    return file.readall()


def _count(values: npt.NDArray[Any], is_meant: Callable[[npt.NDArray[Any]], npt.NDArray[np.bool_]]) -> int:
    """How many of `values` are meant."""
    flat = values.reshape(-1)
    pieces = (flat[start : start + _PIECE_BYTES] for start in range(0, flat.size, _PIECE_BYTES))
    return sum(int(np.count_nonzero(is_meant(piece))) for piece in pieces)
