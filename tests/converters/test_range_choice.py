"""Other range methods are taken where they raise the SNR of the outputs, tensor by tensor, and nowhere else."""

import numpy as np
import pytest

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters import keras
from litesmith.converters.backend import tf_keras
from litesmith.converters.calibrated import Treatment
from litesmith.converters.judge import Judge, Limits
from litesmith.converters.post_training import FloatModel, operator_names
from litesmith.converters.quantize import QuantizationSpec, exactly
from litesmith.converters.range_choice import choose_ranges
from litesmith.errors import ConversionError

INT8 = QuantizationSpec()
SIZE, CHANNELS = 24, 3


def two_convolutions(first, second, bias):
    """Float file of two 1x1 convolutions with these kernels, the first with this bias, and a dense layer behind."""
    library = tf_keras()
    library.utils.set_random_seed(3)
    given = library.Input((SIZE, SIZE, CHANNELS), name="x")
    x = library.layers.Conv2D(len(first[0]), 1, activation="relu", name="first")(given)
    x = library.layers.Conv2D(len(second[0]), 1, activation="relu", name="second")(x)
    model = library.Model(given, library.layers.Dense(4, name="logits")(library.layers.Flatten()(x)))
    kernels = np.float32(first)[None, None], np.float32(second)[None, None]
    model.set_weights([kernels[0], np.float32(bias), kernels[1], *model.get_weights()[3:]])
    return keras.convert(model, QuantizationSpec("float32"))


def judged(model, samples):
    """The model calibrated with some of the samples, and a judge with others."""
    floats = FloatModel(model, INT8, CalibrationSet.from_arrays({"x": samples(48, 1)}))
    return floats, Judge(floats.rewritten, CalibrationSet.from_arrays({"x": samples(24, 2)}), Limits())


def normal(count, seed):
    return np.random.default_rng(seed).normal(0, 1, (count, SIZE, SIZE, CHANNELS)).astype(np.float32)


def with_spikes(weight):
    """The first channel of the first convolution is rarely above 0 and huge then; the second reads it so much."""
    random = np.random.default_rng(4)
    first, second = random.normal(0, 0.5, (CHANNELS, 6)), random.normal(0, 0.5, (6, 6))
    first[:, 0], second[0] = (100, 0, 0), weight
    return judged(two_convolutions(first, second, [-320, 0.1, -0.1, 0.2, -0.2, 0]), normal)


@pytest.fixture(scope="module")
def spiky():
    return with_spikes(0)


def test_a_spike_that_nothing_reads_is_cut_off(spiky):
    floats, judge = spiky
    names = operator_names(floats.rewritten)
    before = judge.snr_db(floats.quantize(INT8, Treatment()).model)
    chosen = choose_ranges(floats, INT8, Treatment("standard"), judge, names)
    after = judge.snr_db(floats.quantize(INT8, chosen).model)
    assert after > before + 6
    assert chosen.methods[exactly(names[0])] in ("percentile", "mse", "entropy")
    assert (chosen.effort, chosen.method) == ("standard", "minmax")


def test_a_spike_that_counts_stays():
    floats, judge = with_spikes(1)
    first = operator_names(floats.rewritten)[0]
    assert choose_ranges(floats, INT8, Treatment(), judge, [first]) == Treatment()


def test_inputs_and_outputs_of_the_graph_are_left_alone_even_if_that_would_gain():
    def with_one_huge_pixel(count, seed):
        values = normal(count, seed)
        values[0, 0, 0, 0] = 400 * (seed == 1)  # among those to calibrate with
        return values

    random = np.random.default_rng(4)
    model = two_convolutions(random.normal(0, 0.5, (CHANNELS, 6)), random.normal(0, 0.5, (6, 6)), [0.1] * 6)
    floats, judge = judged(model, with_one_huge_pixel)
    ends = [floats.rewritten.main.tensors[index].name for index in (*model.main.inputs, *model.main.outputs)]
    cut = Treatment(methods={exactly(ends[0]): "percentile"})
    plain, better = (judge.snr_db(floats.quantize(INT8, one).model) for one in (Treatment(), cut))
    assert better > plain + 1
    assert choose_ranges(floats, INT8, Treatment(), judge, ends) == Treatment()


def test_what_was_chosen_before_is_kept_and_only_the_named_change(spiky):
    floats, judge = spiky
    first, second = operator_names(floats.rewritten)[:2]
    chosen = choose_ranges(floats, INT8, Treatment(methods={exactly(second): "entropy"}), judge, [first])
    assert chosen.methods.keys() == {exactly(first), exactly(second)}
    assert chosen.methods[exactly(second)] == "entropy"


def test_a_range_that_no_kernel_takes_is_passed_over():
    """The first channel of the input is huge once and not read: a range fit for the others is a ratio too far."""

    def small_but_for_two(count, seed):
        values = np.random.default_rng(seed).uniform(0, 0.01, (count, SIZE, SIZE, CHANNELS)).astype(np.float32)
        values[0, 0, 0, 0], values[1, 0, 0, 1] = 1000, 30
        return values

    model = two_convolutions([[0, 0], [1, 0.7], [0, 0]], [[1, 0.2], [0.1, 1]], [0, 0])
    floats, judge = judged(model, small_but_for_two)
    first = operator_names(floats.rewritten)[0]
    with pytest.raises(ConversionError, match="steps of"):
        floats.quantize(INT8, Treatment(methods={exactly(first): "percentile"}))
    chosen = choose_ranges(floats, INT8, Treatment(), judge, [first])
    assert chosen.methods.get(exactly(first)) != "percentile"
    assert floats.quantize(INT8, chosen).model.content
