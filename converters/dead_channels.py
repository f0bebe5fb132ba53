"""Channels that training switched off: weights of about zero, and a bias that still counts.

A quantized bias is `bias / (input scale * weight scale)`. With the weight scale that such weights ask for it
overflows its integer, and the channel that should be constant becomes another constant. And XNNPACK ends the process
where `input scale * weight scale / output scale` is below 2^-32.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from litesmith.converters.editing import ModelEditor
from litesmith.converters.quantize import QuantizationSpec

Array = npt.NDArray[np.float32]

# Largest bias in steps, with room for the products that are added to it: int32 beside int8 activations, int64
# beside int16 ones.
_BIAS_STEPS = {"int8": 2.0**30, "int16x8": 2.0**38}
_INPUT_STEPS = {"int8": 255, "int16x8": 32767}
# Twice XNNPACK's smallest ratio, because scales are rounded on the way.
_SMALLEST_RATIO = 2.0**-31
# Axis of the output channels among the weights.
_CHANNEL_AXIS = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}


def floor_weight_scales(editor: ModelEditor, found: Mapping[int, tuple[float, float]], spec: QuantizationSpec) -> None:
    """Give each channel one weight so large that its bias fits, and that kernels take its scale, where none is.

    That weight adds less than a ten-thousandth of the bias, or of an output step, to the channel's output.

    Args:
        editor: the float model, changed in place.
        found: lowest and highest value by tensor; nothing is done for layers whose input is not there.
        spec: what the model will be quantized to.
    """
    for operator in editor.graph.operators:
        op = editor.op_name(operator)
        inputs = list(operator.inputs)
        if op not in _CHANNEL_AXIS or len(inputs) < 3 or inputs[2] < 0 or inputs[0] not in found:
            continue
        weights, bias = editor.constant(inputs[1]), editor.constant(inputs[2])
        if weights is None or bias is None:
            continue
        low, high = found[inputs[0]]
        width = high - low if spec.mode == "int8" else max(-low, high)
        input_scale = width / _INPUT_STEPS[spec.mode]
        smallest_scales = np.abs(bias) / (input_scale * _BIAS_STEPS[spec.mode])
        if operator.outputs[0] in found:
            low, high = found[operator.outputs[0]]
            smallest_scales = np.maximum(smallest_scales, (high - low) / 255 * _SMALLEST_RATIO / input_scale)
        name = editor.name(operator.outputs[0])
        most_steps = 2 ** (spec.weight_bits_of(op, name) - 1) - 1
        moved = np.moveaxis(weights, _CHANNEL_AXIS[op], 0)
        one_scale = not spec.per_channel_of(op, name)
        groups = moved.reshape(1 if one_scale else len(moved), -1)
        floors = np.broadcast_to(smallest_scales.max() if one_scale else smallest_scales, len(groups)) * most_steps
        raised = _raised(groups, floors.astype(np.float32))
        if raised is not None:
            editor.set_constant(inputs[1], np.moveaxis(raised.reshape(moved.shape), 0, _CHANNEL_AXIS[op]))


def _raised(groups: Array, floors: Array) -> Array | None:
    """The groups (G, n) with the largest magnitude of each at least its floor (G,); None if it was."""
    rows, places = np.arange(len(groups)), np.abs(groups).argmax(axis=1)
    largest = groups[rows, places]
    if (np.abs(largest) >= floors).all():
        return None
    raised = groups.copy()
    raised[rows, places] = np.copysign(np.maximum(np.abs(largest), floors), largest)
    return raised
