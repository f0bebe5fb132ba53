"""Every rewrite, by itself and after the others, leaves a network's answers as they are and does what it is for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from litesmith.converters.text.integer.blocks import Attention, Dense, FeedForward
from litesmith.converters.text.integer.calibrate import observe
from litesmith.converters.text.integer.float_operations import FloatOperations
from litesmith.converters.text.integer.from_model import network_of
from litesmith.converters.text.integer.functions import FUNCTIONS, IDENTITY_ABOVE
from litesmith.converters.text.integer.massive import parts
from litesmith.converters.text.integer.network import normal_factors
from litesmith.converters.text.integer.program import Program
from litesmith.converters.text.integer.rewrites import FITTING, NAMES, STRUCTURE
from litesmith.converters.text.integer.rewrites.attention import balance_attention
from litesmith.converters.text.integer.rewrites.branches import readers
from litesmith.converters.text.integer.rewrites.excess import split_excess
from litesmith.converters.text.integer.rewrites.shifts import centre_sums, centre_words, fold_shifts
from litesmith.converters.text.integer.rewrites.smoothing import smooth_inputs
from litesmith.converters.text.integer.rewrites.sums import scale_sums
from tests.converters.text.integer.small_text_models import (
    HEADS,
    at_tokens,
    drawn,
    in_float,
    mobile,
    models,
    texts,
    with_weights,
)

ARRANGEMENTS = {
    "post": drawn(),
    "pre": drawn(norm="pre", activation="gelu_tanh"),
    "projected": drawn(embedding=10, activation="relu"),
    "pairs": drawn(HEADS["pairs"]),
    "token": drawn(HEADS["token"], activation="silu"),
    "sequence_tanh": drawn(HEADS["sequence_tanh"], norm="pre"),
    "mobile": mobile(),
    "mobile_inside": mobile(HEADS["token"], bottleneck_attention=True, stacked=3),
    "mobile_normalised": mobile(HEADS["sequence_tanh"], norm="post", activation="gelu"),
    "mobile_without_trigrams": mobile(HEADS["pairs"], trigram=False, stacked=0),
    "unit": drawn(HEADS["unit"], heads=(1, 2, 3), intermediate=(9, 30, 14), activation="tanh"),
}


@pytest.fixture(params=ARRANGEMENTS)
def model(request):
    """One model of each arrangement."""
    return ARRANGEMENTS[request.param]


def seen_of(network, model, wide=0):
    ids = texts(model)
    seen = observe(network, parts(0, model.length), ids)
    seen.wide = wide
    return seen


def rewritten(model, upto=None, wide=0):
    """The network after the first so many rewrites, in their order."""
    upto = len(NAMES) if upto is None else upto
    network = network_of(model)
    for structure in STRUCTURE[:upto]:
        network = structure(network)
    seen = seen_of(network, model, wide)
    for fitting in FITTING[: max(upto - len(STRUCTURE), 0)]:
        network = fitting(network, seen)
    return network


def assert_same(before, after, model, within=1e-5):
    """Up to a share of the largest answer, at every token."""
    ids = texts(model, seed=5)
    wanted, found = (at_tokens(model, ids, in_float(network, ids)) for network in (before, after))
    np.testing.assert_allclose(found, wanted, atol=within * max(np.abs(wanted).max(), 1))


def tensors(network, model, wide=0):
    """Every tensor of the program by its name, at the tokens."""
    held = {}
    ids = texts(model, seed=5)
    ops = FloatOperations(ids, model.pad_id, lambda name, values, valid: held.update({name: values[valid]}))
    Program(ops, parts(wide, model.length)).run(network)
    return held


@pytest.mark.parametrize("name", NAMES)
def test_a_rewrite_by_itself_keeps_the_answers(name, model):
    network = network_of(model)
    for rewrite in STRUCTURE:
        if rewrite.__name__ == name:
            assert_same(network, rewrite(network), model)
    for rewrite in FITTING:
        if rewrite.__name__ == name:
            assert_same(network, rewrite(network, seen_of(network, model)), model)


@pytest.mark.parametrize("upto", range(1, len(NAMES) + 1))
def test_rewrites_one_after_another_keep_the_answers(upto, model):
    assert_same(network_of(model), rewritten(model, upto), model)


@settings(max_examples=60)
@given(models())
def test_all_rewrites_keep_the_answers_of_any_encoder(model):
    # The few channels of a sum may nearly cancel, and normalising it enlarges what float32 rounds.
    assert_same(network_of(model), rewritten(model, wide=min(model.length, 1)), model, within=1e-3)


def test_sums_that_are_normalised_have_mean_zero(model):
    network = centre_sums(network_of(model))
    held = tensors(network, model)
    for name, joint in zip(network.names, network.joints, strict=True):
        if joint.normalised:
            assert joint.centred
            sized = held[f"{name}.sized"]
            np.testing.assert_allclose(sized.mean(-1), 0, atol=2e-6 * np.abs(sized).max())


def test_words_have_no_mean_in_any_channel():
    network = centre_words(centre_sums(network_of(drawn())))
    np.testing.assert_allclose(network.word.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(network.word.mean(1), 0, atol=1e-6)


def test_no_joint_shifts_what_it_hands_on(model):
    network = fold_shifts(network_of(model))
    streams = {step.residual for step in network.steps if step.branch is None}
    for place, joint in enumerate(network.joints[:-1]):
        assert place in streams or not joint.beta.any()
    assert network.joints[-1].beta.any() == (model.head.kind == "embedding")


def test_keys_and_values_are_centred_and_fill_the_same_range_as_the_queries(model):
    network = network_of(model)
    after = balance_attention(network, seen_of(network, model))
    seen = seen_of(after, model)
    for step in after.steps:
        if isinstance(step.branch, Attention):
            for part, size in (("key", None), ("value", 1)):
                low, high = seen.low(f"{step.name}.{part}"), seen.high(f"{step.name}.{part}")
                np.testing.assert_allclose(low, -high, atol=1e-4 * np.abs(high).max())
                assert size is None or high == pytest.approx(np.ones_like(high), abs=1e-4)
            np.testing.assert_allclose(seen.size(f"{step.name}.query"), seen.size(f"{step.name}.key"), rtol=1e-3)


def test_smoothing_evens_what_is_read_and_moves_it_into_the_kernels():
    model = with_weights(drawn(), layers__0__attention__norm__gamma=np.r_[np.full(3, 30.0), np.ones(21)])
    network = network_of(model)
    after = smooth_inputs(network, seen_of(network, model))

    def unevenness(network):
        size = seen_of(network, model).size("layers.0.attention.read")
        return size.max() / np.median(size)

    assert unevenness(after) < unevenness(network) / 4
    kernels = [np.abs(readers(one, 1)[0].kernel) for one in (network, after)]
    assert kernels[1][:3].max() > 2 * kernels[0][:3].max()


@pytest.mark.parametrize("activation", IDENTITY_ABOVE)
def test_stairs_stand_only_for_units_above_the_limit_and_reach_what_was_seen(activation):
    model = drawn(activation=activation)
    bias = model.weights["layers.0.feed_forward.intermediate.bias"].copy()
    bias[[3, 7]] = 40, 21
    model = with_weights(model, layers__0__feed_forward__intermediate__bias=bias)
    network = network_of(model)
    seen = seen_of(network, model)
    branch = split_excess(network, seen).steps[1].branch
    assert isinstance(branch, FeedForward)
    highest = seen.high("layers.0.feed_forward.up.before")
    above = np.flatnonzero(highest > branch.limit)
    assert {3, 7} <= {unit for unit, _ in branch.stairs} == set(above)
    for unit in above:
        stairs = [stair for one, stair in branch.stairs if one == unit]
        assert stairs == list(range(1, len(stairs) + 1))
        assert len(stairs) * branch.limit < highest[unit] <= (len(stairs) + 1) * branch.limit
    assert branch.limit >= (IDENTITY_ABOVE[activation] or 0)


@pytest.mark.parametrize("activation", IDENTITY_ABOVE)
def test_stairs_are_an_eighth_of_the_units_at_most(activation):
    model = drawn(activation=activation)
    bias = model.weights["layers.0.feed_forward.intermediate.bias"] + 10 * 2.0 ** np.arange(-40, 8)
    network = network_of(with_weights(model, layers__0__feed_forward__intermediate__bias=bias))
    branch = split_excess(network, seen_of(network, model)).steps[1].branch
    assert branch.up.bias.size / 16 < len(branch.stairs) <= branch.up.bias.size / 8


@given(st.floats(-60, 60, width=32), st.integers(1, 9))
def test_stairs_add_up_to_the_activation_for_any_value(value, count):
    up, down = (Dense(np.full((1, 1), factor, np.float32), np.zeros(1, np.float32)) for factor in (1, 2))
    branch = FeedForward(up, down, "gelu", limit=4.5, stairs=tuple((0, stair) for stair in range(1, count + 1)))
    side, x = branch.beyond(), np.array([[value]], np.float32)
    before = np.minimum(x @ branch.up.kernel, branch.limits)
    columns = np.clip(x @ side.up.kernel + side.up.bias, 0, side.caps)
    answer = FUNCTIONS["gelu"](before) @ branch.down.kernel + columns @ side.rows
    np.testing.assert_allclose(answer, 2 * FUNCTIONS["gelu"](x), atol=1e-3)


def test_activations_without_a_limit_have_no_stairs():
    model = drawn(activation="silu")
    network = network_of(model)
    assert not any(step.branch.stairs for step in split_excess(network, seen_of(network, model)).steps[1::2])


def test_every_channel_of_a_sum_reaches_one(model):
    network = network_of(model)
    for structure in STRUCTURE:
        network = structure(network)
    after = scale_sums(network, seen_of(network, model))
    seen = seen_of(after, model)
    assert np.abs(after.word).max(0) == pytest.approx(np.ones(after.word.shape[1]))
    for name, joint in zip(after.sums, after.joints, strict=True):
        assert seen.size(name) == pytest.approx(np.ones(joint.scale.size), rel=1e-3)


def test_wide_rows_do_not_set_the_scale_of_the_others():
    model = drawn()
    network = rewritten(model, len(STRUCTURE))
    without, everything = (scale_sums(network, seen_of(network, model, wide)).steps[0].joint.scale for wide in (1, 0))
    assert (without <= everything).all()
    assert (without < everything).any()
    assert scale_sums(network, seen_of(network, model, model.length)).steps[0].joint.scale == pytest.approx(everything)


def test_factors_are_whole_steps_of_127(model):
    network = rewritten(model)

    def assert_whole(factors):
        """Larger factors than 8 times the median one, or smaller ones than a step, have their own scale."""
        steps = np.abs(factors) / np.abs(factors).max() * 127
        assert np.abs(steps - np.rint(steps))[steps >= 1].max() < 1e-3

    if network.neighbours is None:
        assert_whole(network.word_scale / network.embeddings.scale)
    for place, joint in enumerate(network.joints):
        if readers(network, place):
            assert_whole(normal_factors(joint) / joint.feed)
    for step in network.steps:
        if step.residual is not None:
            joint = network.joints[step.residual]
            assert_whole((joint.scale if joint.passes_sum else normal_factors(joint)) / step.joint.scale)


@pytest.mark.parametrize("kept", [0, 3, 23])
def test_channels_that_a_norm_switches_off_do_not_swell(kept):
    """A gamma of 0, as pruning leaves it, is a factor that no scale can make a step."""
    gamma = np.r_[np.ones(kept), np.zeros(24 - kept)]
    model = with_weights(drawn(), layers__0__attention__norm__gamma=gamma, embeddings__norm__gamma=gamma)
    network = rewritten(model)
    assert_same(network_of(model), network, model)
    largest = max(np.abs(values).max() for name, values in tensors(network, model).items() if name.endswith(".sum"))
    assert largest <= 2
