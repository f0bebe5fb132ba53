"""The padding's mask as rows of a table, where a cast from whether an id is the padding would stay in float."""

from __future__ import annotations

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from litesmith.converters.editing import ModelEditor
from litesmith.converters.text.architecture import TextModel
from litesmith.converters.tflite_model import TFLiteModel

# exp(-30) is no step of a softmax in int8, and the scores beside it keep theirs.
MASKED, _BEYOND = -30.0, -1000.0


def integer_mask(model: TFLiteModel, text_model: TextModel) -> TFLiteModel:
    """NOT_EQUAL and CAST of ids -> GATHER from a table that has 0 for the padding and 1 for every other id.

    Quantizers write a GATHER in integers; CAST to an integer with a scale is something that TFLite has not got.

    Args:
        model: float file of the encoder.
        text_model: what it was made from.
    """
    editor = ModelEditor(model.content)
    graph = editor.graph
    compared = {int(op.outputs[0]): op for op in graph.operators if editor.op_name(op) == "NOT_EQUAL"}
    table = np.ones(text_model.architecture.vocabulary, np.float32)
    table[text_model.pad_id] = 0
    for operator in graph.operators:
        source = compared.get(int(operator.inputs[0])) if editor.op_name(operator) == "CAST" else None
        if source is None:
            continue
        operator.opcodeIndex = editor.op_code("GATHER")
        operator.inputs = [editor.add_constant("mask.table", table), int(source.inputs[0])]
        operator.builtinOptionsType, operator.builtinOptions = (
            schema.BuiltinOptions.GatherOptions,
            schema.GatherOptionsT(),
        )
    read = {int(index) for operator in graph.operators for index in operator.inputs} | set(map(int, graph.outputs))
    graph.operators = [op for op in graph.operators if not read.isdisjoint(map(int, op.outputs))]
    for index in range(len(graph.tensors)):
        values = editor.constant(index)
        if values is not None and values.dtype == np.float32 and values.size == 1 and values.item() < _BEYOND:
            editor.set_constant(index, np.full_like(values, MASKED))
    editor.drop_unused_tensors()
    return TFLiteModel(editor.to_bytes(), model.source)
