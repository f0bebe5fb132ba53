"""The rewritten model: its outputs, what it keeps, and what it computes."""

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from litesmith.calibration.expose import expose
from litesmith.errors import CalibrationError

FLOAT_MODELS = ("float32", "float32_residual", "dynamic_batch_float", "float16", "dynamic_range")


def tables(content):
    return schema.ModelT.InitFromPackedBuf(content, 0)


def reference(content, sample):
    """Every tensor, kept by the interpreter and computed by the plain reference kernels."""
    interpreter = Interpreter(
        model_content=content,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], sample)
    interpreter.invoke()
    return interpreter


def exposed_values(exposed, sample):
    interpreter = Interpreter(model_content=exposed.content)
    interpreter.resize_tensor_input(exposed.inputs[0].index, sample.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(exposed.inputs[0].index, sample)
    interpreter.invoke()
    return {index: interpreter.get_tensor(index) for index in exposed.tensors}


def image(shape, seed=0):
    return np.random.default_rng(seed).random(shape, np.float32)


@pytest.mark.parametrize("name", FLOAT_MODELS)
def test_outputs_are_the_activations_as_the_reference_kernels_compute_them(golden, name):
    content = (golden / f"{name}.tflite").read_bytes()
    exposed = expose(content)
    sample = image((1, *exposed.inputs[0].shape[1:]))
    kept = reference(content, sample)
    values = exposed_values(exposed, sample)
    assert values
    for index, value in values.items():
        np.testing.assert_allclose(value, kept.get_tensor(index), rtol=0, atol=1e-4 * max(np.abs(value).max(), 1))


def test_every_float_activation_is_exposed_and_nothing_else(golden):
    content = (golden / "float32.tflite").read_bytes()
    graph = tables(content).subgraphs[0]
    exposed = expose(content)
    assert exposed.tensors == tuple(int(index) for op in graph.operators for index in op.outputs)
    assert [one.index for one in exposed.inputs if one.is_observed] == list(graph.inputs)
    assert list(tables(exposed.content).subgraphs[0].outputs) == list(exposed.tensors)
    assert exposed.names[: len(graph.tensors)] == tuple(tensor.name.decode() for tensor in graph.tensors)
    assert exposed.obstacle == ""


def test_weights_stored_as_float16_are_no_activations(golden):
    content = (golden / "float16.tflite").read_bytes()
    graph = tables(content).subgraphs[0]
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in tables(content).operatorCodes]
    unpacked = {
        int(op.outputs[0]) for op in graph.operators if codes[op.opcodeIndex] == schema.BuiltinOperator.DEQUANTIZE
    }
    assert unpacked
    assert unpacked.isdisjoint(expose(content).tensors)


def test_what_is_read_from_a_variable_is_an_activation(builder):
    x, handle = builder.tensor("x", (1, 4)), builder.tensor("handle", (), dtype="RESOURCE")
    state, constant = builder.tensor("state", (1, 4)), builder.tensor("constant", (1, 4), np.ones((1, 4), np.float32))
    twice, out = builder.tensor("twice", (1, 4)), builder.tensor("out", (1, 4))
    builder.op("VAR_HANDLE", [], [handle], schema.VarHandleOptionsT())
    builder.op("READ_VARIABLE", [handle], [state], schema.ReadVariableOptionsT())
    builder.op("ADD", [constant, constant], [twice], schema.AddOptionsT())
    builder.op("ADD", [x, state], [out], schema.AddOptionsT())
    builder.op("ASSIGN_VARIABLE", [handle, out], [], schema.AssignVariableOptionsT())
    exposed = expose(builder.ends([x], [out]).content())
    assert set(exposed.tensors) == {state, out}
    assert "variables, which run on" in exposed.obstacle
    assert len(tables(exposed.content).subgraphs[0].operators) == 5


def test_only_what_is_asked_for_is_computed(golden):
    content = (golden / "float32.tflite").read_bytes()
    first = expose(content).tensors[0]
    exposed = expose(content, only=[first])
    assert exposed.tensors == (first,)
    assert len(tables(exposed.content).subgraphs[0].operators) == 1
    assert not exposed.inputs[0].is_observed


@pytest.mark.parametrize("batch", [2, 5])
@pytest.mark.parametrize("name", ["float32", "float32_residual", "dynamic_batch_float"])
def test_the_batch_can_grow(golden, name, batch):
    exposed = expose((golden / f"{name}.tflite").read_bytes())
    samples = image((batch, *exposed.inputs[0].shape[1:]))
    together = exposed_values(exposed, samples)
    for place in range(batch):
        alone = exposed_values(exposed, samples[place : place + 1])
        for index, values in together.items():
            np.testing.assert_allclose(values[place : place + 1], alone[index], rtol=0, atol=1e-5)


def test_reshapes_that_share_a_constant_get_shapes_of_their_own(builder):
    x = builder.tensor("x", (1, 6))
    shape = builder.tensor("shape", (2,), np.array([1, 6], np.int32), dtype="INT32")
    weights = builder.tensor("weights", (3, 2), np.ones((3, 2), np.float32))
    y, z = builder.tensor("y", (1, 6)), builder.tensor("z", (1, 6))
    options = schema.ReshapeOptionsT()
    options.newShape = [1, 6]
    builder.op("RESHAPE", [x, shape], [y], options)
    builder.op("RESHAPE", [weights, shape], [z], options)
    added = builder.tensor("sum", (1, 6))
    builder.op("ADD", [y, z], [added], schema.AddOptionsT())
    exposed = expose(builder.ends([x], [added]).content())
    assert exposed.tensors == (y, added)
    values = exposed_values(exposed, image((3, 6)))
    assert values[added].shape == (3, 6)
    np.testing.assert_array_equal(values[added], image((3, 6)) + 1)


def test_reshapes_with_another_open_axis_are_left_alone(builder):
    x = builder.tensor("x", (1, 1, 4), signature=[1, -1, 4])
    shape = builder.tensor("shape", (3,), np.array([1, -1, 2], np.int32), dtype="INT32")
    y = builder.tensor("y", (1, 2, 2), signature=[1, -1, 2])
    builder.op("RESHAPE", [x, shape], [y])
    exposed = expose(builder.ends([x], [y]).content())
    assert exposed_values(exposed, image((1, 5, 4)))[y].shape == (1, 10, 2)


def test_inputs_go_by_their_tensor_signature_and_plain_names(builder):
    x, y = builder.tensor("serving_default_picture:0", (1, 2), signature=[-1, 2]), builder.tensor("y", (1, 2))
    builder.op("RELU", [x], [y])
    signature = schema.SignatureDefT()
    entry = schema.TensorMapT()
    entry.name, entry.tensorIndex = "photo", x
    signature.inputs, signature.outputs, signature.signatureKey = [entry], [], "serving_default"
    builder.ends([x], [y]).model.signatureDefs = [signature]
    (found,) = expose(builder.content()).inputs
    assert found.names == ("serving_default_picture:0", "photo", "picture")
    assert found.shape == (-1, 2)


def test_data_behind_the_flatbuffer_is_brought_in(builder):
    x, y = builder.tensor("x", (1, 4)), builder.tensor("y", (1, 4))
    constant = builder.tensor("constant", (4,))
    builder.op("ADD", [x, constant], [y], schema.AddOptionsT())
    values = np.arange(4, dtype=np.float32)
    buffer = builder.ends([x], [y]).model.buffers[builder.graph.tensors[constant].buffer]
    buffer.offset, buffer.size = 2, values.nbytes
    buffer.offset = -(-len(builder.content()) // 16) * 16
    content = builder.content()
    content = content.ljust(buffer.offset, b"\0") + values.tobytes()
    np.testing.assert_array_equal(exposed_values(expose(content), np.zeros((1, 4), np.float32))[y], [values])


def test_an_int8_model_has_nothing_to_observe(golden):
    with pytest.raises(CalibrationError, match="no float activation"):
        expose((golden / "int8.tflite").read_bytes())


@pytest.mark.parametrize("index", [1, 10_000, -1])
def test_a_tensor_that_is_no_activation_cannot_be_asked_for(golden, index):
    with pytest.raises(CalibrationError, match="no float activations"):
        expose((golden / "float32.tflite").read_bytes(), only=[index])


@pytest.mark.parametrize("content", [b"", b"not a model at all", flatbuffers.Builder(0).Bytes])
def test_what_is_no_model_is_refused(content):
    with pytest.raises(CalibrationError, match="not a TFLite flatbuffer"):
        expose(bytes(content))


def test_a_truncated_model_is_refused(golden):
    content = (golden / "float32.tflite").read_bytes()
    with pytest.raises(CalibrationError, match="damaged"):
        expose(content[: len(content) // 3])
