"""Writes `.tflite` models of one operator each, tensor by tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from litesmith.converters.editing import ModelEditor
from litesmith.converters.flatbuffer import TYPE_NAMES

Case = tuple[str, bytes]
F, I8, U8, I16 = "float32", "int8", "uint8", "int16"
TYPES = (F, I8, U8, I16)
SAME, VALID = schema.Padding.SAME, schema.Padding.VALID
RANKS = ((8,), (3, 8), (2, 3, 8), (1, 6, 6, 8), (1, 2, 3, 4, 8))
IMAGE = (1, 6, 6, 8)
ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1", "TANH")
SCALE = 0.05
ZERO_POINTS = {"int8": 0, "uint8": 128, "int16": 0}
_TYPES = {name: code for code, name in TYPE_NAMES.items()}
_OPTIONS = {
    "ABS": "AbsOptions", "ADD": "AddOptions", "ARG_MAX": "ArgMaxOptions", "AVERAGE_POOL_2D": "Pool2DOptions",
    "BATCH_MATMUL": "BatchMatMulOptions", "CAST": "CastOptions", "CONCATENATION": "ConcatenationOptions",
    "CONV_2D": "Conv2DOptions", "DEPTHWISE_CONV_2D": "DepthwiseConv2DOptions", "DEPTH_TO_SPACE": "DepthToSpaceOptions",
    "DIV": "DivOptions", "FULLY_CONNECTED": "FullyConnectedOptions", "GATHER": "GatherOptions",
    "GELU": "GeluOptions", "LEAKY_RELU": "LeakyReluOptions", "MAX_POOL_2D": "Pool2DOptions", "MEAN": "ReducerOptions",
    "MUL": "MulOptions", "PACK": "PackOptions", "REDUCE_MAX": "ReducerOptions", "REDUCE_MIN": "ReducerOptions",
    "RESHAPE": "ReshapeOptions", "RESIZE_BILINEAR": "ResizeBilinearOptions", "SOFTMAX": "SoftmaxOptions",
    "RESIZE_NEAREST_NEIGHBOR": "ResizeNearestNeighborOptions", "SPACE_TO_DEPTH": "SpaceToDepthOptions",
    "SPLIT": "SplitOptions", "SQUEEZE": "SqueezeOptions", "STRIDED_SLICE": "StridedSliceOptions", "SUB": "SubOptions",
    "SUM": "ReducerOptions", "TRANSPOSE_CONV": "TransposeConvOptions", "UNPACK": "UnpackOptions",
    "MIRROR_PAD": "MirrorPadOptions", "LOG_SOFTMAX": "LogSoftmaxOptions", "L2_NORMALIZATION": "L2NormOptions",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """One tensor; `value` makes it a constant (bytes of packed types), `signature` leaves dimensions open with -1."""

    shape: tuple[int, ...]
    dtype: str = "float32"
    value: npt.NDArray[Any] | None = None
    scales: tuple[float, ...] = ()
    zero_point: int = 0
    axis: int = 0
    signature: tuple[int, ...] | None = None


def tensor(shape: Sequence[int], dtype: str = "float32", scale: float = SCALE, **facts: Any) -> Part:
    """A tensor that is computed or fed; integer types up to 16 bits get one scale and a usual zero point."""
    if dtype in ZERO_POINTS:
        facts = {"scales": (scale,), "zero_point": ZERO_POINTS[dtype], **facts}
    return Part(tuple(shape), dtype, **facts)


def constant(shape: Sequence[int], dtype: str = "float32", channels: int = 0, **facts: Any) -> Part:
    """A constant of ones; `channels` scales along `axis` where it is above 0."""
    facts = {"value": np.ones(shape, dtype), **facts}
    if channels:
        return tensor(shape, dtype, **{"scales": (SCALE,) * channels, "zero_point": 0, **facts})
    return tensor(shape, dtype, **facts)


def packed(shape: Sequence[int], channels: int) -> Part:
    """A constant of 4-bit ones, with one scale or one for each channel along dimension 0."""
    size_bytes = -(-int(np.prod(shape)) // 2)
    return Part(tuple(shape), "int4", np.full(size_bytes, 0x11, np.uint8), (SCALE,) * channels)


def numbers(*values: int, dtype: str = "int32") -> Part:
    """A constant vector of integers."""
    return Part((len(values),), dtype, np.array(values, dtype))


def activation(name: str) -> dict[str, int]:
    """The option that fuses an activation."""
    return {"fusedActivationFunction": getattr(schema.ActivationFunctionType, name)}


def case(label: str, op: str, inputs: Sequence[Part | None], outputs: Sequence[Part], **options: Any) -> Case:
    """One model; its name starts with its operator."""
    return f"{op} {label}", one_op_model(op, inputs, outputs, **options)


def one_op_model(
    op: str, inputs: Sequence[Part | None], outputs: Sequence[Part], version: int = 1, **options: Any
) -> bytes:
    """A model of one operator; None leaves an optional input out."""
    editor = ModelEditor(_empty())
    operator = schema.OperatorT()
    operator.opcodeIndex = editor.op_code(op, version)
    operator.inputs = [-1 if part is None else _add(editor, part) for part in inputs]
    operator.outputs = [_add(editor, part) for part in outputs]
    if op in _OPTIONS:
        operator.builtinOptionsType = getattr(schema.BuiltinOptions, _OPTIONS[op])
        operator.builtinOptions = _options(f"{_OPTIONS[op]}T", options)
    graph = editor.graph
    graph.operators = [operator]
    fed = [index for index, part in zip(operator.inputs, inputs, strict=True) if part and part.value is None]
    graph.inputs, graph.outputs = fed, list(operator.outputs)
    return editor.to_bytes()


def _options(name: str, values: Mapping[str, Any]) -> Any:
    options = getattr(schema, name)()
    for key, value in values.items():
        if not hasattr(options, key):
            raise ValueError(f"{name} has no {key}")
        setattr(options, key, value)
    return options


def _add(editor: ModelEditor, part: Part) -> int:
    if part.value is not None:
        index = editor.add_constant("constant", part.value)
        added = editor.tensor(index)
    else:
        added = schema.TensorT()
        added.buffer = 0
        editor.graph.tensors.append(added)
        index = len(editor.graph.tensors) - 1
    added.name, added.type, added.shape = f"t{index}", _TYPES[part.dtype], list(part.shape)
    added.shapeSignature = None if part.signature is None else list(part.signature)
    if part.scales:
        quantization = schema.QuantizationParametersT()
        quantization.scale = list(part.scales)
        quantization.zeroPoint = [part.zero_point] * len(part.scales)
        quantization.quantizedDimension = part.axis
        added.quantization = quantization
    return index


def _empty() -> bytes:
    model, graph = schema.ModelT(), schema.SubGraphT()
    graph.tensors, graph.operators, graph.inputs, graph.outputs = [], [], [], []
    model.version, model.subgraphs, model.buffers, model.operatorCodes = 3, [graph], [schema.BufferT()], []
    builder = flatbuffers.Builder(256)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
