"""Operator versions of integer files: what tells a runtime that it is too old for a file.

ai-edge-quantizer leaves the versions of the float file, and TensorFlow's converter those of the int8 file where
activations are int16, so that an old runtime would start on operators that it does not have. The numbers are those of
tensorflow/lite/tools/versioning/op_version.cc (tensorflow/tensorflow@02087409); where that source knows no version for
int16 activations with int8 weights, the one that brought the int16 kernel is taken.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from litesmith.converters.flatbuffer import TYPE_NAMES
from litesmith.converters.tflite_model import OpCount, TFLiteModel

if TYPE_CHECKING:
    from litesmith.converters.editing import ModelEditor

# Operator -> versions that brought int8 and int16 activations.
_INTEGER = {
    "ADD": (2, 3), "ARG_MAX": (2, 2), "ARG_MIN": (2, 2), "AVERAGE_POOL_2D": (2, 3), "BATCH_MATMUL": (2, 3),
    "BROADCAST_TO": (3, 3), "CONCATENATION": (2, 3), "CONV_2D": (3, 4), "DEPTHWISE_CONV_2D": (3, 5),
    "DEQUANTIZE": (2, 3), "EQUAL": (2, 4), "FULLY_CONNECTED": (4, 7), "GATHER": (2, 4), "GATHER_ND": (1, 3),
    "GELU": (2, 2), "LOGISTIC": (2, 3), "MAXIMUM": (2, 4), "MAX_POOL_2D": (2, 3), "MEAN": (2, 3), "MINIMUM": (2, 4),
    "MIRROR_PAD": (2, 3), "MUL": (2, 4), "NOT_EQUAL": (2, 2), "PACK": (2, 3), "PAD": (2, 3), "PADV2": (2, 3),
    "QUANTIZE": (1, 2), "REDUCE_MAX": (2, 3), "REDUCE_MIN": (2, 3), "RELU": (2, 3), "RELU6": (2, 3),
    "RESIZE_BILINEAR": (2, 4), "RESIZE_NEAREST_NEIGHBOR": (2, 4), "RSQRT": (2, 3), "SELECT": (2, 2), "SLICE": (2, 4),
    "SOFTMAX": (2, 3), "SPACE_TO_DEPTH": (2, 2), "SPLIT": (2, 4), "SQUARED_DIFFERENCE": (2, 2),
    "STRIDED_SLICE": (2, 2), "SUB": (2, 5), "SUM": (2, 2), "TANH": (2, 3), "TRANSPOSE": (2, 5),
    "TRANSPOSE_CONV": (2, 2), "UNPACK": (2, 4),
}  # fmt: skip
# Float activations with int8 weights, one scale for all or one a channel.
_HYBRID = {"CONV_2D": (2, 5), "DEPTHWISE_CONV_2D": (4, 6), "FULLY_CONNECTED": (3, 12)}
_INT4_WEIGHTS = {"CONV_2D": 7, "DEPTHWISE_CONV_2D": 7, "FULLY_CONNECTED": 10, "DEQUANTIZE": 6}


def int16_version(op: str) -> int:
    """The version of an operator that brought int16 activations.

    Raises:
        KeyError: no such version is known.
    """
    return _INTEGER[op][1]


def raise_op_versions(editor: ModelEditor) -> None:
    """Raise the version of every operator code to what its operators need; none is lowered."""
    for graph in editor.model.subgraphs:
        for operator in graph.operators:
            tensors = [graph.tensors[index] for index in (*operator.inputs, *operator.outputs) if index >= 0]
            code = editor.model.operatorCodes[operator.opcodeIndex]
            types = [TYPE_NAMES[tensor.type] for tensor in tensors]
            scales = [getattr(tensor.quantization, "scale", None) for tensor in tensors[1:2]]
            per_channel = any(scale is not None and len(scale) > 1 for scale in scales)
            code.version = max(code.version, _needed(editor.op_name(operator), types, per_channel))


def needed_ops(model: TFLiteModel) -> dict[str, OpCount]:
    """`TFLiteModel.ops` with the versions that a runtime must have: those of the file or, if higher, of the types."""
    ops = dict(model.ops)
    for graph in model.subgraphs:
        for operator in graph.operators:
            tensors = [tensor for tensor in (*graph.operands(operator), *graph.results(operator)) if tensor is not None]
            per_channel = any(tensor.quantization and tensor.quantization.per_channel for tensor in tensors[1:2])
            needed = _needed(operator.op, [tensor.dtype for tensor in tensors], per_channel)
            seen = ops[operator.op]
            ops[operator.op] = OpCount(seen.count, max(seen.max_version, needed))
    return ops


def _needed(op: str, types: Sequence[str], per_channel: bool) -> int:
    """By the types of the operator's tensors, and whether its second one has a scale for each channel."""
    versions = [1]
    if "int4" in types:
        versions.append(_INT4_WEIGHTS.get(op, 1))
    if "float16" in types and op == "DEQUANTIZE":
        versions.append(3)
    if op in _HYBRID and list(types[:2]) == ["float32", "int8"]:
        versions.append(_HYBRID[op][per_channel])
    if op in _INTEGER and "int16" in types:
        versions.append(_INTEGER[op][1])
    elif op in _INTEGER and "int8" in types and not (op in _HYBRID and types[0] == "float32"):
        versions.append(_INTEGER[op][0])
    return max(versions)
