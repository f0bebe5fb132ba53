"""What a tally says is what the definitions give on all samples at once."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.calibration.affine import dequantize, quantize
from litesmith.converters.graph import Quantization, Tensor
from litesmith.converters.loss_tally import LossTally
from litesmith.converters.weight_loss import WeightFacts


def tensor(scale=None, zero_point=0, dtype="int8"):
    quantization = None if scale is None else Quantization((scale,), (zero_point,), 0)
    return Tensor(0, "t", (1, 4, 3), (1, 4, 3), dtype if scale else "float32", 0, False, False, quantization)


def collect(found_tensor, floats, found, own, weights=None):
    tally = LossTally(found_tensor)
    for sample in zip(floats, found, own, strict=True):
        tally.update(*sample)
    return tally.loss(3, "CONV_2D", "t", weights)


def on_grid(values, scale, zero_point):
    return dequantize(quantize(values, scale, zero_point, "int8"), scale, zero_point)


def db(signal, noise):
    return 10 * np.log10(np.square(signal, dtype=np.float64).sum() / np.square(noise, dtype=np.float64).sum())


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.01, 0.03, 0.2]), st.integers(-128, 127))
def test_figures_are_those_of_all_samples_together(seed, scale, zero_point):
    random = np.random.default_rng(seed)
    floats = random.normal(size=(5, 1, 4, 3)).astype(np.float32)
    own = floats + random.normal(size=floats.shape).astype(np.float32) / 50
    found = on_grid(own + random.normal(size=floats.shape).astype(np.float32) / 50, scale, zero_point)
    loss = collect(tensor(scale, zero_point), floats, found, own)
    low, high = (scale * (limit - zero_point) for limit in (-128, 127))
    assert loss.snr_db == pytest.approx(db(floats, floats - found), abs=1e-3)
    assert loss.own_snr_db == pytest.approx(db(own, own - found), abs=1e-3)
    by_channel = [max(db(own[..., place], (own - found)[..., place]), 0) for place in range(3)]
    assert loss.channel_snr_db == pytest.approx(np.mean(by_channel), abs=1e-3)
    facts = loss.activation
    assert (facts.low, facts.high) == pytest.approx((low, high), rel=1e-6, abs=1e-6)
    assert facts.at_lowest == np.mean(quantize(found, scale, zero_point, "int8") == -128)
    assert facts.at_highest == np.mean(quantize(found, scale, zero_point, "int8") == 127)
    assert facts.clipped == np.mean((floats < low - scale) | (floats > high + scale))
    assert facts.spread == pytest.approx((high - low) / floats.std(), rel=1e-3)
    extent = max(floats.max(), 0) - min(floats.min(), 0)
    assert facts.used == pytest.approx(min(extent / (high - low), 1), rel=1e-4)
    rms = np.sqrt(np.square(own).mean(axis=(0, 1, 2)))
    assert facts.channel_ratio == pytest.approx(rms.max() / np.median(rms), rel=1e-4)
    json.dumps(loss.to_dict(), allow_nan=False)


def test_clipping_and_rounding_are_told_apart():
    own = np.random.default_rng(0).uniform(0, 2, (4, 50, 3)).astype(np.float32)
    clipped = collect(tensor(1 / 255, -128), own, on_grid(own, 1 / 255, -128), own)
    assert clipped.cause == "clipping" and clipped.activation.clipped == pytest.approx(0.5, abs=0.1)
    assert clipped.activation.clipping > 0.99
    coarse = collect(tensor(8 / 255, -128), own, on_grid(own, 8 / 255, -128), own)
    assert coarse.activation.rounding > 0.99 and coarse.activation.clipped == 0
    assert coarse.cause == "range" and coarse.activation.used == pytest.approx(0.25, abs=0.02)
    fitting = collect(tensor(2 / 255, -128), own, on_grid(own, 2 / 255, -128), own)
    assert fitting.cause == "steps"
    assert clipped.own_snr_db < coarse.own_snr_db < fitting.own_snr_db


def test_what_is_neither_clipped_nor_rounded_comes_from_weights():
    own = np.random.default_rng(0).uniform(0, 2, (4, 50, 3)).astype(np.float32)
    found = on_grid(0.9 * own, 2 / 255, -128)
    weights = WeightFacts(8, None, 3.0)
    assert collect(tensor(2 / 255, -128), own, found, own, weights).cause == "weights"
    assert collect(tensor(2 / 255, -128), own, found, own).cause == "arithmetic"
    assert collect(tensor(), own, 0.9 * own, own, weights).cause == "weights"


def test_one_large_channel_is_seen_where_the_tensor_as_a_whole_looks_well():
    own = np.random.default_rng(0).uniform(0, 1, (4, 50, 3)).astype(np.float32) * np.float32([1, 1, 1000])
    scale = 1000 / 255
    loss = collect(tensor(scale, -128), own, on_grid(own, scale, -128), own)
    assert loss.own_snr_db > 40 and loss.channel_snr_db < 25 and loss.worst_db == loss.channel_snr_db
    assert loss.cause == "channels" and loss.activation.channel_ratio == pytest.approx(1000, rel=0.1)
    # A single scale of the weights that differ as much explains it better.
    shared = collect(tensor(scale, -128), own, on_grid(own, scale, -128), own, WeightFacts(8, 1000.0, 20.0))
    assert shared.cause == "weights"


def test_the_last_step_of_softmax_is_no_clipping():
    own = np.ones((1, 1, 3), np.float32)
    loss = collect(tensor(1 / 256, -128), own, on_grid(own, 1 / 256, -128), own)
    assert loss.activation.at_highest == 1 and loss.activation.clipped == 0


def test_what_loses_nothing_is_infinite_and_null_in_json():
    own = on_grid(np.random.default_rng(0).random((2, 4, 3)).astype(np.float32), 1 / 255, -128)
    loss = collect(tensor(1 / 255, -128), own, own, own)
    assert loss.own_snr_db == loss.channel_snr_db == loss.snr_db == math.inf
    assert loss.to_dict()["own_snr_db"] is None
    assert loss.to_dict()["activation"]["clipping"] == 0


def test_a_tensor_without_signal_or_without_range_can_be_told():
    silent = np.zeros((2, 4, 3), np.float32)
    loss = collect(tensor(1 / 255, -128), silent, silent + np.float32(1 / 255), silent)
    assert loss.own_snr_db == -math.inf and loss.activation.used == 0 and loss.activation.spread == 0
    assert collect(tensor(), silent, silent, silent).activation is None
