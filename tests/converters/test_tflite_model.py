import gzip
import hashlib
import os
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType

from litesmith.converters.tflite_model import OpCount, TFLiteModel
from litesmith.errors import ModelError

GOLDEN = Path(__file__).parents[1] / "golden"


def load(name):
    return TFLiteModel.from_file(GOLDEN / f"{name}.tflite")


def edited(name, change):
    """A golden model with `change` made to its unpacked form."""
    model = schema.ModelT.InitFromPackedBuf((GOLDEN / f"{name}.tflite").read_bytes())
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return TFLiteModel(bytes(builder.Output()))


def dense_kernel(model):
    return next(tensor for tensor in model.subgraphs[0].tensors if list(tensor.shape) == [10, 256])


def test_a_model_knows_its_interface_and_operators():
    model = load("two_inputs_int8")
    assert [(tensor.name, tensor.shape) for tensor in model.inputs] == [
        ("serving_default_context:0", (1, 4)),
        ("serving_default_image:0", (1, 8, 8, 1)),
    ]
    assert [tensor.shape for tensor in model.outputs] == [(1, 3)]
    assert model.ops["CONV_2D"] == OpCount(count=1, max_version=3)
    assert list(model.ops) == sorted(model.ops)


def test_digest_and_compressed_size_are_of_the_file():
    model, content = load("int8"), (GOLDEN / "int8.tflite").read_bytes()
    assert model.sha256 == hashlib.sha256(content).hexdigest()
    assert model.gzip_bytes == len(gzip.compress(content, 9))


def test_the_compressed_size_of_a_large_file_is_that_of_gzip_in_one_go():
    noise = np.random.default_rng(7).integers(0, 40, 3 << 20, np.uint8).tobytes()
    model = TFLiteModel((GOLDEN / "int8.tflite").read_bytes() + noise)
    assert model.gzip_bytes == len(gzip.compress(model.content, 9))


@pytest.mark.parametrize("name", ["float32", "float16", "int8", "int16x8", "two_inputs_int8"])
def test_constants_have_the_values_that_litert_reads(name):
    model = load(name)
    resolver = OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    interpreter = Interpreter(str(GOLDEN / f"{name}.tflite"), experimental_op_resolver_type=resolver)
    interpreter.allocate_tensors()
    constants = [tensor for tensor in model.main.tensors if tensor.is_constant]
    assert constants
    for tensor in constants:
        np.testing.assert_array_equal(model.data(tensor), interpreter.get_tensor(tensor.index))


@pytest.mark.parametrize(
    ("name", "sparsity"), [("int8_half_zeros", 0.5), ("int8", 0.0), ("float16", 0.0), ("dynamic_range", 0.0)]
)
def test_sparsity_is_the_share_of_zeros_that_went_in(name, sparsity):
    assert load(name).weight_sparsity == pytest.approx(sparsity, abs=1e-9)


def test_zero_is_the_zero_point_not_the_byte_zero():
    def shift(model):
        tensor = dense_kernel(model)
        tensor.quantization.zeroPoint = np.full_like(tensor.quantization.zeroPoint, 1)
        buffer = model.buffers[tensor.buffer]
        # Halved first, so that no value leaves int8; none of the weights that are not zero is below 12.
        buffer.data = (buffer.data.view(np.int8) // 2 + 1).view(np.uint8)

    shifted = edited("int8_half_zeros", shift)
    assert not np.any(shifted.data(next(k for k in shifted.kernels() if k.shape == (10, 256))) == 0)
    assert shifted.weight_sparsity == 0.5


@pytest.mark.parametrize("name", ["float32", "float16", "dynamic_range", "int8", "int16x8"])
def test_kernels_are_the_same_four_in_every_format(name):
    assert [kernel.shape for kernel in load(name).kernels()] == [(8, 3, 3, 1), (1, 3, 3, 8), (16, 3, 3, 8), (10, 256)]


@pytest.mark.parametrize("columns", [255, 256])
def test_two_weights_of_four_bits_share_a_byte(columns):
    values = np.random.default_rng(3).integers(0, 3, 10 * columns, np.uint8)

    def pack(model):
        tensor = dense_kernel(model)
        tensor.type, tensor.shape = schema.TensorType.INT4, np.array([10, columns], np.int32)
        model.buffers[tensor.buffer].data = values[::2] | values[1::2] << 4

    others = 8 * 9 + 8 * 9 + 16 * 9 * 8
    assert edited("int8", pack).weight_sparsity == pytest.approx(np.sum(values == 0) / (values.size + others))


def test_float16_kernels_are_counted_as_they_are_stored():
    def clear(model):
        for tensor in model.subgraphs[0].tensors:
            if tensor.type == schema.TensorType.FLOAT16 and len(tensor.shape) == 4:
                model.buffers[tensor.buffer].data = np.zeros_like(model.buffers[tensor.buffer].data)

    model = edited("float16", clear)
    assert {kernel.dtype for kernel in model.kernels()} == {"float16"}
    convolutions = 8 * 9 + 8 * 9 + 16 * 9 * 8
    assert model.weight_sparsity == pytest.approx(convolutions / (convolutions + 2560), abs=1e-9)


def test_a_sparse_constant_counts_the_zeros_that_it_leaves_out():
    def compress(model):
        tensor = dense_kernel(model)
        tensor.sparsity = schema.SparsityParametersT()
        model.buffers[tensor.buffer].data = np.full(640, 7, np.uint8)

    model = edited("int8", compress)
    dense = next(kernel for kernel in model.kernels() if kernel.shape == (10, 256))
    assert dense.is_sparse
    assert model.weight_sparsity == pytest.approx((2560 - 640) / (2560 + 8 * 9 + 8 * 9 + 16 * 9 * 8))
    with pytest.raises(ModelError, match="stored sparse"):
        model.data(dense)


def test_stored_bytes_are_those_of_the_buffer_and_none_for_a_computed_tensor():
    model = load("int8")
    assert all(model.stored_bytes(tensor) == tensor.bytes for tensor in model.main.tensors if tensor.is_constant)
    assert model.stored_bytes(model.outputs[0]) == 0


def test_a_model_can_be_read_from_a_pipe():
    reader, writer = os.pipe()
    content = (GOLDEN / "gather_nd_int8.tflite").read_bytes()  # smaller than what a pipe holds
    os.write(writer, content)
    os.close(writer)
    assert TFLiteModel.from_file(f"/dev/fd/{reader}").content == content
    os.close(reader)


def test_weights_that_two_operators_share_count_once():
    def share(model):
        graph = model.subgraphs[0]
        kernels = [t for t in graph.tensors if list(t.shape) in ([8, 3, 3, 1], [1, 3, 3, 8])]
        kernels[0].buffer = kernels[1].buffer

    assert edited("int8_half_zeros", share).weight_sparsity == 0.5


def test_metadata_is_read_by_name():
    assert load("int8").metadata["min_runtime_version"].rstrip(b"\0") == b"1.14.0"


def test_a_constant_of_the_wrong_length_is_refused_with_its_name():
    def shorten(model):
        tensor = dense_kernel(model)
        model.buffers[tensor.buffer].data = model.buffers[tensor.buffer].data[:100]

    with pytest.raises(ModelError, match=r"'classifier/logits/MatMul' has 100 bytes for shape \(10, 256\)"):
        _ = edited("int8", shorten).weight_sparsity


def test_a_computed_tensor_has_no_constant():
    model = load("int8")
    with pytest.raises(ModelError, match="no readable constant"):
        model.data(model.outputs[0])


def test_damage_in_the_metadata_is_found_at_once():
    def dangle(model):
        model.metadata[0].buffer = 9999

    with pytest.raises(ModelError, match="buffer 9999 does not exist"):
        edited("int8", dangle)


def test_what_cannot_be_read_names_the_file(tmp_path):
    text = tmp_path / "notes.tflite"
    text.write_text("no model")
    for path, problem in ((tmp_path, "directory"), (tmp_path / "absent.tflite", "No such file"), (text, "TFL3")):
        with pytest.raises(ModelError, match=problem) as caught:
            TFLiteModel.from_file(path)
        assert str(caught.value).startswith(str(path))
        assert caught.value.file == str(path)
