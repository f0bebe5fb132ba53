"""A file is judged by what was measured of it, against limits that are kept to the last digit."""

import math
from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters import keras
from litesmith.converters.backend import tf_keras
from litesmith.converters.editing import ModelEditor
from litesmith.converters.fidelity import compare, outputs
from litesmith.converters.judge import PROBE_SAMPLES, Judge, Judgement, Limits
from litesmith.converters.metric import accuracy
from litesmith.converters.post_training import quantize_float_model
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import CalibrationError, ConversionError


def random_images(count, seed):
    return np.random.default_rng(seed).random((count, 8, 8, 1), np.float32)


@pytest.fixture(scope="module")
def model(golden):
    return TFLiteModel.from_file(golden / "float32.tflite")


@pytest.fixture(scope="module")
def coarse(model):
    """A file that gives other classes for some samples."""
    spec = QuantizationSpec(weight_bits=4)
    return quantize_float_model(model, spec, CalibrationSet.from_arrays(random_images(24, 1)), effort="none").model


@pytest.fixture(scope="module")
def images():
    return random_images(100, 2)


@pytest.fixture(scope="module")
def labels(model, images):
    """The float model's classes, every fifth wrong."""
    classes = outputs(model, CalibrationSet.from_arrays(images))[0].argmax(axis=-1)
    classes[::5] = (classes[::5] + 1) % 10
    return classes


@pytest.fixture(scope="module")
def samples(images, labels):
    return CalibrationSet.from_arrays(images, labels=labels)


@pytest.fixture(scope="module")
def measured(model, coarse, samples):
    return Judge(model, samples, Limits())(coarse)


def regression(outputs=1, places=0):
    library = tf_keras()
    given = library.Input((places or 4, 4) if places else (4,), name="x")
    return keras.convert(library.Model(given, library.layers.Dense(outputs)(given)), QuantizationSpec("float32"))


def test_figures_are_what_the_file_gives_on_all_samples(model, coarse, samples, labels, measured):
    expected, found = outputs(model, samples), outputs(coarse, samples)
    fidelity = compare(expected, found)
    assert (measured.snr_db, measured.agreement) == (fidelity.snr_db, fidelity.agreement)
    assert measured.accuracy == np.mean(found[0].argmax(axis=-1) == labels)
    assert measured.bytes == len(coarse.content)
    assert measured.unmet == () and measured.shortfall == 0
    assert 0.4 < measured.agreement < 1 and 0.4 < measured.accuracy < 0.8  # or the limits below prove nothing


def test_the_float_model_keeps_every_limit_against_itself(model, samples):
    found = Judge(model, samples, Limits(min_agreement=1, min_snr_db=1000, max_accuracy_drop=0))(model)
    assert (found.snr_db, found.agreement, found.accuracy, found.unmet) == (math.inf, 1.0, 0.8, ())


@pytest.mark.parametrize(
    ("limit", "kept", "tighter", "points", "text"),
    [
        ("min_agreement", lambda found: found.agreement, 0.01, 1, "agreement {0:.2f}% is below {1:.2f}%"),
        ("min_accuracy", lambda found: found.accuracy, 0.01, 1, "accuracy {0:.2f}% is below {1:.2f}%"),
        ("min_snr_db", lambda found: found.snr_db, 1.5, 1.5, "SNR {0:.1f} dB is below {1:.1f} dB"),
        ("max_accuracy_drop", lambda found: 0.8 - found.accuracy, -0.01, 1, "points below 80.00%"),
    ],
)
def test_a_limit_holds_at_the_very_figure_and_not_beyond_it(
    model, coarse, samples, measured, limit, kept, tighter, points, text
):
    figure = kept(measured)
    assert Judge(model, samples, Limits(**{limit: figure}))(coarse).unmet == ()
    missed = Judge(model, samples, Limits(**{limit: figure + tighter}))(coarse)
    assert missed.shortfall == pytest.approx(points, abs=1e-6)
    percent = 1 if limit == "min_snr_db" else 100
    assert text.format(percent * figure, percent * (figure + tighter)) in missed.inaccurate[0]
    assert (missed.unmet, missed.unfit) == (missed.inaccurate, ())


def test_an_accuracy_drop_counts_from_the_reference_where_one_is_given(model, coarse, samples, measured):
    limits = Limits(max_accuracy_drop=0.1, reference_accuracy=measured.accuracy + 0.1)
    assert Judge(model, samples, limits)(coarse).unmet == ()
    limits = Limits(max_accuracy_drop=0.1, reference_accuracy=measured.accuracy + 0.12)
    assert Judge(model, samples, limits)(coarse).shortfall == pytest.approx(2)


def test_several_missed_limits_add_up(model, coarse, samples, measured):
    limits = Limits(min_agreement=measured.agreement + 0.02, min_snr_db=measured.snr_db + 3)
    missed = Judge(model, samples, limits)(coarse)
    assert missed.shortfall == pytest.approx(5)
    assert len(missed.inaccurate) == 2


def test_size_and_demands_make_a_file_unfit_and_not_inaccurate(model, coarse, samples):
    asked = []

    def demand(file):
        asked.append(file)
        return ["no place for ADD", "no place for SUB"]

    limits = Limits(max_bytes=len(coarse.content))
    assert Judge(model, samples, limits)(coarse).unfit == ()
    found = Judge(model, samples, Limits(max_bytes=1000), [demand])(coarse)
    assert found.unfit == (f"{len(coarse.content):,} bytes are more than 1,000", "no place for ADD", "no place for SUB")
    assert (found.inaccurate, found.shortfall, found.unmet) == ((), 0, found.unfit)
    assert asked == [coarse]


def test_what_the_float_model_misses_itself_is_known_before_any_file_is(model, samples):
    inaccurate = Judge(model, samples, Limits(min_accuracy=0.9, min_agreement=1, max_bytes=1)).own.inaccurate
    assert inaccurate == ("accuracy 80.00% is below 90.00%",)
    assert Judge(model, samples, Limits(min_accuracy=0.8, max_accuracy_drop=0)).own.inaccurate == ()


def test_a_file_that_gives_nan_misses_by_a_finite_amount(model, samples):
    editor = ModelEditor(model.content)
    bias = editor.graph.operators[-1].inputs[2]
    editor.set_constant(bias, np.full_like(editor.constant(bias), np.nan))
    found = Judge(model, samples, Limits(min_snr_db=20))(TFLiteModel(editor.to_bytes()))
    assert found.snr_db == -math.inf
    assert found.shortfall == 120
    assert found.unmet == ("SNR -inf dB is below 20.0 dB",)


def test_searches_look_at_few_samples(model, coarse, samples, images):
    judge = Judge(model, samples, Limits())
    assert len(judge.probe) == PROBE_SAMPLES < len(samples)
    probe = CalibrationSet.from_arrays(judge.probe.inputs["x"])
    assert judge.snr_db(coarse) == compare(outputs(model, probe), outputs(coarse, probe)).snr_db
    few = Judge(model, CalibrationSet.from_arrays(images[:9]), Limits())
    assert few.snr_db(coarse) == few(coarse).snr_db


shares = st.floats(0, 1)


@given(st.lists(st.tuples(st.floats(0, 99), st.floats(-50, 90), shares, shares, st.booleans()), min_size=2, max_size=6))
def test_the_best_is_first_fit_then_nearest_to_the_limits_then_the_most_accurate(figures):
    found = [
        Judgement(snr, agreement, accuracy, 1, shortfall, ("x",) * (shortfall > 0), ("too large",) * unfit)
        for shortfall, snr, agreement, accuracy, unfit in figures
    ]
    best = max(found, key=lambda one: one.score)
    fit = [one for one in found if not one.unfit] or found
    nearest = min(one.shortfall for one in fit)
    rivals = [one for one in fit if one.shortfall == nearest]
    assert best in rivals
    assert best.accuracy == max(one.accuracy for one in rivals)


def test_without_labels_agreement_decides(model, coarse, images):
    found = Judge(model, CalibrationSet.from_arrays(images), Limits())(coarse)
    assert found.accuracy is None and found.agreement is not None
    worse = Judgement(found.snr_db + 20, found.agreement - 0.1, None, found.bytes)
    assert worse.score < found.score


@pytest.mark.parametrize("limits", [Limits(min_accuracy=0.5), Limits(max_accuracy_drop=0.1)])
def test_limits_on_accuracy_need_labels(model, images, limits):
    with pytest.raises(CalibrationError, match="has no labels, which a limit on accuracy needs"):
        Judge(model, CalibrationSet.from_arrays(images), limits)


@pytest.mark.parametrize("limits", [Limits(min_agreement=0.5), Limits(min_accuracy=0.5), Limits(max_accuracy_drop=0)])
def test_limits_on_classes_need_classes(limits):
    numbers = CalibrationSet.from_arrays(np.ones((5, 4), np.float32), labels=np.zeros(5, int))
    with pytest.raises(ConversionError, match="no single output of classes; give a limit on SNR"):
        Judge(regression(), numbers, limits)
    assert Judge(regression(), numbers, Limits(min_snr_db=20)).own.inaccurate == ()


def test_labels_of_samples_say_nothing_of_a_model_with_classes_at_several_places():
    model = regression(outputs=3, places=6)
    numbers = np.random.default_rng(0).random((5, 6, 4), np.float32)
    samples = CalibrationSet.from_arrays(numbers, labels=np.zeros(5, int))
    found = Judge(model, samples, Limits(min_agreement=1))(model)
    assert (found.accuracy, found.agreement, found.unmet) == (None, 1.0, ())
    with pytest.raises(ConversionError, match="at several places of a sample"):
        Judge(model, samples, Limits(min_accuracy=0.5))


@pytest.mark.parametrize("name", ["min_agreement", "min_accuracy", "max_accuracy_drop", "reference_accuracy"])
@pytest.mark.parametrize("value", [-0.01, 1.01, 98, math.nan])
def test_a_share_that_is_none_is_refused(name, value):
    with pytest.raises(ConversionError, match=f"{name} is .*not a share"):
        Limits(**{name: value})


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"min_snr_db": math.nan}, "min_snr_db is nan"),
        ({"min_snr_db": math.inf}, "min_snr_db is inf"),
        ({"max_bytes": 0}, "max_bytes is 0, not positive"),
    ],
)
def test_a_limit_that_nothing_or_everything_keeps_is_refused(limits, message):
    with pytest.raises(ConversionError, match=message):
        Limits(**limits)


def test_only_limits_on_accuracy_need_labels():
    assert [Limits(**{name: 0.5}).need_labels for name in ("min_accuracy", "max_accuracy_drop")] == [True, True]
    assert not Limits(0.5, 20.0, None, None, 0.5, 1000).need_labels
    assert set(astuple(Limits())) == {None}


def test_labels_that_are_no_outputs_are_refused_where_they_count_and_left_out_elsewhere(model, samples):
    many = CalibrationSet.from_arrays(dict(samples.inputs), labels=np.full(len(samples), 99))
    with pytest.raises(CalibrationError, match="labels from 99 to 99, but the model gives"):
        Judge(model, many, Limits(max_accuracy_drop=0.1))
    assert Judge(model, many, Limits()).own.accuracy is None


def test_a_float_model_at_chance_casts_doubt_on_labels_and_samples(model, samples):
    named = Judge(model, samples, Limits())._expected[0].argmax(axis=-1)
    wrong, right = (CalibrationSet.from_arrays(dict(samples.inputs), labels=(named + shift) % 10) for shift in (1, 0))
    assert Judge(model, right, Limits()).doubt == ""
    assert "no more than chance" in Judge(model, wrong, Limits()).doubt


class TestVectors:
    """A judge of embeddings: here the ten outputs of the golden models are taken for vectors."""

    def test_the_cosine_takes_the_place_of_the_accuracy(self, model, coarse, samples):
        own = outputs(model, samples)[0]
        wanted = own + np.float32(1)
        judge = Judge(model, samples, Limits(), vectors=wanted)
        found = judge(coarse)
        assert (found.metric, found.agreement) == ("cosine", None)
        assert found.accuracy == accuracy(outputs(coarse, samples)[0], wanted)
        assert judge.own.accuracy == accuracy(own, wanted) < 1
        assert Judge(model, samples, Limits(), vectors=-own).doubt == ""  # what it says is about classes

    def test_limits_are_on_it(self, model, coarse, samples):
        wanted = outputs(model, samples)[0]
        figure = Judge(model, samples, Limits(), vectors=wanted)(coarse).accuracy
        kept = Limits(min_accuracy=figure - 1e-6, max_accuracy_drop=1.001 - figure)
        assert Judge(model, samples, kept, vectors=wanted)(coarse).unmet == ()
        limits = Limits(min_accuracy=figure + 0.001, max_accuracy_drop=0.0001)
        least, drop = Judge(model, samples, limits, vectors=wanted)(coarse).inaccurate
        assert least == f"cosine {figure:.4f} is below {figure + 0.001:.4f}"
        assert drop == f"cosine {figure:.4f} is {1 - figure:.4f} below 1.0000; at most 0.0001 are allowed"

    def test_there_is_no_class_to_agree_on(self, model, samples):
        with pytest.raises(ConversionError, match="no class to agree on"):
            Judge(model, samples, Limits(min_agreement=0.9), vectors=outputs(model, samples)[0])
