"""Runs one operator of a float model by itself, on values that are given."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema

from litesmith.calibration.native import quiet_native
from litesmith.converters.editing import ModelEditor
from litesmith.errors import ConversionError

Array = npt.NDArray[Any]


def run_operator(editor: ModelEditor, index: int, values: Mapping[int, Array]) -> dict[int, Array]:
    """Outputs of the operator at `index` of the main subgraph, by tensor index, samples on the first axis.

    Args:
        editor: the model, with the constants that are to be used.
        index: place of the operator.
        values: what its computed inputs hold, (N, ...) by tensor index, each sample of the tensor's own shape.

    Raises:
        ConversionError: an input is missing, or the runtime cannot run the operator.
    """
    from ai_edge_litert.interpreter import Interpreter

    operator = editor.graph.operators[index]
    computed = [
        place for place in dict.fromkeys(map(int, operator.inputs)) if place >= 0 and _is_computed(editor, place)
    ]
    if missing := [editor.name(place) for place in computed if place not in values]:
        raise ConversionError(f"the value of {missing[0]!r} is not known", op=editor.op_name(operator))
    try:
        with quiet_native():
            interpreter = Interpreter(model_content=_extract(editor, index, computed), num_threads=1)
            interpreter.allocate_tensors()
    except (RuntimeError, ValueError) as error:
        raise ConversionError(f"cannot be run by itself ({error})", op=editor.op_name(operator)) from error
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    results: list[list[Array]] = [[] for _ in outputs]
    for sample in range(len(values[computed[0]])):
        for detail, place in zip(inputs, computed, strict=True):
            interpreter.set_tensor(detail["index"], values[place][sample].reshape(detail["shape"]))
        interpreter.invoke()
        for detail, kept in zip(outputs, results, strict=True):
            kept.append(interpreter.get_tensor(detail["index"]))
    return {int(place): np.stack(kept) for place, kept in zip(operator.outputs, results, strict=True)}


def _is_computed(editor: ModelEditor, place: int) -> bool:
    data = editor.model.buffers[editor.tensor(place).buffer].data
    return data is None or len(data) == 0


def _extract(editor: ModelEditor, index: int, computed: list[int]) -> bytes:
    """A model of this operator alone; constants are shared with the editor's, not copied."""
    source = editor.graph.operators[index]
    places = [place for place in dict.fromkeys([*map(int, source.inputs), *map(int, source.outputs)]) if place >= 0]
    renumbered = {place: number for number, place in enumerate(places)}
    model, graph, operator = copy(editor.model), copy(editor.graph), copy(source)
    graph.tensors, model.buffers = [], [schema.BufferT()]
    for place in places:
        tensor = copy(editor.tensor(place))
        if not _is_computed(editor, place):
            model.buffers.append(editor.model.buffers[tensor.buffer])
        tensor.buffer = 0 if _is_computed(editor, place) else len(model.buffers) - 1
        graph.tensors.append(tensor)
    operator.inputs = np.array([renumbered.get(int(place), -1) for place in source.inputs], np.int32)
    operator.outputs = np.array([renumbered[int(place)] for place in source.outputs], np.int32)
    graph.operators, model.subgraphs = [operator], [graph]
    graph.inputs = np.array([renumbered[place] for place in computed], np.int32)
    graph.outputs = operator.outputs
    model.signatureDefs, model.metadata, model.metadataBuffer = [], [], []
    extracted = copy(editor)
    extracted.model = model
    return extracted.to_bytes()
