"""The encoder that is trained is the one that is converted, and short batches change nothing."""

from dataclasses import replace

import numpy as np
import pytest

from litesmith.converters.text.architecture import Head
from litesmith.converters.text.encoder import build_encoder
from litesmith.errors import ConversionError
from litesmith.text.batches import in_order, lengths, shuffled, trimmed
from litesmith.text.fit import Encoder
from litesmith.text.forward import check_trainable, encode, logits
from litesmith.text.predict import predict


@pytest.mark.parametrize(
    "sizes",
    [
        {},
        {"norm": "pre", "activation": "relu"},
        {"embedding": 16, "activation": "gelu_tanh", "token_types": 0},
        {"heads": (2, 1), "intermediate": (32, 7)},
    ],
    ids=["bert", "pre-norm", "projected", "pruned"],
)
def test_it_computes_what_the_converted_graph_computes(make_text_model, make_ids, sizes):
    model, ids = make_text_model(**sizes), make_ids()
    expected = build_encoder(model).predict(ids, verbose=0)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(predict(model, ids), expected, atol=1e-5)


@pytest.mark.parametrize("head", [{}, {"normalize": True}, {"pooling": "first"}, {"pooling": "max"}])
def test_embeddings_are_those_of_the_converted_graph(make_text_model, make_ids, head):
    model, ids = replace(make_text_model(labels=()), head=Head("embedding", **head)), make_ids()
    np.testing.assert_allclose(predict(model, ids), build_encoder(model).predict(ids, verbose=0), atol=1e-5)


def test_cutting_a_batch_at_its_longest_sentence_changes_nothing(make_text_model, make_ids):
    model = make_text_model()
    ids = make_ids()
    short = ids[lengths(ids, model.pad_id) < 6]
    cut = trimmed(short, model.pad_id)
    assert cut.shape[1] < 6
    states = [encode(model.weights, model.architecture, model.pad_id, one) for one in (short, cut)]
    whole, less = (np.asarray(logits(model.weights, model.head, one)) for one in states)
    np.testing.assert_allclose(less, whole, atol=1e-5)
    np.testing.assert_allclose(states[1].hidden[-1], states[0].hidden[-1][:, : cut.shape[1]], atol=1e-5)


def test_bottlenecks_and_affine_norms_are_refused(make_text_model):
    with pytest.raises(ConversionError, match="cannot be trained"):
        check_trainable(make_text_model(norm="affine"))


def test_every_sample_is_in_one_batch_of_an_epoch(make_ids):
    sizes = lengths(make_ids(203), 0)
    batches = list(shuffled(sizes, 8, np.random.default_rng(1)))
    assert sorted(np.concatenate(batches)) == list(range(203))
    assert max(map(len, batches)) == 8
    spread = np.mean([np.ptp(sizes[batch]) for batch in batches])
    assert spread < 2 < np.ptp(sizes)
    assert any(np.diff([sizes[batch].max() for batch in batches]) < 0), "batches come in the order of their lengths"
    assert sorted(np.concatenate(list(in_order(sizes, 8)))) == list(range(203))


def test_a_sentence_of_padding_alone_has_length_one():
    ids = np.array([[0, 0, 0], [5, 0, 6], [5, 6, 0]], np.int32)
    assert lengths(ids, 0).tolist() == [1, 3, 2]


def test_an_encoder_knows_its_own_states(make_text_model, make_ids):
    model, ids = make_text_model(), make_ids(4)
    states = Encoder(model.architecture, model.head, model.pad_id, model.weights).states(ids)
    assert len(states.hidden) == 3
    assert [tuple(one.shape) for one in (*states.contexts, *states.units)] == [(4, 12, 24)] * 2 + [(4, 12, 48)] * 2
    assert np.array_equal(states.mask, ids != 0)
