"""Tensors are read as the runtime computes them, in real values, one sample at a time."""

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from litesmith.calibration.affine import dequantize, quantize
from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.activations import FileRun, bind_samples, each_sample, real_values, with_every_output
from litesmith.converters.editing import ModelEditor
from litesmith.converters.graph import Quantization
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import CalibrationError, ModelError

FILES = ("float32", "float32_residual", "int8", "int8_uint8_io", "int8_float_io", "int8_residual", "int16x8",
         "dynamic_range", "float16", "gather_nd_int8", "two_inputs_int8")  # fmt: skip
STEPS = {"int8": 255, "uint8": 255, "int16": 65535}


def random_samples(model, count=3, seed=0):
    random = np.random.default_rng(seed)
    return [random.random((count, *tensor.shape[1:]), np.float32) for tensor in model.inputs]


def preserved(model, sample):
    """Every tensor after a run with the kernels that need no delegate, real values by tensor index."""
    interpreter = Interpreter(
        model_content=model.content,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    for tensor, values in zip(model.inputs, sample, strict=True):
        if tensor.quantization is not None:
            scale, zero_point = tensor.quantization.scales[0], tensor.quantization.zero_points[0]
            values = quantize(values, scale, zero_point, tensor.dtype)
        interpreter.set_tensor(tensor.index, values)
    interpreter.invoke()
    return {tensor.index: interpreter.get_tensor(tensor.index) for tensor in computed(model)}


def computed(model):
    """What is fed, and what operators compute from that."""
    found = dict.fromkeys(model.main.inputs)
    for operator in model.main.operators:
        if not found.keys().isdisjoint(operator.inputs):
            found.update(dict.fromkeys(operator.outputs))
    return [model.main.tensors[index] for index in found]


def step(model, tensor):
    """Of the scale of a tensor, or of the one that a DEQUANTIZE made it from; None in float."""
    producers = {operator.outputs[0]: operator for operator in model.main.operators}
    if tensor.quantization is None and tensor.index in producers and producers[tensor.index].op == "DEQUANTIZE":
        tensor = model.main.tensors[producers[tensor.index].inputs[0]]
    return tensor.quantization and tensor.quantization.scales[0]


@pytest.mark.parametrize("name", FILES)
def test_every_tensor_is_what_the_runtime_computes_without_a_delegate(golden, name):
    model = TFLiteModel.from_file(golden / f"{name}.tflite")
    run = FileRun(with_every_output(model))
    for sample in each_sample(random_samples(model)):
        run.run(sample)
        for index, stored in preserved(model, sample).items():
            tensor = model.main.tensors[index]
            expected, scale = real_values(stored, tensor.quantization), step(model, tensor)
            # Delegates round otherwise where a value is half-way between two steps, and operators behind pass it on.
            tolerance = 3 * scale if scale else 1e-5 * (1 + np.abs(expected).max())
            assert np.abs(run.read(index) - expected).max() <= tolerance, tensor.name


def test_constants_are_read_as_real_values_packed_and_unpacked(golden):
    model = TFLiteModel.from_file(golden / "float16.tflite")
    run = FileRun(with_every_output(model))
    run.run([np.ones((1, 8, 8, 1), np.float32)])
    floats = {tensor.name: tensor for tensor in TFLiteModel.from_file(golden / "float32.tflite").main.tensors}
    compared = 0
    for tensor in model.main.tensors:
        if tensor.is_constant and tensor.dtype == "float16":
            assert np.array_equal(run.read(tensor.index), model.data(tensor))
            compared += tensor.name in floats
    assert compared


def test_what_was_read_stays_when_the_next_sample_runs(golden):
    model = with_every_output(TFLiteModel.from_file(golden / "float32.tflite"))
    run, samples = FileRun(model), list(each_sample(random_samples(model)))
    first = []
    for sample in samples:
        run.run(sample)
        first.append({index: run.read(index) for index in model.main.outputs})
    kept = {index: values.copy() for index, values in first[0].items()}
    run.run(samples[0])
    for index, values in first[0].items():
        assert np.array_equal(values, kept[index]) and np.array_equal(values, run.read(index))
        assert not np.array_equal(values, first[1][index])


@pytest.mark.parametrize("name", ["int8", "int8_uint8_io", "int16x8"])
def test_inputs_are_quantized_as_an_app_does(golden, name):
    model = TFLiteModel.from_file(golden / f"{name}.tflite")
    run, tensor = FileRun(model), model.inputs[0]
    x = np.random.default_rng(3).normal(size=tensor.shape).astype(np.float32)
    run.run([x])
    scale, zero_point = tensor.quantization.scales[0], tensor.quantization.zero_points[0]
    expected = dequantize(quantize(x, scale, zero_point, tensor.dtype), scale, zero_point)
    assert np.array_equal(run.read(tensor.index), expected)


QUANTIZED = st.sampled_from(["int8", "uint8", "int16"]).flatmap(
    lambda kind: st.tuples(
        arrays(kind, array_shapes(min_dims=0, max_dims=3, max_side=4)),
        st.floats(2.0**-20, 1024, width=32),
        st.integers(np.iinfo(kind).min, np.iinfo(kind).max),
    )
)


@given(QUANTIZED)
def test_one_scale_gives_what_dequantize_gives(case):
    stored, scale, zero_point = case
    found = real_values(stored, Quantization((scale,), (zero_point,), 0))
    assert found.dtype == np.float32 and np.array_equal(found, dequantize(stored, scale, zero_point))


@given(st.integers(0, 2), arrays("int8", (3, 3, 3)))
def test_a_scale_for_each_channel_is_applied_along_its_axis(axis, stored):
    scales = (0.5, 2.0, 0.125)
    found = real_values(stored, Quantization(scales, (0, 0, 0), axis))
    for channel, scale in enumerate(scales):
        assert np.array_equal(found.take(channel, axis), stored.take(channel, axis) * np.float32(scale))


def test_biases_keep_the_digits_that_float32_has_no_room_for():
    stored = np.array([2**24 + 1, -(2**31)], np.int32)
    assert real_values(stored, Quantization((2.0**-24,), (0,), 0)).tolist() == [np.float32(1 + 2.0**-24), -128.0]
    assert real_values(stored, Quantization((3.0,), (0,), 0))[0] == np.float32(3 * (2**24 + 1))


@pytest.mark.parametrize("inputs", ["x", "image", "serving_default_image:0"])
@pytest.mark.parametrize("name", ["float32", "int8", "int8_float_io"])
def test_samples_go_by_the_names_that_calibration_knows(golden, name, inputs):
    model = TFLiteModel.from_file(golden / f"{name}.tflite")
    x = np.random.default_rng(0).random((2, 8, 8, 1), np.float32)
    (bound,) = bind_samples(model, CalibrationSet.from_arrays({inputs: x}))
    assert np.array_equal(bound, x)


def test_several_inputs_come_in_the_order_of_the_file(golden):
    model = TFLiteModel.from_file(golden / "two_inputs_int8.tflite")
    x = {"image": np.ones((2, 8, 8, 1), np.float32), "context": np.zeros((2, 4), np.float32)}
    for names in (("image", "context"), ("context", "image")):
        bound = bind_samples(model, CalibrationSet.from_arrays({name: x[name] for name in names}))
        assert [array.shape[1:] for array in bound] == [tensor.shape[1:] for tensor in model.inputs]


def test_samples_of_another_shape_or_type_are_refused(golden):
    model = TFLiteModel.from_file(golden / "int8.tflite")
    with pytest.raises(CalibrationError, match="shape"):
        bind_samples(model, CalibrationSet.from_arrays(np.ones((2, 8, 8, 3), np.float32)))
    for kind in ("uint8", "int8"):
        with pytest.raises(CalibrationError, match=f"is given {kind} values but takes int8"):
            FileRun(model).run([np.zeros((1, 8, 8, 1), kind)])


def test_a_file_that_the_runtime_cannot_run_is_named(golden):
    editor = ModelEditor((golden / "float32.tflite").read_bytes())
    code = editor.model.operatorCodes[editor.graph.operators[1].opcodeIndex]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = "Secret"
    with pytest.raises(ModelError, match=r"^strange\.tflite: LiteRT cannot run it .*Secret"):
        FileRun(TFLiteModel(editor.to_bytes(), "strange.tflite"))


def test_samples_are_independent_where_a_model_keeps_state():
    from litesmith.converters.backend import tf_keras
    from litesmith.converters.keras import convert
    from litesmith.converters.quantize import QuantizationSpec

    keras = tf_keras()
    keras.utils.set_random_seed(1)
    steps = keras.Input((5, 3))
    recurrent = convert(keras.Model(steps, keras.layers.LSTM(4)(steps)), QuantizationSpec("float32"))
    assert any(tensor.is_variable for tensor in recurrent.main.tensors)
    run, x = FileRun(recurrent), [np.random.default_rng(0).normal(size=(1, 5, 3)).astype(np.float32)]
    results = []
    for _ in range(2):
        run.run(x)
        results.append(run.read(recurrent.main.outputs[0]))
    assert np.array_equal(*results)
