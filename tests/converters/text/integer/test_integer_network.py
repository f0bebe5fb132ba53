"""The network that is rewritten computes what the Keras model of the same weights computes."""

import numpy as np
import pytest

from litesmith.converters.huggingface import load_text_model
from litesmith.converters.text.architecture import Head
from litesmith.converters.text.encoder import build_encoder
from litesmith.converters.text.integer.from_model import network_of
from litesmith.errors import ConversionError
from tests.converters.text.integer.small_text_models import HEADS, at_tokens, drawn, in_float, texts, types
from tests.golden.make_text_checkpoints import CASES, LENGTH, write_checkpoint

KNOWN = [case for case in CASES if case.family != "mobilebert"]


def assert_like_keras(model):
    ids = texts(model, 6)
    token_types = types(model, ids)
    given = [ids] if token_types is None else [ids, token_types]
    said = build_encoder(model)(given).numpy()
    answers = at_tokens(model, ids, in_float(network_of(model), ids, token_types))
    np.testing.assert_allclose(answers, at_tokens(model, ids, said), atol=1e-4)


@pytest.mark.parametrize("case", KNOWN, ids=lambda case: case.id)
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


@pytest.mark.parametrize("case", [case for case in CASES if case.family == "mobilebert"], ids=lambda case: case.id)
def test_mobilebert_is_refused_by_name_with_what_to_do(case, tmp_path):
    model = load_text_model(write_checkpoint(tmp_path / "checkpoint", case), length=LENGTH)
    with pytest.raises(ConversionError, match=r"mobilebert.*convert it with --quantize int8"):
        network_of(model)


def test_pooling_by_maximum_is_refused():
    with pytest.raises(ConversionError, match="maximum; use mean or first"):
        network_of(drawn(Head("embedding", pooling="max")))
