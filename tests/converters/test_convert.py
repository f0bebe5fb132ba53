"""One way from any source to a file, and with samples to judge with the way to one that is good enough."""

import json
import math

import numpy as np
import pytest

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters import keras
from litesmith.converters.backend import tf_keras
from litesmith.converters.calibrated import Treatment
from litesmith.converters.convert import Acceptance, convert
from litesmith.converters.fidelity import outputs
from litesmith.converters.judge import Limits
from litesmith.converters.post_training import quantize_float_model
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.rescue import Remedies
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import CalibrationError, ConversionError

INT8 = QuantizationSpec()


def random_values(count, seed, labels=None):
    values = np.random.default_rng(seed).normal(0, 1, (count, 8)).astype(np.float32)
    return CalibrationSet.from_arrays({"x": values}, labels=labels, source=f"samples {seed}")


CALIBRATION, SAMPLES = random_values(64, 1), random_values(64, 2)


def small(*outputs):
    library = tf_keras()
    library.utils.set_random_seed(3)
    given = library.Input((8,), name="x")
    hidden = library.layers.Dense(16, "relu", name="hidden")(given)
    return library.Model(given, [library.layers.Dense(size, name=f"out_{size}")(hidden) for size in outputs])


@pytest.fixture(scope="module")
def keras_model():
    """Its hidden values are small beside a constant that is added and taken away again: 8 bits keep little of them."""
    library = tf_keras()
    layers = library.layers
    library.utils.set_random_seed(3)
    given = library.Input((8,), name="x")
    hidden = layers.Dense(16, "relu", name="hidden", bias_initializer="glorot_normal")
    hidden.build((None, 8))
    x = layers.ReLU()(layers.ReLU()(hidden(given) + 100.0) - 100.0)
    return library.Model(given, layers.Dense(4, name="logits")(layers.Dense(16, "relu", name="second")(x)))


@pytest.fixture(scope="module")
def float_file(keras_model):
    return keras.convert(keras_model, QuantizationSpec("float32"))


def converted(source, limits=None, samples=SAMPLES, **options):
    return convert(source, INT8, CALIBRATION, acceptance=Acceptance(samples, limits or Limits()), **options)


def comparable(done):
    return [{**tried, "seconds": None} for tried in done.tries_to_list()]


def test_without_samples_to_judge_with_nothing_is_measured(float_file):
    done = convert(float_file, INT8, CALIBRATION)
    assert (done.tries, done.chosen, done.diagnosis, done.unmet, done.tries_to_list()) == ((), None, None, (), [])
    assert done.model.content == quantize_float_model(float_file, INT8, CALIBRATION).model.content


def test_without_limits_what_was_asked_for_is_taken_and_compared_with_no_corrections(float_file):
    done = converted(float_file, treatment=Treatment("standard"))
    assert [(tried["remedy"], tried["taken"]) for tried in done.tries_to_list()] == [
        ("effort none", False),
        ("effort standard", True),
    ]
    assert done.diagnosis is None and done.unmet == () and done.note == ""
    plain = convert(float_file, INT8, CALIBRATION, treatment=Treatment("standard"))
    assert done.model.content == plain.model.content and done.seconds.keys() == plain.seconds.keys()


def test_a_keras_model_goes_the_way_of_its_float_file(keras_model, float_file):
    limits = Limits(min_snr_db=25)
    by_keras, by_file = (converted(source, limits) for source in (keras_model, float_file))
    assert by_keras.model.content == by_file.model.content
    assert comparable(by_keras) == comparable(by_file)
    assert len(by_keras.tries) > 2 and by_keras.unmet == ()


def test_the_try_that_is_taken_makes_the_file_again_from_its_json(float_file):
    done = converted(float_file, Limits(min_snr_db=25))
    tries = json.loads(json.dumps(done.tries_to_list(), allow_nan=False))
    (taken,) = [tried for tried in tries if tried["taken"]]
    assert taken["holds"] and taken["bytes"] == len(done.model.content) and "int16" in taken["remedy"]
    assert taken["snr_db"] > 25 > max(tried["snr_db"] for tried in tries if "effort" in tried["remedy"])
    choice = taken["choice"]
    spec = QuantizationSpec(precision=choice.pop("precision"))
    assert quantize_float_model(float_file, spec, CALIBRATION, **choice).model.content == done.model.content
    assert done.diagnosis.fidelity.snr_db == done.tries[1].judgement.snr_db


def test_what_is_unmet_is_said_of_the_file_that_was_taken(float_file):
    done = converted(float_file, Limits(min_snr_db=80, max_bytes=100))
    assert done.chosen.judgement.bytes == len(done.model.content)
    assert done.unmet == (
        f"SNR {done.chosen.judgement.snr_db:.1f} dB is below 80.0 dB",
        f"{len(done.model.content):,} bytes are more than 100",
    )
    assert [tried["taken"] for tried in done.tries_to_list()].count(True) == 1


def test_why_nothing_was_tried_is_in_the_note(float_file):
    found = outputs(float_file, random_values(64, 2))[0]
    labels = (found.argmax(axis=-1) + 1) % found.shape[-1]
    done = converted(float_file, Limits(max_accuracy_drop=0, reference_accuracy=1), random_values(64, 2, labels))
    assert done.note.startswith("no remedy was tried, because the float model itself misses it: accuracy 0.00%")
    assert len(done.tries) == 2 and done.diagnosis is None and done.unmet


def test_remedies_and_listener_are_those_of_the_acceptance(float_file):
    told = []
    wanted = Acceptance(SAMPLES, Limits(min_snr_db=80), remedies=Remedies(allowed=False), on_try=told.append)
    done = convert(float_file, INT8, CALIBRATION, acceptance=wanted)
    assert told == list(done.tries) and len(told) == 2


@pytest.mark.parametrize(
    ("source", "mode"),
    [
        ("float_file", "float16"),
        ("float_file", "dynamic"),
        ("float_file", "int16x8"),
        ("keras_model", "float16"),
        ("keras_model", "int16x8"),
    ],
)
def test_other_modes_are_judged_as_well(request, source, mode):
    told = []
    source, spec = request.getfixturevalue(source), QuantizationSpec(mode)
    samples = CALIBRATION if spec.needs_calibration else None
    wanted = Acceptance(SAMPLES, Limits(max_bytes=100), on_try=told.append)
    done = convert(source, spec, samples, acceptance=wanted)
    assert [tried.remedy for tried in done.tries] == [mode] and told == list(done.tries)
    assert done.chosen.judgement.snr_db > 20
    assert done.unmet == (f"{len(done.model.content):,} bytes are more than 100",)


def test_limits_on_accuracy_need_labels(float_file):
    with pytest.raises(CalibrationError, match="samples 2: has no labels"):
        converted(float_file, Limits(max_accuracy_drop=0.01))


@pytest.mark.parametrize("outputs", [(1,), (4, 3)])
@pytest.mark.parametrize("limits", [Limits(min_agreement=0.9), Limits(min_accuracy=0.9)])
def test_limits_on_classes_need_one_output_of_classes(outputs, limits):
    labelled = random_values(64, 2, np.zeros(64, int))
    with pytest.raises(ConversionError, match="give a limit on SNR instead"):
        converted(small(*outputs), limits, labelled)


@pytest.mark.parametrize("outputs", [(1,), (4, 3)])
def test_other_outputs_are_judged_by_their_signal(outputs):
    done = converted(small(*outputs), Limits(min_snr_db=10))
    assert done.unmet == () and done.chosen.judgement.agreement is None
    assert 10 < done.chosen.judgement.snr_db < math.inf


def test_samples_that_do_not_fit_are_refused_before_anything_is_tried(float_file):
    wide = CalibrationSet.from_arrays({"x": np.ones((3, 9), np.float32)})
    with pytest.raises(CalibrationError, match="shape"):
        converted(float_file, samples=wide)


def test_the_same_inputs_give_the_same_bytes_and_tries(float_file):
    again = TFLiteModel(bytes(float_file.content))
    first, second = (converted(source, Limits(min_snr_db=80)) for source in (float_file, again))
    assert first.model.content == second.model.content
    assert comparable(first) == comparable(second)
    assert json.dumps(first.diagnosis.to_dict()) == json.dumps(second.diagnosis.to_dict())
