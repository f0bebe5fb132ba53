"""Conversion gives the file that was asked for, or an error: never something else."""

import hashlib

import numpy as np
import pytest

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.backend import tensorflow, tf_keras
from litesmith.converters.keras import convert
from litesmith.converters.label import truth_label
from litesmith.converters.quantize import IO_TYPES, QuantizationSpec
from litesmith.errors import CalibrationError, ConversionError
from litesmith.measure import predict

SPECS = [QuantizationSpec(mode, io) for mode, types in IO_TYPES.items() for io in types]


@pytest.fixture(scope="module")
def model():
    keras = tf_keras()
    keras.utils.set_random_seed(3)
    layers = keras.layers
    inputs = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(inputs)
    x = layers.Flatten()(layers.MaxPooling2D()(x))
    x = layers.Dense(32, activation="relu")(x)
    return keras.Model(inputs, layers.Dense(3)(x))


@pytest.fixture(scope="module")
def samples():
    return np.random.default_rng(0).random((40, 8, 8, 1), np.float32)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.mode}-{spec.io}")
def test_every_mode_gives_the_label_and_io_it_promises_and_the_outputs_of_the_model(model, samples, spec):
    converted = convert(model, spec, CalibrationSet.from_arrays(samples) if spec.needs_calibration else None)
    assert truth_label(converted) == spec.label
    assert converted.inputs[0].dtype == converted.outputs[0].dtype == spec.io
    assert converted.inputs[0].shape == converted.inputs[0].shape_signature == (1, 8, 8, 1)
    expected, found = model(samples).numpy(), predict(converted, samples).real
    assert np.abs(expected - found).max() < 0.05 * np.abs(expected).max()


def test_the_same_model_gives_the_same_bytes(model, samples):
    files = {convert(model, QuantizationSpec("int8"), CalibrationSet.from_arrays(samples)).sha256 for _ in range(2)}
    assert len(files) == 1


def test_dense_weights_stay_readable_for_runtimes_before_litert(model):
    assert convert(model, QuantizationSpec("dynamic")).ops["FULLY_CONNECTED"].max_version < 12


def test_a_model_too_small_for_dynamic_range_is_not_called_so():
    keras = tf_keras()
    inputs = keras.Input((4,))
    with pytest.raises(ConversionError, match=r"asked for dynamic-range.* less than 1,024 elements.*float \.tflite"):
        convert(keras.Model(inputs, keras.layers.Dense(2)(inputs)), QuantizationSpec("dynamic"))


@pytest.mark.parametrize("mode", ["int8", "int16x8"])
def test_without_representative_data_nothing_is_converted(model, mode):
    with pytest.raises(CalibrationError, match="representative samples"):
        convert(model, QuantizationSpec(mode))


def test_samples_of_the_wrong_shape_are_refused(model):
    samples = CalibrationSet.from_arrays(np.random.default_rng(0).random((3, 8, 8, 3), np.float32))
    with pytest.raises(CalibrationError, match=r"\(1, 8, 8, 3\)"):
        convert(model, QuantizationSpec("int8"), samples)


def test_raw_pixels_are_not_taken_for_what_a_float_model_sees(model):
    samples = CalibrationSet.from_arrays(np.arange(3 * 64, dtype=np.uint8).reshape(3, 8, 8, 1))
    with pytest.raises(CalibrationError, match="uint8 values but the model takes float32"):
        convert(model, QuantizationSpec("int8"), samples)


def test_inputs_are_matched_by_name_not_by_order():
    keras = tf_keras()
    wide, narrow = keras.Input((4,), name="wide"), keras.Input((2,), name="narrow")
    model = keras.Model([wide, narrow], keras.layers.Dense(2)(keras.layers.Concatenate()([wide, narrow])))
    random = np.random.default_rng(0)
    arrays = {"narrow": random.random((9, 2), np.float32), "wide": random.random((9, 4), np.float32)}
    converted = convert(model, QuantizationSpec("int8"), CalibrationSet.from_arrays(arrays))
    assert sorted(tensor.shape for tensor in converted.inputs) == [(1, 2), (1, 4)]
    with pytest.raises(CalibrationError, match="narrow, wide"):
        convert(
            model, QuantizationSpec("int8"), CalibrationSet.from_arrays({"a": arrays["wide"], "b": arrays["narrow"]})
        )


def test_an_op_that_tflite_does_not_have_is_named():
    tf, keras = tensorflow(), tf_keras()

    class Bessel(keras.layers.Layer):
        def call(self, x):
            return tf.math.special.bessel_i0(x)

    inputs = keras.Input((4,))
    with pytest.raises(ConversionError, match="BesselI0") as caught:
        convert(keras.Model(inputs, Bessel()(inputs)), QuantizationSpec("float32"))
    assert caught.value.op == "tf.BesselI0"


def test_an_open_dimension_is_refused():
    keras = tf_keras()
    inputs = keras.Input((None, 4), name="tokens")
    with pytest.raises(ConversionError, match=r"'tokens'.*fix every dimension"):
        convert(keras.Model(inputs, keras.layers.Dense(2)(inputs)), QuantizationSpec("float32"))


def test_modes_and_io_types_are_checked():
    with pytest.raises(ConversionError, match="choose one of"):
        QuantizationSpec("int4")
    with pytest.raises(ConversionError, match="use int8 or uint8 or float32"):
        QuantizationSpec("int8", "int16")


def test_converting_leaves_the_model_as_it_was(model, samples):
    before = hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest()
    convert(model, QuantizationSpec("int8"), CalibrationSet.from_arrays(samples))
    assert hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights())).hexdigest() == before
