"""Graph rewrites on a float `.tflite` that change no result and make what follows more exact or possible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from litesmith.converters.editing import ModelEditor
from litesmith.converters.splits import split_to_slices
from litesmith.converters.tflite_model import TFLiteModel

# Operators that do more than their outputs say.
_SIDE_EFFECTS = frozenset({"CUSTOM", "CALL", "CALL_ONCE", "IF", "WHILE"})


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A model, and the names of the rewrites that changed it."""

    model: TFLiteModel
    applied: tuple[str, ...]


def rewrite(model: TFLiteModel) -> Rewritten:
    """Apply every rewrite; tensors keep their indices, new ones come last."""
    editor = ModelEditor(model.content)
    applied = tuple(name for name, change in _REWRITES.items() if change(editor))
    return Rewritten(TFLiteModel(editor.to_bytes(), model.source), applied) if applied else Rewritten(model, ())


def pool_to_mean(editor: ModelEditor) -> bool:
    """AVERAGE_POOL_2D over the whole image -> MEAN.

    The integer kernel of the pool has the scale of its input, of which a mean over many places uses a part; MEAN
    has one of its own.
    """
    changed = False
    for operator in editor.graph.operators:
        if editor.op_name(operator) != "AVERAGE_POOL_2D" or not _is_global(editor, operator):
            continue
        axes = editor.add_constant(f"{editor.name(operator.outputs[0])};axes", np.array([1, 2], np.int32))
        operator.opcodeIndex = editor.op_code("MEAN")
        operator.inputs = [operator.inputs[0], axes]
        operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.ReducerOptions, _keep_dims()
        changed = True
    return changed


def _is_global(editor: ModelEditor, operator: Any) -> bool:
    options = operator.builtinOptions
    before, after = editor.tensor(operator.inputs[0]), editor.tensor(operator.outputs[0])
    signature = before.shape if before.shapeSignature is None else before.shapeSignature
    plain = options.fusedActivationFunction == schema.ActivationFunctionType.NONE
    covers = list(signature[1:3]) == [options.filterHeight, options.filterWidth]
    return plain and covers and list(after.shape[1:3]) == [1, 1]


def _keep_dims() -> Any:
    options = schema.ReducerOptionsT()
    options.keepDims = True
    return options


def constant_reshape(editor: ModelEditor) -> bool:
    """RESHAPE to a computed shape -> RESHAPE to a constant one, where every shape is fixed.

    A model with an open batch computes the shape with SHAPE, STRIDED_SLICE and PACK, which accelerators leave to
    the CPU and ai-edge-quantizer reads through a float DEQUANTIZE.
    """
    written = {index for operator in editor.graph.operators for index in operator.outputs}
    changed = False
    for operator in editor.graph.operators:
        computed = len(operator.inputs) > 1 and operator.inputs[1] in written
        if editor.op_name(operator) == "RESHAPE" and computed and _is_fixed(editor, operator):
            shape = np.array(editor.tensor(operator.outputs[0]).shape, np.int32)
            index = editor.add_constant(f"{editor.name(operator.outputs[0])};shape", shape)
            operator.inputs = [operator.inputs[0], index]
            changed = True
    if changed:
        _drop_unread(editor)
    return changed


def _is_fixed(editor: ModelEditor, operator: Any) -> bool:
    before, after = editor.tensor(operator.inputs[0]), editor.tensor(operator.outputs[0])
    fixed = all(tensor.shapeSignature is None or min(tensor.shapeSignature) >= 0 for tensor in (before, after))
    # A shape that the file only guesses does not hold as many elements.
    return fixed and after.shape is not None and np.prod(before.shape) == np.prod(after.shape)


def _drop_unread(editor: ModelEditor) -> None:
    """Remove operators whose outputs nothing reads, until none is left."""
    graph = editor.graph
    while True:
        read = {index for operator in graph.operators for index in operator.inputs} | set(graph.outputs)
        kept = [
            operator
            for operator in graph.operators
            if read & set(operator.outputs) or not len(operator.outputs) or editor.op_name(operator) in _SIDE_EFFECTS
        ]
        if len(kept) == len(graph.operators):
            return
        graph.operators = kept


_REWRITES: Mapping[str, Callable[[ModelEditor], bool]] = {
    "pool_to_mean": pool_to_mean,
    "constant_reshape": constant_reshape,
    "split_to_slices": split_to_slices,
}
