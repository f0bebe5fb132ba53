"""The paragraph says what the figures say, also where there are few or strange ones."""

import math
from dataclasses import replace

import numpy as np
import pytest

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.diagnosis import diagnose
from litesmith.converters.post_training import quantize_float_model
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.tflite_model import TFLiteModel


@pytest.fixture(scope="module")
def diagnosis(golden):
    model = TFLiteModel.from_file(golden / "float32.tflite")
    samples = CalibrationSet.from_arrays(np.random.default_rng(0).random((32, 8, 8, 1), np.float32))
    made = quantize_float_model(model, QuantizationSpec(), samples, engine="aeq")
    return diagnose(made.rewritten, made.model, samples)


def with_fidelity(diagnosis, **changes):
    return replace(diagnosis, fidelity=replace(diagnosis.fidelity, **changes)).paragraph


def with_worst(diagnosis, **changes):
    """The first operator alone, with other facts of its activation."""
    loss = diagnosis.operators[0]
    worse = replace(loss, own_snr_db=5.0, channel_snr_db=5.0, activation=replace(loss.activation, **changes))
    return replace(diagnosis, operators=(worse,)).paragraph


def test_error_is_told_as_a_share_and_in_decibels(diagnosis):
    text = with_fidelity(diagnosis, snr_db=20.0, agreement=0.75)
    assert text.startswith(
        "On 32 samples the quantized file gives the float model's class for 75%, "
        "and its outputs are off by 10% of their size (20.0 dB SNR). "
    )


@pytest.mark.parametrize("agreement, told", [(1.0, "100%"), (0.9996, "100.0%"), (0.993, "99.3%"), (0.005, "0.5%")])
def test_shares_are_not_rounded_to_all_or_nothing(diagnosis, agreement, told):
    assert f"class for {told}, " in with_fidelity(diagnosis, agreement=agreement)


def test_outputs_without_classes_or_signal(diagnosis):
    text = with_fidelity(diagnosis, agreement=None, float_classes=None, quantized_classes=None, snr_db=-math.inf)
    assert text.startswith("On 32 samples, its outputs have nothing of the float model's. ")
    lost = replace(diagnosis.weights_only, snr_db=-math.inf, agreement=None)
    assert "its weights rounded has no signal." in replace(diagnosis, weights_only=lost).paragraph


@pytest.mark.parametrize("found, told", [((16, 16), False), ((18, 14), False), ((22, 10), True), ((0, 32), True)])
def test_a_few_more_of_a_class_are_no_collapse(diagnosis, found, told):
    text = with_fidelity(diagnosis, float_classes=(16, 16), quantized_classes=found)
    place = int(found[1] > found[0])
    sentence = f"It predicts class {place} for {100 * max(found) / 32:.0f}% of them, the float model for 50%."
    assert (sentence in text) == told and ("It predicts" in text) == told


def test_the_same_reason_is_told_once(diagnosis):
    losses = [replace(diagnosis.operators[0], index=place, own_snr_db=5.0 + place) for place in range(3)]
    losses = [replace(loss, activation=replace(loss.activation, clipping=0.0, rounding=0.0)) for loss in losses]
    text = replace(diagnosis, operators=tuple(losses)).paragraph
    assert "(5.0 dB), CONV_2D" in text and "(6.0 dB) and CONV_2D" in text and text.count("8-bit weights") == 1


@pytest.mark.parametrize(
    "facts, reason, remedy",
    [
        ({"clipping": 0.9, "clipped": 0.041}, "with 4% of its values clipped to", "holds all values"),
        ({"clipping": 0.0, "rounding": 0.9, "used": 0.1}, "is 10 times as wide as its values", "calibrate again"),
        ({"clipping": 0.0, "rounding": 0.9, "spread": 80.0}, "is 80 standard deviations wide", "cut the ranges"),
        ({"clipping": 0.0, "rounding": 0.9, "spread": 9.0}, "is 9 standard deviations wide", "give these tensors 16"),
        ({"clipping": 0.0, "rounding": 0.9, "used": 0.0}, "which gives nothing but 0 in float", "calibrate again"),
    ],
)
def test_every_cause_has_its_reason_and_remedy(diagnosis, facts, reason, remedy):
    alone = replace(diagnosis, weights_only=replace(diagnosis.weights_only, snr_db=math.inf))
    text = with_worst(alone, **facts)
    assert reason in text and remedy in text.split("What fits: ")[1]


@pytest.mark.parametrize("share_db, told", [(0, "Rounding the weights"), (3, "Weights and activations"), (20, "Act")])
def test_the_error_is_put_down_to_weights_or_activations(diagnosis, share_db, told):
    weights = replace(diagnosis.weights_only, snr_db=diagnosis.fidelity.snr_db + share_db)
    changed = replace(diagnosis, weights_only=weights)
    assert changed.weight_share == pytest.approx(10 ** (-share_db / 10))
    assert f" {told}" in changed.paragraph


def test_long_names_of_fused_layers_are_cut(diagnosis):
    name = "a/very/deep/model/" * 9 + "conv;fused/bias;fused/relu"
    loss = replace(diagnosis.operators[0], own_snr_db=5.0, tensor=name)
    text = replace(diagnosis, operators=(loss,)).paragraph
    assert "model/conv'" in text and "fused" not in text and name[:80] not in text
