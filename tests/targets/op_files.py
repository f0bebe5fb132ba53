"""Files of a few operators, written with the schema: what no converter makes in this size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema


@dataclass(frozen=True, slots=True)
class Given:
    """What one tensor is; a value makes it a constant."""

    shape: tuple[int, ...]
    dtype: str = "int8"
    scale: float | None = 0.5
    value: Any = None


@dataclass(frozen=True, slots=True)
class Step:
    """One operator on tensors that are known by name."""

    op: str
    inputs: Sequence[str]
    output: str | None
    kind: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def t(*shape: int, **facts: Any) -> Given:
    return Given(shape, **facts)


def ints(*values: int) -> Given:
    return Given((len(values),), "int32", None, np.array(values, np.int32))


def pairs(*values: tuple[int, int]) -> Given:
    return Given((len(values), 2), "int32", None, np.array(values, np.int32))


def weights(*shape: int, fill: int = 1) -> Given:
    return Given(shape, "int8", 0.1, np.full(shape, fill, np.int8))


def bias(count: int) -> Given:
    return Given((count,), "int32", 0.05, np.zeros(count, np.int32))


def file_of(
    tensors: Mapping[str, Given], steps: Sequence[Step], inputs: Sequence[str], outputs: Sequence[str]
) -> bytes:
    """A file with these operators in this order."""
    model, graph, places = schema.ModelT(), schema.SubGraphT(), {name: place for place, name in enumerate(tensors)}
    model.version, model.operatorCodes, model.buffers, model.subgraphs = 3, [], [schema.BufferT()], [graph]
    graph.tensors = [_tensor(model, name, given) for name, given in tensors.items()]
    graph.operators = [_operator(model, step, places) for step in steps]
    graph.inputs, graph.outputs = ([places[name] for name in names] for names in (inputs, outputs))
    builder = flatbuffers.Builder(256)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def model_of(op: str, inputs: Sequence[Given], output: Given, kind: str | None, options: Mapping[str, Any]) -> bytes:
    """A file with this one operator."""
    tensors = {f"t{place}": given for place, given in enumerate((*inputs, output))}
    *read, written = tensors
    computed = [name for name in read if tensors[name].value is None]
    return file_of(tensors, [Step(op, read, written, kind, options)], computed, [written])


def _tensor(model: schema.ModelT, name: str, given: Given) -> schema.TensorT:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.buffer = name, np.array(given.shape, np.int32), 0
    tensor.type = getattr(schema.TensorType, given.dtype.upper())
    if given.scale is not None:
        tensor.quantization = schema.QuantizationParametersT()
        tensor.quantization.scale, tensor.quantization.zeroPoint = [given.scale], [0]
    if given.value is not None:
        buffer = schema.BufferT()
        buffer.data, tensor.buffer = np.frombuffer(given.value.tobytes(), np.uint8), len(model.buffers)
        model.buffers.append(buffer)
    return tensor


def _operator(model: schema.ModelT, step: Step, places: Mapping[str, int]) -> schema.OperatorT:
    operator, code = schema.OperatorT(), schema.OperatorCodeT()
    code.builtinCode, code.version = getattr(schema.BuiltinOperator, step.op), 1
    code.deprecatedBuiltinCode, operator.opcodeIndex = min(code.builtinCode, 127), len(model.operatorCodes)
    model.operatorCodes.append(code)
    operator.inputs, operator.outputs = (
        [places[name] for name in step.inputs],
        [places[step.output]] if step.output else [],
    )
    if step.kind is not None:
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, step.kind)
        operator.builtinOptions = getattr(schema, f"{step.kind}T")()
        for name, value in step.options.items():
            assert hasattr(operator.builtinOptions, name)
            setattr(operator.builtinOptions, name, value)
    return operator
