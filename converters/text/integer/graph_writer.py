"""Writes the one subgraph of a `.tflite`: tensors, constants and operators, in the order they are asked for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from litesmith.converters.editing import ModelEditor
from litesmith.converters.flatbuffer import TYPE_NAMES
from litesmith.converters.header import FILE_IDENTIFIER
from litesmith.converters.op_versions import raise_op_versions

_TYPE_CODES = {name: code for code, name in TYPE_NAMES.items()}
SCHEMA_VERSION = 3


@dataclass(frozen=True, slots=True)
class Held:
    """A tensor of the file.

    Attributes:
        index: its place in the subgraph.
        scale: step of its integers; 0 where they are plain numbers.
    """

    index: int
    shape: tuple[int, ...]
    dtype: str
    scale: float = 0.0
    zero_point: int = 0


class GraphWriter:
    """One file in the making."""

    def __init__(self) -> None:
        self._editor = ModelEditor(_empty())
        self._constants: dict[bytes, Held] = {}

    def tensor(self, name: str, shape: Sequence[int], dtype: str, scale: float = 0.0, zero_point: int = 0) -> Held:
        """A tensor that is computed or fed."""
        tensor = schema.TensorT()
        tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(shape), _TYPE_CODES[dtype], 0
        self._editor.graph.tensors.append(tensor)
        held = Held(len(self._editor.graph.tensors) - 1, tuple(shape), dtype, float(np.float32(scale)), zero_point)
        if scale:
            self._quantize(held.index, np.array([held.scale], np.float32), zero_point, 0)
        return held

    def name(self, held: Held) -> str:
        """What a tensor was called."""
        return str(self._editor.tensor(held.index).name)

    def constant(
        self,
        name: str,
        values: npt.NDArray[Any],
        scales: npt.NDArray[np.float32] | float = 0.0,
        zero_point: int = 0,
    ) -> Held:
        """Integers with one scale, with one for each row of the first axis, or plain; equal ones are stored once."""
        steps = np.atleast_1d(np.asarray(scales, np.float32))
        facts = f"{values.dtype}{values.shape}{zero_point}".encode()
        key = hashlib.sha256(facts + steps.tobytes() + np.ascontiguousarray(values).tobytes()).digest()
        if key not in self._constants:
            self._constants[key] = self._stored(name, values, steps, zero_point)
        return self._constants[key]

    def _stored(self, name: str, values: npt.NDArray[Any], steps: npt.NDArray[np.float32], zero_point: int) -> Held:
        index = self._editor.add_constant(name, np.ascontiguousarray(values))
        if steps.any():
            self._quantize(index, steps, zero_point, 0)
        return Held(index, values.shape, values.dtype.name, float(steps[0]), zero_point)

    def operator(self, op: str, inputs: Sequence[Held], output: Held, options: Any = None) -> Held:
        """Append an operator and return its output."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self._editor.op_code(op)
        operator.inputs, operator.outputs = [held.index for held in inputs], [output.index]
        if options is not None:
            name = type(options).__name__.removesuffix("T")
            operator.builtinOptionsType, operator.builtinOptions = getattr(schema.BuiltinOptions, name), options
        self._editor.graph.operators.append(operator)
        return output

    def finish(self, inputs: dict[str, Held], outputs: dict[str, Held], description: str) -> bytes:
        """The file; inputs and outputs have these names in its signature."""
        graph = self._editor.graph
        graph.inputs = [held.index for held in inputs.values()]
        graph.outputs = [held.index for held in outputs.values()]
        signature = schema.SignatureDefT()
        signature.signatureKey, signature.subgraphIndex = "serving_default", 0
        signature.inputs, signature.outputs = _named(inputs), _named(outputs)
        self._editor.model.signatureDefs, self._editor.model.description = [signature], description
        raise_op_versions(self._editor)
        return self._editor.to_bytes()

    def _quantize(self, index: int, scales: npt.NDArray[np.float32], zero_point: int, axis: int) -> None:
        quantization = schema.QuantizationParametersT()
        quantization.scale = scales
        quantization.zeroPoint = np.full(len(scales), zero_point, np.int64)
        quantization.quantizedDimension = axis
        self._editor.tensor(index).quantization = quantization


def _named(held: dict[str, Held]) -> list[Any]:
    maps = []
    for name, tensor in held.items():
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = name, tensor.index
        maps.append(entry)
    return maps


def _empty() -> bytes:
    model, graph = schema.ModelT(), schema.SubGraphT()
    graph.name, graph.tensors, graph.operators, graph.inputs, graph.outputs = "main", [], [], [], []
    # The first buffer is empty by the schema: tensors without data refer to it.
    model.version, model.subgraphs, model.operatorCodes, model.buffers = (
        SCHEMA_VERSION, [graph], [], [schema.BufferT()],
    )  # fmt: skip
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())
