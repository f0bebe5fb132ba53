"""What many operators share is looked at once, however many they are."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from litesmith.converters.graph import Operator, Quantization, Subgraph, Tensor
from litesmith.errors import ModelError
from litesmith.targets import constants
from litesmith.targets.constants import MOST_LOOKS, Constants
from litesmith.targets.op_view import op_views
from litesmith.targets.rules import RULES

OPERATORS = 1000
ONE_SCALE = Quantization((0.5,), (0,), 0)


def tensor(index: int, shape: tuple[int, ...], *, buffer: int = 0, quantization: Quantization = ONE_SCALE) -> Tensor:
    return Tensor(index, f"t{index}", shape, shape, "int8", buffer, buffer > 0, False, quantization)


def sharing(op: str, shared: Tensor) -> Subgraph:
    """Many operators that read a computed tensor and `shared`, which has index 1."""
    tensors = (tensor(0, (1, 4)), shared, tensor(2, (1, 4)))
    operators = tuple(Operator(place, op, 1, (0, 1), (2,)) for place in range(OPERATORS))
    return Subgraph("main", tensors, operators, (0,), (2,))


@pytest.mark.parametrize(
    ("rule", "op", "parameters"),
    [
        ("constant_only_as_zeros", "CONCATENATION", {}),
        ("weight_sum", "CONV_2D", {"place": 1, "maximum": 1 << 20}),
        ("weight_sum", "DEPTHWISE_CONV_2D", {"place": 1, "maximum": 1 << 20}),
    ],
)
def test_a_constant_is_read_once_for_all_operators(rule, op, parameters):
    read = []

    def counting(constant: Tensor) -> npt.NDArray[np.generic]:
        read.append(constant.index)
        return np.zeros(constant.shape, np.int8)

    views = op_views(sharing(op, tensor(1, (8, 1, 1, 4), buffer=5)), counting)
    assert {RULES[rule](view, **parameters) is None for view in views} == {True}
    assert read == [1]


class Counted(tuple[float, ...]):
    """Scales that know how often they were gone through."""

    passes = 0

    def __iter__(self) -> Iterator[float]:
        self.passes += 1
        return super().__iter__()


# What the rules about scales and zero points are told, where there is something to tell.
SCALE_RULES = {
    "positive_scale": {"of": "operands"},
    "per_tensor": {"of": "operands"},
    "zero_point": {"of": "operands", "value": 0, "types": ["int8"]},
    "same_quantization": {"of": ["operands", "outputs"]},
    "product_below_output_scale": {},
    "scale_ratio": {"minimum": 0.1, "below": 10.0},
    "scale_product_ratio": {"minimum": 0.1, "below": 10.0},
    "slope_scale_ratio": {"smallest": 0.1, "lowest": -1.0, "highest": 1.0},
    "quantized": {"of": ["operands"], "types": ["int8"]},
}


@pytest.mark.parametrize("rule", SCALE_RULES)
def test_scales_are_gone_through_when_the_file_is_read_and_not_by_rules(rule):
    scales, zeros = Counted([0.5, 0.25] * 50), Counted([0] * 100)
    shared = tensor(1, (8, 100), quantization=Quantization(scales, zeros, 1))
    before = scales.passes, zeros.passes
    for view in op_views(sharing("LEAKY_RELU", shared), np.zeros):
        RULES[rule](view, **SCALE_RULES[rule])
    assert before[0] > 0 and (scales.passes, zeros.passes) == before


def test_a_buffer_cannot_stand_for_endlessly_many_constants():
    looked = Constants(lambda constant: np.zeros(constant.shape, np.int8))
    for zero in range(MOST_LOOKS):
        looked.largest_channel_sum(
            tensor(1, (4, 4), buffer=5, quantization=Quantization((0.5,), (zero,), 0)), last_axis=False
        )
    other = tensor(1, (4, 4), buffer=5, quantization=Quantization((0.5,), (-1,), 0))
    with pytest.raises(ModelError, match="buffer 5 stands for more than 64 different constants"):
        looked.largest_channel_sum(other, last_axis=False)
    looked.largest_channel_sum(tensor(1, (4, 4), buffer=6), last_axis=False)


@given(
    arrays(np.int8, array_shapes(min_dims=0, max_dims=4, max_side=5)),
    st.integers(-128, 127),
    st.booleans(),
    st.sampled_from([1, 3, 1 << 20]),
)
def test_the_largest_sum_is_that_of_one_channel(values, zero, last_axis, block):
    weights = tensor(1, values.shape, buffer=5, quantization=Quantization((0.5,), (zero,), 0))
    distances = np.abs(np.atleast_1d(values).astype(np.int64) - zero)
    channels = np.moveaxis(distances, -1 if last_axis else 0, 0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(constants, "_BLOCK", block)
        found = Constants(lambda _: values).largest_channel_sum(weights, last_axis=last_axis)
    assert found == max(channel.sum() for channel in channels)
