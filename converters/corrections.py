"""Makes up for what rounding the weights does to a layer's outputs.

Two means. Bias correction (Nagel et al., arXiv 1906.04721, section 4.2) moves the mean error `(W - W_hat) E[x]` into
the bias. GPTQ (`litesmith.converters.rounding`) chooses the rounding itself. Both change only weights and biases of the
float model, so that any engine that rounds to the nearest step arrives at the intended integers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from litesmith.calibration.collect import bind
from litesmith.calibration.expose import expose
from litesmith.calibration.ranges import Range
from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.editing import ModelEditor
from litesmith.converters.engines import limits
from litesmith.converters.graph import Operator
from litesmith.converters.layers import LinearLayer, linear_layers
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.rounding import DEAD, Grid, gptq, nearest
from litesmith.converters.single_op import run_operator
from litesmith.converters.tflite_model import TFLiteModel

Array = npt.NDArray[np.float64]
Values = dict[int, npt.NDArray[np.float32]]

# Input vectors that GPTQ's second moments are taken from: more change nothing that can be measured.
GPTQ_PLACES = 6000


@dataclass(frozen=True, slots=True)
class Corrected:
    """The float model with other weights and biases, and how many layers were changed."""

    model: TFLiteModel
    layers: int


def correct_at_once(model: TFLiteModel, spec: QuantizationSpec, channel_means: Mapping[int, Array]) -> Corrected:
    """Bias correction of every layer from the means of the float model's activations.

    Borders are ignored: a window's element has the mean of its channel, as if nothing were padded.

    Args:
        model: float32.
        spec: what its weights will be rounded to.
        channel_means: mean over samples and places of each channel (C,), by tensor index.
    """
    editor = ModelEditor(model.content)
    count = 0
    for layer in _rounded_layers(model, spec):
        channels = channel_means.get(layer.source)
        if channels is None:
            continue
        rounded = nearest(layer.rows, weight_grid(model, layer, spec)).weights
        lost = layer.outputs(layer.rows - rounded, layer.spread(channels))
        _set_bias(editor, layer, layer.bias + lost)
        count += 1
    return Corrected(_model(editor, model), count)


def correct_in_sequence(
    model: TFLiteModel,
    spec: QuantizationSpec,
    ranges: Mapping[int, Range],
    samples: CalibrationSet,
    *,
    optimize_rounding: bool = False,
) -> Corrected:
    """Bias correction, layer by layer, to what the quantized layers before it really feed each one.

    Activations of 8 bits are computed as float values on the grid of their range, which int8 kernels reproduce up to
    single steps; those of more bits as they are. With `optimize_rounding`, weights are rounded by GPTQ against the same
    inputs.

    Args:
        model: float32, batch 1.
        spec: what it will be quantized to.
        ranges: of every float activation, by tensor index.
        samples: inputs named as the model's.
        optimize_rounding: whether to run GPTQ.

    Raises:
        ConversionError: an operator cannot be run by itself.
    """
    original, edited = ModelEditor(model.content), ModelEditor(model.content)
    layers = {layer.operator.index: layer for layer in _rounded_layers(model, spec)}
    last_use = {index: op.index for op in model.main.operators for index in op.inputs}
    floats = _graph_inputs(model, samples)
    found = limits(model, ranges, spec)
    grids = {index: _on_grid(values, found.get(index)) for index, values in floats.items()}
    for operator in model.main.operators[: max(layers, default=-1) + 1]:
        layer = layers.get(operator.index)
        # An operator of 8 bits rounds what it reads and what it gives; what more bits lose is left out.
        rounded = found if spec.precision_of(_name(model, operator)) == "int8" else {}
        given = {index: _on_grid(grids[index], rounded.get(index)) for index in operator.inputs if index in grids}
        if layer is not None:
            weights = weight_grid(model, layer, spec)
            _correct(edited, layer, weights, floats[layer.source], given[layer.source], optimize_rounding)
        floats.update(run_operator(original, operator.index, floats))
        results = run_operator(edited, operator.index, given)
        grids.update({index: _on_grid(values, rounded.get(index)) for index, values in results.items()})
        for index in [index for index in floats if last_use.get(index, -1) <= operator.index]:
            del floats[index], grids[index]
    return Corrected(_model(edited, model), len(layers))


def _correct(
    editor: ModelEditor,
    layer: LinearLayer,
    weights: Grid,
    floats: npt.NDArray[np.float32],
    grid: npt.NDArray[np.float32],
    optimize_rounding: bool,
) -> None:
    floats, grid = (values.reshape(-1, *values.shape[2:]) for values in (floats, grid))
    wanted = layer.outputs(layer.rows, layer.input_means(floats))
    means = layer.input_means(grid)
    rows = nearest(layer.rows, weights).weights
    if optimize_rounding:
        drawn = layer.input_rows(grid, GPTQ_PLACES).astype(np.float64)
        drawn -= drawn.mean(axis=1, keepdims=True)  # the bias takes care of the mean
        rows = gptq(layer.rows, drawn.swapaxes(1, 2) @ drawn / drawn.shape[1], weights).weights
    # A row without effect would get a scale that is no normal number: leave it as it is.
    rows = np.where(np.abs(layer.rows).max(axis=-1, keepdims=True) < DEAD, layer.rows, rows)
    # Layers that follow must see what rounding does here; engines find the same steps in rounded weights again.
    editor.set_constant(layer.operator.inputs[1], layer.stored(rows))
    _set_bias(editor, layer, layer.bias + wanted - layer.outputs(rows, means))


def _set_bias(editor: ModelEditor, layer: LinearLayer, bias: Array) -> None:
    dead = np.abs(layer.rows).max(axis=-1).reshape(-1) < DEAD
    values = np.where(dead, layer.bias, bias).astype(np.float32)
    operator, place = editor.graph.operators[layer.operator.index], layer.operator.inputs[2]
    if sum(int(index) == place for other in editor.graph.operators for index in other.inputs) == 1:
        editor.set_constant(place, values)
    else:
        inputs = [int(index) for index in operator.inputs]
        own = editor.add_constant(f"{editor.name(place)}/{layer.operator.index}", values)
        operator.inputs = np.array([*inputs[:2], own], np.int32)


def _on_grid(values: npt.NDArray[np.float32], limits_: tuple[float, float] | None) -> npt.NDArray[np.float32]:
    """Values rounded to the 256 steps that int8 has between two limits; as they are where there are none."""
    if limits_ is None or values.dtype != np.float32:
        return values
    low, high = limits_
    scale = np.float32((high - low) / 255)
    zero = np.rint(-low / scale)
    rounded: npt.NDArray[np.float32] = (np.clip(np.rint(values / scale) + zero, 0, 255) - zero) * scale
    return rounded.astype(np.float32)


def _graph_inputs(model: TFLiteModel, samples: CalibrationSet) -> Values:
    inputs = expose(model.content, None).inputs
    return {one.index: array[:, None] for one, array in zip(inputs, bind(inputs, samples), strict=True)}


def _model(editor: ModelEditor, source: TFLiteModel) -> TFLiteModel:
    return TFLiteModel(editor.to_bytes(), source.source)


def sources(model: TFLiteModel) -> frozenset[int]:
    """Tensors whose channel means `correct_at_once` needs."""
    return frozenset(layer.source for layer in linear_layers(model))


def weight_grid(model: TFLiteModel, layer: LinearLayer, spec: QuantizationSpec) -> Grid:
    """The steps that the engines give a layer's weights."""
    op, name = layer.operator.op, _name(model, layer.operator)
    return Grid(limit=2 ** (spec.weight_bits_of(op, name) - 1) - 1, per_row=spec.per_channel_of(op, name))


def _rounded_layers(model: TFLiteModel, spec: QuantizationSpec) -> list[LinearLayer]:
    """Those that are not left in float, where their weights stay as they are."""
    return [layer for layer in linear_layers(model) if spec.precision_of(_name(model, layer.operator)) != "float32"]


def _name(model: TFLiteModel, operator: Operator) -> str:
    return model.main.tensors[operator.outputs[0]].name
