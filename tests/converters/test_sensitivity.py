"""Which operators gain from more bits is measured on real files, in groups that gain together or not at all."""

from functools import partial

import numpy as np
import pytest

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters import keras
from litesmith.converters.backend import tf_keras
from litesmith.converters.calibrated import Treatment
from litesmith.converters.judge import Judge, Limits
from litesmith.converters.post_training import FloatModel, operator_names
from litesmith.converters.quantize import QuantizationSpec, exactly
from litesmith.converters.sensitivity import rank, with_precision
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError

INT8, INT4 = QuantizationSpec(), QuantizationSpec(weight_bits=4)
FAST = Treatment("fast")
FIRST, ADD, SUB, SECOND, LOGITS = range(5)


def normal(count, seed):
    return CalibrationSet.from_arrays({"x": np.random.default_rng(seed).normal(0, 1, (count, 8)).astype(np.float32)})


@pytest.fixture(scope="module")
def offset():
    """A hundred is added and taken away again: 8 bits for 0 to 103 keep little of what is below 3."""
    library = tf_keras()
    layers = library.layers
    library.utils.set_random_seed(3)
    given = library.Input((8,), name="x")
    dense = partial(layers.Dense, bias_initializer="random_normal")  # or there is nothing to correct
    x = dense(16, "relu", name="first")(given)
    x = layers.ReLU(name="low")(layers.ReLU(name="high")(x + 100.0) - 100.0)
    x = dense(4, name="logits")(dense(16, "relu", name="second")(x))
    model = keras.convert(library.Model(given, x), QuantizationSpec("float32"))
    assert [operator.op for operator in model.main.operators][FIRST:LOGITS] == [
        "FULLY_CONNECTED", "ADD", "SUB", "FULLY_CONNECTED"
    ]  # fmt: skip
    return FloatModel(model, INT8, normal(64, 1))


@pytest.fixture(scope="module")
def judge(offset):
    return Judge(offset.rewritten, normal(64, 2), Limits())


@pytest.fixture
def ranked(offset, judge):
    def run(spec, precision, order=range(5), probes=24, treatment=FAST):
        groups = rank(offset, spec, treatment, judge, precision, order, probes=probes)
        assert [group.gain_db for group in groups] == sorted((group.gain_db for group in groups), reverse=True)
        return groups

    return run


def test_in_int16_a_tensor_gains_with_its_producer_and_all_that_read_it(ranked):
    best, *others = ranked(INT8, "int16")
    assert best.operators == {ADD, SUB} and best.gain_db > 12
    assert {group.operators for group in others} == {
        frozenset(pair) for pair in ((FIRST, ADD), (SUB, SECOND), (SECOND, LOGITS))
    }
    assert max(abs(group.gain_db) for group in others) < 3


def test_an_output_of_8_bits_gains_nothing_but_a_float_one_does(ranked):
    alone = frozenset({LOGITS})
    assert alone not in [group.operators for group in ranked(INT8, "int16")]
    assert alone in [group.operators for group in ranked(QuantizationSpec(io="float32"), "int16")]


def test_in_float_an_operator_stands_alone_as_well_for_its_weights(ranked):
    best, *others = ranked(INT8, "float32")
    assert best.operators == {ADD, SUB} and best.gain_db > 12
    assert {frozenset({place}) for place in range(5)} <= {group.operators for group in others}
    assert len(others) == 5 + 3


def test_only_layers_of_4_bits_can_go_back_to_8(ranked):
    assert {*frozenset().union(*(group.operators for group in ranked(INT4, "int8")))} == {FIRST, SECOND, LOGITS}


def test_a_tensor_that_several_read_takes_them_all_along(golden):
    model = TFLiteModel.from_file(golden / "float32_residual.tflite")
    images = CalibrationSet.from_arrays(np.random.default_rng(2).random((8, 16, 16, 3), np.float32))
    floats = FloatModel(model, INT8, images)
    graph = floats.rewritten.main
    groups = rank(floats, INT8, FAST, Judge(floats.rewritten, images, Limits()), "int16", [0], probes=1)
    ((group,),) = [[group.operators for group in groups]]
    assert sorted(graph.operators[place].op for place in group) == ["ADD", "CONV_2D", "CONV_2D"]


def test_gains_are_those_of_the_files_themselves(offset, judge, ranked):
    for group in ranked(INT8, "int16")[:2]:
        changed = with_precision(INT8, FAST, offset.rewritten, group.operators, "int16")
        files = [offset.quantize(*one).model for one in ((INT8, FAST), changed)]
        assert group.gain_db == judge.snr_db(files[1]) - judge.snr_db(files[0])


def test_gains_do_not_wait_for_corrections_that_cost_seconds(ranked):
    assert ranked(INT8, "int16", treatment=Treatment("high")) == ranked(INT8, "int16")


def test_the_most_suspicious_are_tried_first_and_no_more_than_asked(ranked):
    groups = ranked(INT8, "int16", order=[SECOND, ADD, FIRST], probes=2)
    assert {group.operators for group in groups} == {frozenset({SECOND, LOGITS}), frozenset({ADD, SUB})}


@pytest.fixture(scope="module")
def hard_swish():
    """CONV_2D, CONV_2D, HARD_SWISH, CONV_2D, of which ai-edge-quantizer writes the third in 8 bits or float only."""
    library = tf_keras()
    layers = library.layers
    given = library.Input((6, 6, 2), name="x")
    x = layers.Conv2D(3, 1)(layers.Conv2D(3, 1, activation="relu")(given))
    x = layers.Conv2D(2, 3)(x * layers.ReLU(6.0)(x + 3.0) / 6.0)
    model = keras.convert(library.Model(given, x), QuantizationSpec("float32"))
    samples = CalibrationSet.from_arrays(np.random.default_rng(0).normal(0, 1, (8, 6, 6, 2)).astype(np.float32))
    floats = FloatModel(model, INT8, samples)
    assert [operator.op for operator in floats.rewritten.main.operators].index("HARD_SWISH") == 2
    return floats, Judge(floats.rewritten, samples, Limits())


def test_what_no_kernel_takes_is_left_out(hard_swish):
    floats, judge = hard_swish
    groups = rank(floats, INT8, FAST, judge, "int16", range(4), probes=9)
    assert [group.operators for group in groups] == [{0, 1}]
    assert len(rank(floats, INT8, FAST, judge, "float32", range(4), probes=9)) == 4 + 3


def test_where_no_kernel_takes_any_the_first_refusal_is_told(hard_swish):
    floats, judge = hard_swish
    with pytest.raises(ConversionError, match=r"HARD_SWISH: ai-edge-quantizer cannot have .* in int16"):
        rank(floats, INT8, FAST, judge, "int16", [2, 0], probes=1)


def test_a_spec_gets_the_operators_by_their_exact_names_and_keeps_what_it_had(offset):
    names = operator_names(offset.rewritten)
    before = QuantizationSpec(io="uint8", precision={"second": "float32"})
    spec, treatment = with_precision(before, FAST, offset.rewritten, frozenset({SUB, FIRST}), "int16")
    assert treatment == FAST
    assert [spec.precision_of(name) for name in names] == ["int16", "int8", "int16", "float32", "int8"]
    assert (spec.io, before.precision) == ("uint8", {"second": "float32"})


@pytest.mark.parametrize(
    ("precision", "kept"), [("int16", [SUB, SECOND]), ("float32", [SUB, SECOND]), ("int8", [ADD, SUB, SECOND])]
)
def test_a_range_that_was_cut_for_8_bits_is_whole_where_no_8_bits_are_left(offset, precision, kept):
    """What ADD gives is read in more bits; what SUB gives is rounded to 8 for the dense layer."""
    patterns = [exactly(name) for name in operator_names(offset.rewritten)]
    cut = Treatment(methods={patterns[place]: "entropy" for place in (ADD, SUB, SECOND)})
    _, treatment = with_precision(INT4, cut, offset.rewritten, frozenset({ADD, SUB}), precision)
    assert list(treatment.methods) == [patterns[place] for place in kept]
