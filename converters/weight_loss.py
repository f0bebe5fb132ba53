"""The weights of a quantized file: what is hard about them, and what they alone do to the float model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from litesmith.converters.activations import FileRun
from litesmith.converters.editing import ModelEditor
from litesmith.converters.float_tensors import BRIDGES
from litesmith.converters.graph import Subgraph, Tensor
from litesmith.converters.layers import CONV, DENSE, DEPTHWISE
from litesmith.converters.matching import Match
from litesmith.converters.rounding import DEAD
from litesmith.converters.tflite_model import TFLiteModel

_LAYERS = (CONV, DEPTHWISE, DENSE, "TRANSPOSE_CONV")
_BITS = {"int4": 4, "int8": 8, "uint8": 8, "int16": 16, "float16": 16}


@dataclass(frozen=True, slots=True)
class WeightFacts:
    """The weights of an operator.

    Attributes:
        bits: of a weight in the file.
        channel_ratio: largest over smallest output channel, by their largest weights, where one scale serves them
            all; else None.
        peak: largest weight over the RMS of those that share its scale; of several scales the middle one.
    """

    bits: int
    channel_ratio: float | None
    peak: float


def weight_facts(model: TFLiteModel, quantized: TFLiteModel, match: Match) -> WeightFacts | None:
    """Facts of a convolution or dense layer with constant weights; None for other operators."""
    if match.operator.op not in _LAYERS:
        return None
    weights = model.main.tensors[match.operator.inputs[1]]
    if not weights.is_constant or weights.is_sparse or weights.dtype != "float32":
        return None
    values = np.asarray(model.data(weights), np.float64)
    channels = np.moveaxis(values, -1 if match.operator.op == DEPTHWISE else 0, 0)
    return _facts(channels.reshape(len(channels), -1), _stored(quantized.main, match.counterpart.inputs[1]))


def with_weights_of(run: FileRun, model: TFLiteModel, matches: Sequence[Match]) -> TFLiteModel:
    """The float model with every constant that operators of a quantized file have, in real values.

    Args:
        run: of the quantized file, any sample or none.
        model: float.
        matches: of the two.
    """
    editor = ModelEditor(model.content)
    uses = [int(index) for operator in editor.graph.operators for index in operator.inputs]
    for match in {match.operator.index: match for match in matches}.values():
        operator = editor.graph.operators[match.operator.index]
        read = [int(index) for index in operator.inputs]
        for place, other in enumerate(match.counterpart.inputs[: len(read)]):
            own = model.main.tensors[read[place]]
            if read[place] < 0 or other < 0 or not own.is_constant or own.dtype != "float32":
                continue
            stored = _stored(run.model.main, other)
            if not stored.is_constant:
                continue
            values = run.read(stored.index).astype(np.float32).reshape(own.shape)
            if uses.count(own.index) == 1:
                editor.set_constant(own.index, values)
            else:  # converters store equal biases once, and quantizers give each layer its own
                read[place] = editor.add_constant(f"{own.name}/{match.operator.index}", values)
        operator.inputs = np.array(read, np.int32)
    return TFLiteModel(editor.to_bytes(), model.source)


def _stored(graph: Subgraph, index: int) -> Tensor:
    """The tensor that an operator's weights are stored as, behind what unpacks them."""
    producers = graph.producers()
    while index in producers and graph.operators[producers[index]].op in BRIDGES:
        index = graph.operators[producers[index]].inputs[0]
    return graph.tensors[index]


def _facts(rows: npt.NDArray[np.float64], stored: Tensor) -> WeightFacts:
    largest = np.abs(rows).max(axis=1)
    live = largest >= DEAD
    one_scale = stored.quantization is not None and not stored.quantization.per_channel and len(rows) > 1
    if not live.any():
        return WeightFacts(_BITS.get(stored.dtype, 32), None, 0.0)
    alike = rows.reshape(1, -1) if one_scale else rows[live]
    peaks = np.abs(alike).max(axis=1) / np.sqrt(np.square(alike).mean(axis=1))
    ratio = float(largest.max() / largest[live].min()) if one_scale else None
    return WeightFacts(_BITS.get(stored.dtype, 32), ratio, float(np.median(peaks)))
