"""ai-edge-quantizer, which needs no TensorFlow, with what it gets wrong put right before and after."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from litesmith.calibration.native import quiet_native
from litesmith.converters.dead_channels import floor_weight_scales
from litesmith.converters.editing import ModelEditor
from litesmith.converters.engines import describe, limits
from litesmith.converters.flatbuffer import TYPE_NAMES
from litesmith.converters.op_versions import raise_op_versions
from litesmith.converters.proof import INNER, prove
from litesmith.converters.quantize import INT4_OPS, QuantizationSpec, exactly, last_match
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError

if TYPE_CHECKING:
    from litesmith.calibration.ranges import Range

_ALL = ".*"
# Operators whose results are shares, and the int8 scale and zero point that TFLite prescribes for them.
_PROBABILITIES = frozenset({"SOFTMAX", "LOGISTIC"})
_PROBABILITY_SCALE, _PROBABILITY_ZERO_POINT = [1 / 256], [-128]


class AeqEngine:
    """google-ai-edge/ai-edge-quantizer with its min/max recipe.

    Before: tensors get names of their own, by which it finds them, and dead channels a weight scale with which
    their bias does not overflow. After: buffers go back into the flatbuffer, tensors that nothing reads any more go,
    outputs get their names back, and operators the versions of their integer kernels.
    """

    name = "aeq"

    def supports(self, spec: QuantizationSpec) -> bool:
        """Everything but float32."""
        return spec.mode != "float32"

    def load(self) -> None:
        """See `Engine.load`."""
        _quantizer()

    def quantize(self, model: TFLiteModel, ranges: Mapping[int, Range], spec: QuantizationSpec) -> TFLiteModel:
        """See `Engine.quantize`."""
        if not self.supports(spec):
            raise ConversionError(f"ai-edge-quantizer does not write {spec.mode}")
        found = limits(model, ranges, spec) if spec.needs_calibration else {}
        editor = ModelEditor(model.content)
        _name_uniquely(editor)
        floor_weight_scales(editor, found, spec)
        statistics = {
            editor.name(index): {"min": np.array([low], np.float32), "max": np.array([high], np.float32)}
            for index, (low, high) in found.items()
        }
        written = ModelEditor(_run(editor, statistics, spec))
        _name_outputs(written, [tensor.name for tensor in model.outputs])
        _prescribe_outputs(written)
        written.drop_unused_tensors()
        raise_op_versions(written)
        quantized = TFLiteModel(written.to_bytes(), model.source)
        prove(model, quantized, spec)
        return quantized


def _run(editor: ModelEditor, statistics: Mapping[str, Any], spec: QuantizationSpec) -> bytes:
    quantizer = _quantizer()(editor.to_bytes())
    _configure(quantizer, spec)
    _configure_operators(quantizer, editor, spec)
    try:
        # It opens the model with an option that LiteRT warns about.
        with quiet_native(), warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            result = quantizer.quantize(dict(statistics) or None, enable_progress_report=False).quantized_model
    except Exception as error:  # it raises bare ValueErrors, KeyErrors and whatever numpy raises
        raise ConversionError(
            f"ai-edge-quantizer refused {describe(spec)} ({type(error).__name__}: {error})"
        ) from error
    return bytes(result)


def _quantizer() -> Any:
    try:
        from ai_edge_quantizer.quantizer import Quantizer
    except ImportError as error:
        raise ConversionError(
            f"this step needs ai-edge-quantizer ({error}); run: pip install 'litesmith[quantizer]'"
        ) from error
    return Quantizer


def _configure(quantizer: Any, spec: QuantizationSpec) -> None:
    """The recipe; for an operator the last rule that its policy allows counts."""
    from ai_edge_quantizer.qtyping import QuantGranularity, TFLOperationName
    from ai_edge_quantizer.quantizer import AlgorithmName

    every, dense = TFLOperationName.ALL_SUPPORTED, TFLOperationName.FULLY_CONNECTED
    if spec.mode == "float16":
        quantizer.add_weight_only_config(_ALL, every, 16, algorithm_key=AlgorithmName.FLOAT_CASTING)
        return
    channel, tensor = QuantGranularity.CHANNELWISE, QuantGranularity.TENSORWISE
    rules = [(every, 8, tensor if spec.per_channel == "none" else channel)]
    if spec.weight_bits == 4:
        rules += [(TFLOperationName(op), 4, channel) for op in INT4_OPS]
    else:
        rules.append((dense, 8, channel if spec.per_channel_of("FULLY_CONNECTED") else tensor))
    for op, bits, weights in rules:
        if spec.mode == "dynamic":
            quantizer.add_dynamic_config(_ALL, op, bits, weights)
        else:
            quantizer.add_static_config(_ALL, op, 16 if spec.mode == "int16x8" else 8, bits, weights)
    if spec.needs_calibration:
        _configure_io(quantizer, spec)


def _configure_operators(quantizer: Any, editor: ModelEditor, spec: QuantizationSpec) -> None:
    """Rules of single operators; its scopes are the names of an operator's outputs, a semicolon behind each."""
    from ai_edge_quantizer.qtyping import QuantGranularity, TFLOperationName
    from ai_edge_quantizer.quantizer import AlgorithmName

    for operator in editor.graph.operators if spec.precision else ():
        op, names = editor.op_name(operator), [editor.name(index) for index in operator.outputs]
        precision = last_match(spec.precision, names[0])
        if precision is None:
            continue
        scope = exactly("".join(f"{name};" for name in names))
        try:
            if precision == "float32":
                quantizer.update_quantization_recipe(
                    scope, TFLOperationName(op), algorithm_key=AlgorithmName.NO_QUANTIZE
                )
            else:
                per_channel = spec.per_channel_of(op, names[0])
                granularity = QuantGranularity.CHANNELWISE if per_channel else QuantGranularity.TENSORWISE
                bits = 16 if precision == "int16" else 8
                quantizer.add_static_config(scope, TFLOperationName(op), bits, 8, granularity)
        except ValueError as error:
            raise ConversionError(f"ai-edge-quantizer cannot have {names[0]!r} in {precision}", op=op) from error


def _configure_io(quantizer: Any, spec: QuantizationSpec) -> None:
    from ai_edge_quantizer import qtyping
    from ai_edge_quantizer.quantizer import AlgorithmName

    ends = (qtyping.TFLOperationName.INPUT, qtyping.TFLOperationName.OUTPUT)
    if spec.io == "float32":
        for end in ends:
            quantizer.update_quantization_recipe(_ALL, end, algorithm_key=AlgorithmName.NO_QUANTIZE)
    if spec.io == "uint8":
        unsigned = qtyping.OpQuantizationConfig(
            activation_tensor_config=qtyping.TensorQuantizationConfig(
                num_bits=8, symmetric=False, dtype=qtyping.TensorDataType.UINT
            ),
            weight_tensor_config=qtyping.TensorQuantizationConfig(num_bits=8),
            compute_precision=qtyping.ComputePrecision.INTEGER,
        )
        for end in ends:
            quantizer.update_quantization_recipe(_ALL, end, unsigned)


def _name_uniquely(editor: ModelEditor) -> None:
    taken: set[str] = set()
    for graph in editor.model.subgraphs:
        # Inputs and outputs are known to the app by name, so they choose first.
        for index in dict.fromkeys((*graph.inputs, *graph.outputs, *range(len(graph.tensors)))):
            tensor = graph.tensors[index]
            name = (tensor.name or b"").decode("utf-8", errors="replace") or "tensor"
            unique, number = name, 1
            while unique in taken:
                unique, number = f"{name};{number}", number + 1
            taken.add(unique)
            tensor.name = unique.encode()


def _name_outputs(editor: ModelEditor, names: list[str]) -> None:
    """Where a QUANTIZE or DEQUANTIZE was put behind an output, its result takes over the output's name."""
    for index, name in zip(editor.graph.outputs, names, strict=True):
        if editor.name(index) == name:
            continue
        for tensor in editor.graph.tensors:
            if tensor.name == name.encode():
                tensor.name = f"{name}{INNER}".encode()
        editor.tensor(index).name = name.encode()


def _prescribe_outputs(editor: ModelEditor) -> None:
    """An int8 output behind an int16 softmax gets the scale of an int8 softmax, which is twice as fine."""
    producers = {int(index): operator for operator in editor.graph.operators for index in operator.outputs}
    for index in editor.graph.outputs:
        output, converts = editor.tensor(index), producers.get(int(index))
        if converts is None or editor.op_name(converts) != "QUANTIZE" or TYPE_NAMES[output.type] != "int8":
            continue
        source = producers.get(int(converts.inputs[0]))
        if source is not None and editor.op_name(source) in _PROBABILITIES:
            output.quantization.scale, output.quantization.zeroPoint = _PROBABILITY_SCALE, _PROBABILITY_ZERO_POINT
