"""Files that were taken apart and put together again are the same models, and changes stay where they were made."""

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from litesmith.converters.editing import ModelEditor
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ModelError


@pytest.fixture
def content(golden):
    return (golden / "float32.tflite").read_bytes()


def kernel(content):
    model = TFLiteModel(content)
    return next(iter(model.kernels())).index


def out_of_line(content):
    """The same file with its buffers behind the flatbuffer, as large models have them."""
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    data = [bytes(np.asarray(buffer.data, np.uint8)) if buffer.data is not None else b"" for buffer in model.buffers]
    start, packed = 2, b""
    for _ in range(2):  # the second time with offsets that are known
        offset = start
        for buffer, value in zip(model.buffers, data, strict=True):
            if value:
                buffer.data, buffer.offset, buffer.size = None, offset, len(value)
                offset += len(value)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        packed = bytes(builder.Output())
        start = len(packed)
    return packed + b"".join(data)


def test_every_golden_model_survives_the_round_trip(golden):
    for path in sorted(golden.glob("*.tflite")):
        before, after = TFLiteModel.from_file(path), TFLiteModel(ModelEditor(path.read_bytes()).to_bytes())
        assert after.subgraphs == before.subgraphs, path.name
        assert after.metadata == before.metadata
        for tensor in before.main.tensors:
            if tensor.is_constant:
                assert np.array_equal(after.data(tensor), before.data(tensor))


def test_buffers_are_aligned_as_the_schema_asks(content):
    packed = ModelEditor(content).to_bytes()
    model = schema.Model.GetRootAs(packed, 0)
    arrays = [model.Buffers(place).DataAsNumpy() for place in range(model.BuffersLength())]
    first = np.frombuffer(packed, np.uint8).ctypes.data
    starts = [array.ctypes.data - first for array in arrays if not isinstance(array, int)]
    assert len(starts) > 5
    assert all(start % 16 == 0 for start in starts)


def test_buffers_behind_the_flatbuffer_come_back_into_it(content):
    outside = out_of_line(content)
    editor = ModelEditor(outside)
    packed = editor.to_bytes()
    assert TFLiteModel(packed).main == TFLiteModel(content).main
    assert all(buffer.offset == 0 for buffer in schema.ModelT.InitFromPackedBuf(packed, 0).buffers)
    place = kernel(content)
    assert np.array_equal(editor.constant(place), ModelEditor(content).constant(place))
    interpreter = Interpreter(model_content=packed, num_threads=1)
    interpreter.allocate_tensors()


def test_equal_vectors_are_held_once_and_read_from_everywhere(golden):
    """The zero points of weights with a scale for each channel; other writers hold them once for each tensor."""
    editor = ModelEditor((golden / "int8.tflite").read_bytes())
    values = np.arange(1000, dtype=np.int8)
    for name in ("one", "other"):
        quantization = editor.tensor(editor.add_constant(name, values)).quantization = schema.QuantizationParametersT()
        quantization.scale = np.linspace(0.1, 0.2 if name == "one" else 0.3, 1000, dtype=np.float32)
        quantization.zeroPoint = np.zeros(1000, np.int64)
    plain = flatbuffers.Builder(1024)
    plain.Finish(editor.model.Pack(plain), b"TFL3")
    shared, apart = TFLiteModel(editor.to_bytes()), TFLiteModel(bytes(plain.Output()))
    assert len(apart.content) - len(shared.content) > 8000
    assert shared.subgraphs == apart.subgraphs
    results = []
    for model in (shared, apart):
        interpreter = Interpreter(model_content=model.content, num_threads=1)
        interpreter.allocate_tensors()
        detail = interpreter.get_input_details()[0]
        interpreter.set_tensor(detail["index"], np.ones(detail["shape"], detail["dtype"]))
        interpreter.invoke()
        results.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    assert np.array_equal(*results)


def test_a_constant_is_read_and_set(content):
    editor = ModelEditor(content)
    place = kernel(content)
    values = editor.constant(place)
    editor.set_constant(place, values * 2)
    changed = TFLiteModel(editor.to_bytes())
    assert np.array_equal(changed.data(changed.main.tensors[place]), values * 2)
    assert editor.constant(editor.graph.inputs[0]) is None


def test_tensors_that_share_a_buffer_are_changed_one_at_a_time(content):
    editor = ModelEditor(content)
    place = kernel(content)
    values = editor.constant(place)
    twin = editor.add_constant("twin", values)
    editor.tensor(twin).buffer = editor.tensor(place).buffer
    editor.set_constant(twin, values + 1)
    assert np.array_equal(editor.constant(place), values)
    assert np.array_equal(editor.constant(twin), values + 1)


@pytest.mark.parametrize("change", [lambda v: v[:1], lambda v: v.astype(np.float64), lambda v: v.reshape(-1)])
def test_a_constant_of_another_shape_or_type_is_refused(content, change):
    editor = ModelEditor(content)
    with pytest.raises(ModelError, match="it cannot take"):
        editor.set_constant(kernel(content), change(editor.constant(kernel(content))))


def test_packed_constants_are_not_misread(content):
    editor = ModelEditor(content)
    place = kernel(content)
    editor.tensor(place).type = schema.TensorType.INT4
    with pytest.raises(ModelError, match="no readable constant"):
        editor.constant(place)


def test_operator_codes_are_found_or_added(content):
    editor = ModelEditor(content)
    count = len(editor.model.operatorCodes)
    operator = editor.graph.operators[0]
    assert editor.op_name(operator) == "CONV_2D"
    assert editor.op_code("CONV_2D") == operator.opcodeIndex
    mean, newer = editor.op_code("MEAN"), editor.op_code("MEAN", 2)
    assert (mean, newer, editor.op_code("MEAN")) == (count, count + 1, count)
    # Above 127 the deprecated 8-bit field only says that the number is elsewhere.
    gelu = editor.model.operatorCodes[editor.op_code("GELU")]
    assert (gelu.builtinCode, gelu.deprecatedBuiltinCode) == (schema.BuiltinOperator.GELU, 127)


def test_tensors_without_a_use_go_with_their_data(content):
    editor = ModelEditor(content)
    tensors = list(editor.graph.tensors)
    stray = editor.add_constant("stray", np.ones(5000, np.float32))
    # In front, so that all the others move.
    editor.graph.tensors.insert(0, editor.graph.tensors.pop(stray))
    for holder in (*editor.graph.operators, editor.graph):
        holder.inputs = [index + (index >= 0) for index in holder.inputs]
        holder.outputs = [index + 1 for index in holder.outputs]
    for signature in editor.model.signatureDefs:
        for item in (*signature.inputs, *signature.outputs):
            item.tensorIndex += 1
    editor.drop_unused_tensors()
    packed = editor.to_bytes()
    assert [tensor.name for tensor in editor.graph.tensors] == [tensor.name for tensor in tensors]
    assert TFLiteModel(packed).main.operators == TFLiteModel(content).main.operators
    assert len(packed) < len(content) + 1000
    interpreter = Interpreter(model_content=packed, num_threads=1)
    assert interpreter.get_signature_list() == Interpreter(model_content=content).get_signature_list()
