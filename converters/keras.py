"""Keras -> `.tflite`, with every shape fixed and the result proved to be what was asked for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from litesmith.calibration.native import quiet_native
from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.backend import tensorflow
from litesmith.converters.label import prove_integer_only, truth_label
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import CalibrationError, ConversionError

_UNSUPPORTED_OP = re.compile(r"'(tf\.[A-Za-z0-9_]+)' op is neither a custom op nor a flex op")


def convert(model: Any, spec: QuantizationSpec, calibration: CalibrationSet | None = None) -> TFLiteModel:
    """Convert a functional tf_keras model to a batch-1 `.tflite`.

    Args:
        model: a tf_keras model; one with TFMOT's quantization-aware layers keeps the ranges it learnt.
        spec: mode and I/O type.
        calibration: representative samples, inputs named as the model's; needed by int8 and int16x8.

    Raises:
        CalibrationError: samples are missing or do not fit the model's inputs.
        ConversionError: the converter refused an op, or the file is not what `spec` asked for.
    """
    if spec.weight_bits != 8:
        raise ConversionError("TensorFlow's converter writes no int4 weights; use `litesmith.converters.convert`")
    if spec.needs_calibration and calibration is None:
        raise CalibrationError(f"{spec.mode} needs representative samples; pass a calibration set")
    _refuse_not_finite(model)
    tf = tensorflow()
    function, specs = _batch_one(tf, model)
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function], model)
    # Per-channel dense weights need FULLY_CONNECTED version 12, which runtimes before LiteRT do not know.
    converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    _configure(tf, converter, spec)
    if spec.needs_calibration and calibration is not None:
        converter.representative_dataset = _representative(check_samples(model, calibration), specs)
    converted = TFLiteModel(_convert(converter), "<converted>")
    _prove(converted, spec)
    return converted


def _batch_one(tf: Any, model: Any) -> tuple[Any, dict[str, Any]]:
    """The model as a concrete function of named inputs with batch 1, so that the file has no dynamic shape."""
    if getattr(model, "stateful", False):
        model.reset_states()  # the file would start with the state of the last samples
    specs = {}
    for name, tensor in zip(model.input_names, model.inputs, strict=True):
        shape = [1, *tensor.shape[1:]]
        if any(size is None for size in shape):
            raise ConversionError(f"input {name!r} has shape {tuple(tensor.shape)}; fix every dimension but the batch")
        specs[name] = tf.TensorSpec(shape, tensor.dtype, name=name)

    def serve(*inputs: Any) -> Any:
        return model(inputs[0] if len(inputs) == 1 else list(inputs), training=False)

    return tf.function(serve).get_concrete_function(*specs.values()), specs


def _configure(tf: Any, converter: Any, spec: QuantizationSpec) -> None:
    if spec.mode == "float32":
        return
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if spec.mode == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if spec.mode == "int8":
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    if spec.mode == "int16x8":
        ops = tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8
        converter.target_spec.supported_ops = [ops]
    if spec.io != "float32":
        converter.inference_input_type = converter.inference_output_type = tf.dtypes.as_dtype(spec.io)


def refuse_constant(calibration: CalibrationSet) -> None:
    """Refuse samples that give every activation a range of nothing.

    Raises:
        CalibrationError: all inputs have the same value in every place of every sample.
    """
    if calibration.is_constant:
        raise CalibrationError(
            f"{calibration.source}: every value of every sample is the same, which says nothing of real input; "
            "give samples of the kind that the model will see"
        )


def check_samples(model: Any, calibration: CalibrationSet) -> CalibrationSet:
    """The samples under the model's input names.

    Raises:
        CalibrationError: names, shapes or types are not those of the model's inputs.
    """
    refuse_constant(calibration)
    inputs = dict(zip(model.input_names, model.inputs, strict=True))
    bound = calibration.bind({name: tuple(tensor.shape) for name, tensor in inputs.items()})
    bound = _with_integers_of(inputs, bound)
    for name, tensor in inputs.items():
        found = bound.inputs[name].dtype
        if found != tensor.dtype.as_numpy_dtype:
            raise CalibrationError(
                f"{bound.source}: input {name!r} holds {found} values but the model takes {tensor.dtype.name}; "
                "give the samples as the model sees them (images: --scale and --offset, or --preprocess)"
            )
    return bound


def _with_integers_of(inputs: dict[str, Any], samples: CalibrationSet) -> CalibrationSet:
    """The samples with integers in the types of the model's inputs, where they fit: NumPy's own are int64."""
    typed = {}
    for name, array in samples.inputs.items():
        wanted = np.dtype(inputs[name].dtype.as_numpy_dtype)
        cast = array.astype(wanted) if array.dtype.kind in "iu" and wanted.kind in "iu" else array
        typed[name] = cast if np.array_equal(cast, array) else array
    if all(typed[name].dtype == array.dtype for name, array in samples.inputs.items()):
        return samples
    return CalibrationSet(typed, samples.seed, samples.source, samples.labels, samples.preprocess)


def _refuse_not_finite(model: Any) -> None:
    for weight in model.weights:
        values = np.asarray(weight.numpy())
        if values.dtype.kind == "f" and not np.isfinite(values).all():
            raise ConversionError(f"the weight {weight.name!r} holds NaN or infinity; repair the trained model")


def _representative(bound: CalibrationSet, specs: dict[str, Any]) -> Callable[[], Iterator[list[Any]]]:
    def samples() -> Iterator[list[Any]]:
        for sample in bound:
            yield [sample[name] for name in specs]

    return samples


def _convert(converter: Any) -> bytes:
    try:
        with quiet_native():
            return bytes(converter.convert())
    except Exception as error:  # the converter's errors share no base class
        text = str(error)
        op = _UNSUPPORTED_OP.search(text)
        first = (text.strip().splitlines() or [type(error).__name__])[0][:300]
        hint = "replace this op by ones TFLite has" if op else "see the converter's output above"
        raise ConversionError(f"the converter refused the model ({first}); {hint}", op=op and op[1]) from error


def _prove(model: TFLiteModel, spec: QuantizationSpec) -> None:
    """The converter silently leaves float where it cannot quantize: read every tensor instead of trusting it."""
    if spec.needs_calibration:
        prove_integer_only(model, allow_float_io=spec.io == "float32")
    label = truth_label(model)
    if label != spec.label:
        small = "; it leaves weights of less than 1,024 elements in float32: convert the model's float .tflite instead"
        hint = small if spec.mode == "dynamic" else ""
        raise ConversionError(f"asked for {spec.label}, but the converter wrote a file that is {label}{hint}")
