"""The proof that an engine wrote what was asked for: every tensor of its file is read."""

from __future__ import annotations

import numpy as np

from litesmith.converters.engines import describe
from litesmith.converters.float_tensors import BRIDGES
from litesmith.converters.graph import ELEMENT_BYTES, Operator
from litesmith.converters.label import prove_integer_only, truth_label
from litesmith.converters.one_scale import prove_scales
from litesmith.converters.quantize import INT4_OPS, QuantizationSpec
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError

# Where XNNPACK has checks on input scale * weight scale / output scale (`requantization_scale` in its sources).
_MULTIPLYING = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV"})
_RATIO_FROM, _RATIO_BELOW = 2.0**-32, 256
# What an engine adds to the name of a tensor whose converted copy took over its name as the graph's output.
INNER = ";inner"
_COMPUTED = ("int8", "int16", "float32")
# Operators whose int8 output has a scale and zero point that TFLite prescribes (its quantization specification).
_FIXED_OUTPUT = frozenset({"SOFTMAX", "LOGISTIC", "LOG_SOFTMAX", "TANH", "L2_NORMALIZATION"})


def prove(source: TFLiteModel, quantized: TFLiteModel, spec: QuantizationSpec) -> None:
    """Read every tensor of what an engine wrote.

    Raises:
        ConversionError: it is not what `spec` asks for.
    """
    if spec.needs_calibration and not spec.allows_float:
        prove_integer_only(quantized, allow_float_io=spec.io == "float32")
    label = truth_label(quantized)
    # With single operators in another precision the label depends on which; each is looked at below.
    if not spec.precision and label != spec.label:
        raise ConversionError(f"asked for {describe(spec)}, but the engine wrote a file that is {label}")
    before, after = (*source.inputs, *source.outputs), (*quantized.inputs, *quantized.outputs)
    for old, new in zip(before, after, strict=True):
        if old.dtype == "float32" and new.dtype != spec.io:
            raise ConversionError(
                f"asked for {spec.io} inputs and outputs, but the engine left {new.name!r} {new.dtype}"
            )
    if spec.needs_calibration:
        prove_scales(quantized)
    _prove_ratios(quantized)
    if spec.weight_bits == 4:
        _prove_int4(quantized, spec)
    if spec.per_channel == "none" and spec.needs_calibration:
        _prove_one_scale(quantized)
    if spec.symmetric:
        _prove_symmetric(quantized)
    if spec.precision:
        _prove_precision(quantized, spec)


def _prove_ratios(model: TFLiteModel) -> None:
    """XNNPACK refuses a whole file, or ends the process, where a layer's ratio of scales is outside its bounds."""
    tensors = model.main.tensors
    for operator in model.main.operators:
        if operator.op not in _MULTIPLYING:
            continue
        scales = [tensors[index].quantization for index in (*operator.inputs[:2], operator.outputs[0])]
        if tensors[operator.outputs[0]].dtype != "int8" or None in scales:
            continue
        source, weights, output = (np.array(found.scales) for found in scales if found is not None)
        ratios = source * weights / output
        if ratios.min() < _RATIO_FROM or ratios.max() >= _RATIO_BELOW:
            raise ConversionError(
                f"a step of input times one of weights is {ratios.max():.3g} steps of {_name(model, operator)!r}; "
                f"kernels take {_RATIO_FROM:.2g} to {_RATIO_BELOW}. Training that diverged looks like this, and so do "
                "samples that are far from real input; check both",
                op=operator.op,
            )


def _prove_int4(model: TFLiteModel, spec: QuantizationSpec) -> None:
    operators = [operator for operator in model.main.operators if operator.op in INT4_OPS]
    if not operators:
        raise ConversionError(f"no operator takes int4 weights; the model has no {' or '.join(INT4_OPS)}")
    for operator in operators:
        weights = model.main.tensors[operator.inputs[1]]
        wanted = spec.weight_bits_of(operator.op, _name(model, operator))
        if weights.is_constant and not weights.is_float and wanted != 8 * ELEMENT_BYTES[weights.dtype]:
            raise ConversionError(f"the engine left the weights {weights.name!r} {weights.dtype}", op=operator.op)


def _prove_one_scale(model: TFLiteModel) -> None:
    for tensor in model.main.tensors:
        if tensor.quantization is not None and tensor.quantization.per_channel:
            raise ConversionError(f"asked for one scale a tensor, but the engine gave {tensor.name!r} one a channel")


def _prove_symmetric(model: TFLiteModel) -> None:
    graph = model.main
    prescribed = [graph.tensors[op.outputs[0]].quantization for op in graph.operators if op.op in _FIXED_OUTPUT]
    for tensor in graph.tensors:
        found = tensor.quantization
        if tensor.dtype == "int8" and found is not None and any(found.zero_points) and found not in prescribed:
            raise ConversionError(f"asked for zero points of 0, but {tensor.name!r} has {found.zero_points[0]}")


def _prove_precision(model: TFLiteModel, spec: QuantizationSpec) -> None:
    """Every operator gives the type that its name was asked for in: float only where the spec says so."""
    for operator in model.main.operators:
        name, found = _name(model, operator), model.main.tensors[operator.outputs[0]].dtype
        wanted = spec.precision_of(name)
        if operator.op not in BRIDGES and found in _COMPUTED and found != wanted:
            raise ConversionError(f"{name!r} was asked for in {wanted}, but it is {found}", op=operator.op)


def _name(model: TFLiteModel, operator: Operator) -> str:
    return model.main.tensors[operator.outputs[0]].name.removesuffix(INNER)
