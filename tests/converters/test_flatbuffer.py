"""The reader against LiteRT on sound files, and against hostile ones."""

from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter
from hypothesis import given, settings
from hypothesis import strategies as st

from litesmith.commands.inspect import describe, render
from litesmith.converters.flatbuffer import FlatbufferReader
from litesmith.converters.label import LABELS, judge
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ModelError
from litesmith.files import json_text

MODELS = {path.stem: path.read_bytes() for path in sorted((Path(__file__).parents[1] / "golden").glob("*.tflite"))}
# Counts and offsets that break careless readers: signs, limits, "too many", "just outside".
NASTY = (0, 1, 4, 2**30, 2**31 - 1, 2**31, 2**32 - 4, 2**32 - 1, 0x7FC00000, 0x7F800000, 33, 5000)


def pack(model):
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def unpack(name):
    return schema.ModelT.InitFromPackedBuf(MODELS[name])


def read_everything(content):
    """Whatever Litesmith says about a file, or the one error that it may raise."""
    try:
        model = TFLiteModel(content)
        assert judge(model).label in LABELS
        assert all(tensor.bytes >= 0 for graph in model.subgraphs for tensor in graph.tensors)
        assert json_text(describe(model)) and render(model)
    except ModelError as error:
        assert str(error)


@pytest.mark.parametrize("name", MODELS)
def test_tensors_agree_with_what_litert_reads(name):
    graph = FlatbufferReader(MODELS[name]).subgraphs()[0]
    interpreter = Interpreter(model_content=MODELS[name])
    interpreter.allocate_tensors()
    details = {detail["index"]: detail for detail in interpreter.get_tensor_details()}
    for tensor in graph.tensors:
        theirs = details[tensor.index]
        parameters = theirs["quantization_parameters"]
        assert tensor.name == theirs["name"]
        assert tensor.shape_signature == tuple(theirs["shape_signature"])
        assert tensor.dtype == np.dtype(theirs["dtype"]).name
        ours = tensor.quantization
        np.testing.assert_array_equal(ours.scales if ours else (), parameters["scales"])
        np.testing.assert_array_equal(ours.zero_points if ours else (), parameters["zero_points"])
        assert ours is None or ours.axis == parameters["quantized_dimension"]


@pytest.mark.parametrize("name", MODELS)
def test_operators_agree_with_what_litert_reads(name):
    graph = FlatbufferReader(MODELS[name]).subgraphs()[0]
    theirs = Interpreter(model_content=MODELS[name])._get_ops_details()[: len(graph.operators)]
    assert [operator.op for operator in graph.operators] == [detail["op_name"] for detail in theirs]
    assert [operator.inputs for operator in graph.operators] == [tuple(detail["inputs"]) for detail in theirs]


def test_options_are_plain_values_by_name():
    graph = FlatbufferReader(MODELS["int8"]).subgraphs()[0]
    conv, pool = graph.operators[0], next(op for op in graph.operators if op.op == "MAX_POOL_2D")
    assert (conv.options["stride_w"], conv.options["fused_activation_function"]) == (1, "RELU")
    assert pool.options["filter_height"] == 2


def test_one_zero_point_stands_for_all_channels():
    model = unpack("int8")
    kernel = next(tensor for tensor in model.subgraphs[0].tensors if list(tensor.shape) == [8, 3, 3, 1])
    assert len(kernel.quantization.scale) == 8
    kernel.quantization.zeroPoint = np.array([0], np.int64)
    tensors = FlatbufferReader(pack(model)).subgraphs()[0].tensors
    assert [t.quantization for t in tensors if t.quantization] == [
        t.quantization for t in FlatbufferReader(MODELS["int8"]).subgraphs()[0].tensors if t.quantization
    ]


def externalized(name):
    """The same model with its buffers behind the flatbuffer, as files over 2 GB have them."""
    model = unpack(name)
    data = {place: bytes(buffer.data) for place, buffer in enumerate(model.buffers) if buffer.data is not None}

    def head(start):
        for place, content in data.items():
            buffer = model.buffers[place]
            buffer.data, buffer.offset, buffer.size = None, start, len(content)
            start += len(content)
        return pack(model)

    return head(len(head(2**40))) + b"".join(data.values())


def test_buffers_behind_the_flatbuffer_are_read():
    content = externalized("int8")
    inside, outside = FlatbufferReader(MODELS["int8"]), FlatbufferReader(content)
    count = len(unpack("int8").buffers)
    assert [outside.buffer(place) for place in range(count)] == [inside.buffer(place) for place in range(count)]
    assert outside.subgraphs() == inside.subgraphs()
    with pytest.raises(ModelError, match="damaged or truncated"):
        TFLiteModel(content[:-20])


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 4096, b"TFL3", b"a text file, of several words", bytes(range(256)) * 16]
)
def test_what_is_not_a_flatbuffer_is_refused_by_name_of_the_problem(content):
    with pytest.raises(ModelError, match="not a TFLite flatbuffer"):
        TFLiteModel(content)


def hostile(tensors, rank=1, size=1, buffer=b""):
    """A file whose `tensors` are all the same table, of `rank` dimensions of `size`."""
    builder = flatbuffers.Builder(1024)
    data = builder.CreateByteVector(buffer)
    schema.BufferStart(builder)
    schema.BufferAddData(builder, data)
    buffers = vector(builder, schema.ModelStartBuffersVector, [schema.BufferEnd(builder)])
    schema.TensorStartShapeVector(builder, rank)
    for _ in range(rank):
        builder.PrependInt32(size)
    shape = builder.EndVector()
    schema.TensorStart(builder)
    schema.TensorAddShape(builder, shape)
    same = vector(builder, schema.SubGraphStartTensorsVector, [schema.TensorEnd(builder)] * tensors)
    schema.SubGraphStart(builder)
    schema.SubGraphAddTensors(builder, same)
    graphs = vector(builder, schema.ModelStartSubgraphsVector, [schema.SubGraphEnd(builder)])
    schema.ModelStart(builder)
    schema.ModelAddSubgraphs(builder, graphs)
    schema.ModelAddBuffers(builder, buffers)
    builder.Finish(schema.ModelEnd(builder), b"TFL3")
    return bytes(builder.Output())


def vector(builder, start, offsets):
    start(builder, len(offsets))
    for offset in offsets:
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def test_a_sound_file_may_name_a_large_shape():
    tensor = TFLiteModel(hostile(tensors=2, rank=4, size=2**31 - 1)).main.tensors[1]
    assert tensor.bytes == 4 * (2**31 - 1) ** 4


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (hostile(tensors=30_000), "larger than the file"),
        (hostile(tensors=2000, rank=30), "larger than the file"),
        (hostile(tensors=1, rank=10_000, size=2**31 - 1), "more than 32 dimensions"),
        (hostile(tensors=1, rank=2, size=-(2**31)), "negative dimension"),
    ],
    ids=["shared tables", "shared shapes", "endless rank", "negative size"],
)
def test_a_file_that_claims_more_than_it_holds_is_refused(content, problem):
    with pytest.raises(ModelError, match=problem):
        TFLiteModel(content)


def custom_operators(count, name):
    """The int8 model with `count` custom operators of one name behind its own."""
    model = unpack("int8")
    code, graph = schema.OperatorCodeT(), model.subgraphs[0]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = name
    model.operatorCodes.append(code)
    for _ in range(count):
        operator = schema.OperatorT()
        operator.opcodeIndex, operator.inputs, operator.outputs = len(model.operatorCodes) - 1, [15], [15]
        graph.operators.append(operator)
    return pack(model)


def test_many_operators_may_share_a_custom_name_but_not_an_endless_one():
    assert len(TFLiteModel(custom_operators(2000, "TFLite_Detection_PostProcess")).main.operators) == 2006
    with pytest.raises(ModelError, match="larger than the file"):
        TFLiteModel(custom_operators(2000, "x" * 10_000))


def inputs_named(count, scales):
    """The int8 model with an input that has so many scales and is named so often."""
    model = unpack("int8")
    graph = model.subgraphs[0]
    quantization = graph.tensors[graph.inputs[0]].quantization
    quantization.scale = np.full(scales, 0.5, np.float32)
    quantization.zeroPoint = np.zeros(scales, np.int64)
    graph.inputs = np.repeat(graph.inputs, count)
    return pack(model)


def test_an_input_may_be_named_twice_but_an_endless_one_not_often():
    assert len(TFLiteModel(inputs_named(2, 10)).inputs) == 2
    with pytest.raises(ModelError, match="larger than the file"):
        TFLiteModel(inputs_named(1000, 10_000))


def test_a_buffer_that_is_named_by_many_tensors_is_charged_once():
    assert len(TFLiteModel(hostile(tensors=100, buffer=b"x" * 100_000)).main.tensors) == 100


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(sorted(MODELS)), share=st.floats(0, 1))
def test_truncated_files_are_read_or_refused(name, share):
    read_everything(MODELS[name][: int(len(MODELS[name]) * share)])


@settings(max_examples=400, deadline=None)
@given(
    name=st.sampled_from(sorted(MODELS)),
    edits=st.lists(st.tuples(st.integers(2, 5000), st.sampled_from(NASTY) | st.integers(0, 2**32 - 1)), min_size=1),
)
def test_files_with_overwritten_words_are_read_or_refused(name, edits):
    content = bytearray(MODELS[name])
    for word, value in edits:
        # Offsets and lengths stand at multiples of four.
        place = 4 * word % (len(content) - 3)
        content[place : place + 4] = value.to_bytes(4, "little")
    content[4:8] = b"TFL3"
    read_everything(bytes(content))


@settings(max_examples=300, deadline=None)
@given(name=st.sampled_from(sorted(MODELS)), data=st.data())
def test_files_with_flipped_bytes_are_read_or_refused(name, data):
    content = bytearray(MODELS[name])
    places = st.integers(8, len(content) - 1)
    for place, mask in data.draw(st.lists(st.tuples(places, st.integers(1, 255)), min_size=1, max_size=40)):
        content[place] ^= mask
    read_everything(bytes(content))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=600))
def test_random_bytes_behind_a_true_header_are_read_or_refused(tail):
    read_everything(b"\x10\0\0\0TFL3" + tail)
