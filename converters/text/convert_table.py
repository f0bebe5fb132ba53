"""The table of tokens as int8, where quantizers of dynamic range leave it in float: it is most of a small encoder."""

from __future__ import annotations

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from litesmith.converters.editing import ModelEditor
from litesmith.converters.flatbuffer import TYPE_NAMES
from litesmith.converters.op_versions import raise_op_versions
from litesmith.converters.tflite_model import TFLiteModel

_INT8 = next(code for code, name in TYPE_NAMES.items() if name == "int8")
_LARGEST = 127


def integer_table(model: TFLiteModel, vocabulary: int) -> TFLiteModel:
    """GATHER from a float table of tokens -> GATHER of int8 rows, DEQUANTIZE, and MUL by a factor for each channel.

    GATHER knows one scale for the whole table, so each channel is stored over its own largest value.

    Args:
        model: file with the table as a float constant.
        vocabulary: rows of the table.
    """
    editor = ModelEditor(model.content)
    operators: list[Any] = []
    for operator in editor.graph.operators:
        table = editor.constant(int(operator.inputs[0])) if editor.op_name(operator) == "GATHER" else None
        if table is None or table.dtype != np.float32 or table.ndim != 2 or len(table) != vocabulary:
            operators.append(operator)
        else:
            operators += _looked_up(editor, operator, table)
    editor.graph.operators = operators
    editor.drop_unused_tensors()
    raise_op_versions(editor)
    return TFLiteModel(editor.to_bytes(), model.source)


def _looked_up(editor: ModelEditor, gather: Any, table: np.ndarray[Any, Any]) -> list[Any]:
    name, output = editor.name(int(gather.inputs[0])), int(gather.outputs[0])
    factors = np.maximum(np.abs(table).max(axis=0), np.finfo(np.float32).tiny)
    stored = editor.add_constant(f"{name}.int8", np.rint(table / factors * _LARGEST).astype(np.int8))
    rows, wide = _tensor(editor, f"{name}.rows", output, _INT8), _tensor(editor, f"{name}.float", output, 0)
    for index in (stored, rows):
        quantization = schema.QuantizationParametersT()
        quantization.scale = np.array([1 / _LARGEST], np.float32)
        quantization.zeroPoint = np.zeros(1, np.int64)
        editor.tensor(index).quantization = quantization
    gather.inputs, gather.outputs = [stored, int(gather.inputs[1])], [rows]
    factor = editor.add_constant(f"{name}.factors", factors.astype(np.float32))
    return [
        gather,
        _operator(editor, "DEQUANTIZE", [rows], wide, schema.DequantizeOptionsT()),
        _operator(editor, "MUL", [wide, factor], output, schema.MulOptionsT()),
    ]


def _tensor(editor: ModelEditor, name: str, like: int, type_code: int) -> int:
    tensor = schema.TensorT()
    tensor.name, tensor.shape, tensor.type, tensor.buffer = name, list(editor.tensor(like).shape), type_code, 0
    editor.graph.tensors.append(tensor)
    return len(editor.graph.tensors) - 1


def _operator(editor: ModelEditor, op: str, inputs: list[int], output: int, options: Any) -> Any:
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = editor.op_code(op), inputs, [output]
    name = type(options).__name__.removesuffix("T")
    operator.builtinOptionsType, operator.builtinOptions = getattr(schema.BuiltinOptions, name), options
    return operator
