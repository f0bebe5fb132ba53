"""Fixing an open batch: accelerators and quantizers want every shape in the file."""

from __future__ import annotations

from typing import Any

import numpy as np

from litesmith.converters.editing import ModelEditor
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError

Shapes = dict[int, tuple[int, ...]]


def fix_batch(model: TFLiteModel) -> TFLiteModel:
    """The model for batches of one, if the batch of its inputs is all that is not fixed.

    Shapes inside, which converters leave open or guess, are those that LiteRT works out when it runs.

    Raises:
        ConversionError: an input has another open dimension, shapes depend on the values, or LiteRT cannot run it.
    """
    if not any(tensor.is_dynamic for graph in model.subgraphs for tensor in graph.tensors):
        return model
    for tensor in model.inputs:
        if tensor.shape_signature[1:] != tensor.shape[1:] or tensor.shape[:1] not in ((), (1,), (-1,)):
            raise ConversionError(
                f"input {tensor.name!r} has shape {tensor.shape_signature}; fix every dimension but the batch"
            )
    zeros, ones = _shapes(model, 0), _shapes(model, 1)
    differing = [index for index in zeros if zeros[index] != ones[index]]
    if differing:
        name = model.main.tensors[differing[0]].name
        raise ConversionError(f"the shape of tensor {name!r} depends on the input's values; replace what computes it")
    return _with_shapes(model, zeros)


def _shapes(model: TFLiteModel, fill: int) -> Shapes:
    """Shapes of the main subgraph's tensors after a run on inputs that are `fill` everywhere."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    try:
        # A delegate would hide what lies inside.
        without_delegates = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
        interpreter: Any = Interpreter(
            model_content=model.content, num_threads=1, experimental_op_resolver_type=without_delegates
        )
        for detail, tensor in zip(interpreter.get_input_details(), model.inputs, strict=True):
            interpreter.resize_tensor_input(detail["index"], [abs(size) for size in tensor.shape])
        interpreter.allocate_tensors()
        for detail in interpreter.get_input_details():
            interpreter.set_tensor(detail["index"], np.full(detail["shape"], fill, detail["dtype"]))
        interpreter.invoke()
    except (RuntimeError, ValueError) as error:
        raise ConversionError(f"LiteRT cannot run {model.source} with a batch of one ({error})") from error
    return {detail["index"]: tuple(map(int, detail["shape"])) for detail in interpreter.get_tensor_details()}


def _with_shapes(model: TFLiteModel, shapes: Shapes) -> TFLiteModel:
    editor = ModelEditor(model.content)
    for tensor in model.main.tensors:
        if tensor.is_dynamic:
            editor.tensor(tensor.index).shape = list(shapes[tensor.index])
            editor.tensor(tensor.index).shapeSignature = None
    return TFLiteModel(editor.to_bytes(), model.source)
