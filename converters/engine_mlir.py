"""TensorFlow's quantizer, the one inside its converter, fed with ranges of our own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ai_edge_litert import schema_py_generated as schema

from litesmith.calibration.native import quiet_native
from litesmith.converters.backend import tensorflow
from litesmith.converters.dead_channels import floor_weight_scales
from litesmith.converters.editing import ModelEditor
from litesmith.converters.engines import limits
from litesmith.converters.proof import prove
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError

if TYPE_CHECKING:
    from litesmith.calibration.ranges import Range


class MlirEngine:
    """`tensorflow.lite.python.convert.mlir_quantize`, which TensorFlow's own QuantizationDebugger calls.

    It takes the range of a tensor from `min` and `max` of its quantization parameters and leaves a tensor without
    them in float. It has no path to int16 activations or int4 weights.
    """

    name = "mlir"

    def supports(self, spec: QuantizationSpec) -> bool:
        """Only int8 throughout, with any inputs and outputs."""
        return spec.mode == "int8" and spec.weight_bits == 8 and not spec.precision

    def load(self) -> None:
        """See `Engine.load`."""
        tensorflow()

    def quantize(self, model: TFLiteModel, ranges: Mapping[int, Range], spec: QuantizationSpec) -> TFLiteModel:
        """See `Engine.quantize`."""
        if not self.supports(spec):
            raise ConversionError(f"TensorFlow's quantizer writes int8 only, not {spec.mode}; use the aeq engine")
        content = _with_ranges(model, limits(model, ranges, spec), spec)
        tf = tensorflow()
        from tensorflow.lite.python.convert import mlir_quantize

        io = tf.dtypes.as_dtype(spec.io)
        try:
            with quiet_native():
                result = mlir_quantize(
                    content,
                    input_data_type=io,
                    output_data_type=io,
                    disable_per_channel=spec.per_channel == "none",
                    disable_per_channel_for_dense_layers=not spec.per_channel_of("FULLY_CONNECTED"),
                )
        except Exception as error:  # the converter's errors share no base class
            raise ConversionError(f"TensorFlow's quantizer refused the model ({error})") from error
        quantized = TFLiteModel(bytes(result), model.source)
        prove(model, quantized, spec)
        return quantized


def _with_ranges(model: TFLiteModel, found: Mapping[int, tuple[float, float]], spec: QuantizationSpec) -> bytes:
    editor = ModelEditor(model.content)
    floor_weight_scales(editor, found, spec)
    for index, (low, high) in found.items():
        parameters = schema.QuantizationParametersT()
        parameters.min, parameters.max = [low], [high]
        editor.tensor(index).quantization = parameters
    return editor.to_bytes()
