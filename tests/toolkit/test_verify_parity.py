import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from litesmith.converters.text.architecture import Head
from litesmith.converters.text.integer.graph_writer import GraphWriter
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ModelError
from litesmith.verify_parity import LSB_LEGACY_UINT8, ParityTolerance, compare
from tests.toolkit.made_text_bundle import integer_file, integer_of, model_with

EXACT = ParityTolerance(0, 0.0, "")
OPTIONS = {
    "MUL": schema.MulOptionsT,
    "SOFTMAX": schema.SoftmaxOptionsT,
    "QUANTIZE": schema.QuantizeOptionsT,
    "ADD": schema.AddOptionsT,
}
SHAPES = npst.array_shapes(max_dims=3, max_side=4)
ANY_FLOAT = st.floats(width=32)


@given(npst.arrays(np.int8, SHAPES) | npst.arrays(np.float32, SHAPES, elements=ANY_FLOAT))
def test_equal_outputs_are_equal_whatever_they_hold(array):
    parity = compare([[array]], [[array.copy()]], EXACT)
    assert (parity.ok, parity.different, parity.equal_vectors, parity.first) == (True, 0, 1, None)


@given(st.data(), npst.arrays(np.int8, SHAPES), st.integers(0, 3))
def test_one_changed_value_is_found_where_it_is(data, array, lsb):
    index = tuple(data.draw(st.integers(0, size - 1)) for size in array.shape)
    changed = array.copy()
    changed[index] += np.int8(2 if array[index] < 100 else -2)
    sets = [[array, array], [array, changed]]
    parity = compare([[array, array]] * 2, sets, ParityTolerance(lsb, 0.0, ""))
    assert parity.ok == (lsb >= 2)
    assert (parity.vectors, parity.equal_vectors, parity.different, parity.max_lsb) == (2, 1, 1, 2)
    assert (parity.first.vector, parity.first.output, parity.first.index) == (1, 1, index)
    assert (parity.first.here, parity.first.there) == (array[index], changed[index])
    assert f"vector 1, output 1, index {list(index)}" in str(parity.first)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 1.1])
def test_floats_are_compared_with_the_largest(wrong):
    here = np.array([1.0, -4.0], np.float32)
    close = np.array([1.00003, -4.0], np.float32)
    tolerance = ParityTolerance(0, 1e-5, "")
    parity = compare([[here]], [[close]], tolerance)
    assert parity.ok and 7e-6 < parity.max_share < 8e-6
    parity = compare([[here]], [[np.array([wrong, -4.0], np.float32)]], tolerance)
    assert not parity.ok and np.isfinite(parity.max_share)


def test_the_first_one_beyond_the_tolerance_is_shown_before_smaller_ones():
    here, there = np.zeros(3, np.int8), np.array([1, 0, 2], np.int8)
    parity = compare([[here]], [[there]], ParityTolerance(1, 0.0, ""))
    assert parity.first.index == (2,)


def test_another_shape_or_type_is_no_output_to_compare():
    here = np.zeros((1, 4), np.int8)
    for there in (np.zeros((4,), np.int8), np.zeros((1, 4), np.uint8)):
        with pytest.raises(ModelError, match=r"output 0 of vector 0 is int8\[1, 4\] here"):
            compare([[here]], [[there]], EXACT)


@pytest.mark.parametrize(
    ("name", "lsb", "exact"),
    [
        ("int8.tflite", 0, True),
        ("int8_uint8_io.tflite", 0, True),
        ("int8_float_io.tflite", 0, True),
        ("int16x8.tflite", 1, False),
        ("float32.tflite", 0, False),
        ("dynamic_range.tflite", 1, False),
    ],
)
def test_the_tolerance_follows_from_what_the_file_is_made_of(golden, name, lsb, exact):
    tolerance = ParityTolerance.of(TFLiteModel.from_file(golden / name))
    assert (tolerance.lsb, tolerance.share == 0) == (lsb, exact)


def test_text_in_integers_may_differ_by_what_its_softmax_and_products_do():
    tolerance = ParityTolerance.of(integer_file(("bad", "good")))
    assert tolerance.lsb == 16
    assert tolerance.reason.startswith("MUL, SOFTMAX of int8")
    of_tokens = integer_of(model_with(Head("token", ("other", "name"))))
    assert ParityTolerance.of(of_tokens).lsb == 48


@pytest.mark.parametrize("op", ["MUL", "SOFTMAX"])
@pytest.mark.parametrize(("after", "lsb"), [((), 1), (("QUANTIZE",), 1), (("ADD",), 5)])
def test_one_step_of_an_operator_stays_one_where_nothing_follows(op, after, lsb):
    writer = GraphWriter()
    x = writer.tensor("x", (4, 8), "int8", 0.05, 3)
    operands = {"MUL": [x, x], "SOFTMAX": [x]}
    found = writer.operator(op, operands[op], writer.tensor("found", (4, 8), "int8", 1 / 256, -128), OPTIONS[op]())
    for name in after:
        inputs = [found, found] if name == "ADD" else [found]
        found = writer.operator(name, inputs, writer.tensor(name, (4, 8), "int8", 0.1, 0), OPTIONS[name]())
    model = TFLiteModel(writer.finish({"x": x}, {"answer": found}, "made"), "made.tflite")
    assert ParityTolerance.of(model).lsb == lsb


def test_a_user_may_allow_another_figure(golden):
    tolerance = ParityTolerance.of(TFLiteModel.from_file(golden / "int8.tflite"), max_lsb=3)
    assert tolerance.lsb == 3 and "3 LSB as asked for, 0 otherwise" in tolerance.reason


def test_uint8_kernels_may_be_rounded_differently(real_data):
    path = real_data / "edgetpu_pairs" / "test_data__mobilenet_v1_0.25_128_quant.tflite"
    assert ParityTolerance.of(TFLiteModel.from_file(path)).lsb == LSB_LEGACY_UINT8
