from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.converters.graph import MAX_RANK, Operator, Quantization, Subgraph, Tensor


def tensor(shape=(1, 4), dtype="int8", index=0, name="t", signature=None):
    return Tensor(
        index=index,
        name=name,
        shape=tuple(shape),
        shape_signature=tuple(signature if signature is not None else shape),
        dtype=dtype,
        buffer=0,
        is_constant=False,
        is_variable=False,
        quantization=None,
    )


@pytest.mark.parametrize(
    ("dtype", "shape", "size_bytes"),
    [("int8", (3, 3), 9), ("float32", (2, 2), 16), ("int4", (3,), 2), ("int2", (5,), 2), ("float16", (), 2),
     ("int8", (0, 7), 0), ("variant", (4,), 0)],
)  # fmt: skip
def test_bytes_round_packed_types_up(dtype, shape, size_bytes):
    assert tensor(shape, dtype).bytes == size_bytes


def test_a_free_dimension_makes_a_tensor_dynamic_and_counts_as_one():
    dynamic = tensor((1, 8), signature=(-1, 8))
    assert dynamic.is_dynamic and dynamic.elements == 8
    assert tensor((-1, 8)).elements == 8
    assert not tensor((1, 8)).is_dynamic


@given(st.lists(st.integers(0, 2**31 - 1), max_size=MAX_RANK), st.sampled_from(["int4", "int8", "float32"]))
def test_no_shape_that_fits_the_format_breaks_the_arithmetic(shape, dtype):
    size = tensor(shape, dtype)
    assert size.bytes >= 0 and size.elements >= 0


@pytest.mark.parametrize("shape", [(1, -2), (-(2**31),), (1,) * (MAX_RANK + 1)])
def test_impossible_shapes_are_refused(shape):
    with pytest.raises(ValueError, match="dimension"):
        tensor(shape)


@pytest.mark.parametrize(
    ("scales", "zero_points"), [((), ()), ((0.5,), ()), ((0.5, 0.25), (0,)), ((nan,), (0,)), ((1.0, inf), (0, 0))]
)
def test_unusable_quantization_is_refused(scales, zero_points):
    with pytest.raises(ValueError, match="scale"):
        Quantization(scales, zero_points, axis=0)


def test_per_channel_means_more_than_one_scale():
    assert Quantization((0.5, 0.25), (0, 0), axis=3).per_channel
    assert not Quantization((0.5,), (0,), axis=0).per_channel


def test_a_subgraph_knows_who_writes_and_who_reads():
    tensors = tuple(tensor(index=index, name=f"t{index}") for index in range(4))
    first = Operator(0, "CONV_2D", 1, inputs=(0, 1, -1), outputs=(2,))
    second = Operator(1, "ADD", 1, inputs=(2, 0), outputs=(3,))
    graph = Subgraph("main", tensors, (first, second), inputs=(0,), outputs=(3,))
    assert graph.producers() == {2: 0, 3: 1}
    assert graph.consumers() == {0: [0, 1], 1: [0], 2: [1]}
    assert graph.operands(first) == (tensors[0], tensors[1], None)
    assert graph.results(second) == (tensors[3],)


@pytest.mark.parametrize(("inputs", "operands"), [((2,), (0,)), ((-1,), (0,)), ((0,), (2,)), ((0,), (-2,))])
def test_an_index_of_no_tensor_is_refused(inputs, operands):
    operator = Operator(0, "RELU", 1, inputs=operands, outputs=(1,))
    with pytest.raises(ValueError, match="does not exist in subgraph 'main'"):
        Subgraph("main", (tensor(), tensor(index=1)), (operator,), inputs=inputs, outputs=(1,))
