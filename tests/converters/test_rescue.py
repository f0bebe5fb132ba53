"""Where int8 misses its limits, the cheapest remedy that helps is found, on models that each need another one."""

from dataclasses import dataclass

import numpy as np
import pytest

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters import keras
from litesmith.converters.backend import tf_keras
from litesmith.converters.calibrated import Treatment
from litesmith.converters.judge import Judge, Limits
from litesmith.converters.label import truth_label
from litesmith.converters.post_training import FloatModel, operator_names, quantize_float_model
from litesmith.converters.quantize import QuantizationSpec, exactly
from litesmith.converters.rescue import Remedies, Remedy, quantize_within
from litesmith.converters.sensitivity import rank, with_precision
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import CompressionError, ConversionError

INT8, INT4 = QuantizationSpec(), QuantizationSpec(weight_bits=4)
NONE, FAST, STANDARD = Treatment("none"), Treatment("fast"), Treatment("standard")
ASKED = ["effort none", "effort fast"]
EFFORTS = [*ASKED, "effort standard", "effort high"]
# More than any 8-bit output can have.
IMPOSSIBLE = Limits(min_snr_db=80)


@dataclass(frozen=True)
class Case:
    """A float model with samples to calibrate and to judge with."""

    model: TFLiteModel
    calibration: CalibrationSet
    samples: CalibrationSet
    floats: FloatModel

    def within(self, limits, spec=INT8, treatment=FAST, demands=(), **options):
        return quantize_within(self.floats, spec, treatment, self.judge(limits, demands), **options)

    def judge(self, limits=None, demands=()):
        return Judge(self.floats.rewritten, self.samples, limits or Limits(), demands)

    def snr_db(self, spec, treatment):
        return self.judge()(self.floats.quantize(spec, treatment).model).snr_db

    def made_again(self, tried, spec=INT8):
        """The file that a try's `choice` makes from the float model without any search."""
        choice = tried.to_dict()["choice"]
        spec = QuantizationSpec(spec.mode, spec.io, spec.weight_bits, precision=choice.pop("precision"))
        return quantize_float_model(self.model, spec, self.calibration, **choice).model


def case(model, samples):
    made = keras.convert(model, QuantizationSpec("float32"))
    calibration, judged = (CalibrationSet.from_arrays({"x": samples(64, seed)}) for seed in (1, 2))
    return Case(made, calibration, judged, FloatModel(made, INT8, calibration))


def dense(shape, *layers, biased=True):
    """A model of these layers, seeded, its biases as training leaves them, or left out."""
    library = tf_keras()
    given = x = library.Input(shape, name="x")
    library.utils.set_random_seed(3)
    for layer in layers:
        x = layer(x)
    model = library.Model(given, x)
    if biased:
        random = np.random.default_rng(4)
        model.set_weights([w if w.any() else random.normal(0, 0.1, w.shape) for w in model.get_weights()])
    return model


def offset_by(value, blocks=1, biased=False):
    """In each block a constant is added and taken away again: what is below 3 is lost where that has few steps.

    Without biases, which could make up for a part of it, unless they are asked for.
    """
    layers = tf_keras().layers
    inner = [
        layer
        for block in range(blocks)
        for layer in (
            layers.Dense(16, "relu", name=f"dense_{block}"),
            lambda x: layers.ReLU()(x + value),
            lambda x: layers.ReLU()(x - value),
        )
    ]
    model = dense((8,), *inner, layers.Dense(16, "relu", name="last"), layers.Dense(4, name="logits"), biased=biased)
    return case(model, lambda count, seed: np.random.default_rng(seed).normal(0, 1, (count, 8)).astype(np.float32))


@pytest.fixture(scope="module")
def offset():
    return offset_by(100.0)


@pytest.fixture(scope="module")
def three_offsets():
    return offset_by(100.0, blocks=3)


@pytest.fixture(scope="module")
def deep():
    """Six dense layers, each of which loses something with 4 bits."""
    layers = tf_keras().layers
    hidden = [layers.Dense(24, "relu", name=f"dense_{place}") for place in range(5)]
    model = dense((16,), *hidden, layers.Dense(4, name="logits"))
    return case(model, lambda count, seed: np.random.default_rng(seed).normal(0, 1, (count, 16)).astype(np.float32))


@pytest.fixture(scope="module")
def far_offset():
    """Too far for 16 bits, not for float."""
    return offset_by(1e5)


@pytest.fixture(scope="module")
def correlated():
    """Inputs that go together: how one weight is rounded can make up for another one."""
    mix = np.random.default_rng(9).normal(0, 1, (4, 32))

    def samples(count, seed):
        random = np.random.default_rng(seed)
        return (random.normal(0, 1, (count, 4)) @ mix + random.normal(0, 0.02, (count, 32))).astype(np.float32)

    layers = tf_keras().layers
    return case(dense((32,), layers.Dense(24, "relu", name="first"), layers.Dense(6, name="logits")), samples)


@pytest.fixture(scope="module")
def spiky():
    """One channel is rarely above 0, huge then, and read by nothing: min/max gives the others few steps."""
    layers = tf_keras().layers
    mean = layers.GlobalAveragePooling2D()
    model = dense((12, 12, 3), layers.Conv2D(6, 1, activation="relu"), mean, layers.Dense(4, name="logits"))
    weights = model.get_weights()
    weights[0][..., 0], weights[1][0], weights[2][0] = 0, -320, 0
    weights[0][..., 0, 0] = 100
    model.set_weights(weights)
    return case(model, lambda count, seed: np.random.default_rng(seed).normal(0, 1, (count, 12, 12, 3)))


def remedies_of(found):
    return [tried.remedy for tried in found.tries]


def test_a_higher_effort_is_enough_where_rounding_is_what_costs(correlated):
    fast, high = (correlated.snr_db(INT4, Treatment(effort)) for effort in ("fast", "high"))
    assert high > fast + 3
    found = correlated.within(Limits(min_snr_db=(fast + high) / 2), INT4)
    assert remedies_of(found) == EFFORTS
    assert [tried.holds for tried in found.tries] == [False, False, False, True]
    assert found.best.made is found.tries[-1] and found.best.made.judgement.snr_db == high
    assert found.diagnosis.fidelity.snr_db == fast
    assert found.best.model.content == correlated.made_again(found.best.made, INT4).content


def test_16_bits_for_one_group_are_enough_where_one_tensor_needs_the_steps(offset):
    before = offset.snr_db(INT8, FAST)
    found = offset.within(Limits(min_snr_db=before + 10))
    assert remedies_of(found) == [*EFFORTS, "ranges by tensor", "int16 for 2 of 5 operators"]
    assert found.tries[4].refused.startswith("no method gives any of the 5 worst tensors a better range")
    assert found.best.made is found.tries[-1] and found.best.made.holds
    names = operator_names(offset.floats.rewritten)
    made = found.best.made.spec
    assert [made.precision_of(name) for name in names] == ["int8", "int16", "int16", "int8", "int8"]
    assert found.best.model.float_tensors == () and truth_label(found.best.model) == "mixed"
    assert {tensor.dtype for tensor in (*found.best.model.inputs, *found.best.model.outputs)} == {"int8"}
    assert found.best.model.content == offset.made_again(found.best.made).content


def test_8_bits_go_to_as_few_layers_as_possible_where_4_bits_are_too_few(deep):
    """Four layers, the next power of two, would be enough; three are."""
    treatment = Treatment("high")
    judge, model = deep.judge(), deep.floats.rewritten
    groups = rank(deep.floats, INT4, treatment, judge, "int8", range(6), probes=6)
    first = [frozenset().union(*(group.operators for group in groups[:count])) for count in (2, 3)]
    two, three = (deep.snr_db(*with_precision(INT4, treatment, model, operators, "int8")) for operators in first)
    found = deep.within(Limits(min_snr_db=(two + three) / 2), INT4, treatment)
    tried = [one for one in found.tries if one.remedy.startswith("8-bit")]
    assert [len(one.spec.precision) for one in tried] == [1, 2, 4, 3]
    assert [one.holds for one in tried] == [False, False, True, True]
    assert found.best.made is tried[-1] and found.best.made.remedy == "8-bit weights for 3 of 6 operators"
    assert truth_label(found.best.model) == "mixed" and found.best.model.float_tensors == ()
    assert {"int4", "int8"} <= {tensor.dtype for tensor in found.best.model.main.tensors if tensor.is_constant}
    assert found.best.model.content == deep.made_again(found.best.made, INT4).content


@pytest.mark.parametrize("effort", ["standard", "high"])
@pytest.mark.parametrize("precision", ["int16", "float32"])
def test_corrections_do_not_make_up_for_what_more_bits_do_not_lose(precision, effort):
    one = offset_by(100.0, blocks=3, biased=True)
    spec = QuantizationSpec(precision={"add|subtract": precision})
    plain, corrected = (one.snr_db(spec, Treatment(how)) for how in ("none", effort))
    assert plain > 25 and corrected > plain - 3


def test_16_bits_are_given_to_several_groups_where_several_need_them(three_offsets):
    found = three_offsets.within(Limits(min_snr_db=30))
    names = [name for name in found.best.made.spec.precision if "/tf" in name]
    assert found.best.made.holds and len(names) == 6
    precisions = [set(one.spec.precision) for one in found.tries if one.remedy.startswith("int16")]
    assert precisions[0] < precisions[1] < set(found.best.made.spec.precision)


def test_no_file_is_made_twice(offset):
    """Of the groups of operators that gain, the last ones may add no operator to those before."""
    tried = [one for one in offset.within(IMPOSSIBLE).tries if one.remedy.startswith("int16")]
    all_but_some, every = (one.judgement.snr_db for one in tried[-2:])
    assert len(tried[-1].spec.precision) == 5 and every > all_but_some
    found = offset.within(Limits(min_snr_db=(all_but_some + every) / 2))
    made = [one for one in found.tries if one.spec is not None]
    choices = {(*sorted(one.spec.precision), one.treatment.effort) for one in made}
    assert len(choices) == len(made) and len(found.best.made.spec.precision) == 5


def test_other_ranges_are_enough_where_min_max_holds_what_nothing_reads(spiky):
    before = spiky.snr_db(INT8, FAST)
    found = spiky.within(Limits(min_snr_db=before + 6))
    assert remedies_of(found)[:5] == [*EFFORTS, "other ranges for 1 tensor"]
    assert found.best.made is found.tries[-1] and found.best.made.holds and len(found.tries) == 5
    assert truth_label(found.best.model) == "full-int8"
    assert found.best.model.content == spiky.made_again(found.best.made).content
    assert found.tries[-1].seconds > sum(tried.seconds for tried in found.tries[:2])  # the search is counted


def test_a_range_of_ones_own_that_is_replaced_counts_as_changed(spiky):
    pattern = exactly(operator_names(spiky.floats.rewritten)[0])
    found = spiky.within(Limits(min_snr_db=36), treatment=Treatment(methods={pattern: "minmax"}))
    assert found.tries[-1].remedy == "other ranges for 1 tensor" and found.best.made is found.tries[-1]
    assert found.best.made.treatment.methods[pattern] != "minmax"


def no_int16(model):
    return ["no place for int16"] if any(tensor.dtype == "int16" for tensor in model.main.tensors) else []


def test_a_remedy_that_breaks_a_demand_ends_after_one_try(three_offsets):
    found = three_offsets.within(IMPOSSIBLE, demands=[no_int16])
    tried = [one for one in found.tries if one.remedy.startswith("int16")]
    assert [one.judgement.unfit for one in tried] == [("no place for int16",)]
    assert tried[0].judgement.snr_db > found.best.made.judgement.snr_db
    assert no_int16(found.best.model) == []
    assert found.best.made.judgement.unfit == ()


def test_a_remedy_that_makes_the_file_too_large_ends_after_one_try(three_offsets):
    size = len(three_offsets.floats.quantize(INT8, FAST).model.content)
    found = three_offsets.within(Limits(min_snr_db=80, max_bytes=size + 100))
    tried = [one for one in found.tries if one.remedy.startswith("int16")]
    assert [len(one.judgement.unfit) for one in tried] == [1]
    assert len(found.best.model.content) <= size + 100
    assert found.best.made.judgement.unfit == ()


def test_where_nothing_helps_the_nearest_file_is_taken_and_everything_is_told(far_offset):
    told = []
    found = far_offset.within(IMPOSSIBLE, on_try=told.append)
    assert remedies_of(found)[:4] == EFFORTS
    assert any(remedy.startswith("int16") for remedy in remedies_of(found))
    assert told == list(found.tries)
    made = [tried for tried in found.tries if tried.judgement is not None]
    assert found.best.made.judgement.shortfall == min(tried.judgement.shortfall for tried in made)
    assert found.best.made.judgement.unmet == (f"SNR {found.best.made.judgement.snr_db:.1f} dB is below 80.0 dB",)
    assert found.diagnosis is not None and found.note == ""


def test_operators_stay_in_float_only_where_that_is_allowed(far_offset):
    limits = Limits(min_snr_db=20)
    refused = far_offset.within(limits)
    assert not refused.best.made.holds and refused.best.model.float_tensors == ()
    found = far_offset.within(limits, remedies=Remedies(allow_float=True))
    assert found.best.made.holds and found.best.made.remedy == "float32 for 2 of 5 operators"
    assert found.best.model.float_tensors and truth_label(found.best.model) == "mixed"
    assert found.best.model.content == far_offset.made_again(found.best.made).content


@pytest.mark.parametrize("effort", ["fast", "standard"])
def test_without_limits_the_file_that_was_asked_for_is_made_beside_one_without_corrections(correlated, effort):
    found = correlated.within(Limits(), INT4, Treatment(effort))
    assert remedies_of(found) == ["effort none", f"effort {effort}"]
    assert found.best.made is found.tries[1]
    assert (found.diagnosis, found.note) == (None, "")


def test_without_limits_and_corrections_there_is_one_try(correlated):
    assert remedies_of(correlated.within(Limits(), treatment=NONE)) == ["effort none"]


def test_without_leave_only_what_was_asked_for_is_made(offset):
    found = offset.within(IMPOSSIBLE, remedies=Remedies(allowed=False, allow_float=True))
    assert remedies_of(found) == ASKED
    assert found.best.made is found.tries[1] and found.best.made.judgement.unmet
    assert found.diagnosis is None


@pytest.mark.parametrize("limits", [Limits(), IMPOSSIBLE])
def test_where_it_is_asked_for_the_loss_is_explained_and_nothing_is_tried(offset, limits):
    found = offset.within(limits, remedies=Remedies(allowed=False, explain=True))
    assert remedies_of(found) == ASKED and found.best.made is found.tries[1]
    assert found.diagnosis.fidelity.snr_db == found.tries[1].judgement.snr_db
    assert offset.within(Limits(), remedies=Remedies(explain=True)).best.made.remedy == "effort fast"


def test_a_file_that_is_only_too_large_or_in_the_wrong_place_is_no_case_for_remedies(offset):
    found = offset.within(Limits(max_bytes=1), demands=[lambda _: ["no place"]])
    assert remedies_of(found) == ASKED and found.diagnosis is None
    assert len(found.best.made.judgement.unmet) == 2


def test_where_the_float_model_misses_a_limit_itself_nothing_is_tried(offset):
    named = offset.judge()._expected[0].argmax(axis=-1)
    wrong = (named + 1) % offset.judge()._expected[0].shape[-1]
    labels = CalibrationSet.from_arrays(dict(offset.samples.inputs), labels=wrong)
    judge = Judge(offset.floats.rewritten, labels, Limits(min_accuracy=0.5, min_snr_db=80))
    found = quantize_within(offset.floats, INT8, FAST, judge)
    assert remedies_of(found) == ASKED and found.best.made is found.tries[1]
    assert found.diagnosis is None
    assert found.note.endswith("the float model itself misses it: accuracy 0.00% is below 50.00%")


def test_where_corrections_do_harm_the_file_without_them_is_enough():
    """Samples to calibrate with lie on one side, those to judge with on the other."""
    made = keras.convert(dense((16,), tf_keras().layers.Dense(4, name="logits")), QuantizationSpec("float32"))
    noise = np.random.default_rng(6).normal(0, 0.3, (2, 48, 16)).astype(np.float32)
    noise[0, 0] -= 4  # so that the range holds the others
    calibration, judged = (CalibrationSet.from_arrays({"x": x}) for x in (noise[0] + 2, noise[1] - 2))
    one = Case(made, calibration, judged, FloatModel(made, INT4, calibration))
    none, fast = (one.snr_db(INT4, treatment) for treatment in (NONE, FAST))
    assert none > fast + 0.5
    found = one.within(Limits(min_snr_db=(none + fast) / 2), INT4)
    assert remedies_of(found) == ASKED
    assert found.best.made is found.tries[0] and found.best.made.holds
    assert found.diagnosis.fidelity.snr_db == fast


def test_remedies_of_others_come_last_and_are_told_the_diagnosis(far_offset):
    heard = []

    def make(diagnosis):
        heard.append(diagnosis)
        return far_offset.floats.rewritten

    found = far_offset.within(Limits(min_snr_db=20), remedies=Remedies(others=(Remedy("training", make),)))
    assert remedies_of(found)[-1] == "training" and heard == [found.diagnosis]
    assert found.best.made is found.tries[-1] and found.best.made.holds
    assert (found.best.model, found.best.route) == (far_offset.floats.rewritten, "training")


def test_a_remedy_of_others_that_fails_does_not_cost_the_file(far_offset):
    def fail(_):
        raise CompressionError("no layer is left", stage="qat")

    remedies = Remedies(others=(Remedy("training", fail), Remedy("more", lambda _: far_offset.floats.rewritten)))
    found = far_offset.within(Limits(min_snr_db=20), remedies=remedies)
    assert remedies_of(found)[-2:] == ["training", "more"]
    assert found.tries[-2].refused == "qat: no layer is left" and found.tries[-2].judgement is None
    assert found.best.made is found.tries[-1]


def test_remedies_of_others_are_not_tried_where_one_before_helps(offset):
    def fail(_):
        raise AssertionError("it was tried")

    limits = Limits(min_snr_db=offset.snr_db(INT8, FAST) + 10)
    assert offset.within(limits, remedies=Remedies(others=(Remedy("training", fail),))).best.made.holds


@pytest.mark.parametrize("mode", ["int16x8", "float16", "dynamic"])
def test_other_modes_are_judged_and_left_as_they_are(offset, mode):
    spec = QuantizationSpec(mode)
    found = offset.within(IMPOSSIBLE, spec)
    assert remedies_of(found) == [mode] and found.diagnosis is None
    assert truth_label(found.best.model) == spec.label


def test_the_engine_that_was_asked_for_makes_all_that_it_can(offset):
    found = offset.within(Limits(min_snr_db=offset.snr_db(INT8, FAST) + 10), engine="mlir")
    assert found.best.route == "aeq"  # the only one with 16 bits for some
    assert offset.within(Limits(), engine="aeq").best.route == "aeq"
    assert offset.within(Limits(), engine="mlir").best.route == "mlir"
    with pytest.raises(ConversionError, match="mlir engine does not write int8 with int4 weights"):
        offset.within(Limits(), INT4, engine="mlir")


def test_why_no_operator_can_have_more_bits_is_told():
    """ai-edge-quantizer, the only engine that mixes, leaves a LEAKY_RELU in float."""
    layers = tf_keras().layers
    model = dense((8,), layers.Dense(8), layers.LeakyReLU(), layers.Dense(4, name="logits"))
    one = case(model, lambda count, seed: np.random.default_rng(seed).normal(0, 1, (count, 8)).astype(np.float32))
    tried = {tried.remedy: tried for tried in one.within(IMPOSSIBLE, remedies=Remedies(allow_float=True)).tries}
    assert "LEAKY_RELU" in tried["int16 for the worst operators"].refused
    assert "LEAKY_RELU" in tried["float32 for the worst operators"].refused


def test_a_model_of_one_operator_has_nothing_between_operators():
    one = case(
        dense((8,), tf_keras().layers.Dense(4)),
        lambda count, seed: np.random.default_rng(seed).normal(0, 1, (count, 8)).astype(np.float32),
    )
    last = one.within(IMPOSSIBLE).tries[-1]
    assert (last.remedy, last.refused) == ("int16 for the worst operators", "none of them could gain from it")


def test_a_file_that_cannot_be_made_at_all_is_an_error(offset):
    told = []
    with pytest.raises(ConversionError, match="like 'conv9'"):
        offset.within(Limits(), QuantizationSpec(precision={"conv9": "int16"}), on_try=told.append)
    assert len(told) == 1 and told[0].judgement is None


def test_the_same_inputs_give_the_same_tries_and_bytes(offset):
    def comparable(found):
        return [(tried.remedy, tried.refused, tried.judgement, tried.spec, tried.treatment) for tried in found.tries]

    again = Case(offset.model, offset.calibration, offset.samples, FloatModel(offset.model, INT8, offset.calibration))
    first, second = (one.within(IMPOSSIBLE) for one in (offset, again))
    assert comparable(first) == comparable(second)
    assert first.best.model.content == second.best.model.content


def test_no_remedy_is_tried_where_the_samples_are_of_another_kind(golden):
    model = TFLiteModel.from_file(golden / "float32.tflite")
    small, real = (
        CalibrationSet.from_arrays(np.random.default_rng(1).uniform(0, top, (40, 8, 8, 1)).astype(np.float32))
        for top in (0.1, 1.0)
    )
    one = Case(model, small, real, FloatModel(model, INT8, small))
    found = one.within(IMPOSSIBLE)
    assert [tried.remedy for tried in found.tries] == ASKED
    assert found.diagnosis.inputs_clipped == pytest.approx(0.9, abs=0.02)
    assert "90% of the values that it is judged with lie outside" in found.note
