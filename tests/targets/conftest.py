"""Models for the runtimes: sound ones from tests/golden, and hostile ones written op by op."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tests.targets import op_files

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="session")
def golden() -> Path:
    return GOLDEN


@pytest.fixture(scope="session")
def int8_model() -> bytes:
    return (GOLDEN / "int8.tflite").read_bytes()


@pytest.fixture(scope="session")
def crashing_model() -> bytes:
    """An IF whose branches are the graph it stands in: preparing it recurses until the stack overflows."""
    options = schema.IfOptionsT()
    options.thenSubgraphIndex = options.elseSubgraphIndex = 0
    operator = _operator(0, [0, 0], 1, "IfOptions", options)
    return _pack(["IF"], [_subgraph([schema.TensorType.BOOL] * 2, operator)])


@pytest.fixture(scope="session")
def endless_model() -> bytes:
    """A WHILE that goes on for as long as its value equals itself."""
    int32, boolean = schema.TensorType.INT32, schema.TensorType.BOOL
    options = schema.WhileOptionsT()
    options.condSubgraphIndex, options.bodySubgraphIndex = 1, 2
    loop = _operator(0, [0], 1, "WhileOptions", options)
    condition = _operator(1, [0, 0], 1, "EqualOptions", schema.EqualOptionsT())
    body = _operator(2, [0, 0], 1, "MaximumMinimumOptions", schema.MaximumMinimumOptionsT())
    graphs = [
        _subgraph([int32, int32], loop),
        _subgraph([int32, boolean], condition),
        _subgraph([int32, int32], body),
    ]
    return _pack(["WHILE", "EQUAL", "MAXIMUM"], graphs)


@pytest.fixture(scope="session")
def custom_op_model() -> bytes:
    """One custom operator, as the Edge TPU compiler leaves it."""
    operator = schema.OperatorT()
    operator.inputs, operator.outputs = [0], [1]
    return _pack(["CUSTOM"], [_subgraph([schema.TensorType.INT8] * 2, operator)], custom_code="edgetpu-custom-op")


@pytest.fixture(scope="session")
def string_model() -> bytes:
    """A RESHAPE of strings, which no array of numbers can feed."""
    operator = _operator(0, [0], 1, "ReshapeOptions", schema.ReshapeOptionsT())
    operator.builtinOptions.newShape = [1]
    return _pack(["RESHAPE"], [_subgraph([schema.TensorType.STRING] * 2, operator)])


@pytest.fixture(scope="session")
def stateful_model() -> bytes:
    """A variable that grows by the input: it is read, added to, written, and given."""
    real = op_files.t(4, dtype="float32", scale=None)
    handle = op_files.t(dtype="resource", scale=None)
    steps = [
        op_files.Step("VAR_HANDLE", [], "state", "VarHandleOptions", {"sharedName": "state", "container": ""}),
        op_files.Step("READ_VARIABLE", ["state"], "before", "ReadVariableOptions"),
        op_files.Step("ADD", ["before", "x"], "y", "AddOptions"),
        op_files.Step("ASSIGN_VARIABLE", ["state", "y"], None, "AssignVariableOptions"),
    ]
    tensors = {"x": real, "state": handle, "before": real, "y": real}
    return op_files.file_of(tensors, steps, ["x"], ["y"])


def _operator(code: int, inputs: Sequence[int], output: int, kind: str, options: object) -> schema.OperatorT:
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = code, list(inputs), [output]
    operator.builtinOptionsType, operator.builtinOptions = getattr(schema.BuiltinOptions, kind), options
    return operator


def _subgraph(types: Sequence[int], operator: schema.OperatorT) -> schema.SubGraphT:
    graph = schema.SubGraphT()
    graph.tensors = [_tensor(f"t{index}", dtype) for index, dtype in enumerate(types)]
    graph.operators, graph.inputs, graph.outputs = [operator], [0], [len(types) - 1]
    return graph


def _tensor(name: str, dtype: int) -> schema.TensorT:
    tensor = schema.TensorT()
    tensor.name, tensor.type, tensor.buffer, tensor.shape = name, dtype, 0, np.array([1], np.int32)
    return tensor


def _pack(ops: Sequence[str], graphs: Sequence[schema.SubGraphT], custom_code: str | None = None) -> bytes:
    model = schema.ModelT()
    model.version, model.subgraphs, model.buffers = 3, list(graphs), [schema.BufferT()]
    model.operatorCodes = []
    for name in ops:
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, name)
        code.deprecatedBuiltinCode, code.version, code.customCode = min(code.builtinCode, 127), 1, custom_code
        model.operatorCodes.append(code)
    builder = flatbuffers.Builder(256)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
