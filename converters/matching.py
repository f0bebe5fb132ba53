"""Which operator of a quantized file stands for which of the float model that it was made from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np

from litesmith.converters.activations import without_signature
from litesmith.converters.editing import ModelEditor
from litesmith.converters.float_tensors import BRIDGES
from litesmith.converters.graph import Operator, Subgraph, Tensor
from litesmith.converters.tflite_model import TFLiteModel


@dataclass(frozen=True, slots=True)
class Match:
    """One float output of an operator, and its counterpart in the quantized file.

    Attributes:
        operator: of the float model.
        output: the tensor that it writes.
        counterpart: the operator of the quantized file that does the same.
        found: the tensor that the counterpart writes, before any conversion.
    """

    operator: Operator
    output: Tensor
    counterpart: Operator
    found: Tensor


@dataclass(frozen=True, slots=True)
class Detached:
    """A float model whose operators do not read each other, but inputs of their own.

    Attributes:
        model: outputs are those of the matched operators, under their tensor indices.
        feeds: the tensors of the quantized file whose values the inputs take that come behind the float model's own.
    """

    model: TFLiteModel
    feeds: tuple[int, ...]


def match_operators(model: TFLiteModel, quantized: TFLiteModel) -> tuple[Match, ...]:
    """The operators that can be compared, in execution order.

    Engines keep the names of tensors and add QUANTIZE and DEQUANTIZE; of what such a one wrote the source counts.
    Outputs of the graph are matched by their place, the others by name.

    Args:
        model: float, as it was quantized.
        quantized: what an engine made of it.
    """
    return tuple(_matches(model.main, quantized.main))


def _matches(graph: Subgraph, other: Subgraph) -> Iterator[Match]:
    named = {tensor.name: tensor.index for tensor in other.tensors}
    places = dict(zip(graph.outputs, other.outputs, strict=True))
    names = [tensor.name for tensor in graph.tensors]
    producers = other.producers()
    for operator in graph.operators:
        for output in graph.results(operator):
            found = places.get(output.index, named.get(output.name) if names.count(output.name) == 1 else None)
            if output.dtype != "float32" or found is None:
                continue
            while found in producers and other.operators[producers[found]].op in BRIDGES:
                found = other.operators[producers[found]].inputs[0]
            counterpart = other.operators[producers[found]] if found in producers else None
            if counterpart is not None and counterpart.op == operator.op and other.tensors[found].shape == output.shape:
                yield Match(operator, output, counterpart, other.tensors[found])


def match_inputs(model: TFLiteModel, quantized: TFLiteModel) -> dict[int, Tensor]:
    """What stands for the float inputs of the graph, by tensor index: behind a QUANTIZE, if the file starts with it."""
    graph, consumers = quantized.main, quantized.main.consumers()
    found = {}
    for tensor, index in zip(model.inputs, graph.inputs, strict=True):
        readers = [graph.operators[place] for place in consumers.get(index, ())]
        source = readers[0].outputs[0] if [reader.op for reader in readers] == ["QUANTIZE"] else index
        if tensor.dtype == "float32" and graph.tensors[source].quantization is not None:
            found[tensor.index] = graph.tensors[source]
    return found


def detach(model: TFLiteModel, matches: Sequence[Match]) -> Detached:
    """Let every matched operator read what its counterpart reads, so that it shows what it does to that alone.

    Constants stay those of the float model. Operators without a match read what the others compute.
    """
    editor = ModelEditor(model.content)
    inputs: dict[tuple[int, int], int] = {}
    for match in {match.operator.index: match for match in matches}.values():
        operator = editor.graph.operators[match.operator.index]
        read = [int(index) for index in operator.inputs]
        for place, (own, other) in enumerate(zip(match.operator.inputs, match.counterpart.inputs, strict=False)):
            tensor = model.main.tensors[own]
            if own < 0 or other < 0 or tensor.dtype != "float32" or tensor.is_constant or tensor.is_variable:
                continue
            if (own, other) not in inputs:
                inputs[own, other] = _add_input(editor, own)
            read[place] = inputs[own, other]
        operator.inputs = np.array(read, np.int32)
    editor.graph.inputs = np.array([*model.main.inputs, *inputs.values()], np.int32)
    editor.graph.outputs = np.array([match.output.index for match in matches], np.int32)
    return Detached(without_signature(editor, model), tuple(other for _, other in inputs))


def _add_input(editor: ModelEditor, like: int) -> int:
    """A tensor of the same type and shape that nothing writes."""
    tensor = copy(editor.tensor(like))
    tensor.buffer = 0
    editor.graph.tensors.append(tensor)
    return len(editor.graph.tensors) - 1
