"""Both quantizers on real float models: the same scales, integers only, and errors before anything is written."""

import sys

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from litesmith.calibration.ranges import Range
from litesmith.converters.editing import ModelEditor
from litesmith.converters.engines import activations, choose_engine, limits
from litesmith.converters.flatbuffer import TYPE_NAMES
from litesmith.converters.label import truth_label
from litesmith.converters.proof import prove
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError

INT8 = QuantizationSpec()
ENGINES = ("mlir", "aeq")
SPECS = [QuantizationSpec("int8", io) for io in ("int8", "uint8", "float32")]
OTHERS = [
    QuantizationSpec("int16x8"),
    QuantizationSpec("int16x8", "float32"),
    QuantizationSpec("dynamic"),
    QuantizationSpec("float16"),
    QuantizationSpec("int8", weight_bits=4),
    QuantizationSpec("dynamic", weight_bits=4),
    QuantizationSpec("int8", per_channel="all"),
]
SAMPLES = np.random.default_rng(11).uniform(0, 1, (16, 1, 8, 8, 1)).astype(np.float32)


def interpreter(content, **options):
    made = Interpreter(
        model_content=content, num_threads=1, experimental_op_resolver_type=OpResolverType.BUILTIN_REF, **options
    )
    made.allocate_tensors()
    return made


def run(model, samples=SAMPLES):
    """Real outputs of a model of any type, with the reference kernels."""
    made = interpreter(model.content)
    given, found = made.get_input_details()[0], made.get_output_details()[0]
    results = []
    for sample in samples:
        made.set_tensor(given["index"], quantized(sample, given))
        made.invoke()
        results.append(real(made.get_tensor(found["index"]), found)[0])
    return np.array(results)


def quantized(values, detail):
    if detail["dtype"] == np.float32:
        return values
    scale, zero_point = detail["quantization"]
    limit = np.iinfo(detail["dtype"])
    return np.clip(np.rint(values / scale) + zero_point, limit.min, limit.max).astype(detail["dtype"])


def real(values, detail):
    if values.dtype == np.float32:
        return values
    scale, zero_point = detail["quantization"]
    return (values.astype(np.float32) - zero_point) * scale


def observed(model, samples=SAMPLES):
    """Ranges by brute force: every tensor is kept and read."""
    made = interpreter(model.content, experimental_preserve_all_tensors=True)
    found = {}
    for sample in samples:
        made.set_tensor(model.main.inputs[0], sample)
        made.invoke()
        for tensor in activations(model):
            values = made.get_tensor(tensor.index)
            low, high = found.get(tensor.index, (np.inf, -np.inf))
            found[tensor.index] = (min(low, float(values.min())), max(high, float(values.max())))
    return {index: Range(low, high) for index, (low, high) in found.items()}


@pytest.fixture(scope="module")
def model(golden):
    return TFLiteModel.from_file(golden / "float32.tflite")


@pytest.fixture(scope="module")
def ranges(model):
    return observed(model)


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.io)
def test_an_int8_file_is_integer_and_near_the_float_one(model, ranges, name, spec):
    made = choose_engine(spec, name).quantize(model, ranges, spec)
    assert truth_label(made) == spec.label
    assert [tensor.dtype for tensor in (*made.inputs, *made.outputs)] == [spec.io, spec.io]
    assert [tensor.name for tensor in (*made.inputs, *made.outputs)] == [
        tensor.name for tensor in (*model.inputs, *model.outputs)
    ]
    expected = run(model)
    assert np.abs(run(made) - expected).max() < 0.05 * np.abs(expected).max()


@pytest.mark.parametrize("spec", OTHERS, ids=str)
def test_ai_edge_quantizer_writes_the_other_types(model, ranges, spec):
    made = choose_engine(spec, "aeq").quantize(model, ranges, spec)
    assert truth_label(made) == spec.label
    expected = run(model)
    tolerance = 0.3 if spec.weight_bits == 4 else 0.05
    assert np.abs(run(made) - expected).max() < tolerance * np.abs(expected).max()


def test_both_engines_give_the_same_scales_and_operator_versions(model, ranges):
    mlir, aeq = (choose_engine(INT8, name).quantize(model, ranges, INT8) for name in ENGINES)
    assert_same_scales(mlir, aeq)
    assert {op: count.max_version for op, count in mlir.ops.items()} == {
        op: count.max_version for op, count in aeq.ops.items()
    }


def assert_same_scales(one, other):
    named = {tensor.name: tensor.quantization for tensor in other.main.tensors if tensor.quantization}
    compared = 0
    for tensor in one.main.tensors:
        if tensor.quantization and tensor.name in named:
            assert tensor.quantization.zero_points == named[tensor.name].zero_points
            assert tensor.quantization.scales == pytest.approx(named[tensor.name].scales, rel=1e-6)
            compared += 1
    assert compared >= len(named) - 2


@pytest.mark.parametrize("name", ENGINES)
def test_a_missing_range_is_named_before_anything_is_quantized(model, ranges, name):
    gap = next(iter(activations(model)))
    with pytest.raises(ConversionError, match="has no range") as caught:
        choose_engine(INT8, name).quantize(model, {k: v for k, v in ranges.items() if k != gap.index}, INT8)
    assert gap.name in str(caught.value)


def test_ranges_hold_zero_and_have_a_width(model, ranges):
    some = [tensor.index for tensor in activations(model)][:4]
    odd = dict(zip(some, [Range(2, 3), Range(-3, -2), Range(0, 0), Range(-1, 1)], strict=True))
    found = limits(model, ranges | odd, INT8)
    assert [found[index] for index in some] == [(0, 3), (-3, 0), (0, 1), (-1, 1)]


@pytest.mark.parametrize("name", ENGINES)
def test_a_tensor_that_was_always_zero_stays_an_integer(model, ranges, name):
    middle = [tensor.index for tensor in activations(model)][2]
    made = choose_engine(INT8, name).quantize(model, ranges | {middle: Range(0, 0)}, INT8)
    assert truth_label(made) == "full-int8"


@pytest.mark.parametrize("name", ENGINES)
@pytest.mark.parametrize("operator", [0, 1, 5], ids=["conv", "depthwise", "dense"])
def test_a_dead_channel_keeps_its_bias(model, name, operator):
    """Weights of about zero ask for a scale with which the bias would overflow."""
    editor = ModelEditor(model.content)
    _, weights, bias = editor.graph.operators[operator].inputs
    values, offsets = editor.constant(weights), editor.constant(bias)
    channel = (..., 2) if operator == 1 else (slice(None),) if operator == 5 else (2,)
    values[channel] = 1e-12
    offsets[2] = 0.7
    editor.set_constant(weights, values)
    editor.set_constant(bias, offsets)
    dead = TFLiteModel(editor.to_bytes())
    made = choose_engine(INT8, name).quantize(dead, observed(dead), INT8)
    expected = run(dead)
    assert np.abs(run(made) - expected).max() < 0.05 * np.abs(expected).max()


def test_tensors_without_names_of_their_own_are_told_apart(model, ranges):
    editor = ModelEditor(model.content)
    for tensor in editor.graph.tensors:
        tensor.name = b"same"
    made = choose_engine(INT8, "aeq").quantize(TFLiteModel(editor.to_bytes()), ranges, INT8)
    assert np.array_equal(run(made), run(choose_engine(INT8, "aeq").quantize(model, ranges, INT8)))


def test_files_of_ai_edge_quantizer_hold_their_buffers_inside(golden):
    """Large buffers are where it writes them behind the flatbuffer; this one has 1 MB."""
    model = wide_dense(golden)
    made = choose_engine(INT8, "aeq").quantize(model, {0: Range(-1, 1), 3: Range(-9, 9)}, INT8)
    assert all(buffer.offset == 0 for buffer in schema.ModelT.InitFromPackedBuf(made.content, 0).buffers)
    assert truth_label(made) == "full-int8"


def wide_dense(golden):
    editor = ModelEditor(TFLiteModel.from_file(golden / "float32.tflite").content)
    random = np.random.default_rng(0)
    dense = editor.graph.operators[-1]
    graph = editor.graph
    graph.operators, graph.tensors = [dense], [editor.tensor(graph.inputs[0])]
    graph.tensors[0].shape, graph.tensors[0].shapeSignature = [1, 1024], None
    weights = editor.add_constant("weights", random.normal(size=(1024, 1024)).astype(np.float32))
    bias = editor.add_constant("bias", np.zeros(1024, np.float32))
    output = editor.add_constant("y", np.zeros((1, 1024), np.float32))
    editor.tensor(output).buffer = 0
    dense.inputs, dense.outputs = [0, weights, bias], [output]
    graph.inputs, graph.outputs, editor.model.signatureDefs = [0], [output], []
    return TFLiteModel(editor.to_bytes())


@pytest.mark.parametrize("mode", ["int8", "dynamic"])
def test_int4_weights_count_as_the_same_steps_in_int8(model, ranges, mode):
    """The reference kernels give bit for bit the same for weights that are stored unpacked."""
    spec = QuantizationSpec(mode, weight_bits=4)
    packed = choose_engine(spec).quantize(model, ranges, spec)
    editor = ModelEditor(packed.content)
    unpacked = 0
    for tensor in editor.graph.tensors:
        if TYPE_NAMES[tensor.type] == "int4":
            pairs = np.asarray(editor.model.buffers[tensor.buffer].data, np.uint8)
            steps = np.stack([pairs << 4, pairs & 0xF0], axis=1).view(np.int8).reshape(-1) >> 4
            tensor.type = schema.TensorType.INT8
            editor.model.buffers[tensor.buffer].data = steps[: np.prod(tensor.shape)].view(np.uint8)
            unpacked += 1
    assert unpacked == 3
    assert np.array_equal(run(packed), run(TFLiteModel(editor.to_bytes())))
    assert len(packed.content) < len(choose_engine(INT8).quantize(model, ranges, INT8).content)


def test_the_engine_is_chosen_by_type_and_by_what_is_installed(monkeypatch):
    assert choose_engine(INT8).name == "mlir"
    assert choose_engine(INT8, "aeq").name == "aeq"
    assert choose_engine(QuantizationSpec("int16x8")).name == "aeq"
    monkeypatch.setitem(sys.modules, "tensorflow", None)  # what Python takes as: cannot be imported
    assert choose_engine(INT8).name == "aeq"
    with pytest.raises(ConversionError, match=r"litesmith\[train\]"):
        choose_engine(INT8, "mlir")
    monkeypatch.setitem(sys.modules, "ai_edge_quantizer", None)
    with pytest.raises(ConversionError, match=r"litesmith\[train\].* or .*litesmith\[quantizer\]"):
        choose_engine(INT8)


@pytest.mark.parametrize(
    ("spec", "preferred"),
    [(QuantizationSpec("float32"), None), (QuantizationSpec("int16x8"), "mlir"), (INT8, "tensorrt")],
)
def test_what_no_engine_writes_is_an_error(spec, preferred):
    with pytest.raises(ConversionError, match="choose"):
        choose_engine(spec, preferred)


def test_a_spec_refuses_weights_that_no_kernel_takes():
    with pytest.raises(ConversionError, match="use 8 or 4"):
        QuantizationSpec("int8", weight_bits=2)
    with pytest.raises(ConversionError, match="do not go with int16x8"):
        QuantizationSpec("int16x8", weight_bits=4)


@pytest.mark.parametrize("name", ["mixed_float_island", "float32", "int16x8", "int8_float_io"])
def test_the_proof_refuses_what_is_not_integer_only(golden, model, name):
    with pytest.raises(ConversionError):
        prove(model, TFLiteModel.from_file(golden / f"{name}.tflite"), INT8)


def test_an_operator_without_an_integer_kernel_is_refused_and_not_left_in_float(model, ranges):
    editor = ModelEditor(model.content)
    operator = editor.graph.operators[-2]
    operator.opcodeIndex = editor.op_code("SIN")
    operator.inputs, operator.builtinOptions, operator.builtinOptionsType = [operator.inputs[0]], None, 0
    editor.tensor(operator.outputs[0]).shape = editor.tensor(operator.inputs[0]).shape
    for name in ENGINES:
        with pytest.raises(ConversionError, match="SIN"):
            choose_engine(INT8, name).quantize(TFLiteModel(editor.to_bytes()), ranges, INT8)
