"""The network that is rewritten computes what the Keras model of the same weights computes."""

from dataclasses import replace

import numpy as np
import pytest

from litesmith.converters.huggingface import load_text_model
from litesmith.converters.text.architecture import Head
from litesmith.converters.text.encoder import build_encoder
from litesmith.converters.text.integer.from_model import network_of
from litesmith.errors import ConversionError
from tests.converters.text.integer.small_text_models import (
    HEADS,
    at_tokens,
    drawn,
    in_float,
    mobile,
    texts,
    with_weights,
)
from tests.golden.make_text_checkpoints import CASES, LENGTH, write_checkpoint


def assert_like_keras(model, longest=None):
    ids = texts(model, 6, longest=longest)
    said = at_tokens(model, ids, build_encoder(model)([ids]).numpy())
    answers = at_tokens(model, ids, in_float(network_of(model), ids))
    np.testing.assert_allclose(answers, said, atol=1e-5 * max(np.abs(said).max(), 1))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_every_family_and_head_computes_what_keras_does(case, tmp_path):
    assert_like_keras(load_text_model(write_checkpoint(tmp_path / "checkpoint", case), length=LENGTH))


@pytest.mark.parametrize("head", HEADS)
def test_a_pre_norm_encoder_with_every_head_computes_what_keras_does(head):
    assert_like_keras(drawn(HEADS[head], norm="pre", activation="gelu_tanh"))


@pytest.mark.parametrize("activation", ["gelu", "gelu_tanh", "relu", "silu", "tanh"])
def test_every_activation_computes_what_keras_does(activation):
    assert_like_keras(drawn(activation=activation, embedding=10, heads=(1, 5, 3), intermediate=(7, 20, 11)))


def test_scores_far_apart_are_masked_all_the_same():
    model = drawn()
    weights = {name: values * (20 if "query.kernel" in name else 1) for name, values in model.weights.items()}
    ids = texts(model, 6)
    model = type(model)(model.architecture, model.head, model.length, model.pad_id, weights, "drawn")
    np.testing.assert_allclose(in_float(network_of(model), ids)[:, 0], build_encoder(model)([ids]).numpy(), atol=1e-3)


@pytest.mark.parametrize("norm", ["affine", "post"])
@pytest.mark.parametrize("trigram", [True, False])
@pytest.mark.parametrize("bottleneck_attention", [True, False])
@pytest.mark.parametrize(("stacked", "head"), [(0, "mean"), (1, "first_unit"), (2, "sequence_tanh"), (3, "token")])
def test_bottlenecks_stacked_networks_and_trigrams_compute_what_keras_does(
    stacked, head, bottleneck_attention, trigram, norm
):
    arrangement = {"stacked": stacked, "bottleneck_attention": bottleneck_attention, "trigram": trigram, "norm": norm}
    assert_like_keras(mobile(HEADS[head], **arrangement))


@pytest.mark.parametrize("norm", ["affine", "post", "pre"])
@pytest.mark.parametrize("embedding", [10, 24])
@pytest.mark.parametrize("head", ["pairs", "token"])
def test_trigrams_and_stacked_networks_need_no_bottleneck(head, embedding, norm):
    assert_like_keras(mobile(HEADS[head], norm=norm, embedding=embedding, bottleneck=0, heads=(4, 4)))


def test_the_last_token_of_a_short_text_has_the_padding_as_its_neighbour():
    model = mobile(HEADS["token"])
    assert_like_keras(model, longest=7)
    row = model.weights["embeddings.word"].copy()
    row[model.pad_id] += 5
    ids = texts(model, 6, longest=7)
    answers = [in_float(network_of(one), ids)[0, 6] for one in (model, with_weights(model, embeddings__word=row))]
    assert not np.allclose(*answers)


def test_bottlenecks_with_norms_before_blocks_are_refused_by_name_with_what_to_do():
    with pytest.raises(ConversionError, match="norms before each block, as bert has them; convert it with --quantize"):
        network_of(mobile(norm="pre"))


def test_a_step_reads_as_many_joints_as_its_branch_has_layers():
    step = network_of(drawn()).steps[0]
    with pytest.raises(ValueError, match=r"layers\.0\.attention reads 1 joints by 3 layers"):
        replace(step, reads=(0,))


def test_a_feed_forward_network_is_added_to_what_it_reads():
    step = network_of(drawn()).steps[1]
    with pytest.raises(ValueError, match="not added to what it reads"):
        replace(step, residual=0)


def test_pooling_by_maximum_is_refused():
    with pytest.raises(ConversionError, match="maximum; use mean or first"):
        network_of(drawn(Head("embedding", pooling="max")))
