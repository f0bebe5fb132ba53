"""SPLIT as slices, where quantizers stumble over it: an unrolled recurrent layer holds such ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from litesmith.converters.editing import ModelEditor

Constants = dict[tuple[int, ...], int]

# Places of the tensor and of the axis among the inputs.
_PLACES = {"SPLIT": (1, 0), "SPLIT_V": (0, 2)}


def split_to_slices(editor: ModelEditor) -> bool:
    """SPLIT with a part that nothing reads, and every SPLIT_V -> a SLICE for each part that is read.

    TensorFlow's quantizer (2.21) leaves a SPLIT with an unread part in float, on some runs and not on others.
    ai-edge-quantizer 0.10 leaves the unread part in float, and does not know SPLIT_V.

    Every shape must be fixed.

    Returns:
        Whether anything changed.
    """
    graph = editor.graph
    read = {int(index) for operator in graph.operators for index in operator.inputs} | set(map(int, graph.outputs))
    constants: Constants = {}
    operators: list[Any] = []
    changed = False
    for operator in graph.operators:
        axis = _axis(editor, operator, read)
        operators += [operator] if axis is None else _slices(editor, operator, axis, read, constants)
        changed |= axis is not None
    graph.operators = operators
    return changed


def _axis(editor: ModelEditor, operator: Any, read: set[int]) -> int | None:
    """The axis that a split to be replaced cuts; None for all else, and where it is computed."""
    kind = editor.op_name(operator)
    if kind not in _PLACES or (kind == "SPLIT" and read.issuperset(map(int, operator.outputs))):
        return None
    axis = editor.constant(int(operator.inputs[_PLACES[kind][1]]))
    return None if axis is None else int(axis.reshape(-1)[0])


def _slices(editor: ModelEditor, operator: Any, axis: int, read: set[int], constants: Constants) -> Iterator[Any]:
    source = int(operator.inputs[_PLACES[editor.op_name(operator)][0]])
    begin = [0] * len(editor.tensor(source).shape)
    for output in map(int, operator.outputs):
        size = [int(length) for length in editor.tensor(output).shape]
        if output in read:
            part = schema.OperatorT()
            part.opcodeIndex = editor.op_code("SLICE")
            part.inputs = [source, _constant(editor, begin, constants), _constant(editor, size, constants)]
            part.outputs = [output]
            part.builtinOptionsType, part.builtinOptions = schema.BuiltinOptions.SliceOptions, schema.SliceOptionsT()
            yield part
        begin[axis] += size[axis]


def _constant(editor: ModelEditor, values: Sequence[int], constants: Constants) -> int:
    """Index of a tensor with these values; an unrolled layer cuts the same way at every step."""
    key = tuple(values)
    if key not in constants:
        constants[key] = editor.add_constant(f"slice_{len(constants)}", np.array(values, np.int32))
    return constants[key]
