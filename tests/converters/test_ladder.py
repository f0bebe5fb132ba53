"""The tries at one model: what is remembered, what counts as the best, and what the next one builds on."""

import time

import numpy as np
import pytest

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.calibrated import Treatment
from litesmith.converters.judge import Judge, Limits
from litesmith.converters.ladder import Ladder
from litesmith.converters.post_training import FloatModel, operator_names
from litesmith.converters.quantize import QuantizationSpec, exactly
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError

INT8, INT4 = QuantizationSpec(), QuantizationSpec(weight_bits=4)
FAST, NONE = Treatment("fast"), Treatment("none")
NOWHERE = QuantizationSpec(precision={"nowhere": "int16"})


def images(count, seed):
    return CalibrationSet.from_arrays(np.random.default_rng(seed).random((count, 8, 8, 1), np.float32))


@pytest.fixture(scope="module")
def floats(golden):
    return FloatModel(TFLiteModel.from_file(golden / "float32.tflite"), INT8, images(24, 1))


@pytest.fixture
def ladder(floats):
    """Makes a ladder with limits; what it tells of is in `told`."""

    def make(limits=None, demands=(), engine="aeq"):
        told = []
        made = Ladder(floats, Judge(floats.rewritten, images(32, 2), limits or Limits(), demands), engine, told.append)
        return made, told

    return make


def test_a_file_that_was_made_is_remembered_with_all_that_makes_it_again(ladder, floats):
    steps, told = ladder()
    made = steps.attempt("a try", INT8, FAST)
    assert steps.tries == told == [made.made]
    assert (made.made.remedy, made.made.spec, made.made.treatment, made.made.refused) == ("a try", INT8, FAST, "")
    assert made.made.holds and made.made.judgement.bytes == len(made.model.content)
    assert made.route == "aeq" and "quantize" in made.seconds
    assert floats.quantize(made.made.spec, made.made.treatment, "aeq").model.content == made.model.content
    assert steps.best is made


def test_a_file_that_cannot_be_made_is_remembered_too(ladder):
    steps, told = ladder()
    with pytest.raises(ConversionError, match="nowhere"):
        steps.attempt("impossible", NOWHERE, FAST)
    assert steps.holds("impossible again", NOWHERE, FAST) is False
    assert steps.tries == told and steps.best is None
    assert [(tried.remedy, tried.judgement, tried.spec) for tried in told] == [
        ("impossible", None, NOWHERE),
        ("impossible again", None, NOWHERE),
    ]
    assert all("no operator of the model has a name like 'nowhere'" in tried.refused for tried in told)
    assert not told[0].holds and told[0].score < steps.attempt("a try", INT8, FAST).made.score


def test_the_nearest_to_the_limits_is_the_best_until_one_keeps_them(ladder):
    steps, _ = ladder(Limits(min_snr_db=25))
    assert steps.holds("4 bits", INT4, FAST) is False
    first = steps.best
    assert steps.holds("4 bits, worse", INT4, NONE) is False
    assert steps.best is first
    assert steps.holds("8 bits", INT8, FAST) is True
    assert steps.best.made.remedy == "8 bits"


def test_of_those_that_keep_the_limits_the_last_is_the_best(ladder):
    """Searches go down to as few operators as possible: a later file is a smaller one, not a more accurate one."""
    steps, _ = ladder(Limits(min_snr_db=5))
    more = steps.attempt("8 bits", INT8, FAST).made
    less = steps.attempt("4 bits", INT4, FAST).made
    assert more.score > less.score
    assert steps.best.made is less


def test_what_breaks_a_demand_is_not_the_best_however_accurate(ladder):
    steps, _ = ladder(Limits(min_snr_db=90), [lambda file: ["no place for int16"] if has_int16(file) else []])
    plain = steps.attempt("8 bits", INT8, FAST)
    assert not steps.last_is_unfit
    wide = steps.attempt("16 bits", QuantizationSpec(precision={".": "int16"}), FAST)
    assert wide.made.judgement.snr_db > plain.made.judgement.snr_db
    assert wide.made.judgement.unfit == ("no place for int16",) and steps.last_is_unfit
    assert steps.best is plain and steps.state == (INT8, FAST)
    steps.holds("impossible", NOWHERE, FAST)
    assert not steps.last_is_unfit


def has_int16(file):
    return any(tensor.dtype == "int16" for tensor in file.main.tensors)


def test_the_next_remedy_builds_on_the_most_accurate_file_that_has_a_spec(ladder, floats):
    steps, _ = ladder(Limits(min_snr_db=90))
    steps.attempt("4 bits", INT4, FAST)
    steps.attempt("8 bits", INT8, FAST)
    steps.attempt("4 bits again", INT4, NONE)
    assert steps.other_holds("the float model itself", lambda: floats.rewritten) is True
    assert steps.best.made.remedy == "the float model itself"
    assert steps.state == (INT8, FAST)


def test_a_file_from_elsewhere_is_judged_alike(ladder, floats):
    steps, told = ladder(Limits(min_snr_db=25))
    made = floats.quantize(INT8, FAST, "aeq").model
    assert steps.other_holds("from elsewhere", lambda: made) is True
    assert (steps.best.model, steps.best.route) == (made, "from elsewhere")
    assert (told[0].spec, told[0].treatment, told[0].refused) == (None, None, "")
    assert told[0].to_dict()["choice"] == {}


def test_a_remedy_that_gives_no_file_says_why(ladder):
    steps, told = ladder()

    def fail():
        raise ConversionError("no layer is left to train")

    assert steps.other_holds("training", fail) is False
    assert (told[0].refused, told[0].judgement, steps.best) == ("no layer is left to train", None, None)


def test_an_error_that_is_not_ours_is_not_hidden(ladder):
    steps, _ = ladder()
    with pytest.raises(ZeroDivisionError):
        steps.other_holds("broken", lambda: 1 / 0)


def test_seconds_hold_the_search_that_came_before(ladder):
    steps, told = ladder()
    steps.attempt("searched for", INT8, FAST, since=time.perf_counter() - 100)
    steps.attempt("at once", INT8, FAST)
    steps.skip("of no use", "because of that", time.perf_counter() - 50)
    assert [round(tried.seconds, -1) for tried in told] == [100, 0, 50]
    assert (told[2].refused, told[2].judgement, told[2].spec) == ("because of that", None, None)


def test_single_operators_come_from_the_one_engine_that_has_them(ladder, floats):
    steps, _ = ladder(engine="mlir")
    name = operator_names(floats.rewritten)[0]
    assert steps.attempt("plain", INT8, FAST).route == "mlir"
    assert steps.attempt("mixed", QuantizationSpec(precision={exactly(name): "int16"}), FAST).route == "aeq"
