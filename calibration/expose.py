"""Rewrites a float `.tflite` so that its activations are outputs, and its batch can grow.

A tensor that is an output keeps memory of its own: no later operator overwrites it, as in-place ADD does to one
of its inputs (tensorflow/lite/arena_planner.cc), and a delegate hands it out.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from litesmith.errors import CalibrationError

# What the object API raises on a damaged file.
_DAMAGE = (struct.error, ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError, MemoryError)
# TensorFlow calls the input `image` of a signature `serving_default_image:0`.
_DECORATION = re.compile(r"^serving_default_(.+?)(:\d+)?$")
_VARIABLES = "it has variables, which run on from one sample to the next"


@dataclass(frozen=True, slots=True)
class GraphInput:
    """One input of the main subgraph.

    Attributes:
        index: of its tensor.
        names: what samples may call it: the tensor's name, the signature's, and the tensor's undecorated.
        shape: with -1 where it is not fixed.
        is_observed: whether its values are among those asked for.
    """

    index: int
    names: tuple[str, str, str]
    shape: tuple[int, ...]
    is_observed: bool


@dataclass(frozen=True, slots=True)
class Exposed:
    """A model whose outputs are the activations of another.

    Attributes:
        content: the rewritten file; tensors keep their indices.
        tensors: indices of its outputs; inputs that are observed are not among them.
        names: of all tensors, in order.
        inputs: of the main subgraph.
        obstacle: why it must run one sample at a time; empty if nothing is known that hinders.
    """

    content: bytes
    tensors: tuple[int, ...]
    names: tuple[str, ...]
    inputs: tuple[GraphInput, ...]
    obstacle: str


def expose(model: bytes, only: Collection[int] | None = None) -> Exposed:
    """Make outputs of every float32 activation of the main subgraph, and drop the operators none of them needs.

    Activations are the inputs and what operators compute from them or read from variables; not what they compute from
    constants alone (weights that are stored as float16), and not state inside operators (variable tensors).

    Args:
        model: a `.tflite` file.
        only: indices of the activations wanted; all if None.

    Raises:
        CalibrationError: the file is damaged, has no float activation, or one of `only` is not such a one.
    """
    try:
        return _expose(model, only)
    except _DAMAGE as error:
        raise CalibrationError(f"the float model is damaged ({error}); convert the model again") from error


def _expose(model: bytes, only: Collection[int] | None) -> Exposed:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    if model[4:8] != b"TFL3":
        raise CalibrationError("the float model is not a TFLite flatbuffer; pass a file that a TFLite converter wrote")
    parsed = schema.ModelT.InitFromPackedBuf(model, 0)
    _inline_buffers(parsed, model)
    graph = parsed.subgraphs[0]
    stored = [int(operator.outputs[0]) for operator in _of_kind(parsed, schema.BuiltinOperator.READ_VARIABLE)]
    wanted = _wanted(graph, stored, only, schema.TensorType.FLOAT32)
    inputs = graph_inputs(parsed, frozenset(wanted))
    tensors = tuple(index for index in wanted if index not in graph.inputs)
    obstacle = _VARIABLES if stored else _obstacle(parsed, schema.BuiltinOperator.CUSTOM)
    if not obstacle:
        graph.operators = _needed(graph, tensors)
        _free_reshapes(parsed, schema)
    graph.outputs = np.array(tensors, np.int32)
    # Signatures and metadata speak of outputs and operators by their place.
    parsed.signatureDefs, parsed.metadata = [], []
    builder = flatbuffers.Builder(len(model) + 4096)
    builder.Finish(parsed.Pack(builder), b"TFL3")
    names = tuple(_text(tensor.name) for tensor in graph.tensors)
    return Exposed(bytes(builder.Output()), tensors, names, inputs, obstacle)


def _wanted(graph: Any, stored: Collection[int], only: Collection[int] | None, float32: int) -> list[int]:
    """Activations in the order in which they are computed; `stored` are read from variables."""
    dependent = dict.fromkeys(int(index) for index in (*graph.inputs, *stored))
    for operator in graph.operators:
        if any(int(index) in dependent for index in operator.inputs):
            dependent.update(dict.fromkeys(int(index) for index in operator.outputs if index >= 0))
    tensors = graph.tensors
    floats = [index for index in dependent if tensors[index].type == float32 and not tensors[index].isVariable]
    if not floats:
        raise CalibrationError("the model has no float activation to observe; pass the model before quantization")
    unknown = sorted(set(only or ()) - set(floats))
    if unknown:
        raise CalibrationError(f"tensors {unknown} are no float activations of the main subgraph; ask for others")
    return [index for index in floats if only is None or index in only]


def graph_inputs(parsed: Any, observed: frozenset[int]) -> tuple[GraphInput, ...]:
    """The inputs of the main subgraph of a parsed model (`ModelT`), those in `observed` marked so."""
    graph, signatures = parsed.subgraphs[0], parsed.signatureDefs or []
    signature = next((one for one in signatures if one.subgraphIndex == 0), None)
    named = {} if signature is None else {one.tensorIndex: _text(one.name) for one in signature.inputs}
    return tuple(_input(graph.tensors[index], int(index), named, int(index) in observed) for index in graph.inputs)


def _input(tensor: Any, index: int, named: Mapping[int, str], observed: bool) -> GraphInput:
    name = _text(tensor.name)
    bare = _DECORATION.sub(r"\1", name)
    return GraphInput(index, (name, named.get(index, bare), bare), _signature(tensor), observed)


def _obstacle(parsed: Any, custom: int) -> str:
    if len(parsed.subgraphs) > 1:
        return "it has control flow or more than one signature"
    if any(tensor.isVariable for tensor in parsed.subgraphs[0].tensors):
        return "it keeps state in variable tensors, as LSTM does"
    names = [_text(code.customCode) for code in parsed.operatorCodes if code.builtinCode == custom]
    return f"it has the custom operator {names[0]}" if names else ""


def _needed(graph: Any, tensors: Collection[int]) -> list[Any]:
    wanted, kept = set(tensors), []
    for operator in reversed(graph.operators):
        if not wanted.isdisjoint(operator.outputs):
            wanted.update(operator.inputs)
            kept.append(operator)
    return kept[::-1]


def _free_reshapes(parsed: Any, schema: Any) -> None:
    """Let the first axis of every RESHAPE to a constant shape follow its input.

    Each gets a shape of its own, because operators share constants, and loses its options, which repeat the shape.
    """
    graph = parsed.subgraphs[0]
    for operator in _of_kind(parsed, schema.BuiltinOperator.RESHAPE):
        target = graph.tensors[operator.outputs[0]]
        constant = len(operator.inputs) < 2 or _is_constant(parsed, graph.tensors[operator.inputs[1]])
        if not constant or not len(target.shape) or min(_signature(target)[1:], default=1) < 1:
            continue
        buffer, shape = schema.BufferT(), schema.TensorT()
        buffer.data = np.array([-1, *target.shape[1:]], np.int32).view(np.uint8)
        shape.name, shape.type, shape.shape = b"batch_shape", schema.TensorType.INT32, [len(target.shape)]
        shape.buffer = len(parsed.buffers)
        parsed.buffers.append(buffer)
        operator.inputs = np.array([operator.inputs[0], len(graph.tensors)], np.int32)
        graph.tensors.append(shape)
        operator.builtinOptions, operator.builtinOptionsType = None, schema.BuiltinOptions.NONE


def _of_kind(parsed: Any, builtin: int) -> Iterator[Any]:
    # Files from before schema 3a keep the code in the deprecated byte.
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in parsed.operatorCodes]
    return (operator for operator in parsed.subgraphs[0].operators if codes[operator.opcodeIndex] == builtin)


def _is_constant(parsed: Any, tensor: Any) -> bool:
    data = parsed.buffers[tensor.buffer].data
    return data is not None and len(data) > 0


def _signature(tensor: Any) -> tuple[int, ...]:
    """The shape, -1 where it is not fixed."""
    sizes = tensor.shape if tensor.shapeSignature is None else tensor.shapeSignature
    return tuple(int(size) for size in sizes)


def _inline_buffers(parsed: Any, content: bytes) -> None:
    """Bring in data that the writer put behind the flatbuffer, since positions change."""
    for buffer in parsed.buffers:
        if buffer.offset > 1:
            buffer.data = np.frombuffer(content, np.uint8, buffer.size, buffer.offset)
            buffer.offset = buffer.size = 0


def _text(name: Any) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else str(name or "")
