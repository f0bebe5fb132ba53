"""The affine map against brute force, and against the QUANTIZE and DEQUANTIZE kernels themselves."""

import math

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from hypothesis import given
from hypothesis import strategies as st

from litesmith.calibration.affine import QUANTIZED_TYPES, dequantize, quantize, round_half_away
from litesmith.errors import DataError

TENSOR_TYPES = {
    "float32": schema.TensorType.FLOAT32,
    "int8": schema.TensorType.INT8,
    "uint8": schema.TensorType.UINT8,
    "int16": schema.TensorType.INT16,
}
floats = st.floats(width=32, allow_nan=False, allow_infinity=False)
scales = st.floats(2**-20, 2**10, width=32)


@st.composite
def parameters(draw):
    dtype = draw(st.sampled_from(QUANTIZED_TYPES))
    limits = np.iinfo(dtype)
    # TFLite allows int16 only with zero point 0.
    zero_point = 0 if dtype == "int16" else draw(st.integers(int(limits.min), int(limits.max)))
    return draw(scales), zero_point, dtype


def one_op_model(builtin, source, target, scale, zero_point, elements):
    """A model of one operator between a float and a quantized tensor."""
    model = schema.ModelT()
    model.version = 3
    model.buffers = [schema.BufferT(), schema.BufferT(), schema.BufferT()]
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version = builtin, builtin, 3
    model.operatorCodes = [code]
    graph = schema.SubGraphT()
    graph.tensors = []
    for place, dtype in enumerate((source, target)):
        tensor = schema.TensorT()
        tensor.shape, tensor.type, tensor.buffer, tensor.name = (
            [elements],
            TENSOR_TYPES[dtype],
            place + 1,
            f"t{place}",
        )
        if dtype != "float32":
            tensor.quantization = schema.QuantizationParametersT()
            tensor.quantization.scale, tensor.quantization.zeroPoint = [scale], [zero_point]
        graph.tensors.append(tensor)
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0], [1]
    graph.operators, graph.inputs, graph.outputs = [operator], [0], [1]
    model.subgraphs = [graph]
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def run(content, values, resolver=OpResolverType.BUILTIN_REF):
    interpreter = Interpreter(model_content=content, experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], values)
    interpreter.invoke()
    return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])


def brute_quantize(value, scale, zero_point, dtype):
    limits = np.iinfo(dtype)
    with np.errstate(over="ignore"):
        quotient = float(np.float32(value) / np.float32(scale))
    if math.isinf(quotient):
        return int(limits.max if quotient > 0 else limits.min)
    magnitude = math.floor(abs(quotient))
    magnitude += abs(quotient) - magnitude >= 0.5
    steps = magnitude if quotient > 0 else -magnitude
    return int(min(max(steps + zero_point, limits.min), limits.max))


@given(st.lists(floats, min_size=1, max_size=20), parameters())
def test_quantize_equals_brute_force(values, chosen):
    scale, zero_point, dtype = chosen
    result = quantize(np.array(values, np.float32), scale, zero_point, dtype)
    assert result.dtype == dtype
    assert result.tolist() == [brute_quantize(value, scale, zero_point, dtype) for value in values]


@given(parameters())
def test_every_integer_survives_the_round_trip(chosen):
    scale, zero_point, dtype = chosen
    limits = np.iinfo(dtype)
    every = np.arange(limits.min, limits.max + 1).astype(dtype)
    assert np.array_equal(quantize(dequantize(every, scale, zero_point), scale, zero_point, dtype), every)


@pytest.mark.parametrize(
    ("scale", "zero_point", "dtype"), [(0.1, -7, "int8"), (0.37, 130, "uint8"), (1e-4, 0, "int16")]
)
def test_quantize_is_the_reference_kernel(scale, zero_point, dtype):
    limits = np.iinfo(dtype)
    steps = np.arange(limits.min - 3, limits.max + 3, dtype=np.float64) - zero_point
    random = np.random.default_rng(0).uniform(steps[0], steps[-1], 5000)
    values = (np.concatenate([steps, steps + 0.5, random]) * np.float32(scale)).astype(np.float32)
    content = one_op_model(schema.BuiltinOperator.QUANTIZE, "float32", dtype, scale, zero_point, len(values))
    assert np.array_equal(quantize(values, scale, zero_point, dtype), run(content, values))


@pytest.mark.parametrize(
    ("scale", "zero_point", "dtype"), [(0.1, -7, "int8"), (0.37, 130, "uint8"), (1e-4, 0, "int16")]
)
def test_dequantize_is_the_reference_kernel(scale, zero_point, dtype):
    limits = np.iinfo(dtype)
    every = np.arange(limits.min, limits.max + 1).astype(dtype)
    content = one_op_model(schema.BuiltinOperator.DEQUANTIZE, dtype, "float32", scale, zero_point, len(every))
    assert np.array_equal(dequantize(every, scale, zero_point), run(content, every))


def test_fast_kernels_differ_by_at_most_one_step_and_only_at_ties():
    values = np.arange(-60, 60, dtype=np.float32) * np.float32(0.25)
    content = one_op_model(schema.BuiltinOperator.QUANTIZE, "float32", "int8", 0.5, 3, len(values))
    fast = run(content, values, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES).astype(int)
    ours = quantize(values, 0.5, 3, "int8").astype(int)
    ties = np.abs(np.modf(values / 0.5)[0]) == 0.5
    assert np.array_equal(fast[~ties], ours[~ties])
    assert np.abs(fast - ours).max() <= 1


def test_rounding_goes_away_from_zero_only_at_true_halves():
    below = np.nextafter(np.float32(0.5), np.float32(0))
    values = np.array([0.5, -0.5, 1.5, 2.5, -2.5, below, -below, 8388609.0], np.float32)
    assert round_half_away(values).tolist() == [1, -1, 2, 3, -3, 0, 0, 8388609]


def test_quantize_clamps_what_overflows():
    assert quantize([3e38, -3e38, np.inf], 1e-6, 5, "int8").tolist() == [127, -128, 127]


@pytest.mark.parametrize(
    ("scale", "zero_point", "dtype", "message"),
    [
        (0.0, 0, "int8", "positive, finite"),
        (-1.0, 0, "int8", "positive, finite"),
        (math.nan, 0, "int8", "positive, finite"),
        (1e-60, 0, "int8", "positive, finite"),
        (1e39, 0, "int8", "positive, finite"),
        (1.0, 128, "int8", "-128 to 127"),
        (1.0, -1, "uint8", "0 to 255"),
        (1.0, 0, "float32", "not a quantized type"),
    ],
)
def test_impossible_parameters_are_refused(scale, zero_point, dtype, message):
    with pytest.raises(DataError, match=message):
        quantize([1.0], scale, zero_point, dtype)


def test_nan_is_refused():
    with pytest.raises(DataError, match="NaN"):
        quantize([1.0, math.nan], 1.0, 0, "int8")
