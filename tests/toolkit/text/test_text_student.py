"""Students made of teachers: what is kept is exactly the teacher's, and what is removed was nothing."""

from dataclasses import replace

import numpy as np
import pytest

from litesmith.calibration.text.encoding import PairTypes
from litesmith.errors import CompressionError, RecipeError
from litesmith.text.embedding_rank import narrow_embeddings
from litesmith.text.importance import best, importance
from litesmith.text.predict import predict
from litesmith.text.signal import from_labels
from litesmith.text.storage import load_text_model_file, save_text_model
from litesmith.text.structure import keep_heads, keep_units
from litesmith.text.student import shaped, with_layers, with_tokens
from litesmith.training_specs import ModelSpec


def without_head(model, layer, head):
    name, size = f"layers.{layer}.attention.output.kernel", model.architecture.head_size
    kernel = model.weights[name].copy()
    kernel[head * size : (head + 1) * size] = 0
    return replace(model, weights={**model.weights, name: kernel})


def test_removing_heads_that_add_nothing_changes_nothing(make_text_model, make_ids):
    model, ids = make_text_model(), make_ids()
    masked = without_head(without_head(model, 0, 1), 1, 0)
    kept = [np.array([0, 2]), np.array([1, 2])]
    smaller = keep_heads(masked, kept)
    assert smaller.architecture.heads == (2, 2)
    np.testing.assert_allclose(predict(smaller, ids), predict(masked, ids), atol=1e-6)
    assert np.abs(predict(smaller, ids) - predict(model, ids)).max() > 1e-2


def test_removing_units_that_add_nothing_changes_nothing(make_text_model, make_ids):
    model, ids = make_text_model(), make_ids()
    gone = np.array([3, 17, 40])
    kernel = model.weights["layers.1.feed_forward.output.kernel"].copy()
    kernel[gone] = 0
    masked = replace(model, weights={**model.weights, "layers.1.feed_forward.output.kernel": kernel})
    smaller = keep_units(masked, [np.arange(48), np.setdiff1d(np.arange(48), gone)])
    assert smaller.architecture.intermediate == (48, 45)
    np.testing.assert_allclose(predict(smaller, ids), predict(masked, ids), atol=1e-6)


@pytest.mark.parametrize("kept", [[[0], []], [[0], [3]], [[0], [1, 1]], [[0]]])
def test_a_layer_keeps_at_least_one_head_of_its_own_once(make_text_model, kept):
    with pytest.raises(CompressionError):
        keep_heads(make_text_model(), [np.array(places, np.int64) for places in kept])


def test_layers_are_copied_in_the_order_that_is_asked_for(make_text_model):
    model = make_text_model()
    one = with_layers(model, (1,))
    assert one.architecture.layers == 1
    name = "attention.query.kernel"
    assert np.array_equal(one.weights[f"layers.0.{name}"], model.weights[f"layers.1.{name}"])
    with pytest.raises(RecipeError, match="2 is no layer"):
        with_layers(model, (0, 2))


def test_a_smaller_vocabulary_keeps_its_rows(make_text_model, make_ids):
    model, kept = make_text_model(), [0, *range(5, 30)]
    smaller = with_tokens(model, kept, 0)
    ids = make_ids(vocabulary=len(kept))
    assert smaller.architecture.vocabulary == 26
    np.testing.assert_allclose(predict(smaller, ids), predict(model, np.array(kept, np.int32)[ids]), atol=1e-6)
    told = replace(model, pair_types=PairTypes(7, 1, 1))
    assert with_tokens(told, kept, 0).pair_types == PairTypes(3, 1, 1)


def test_narrower_embeddings_of_full_rank_are_exact(make_text_model, make_ids):
    """Rows of rank 9 in 24 places fit into 10."""
    model, random = make_text_model(token_types=0), np.random.default_rng(3)
    basis = random.normal(size=(9, 24))
    tables = {
        f"embeddings.{name}": (random.normal(size=(rows, 9)) @ basis + random.normal(size=(rows, 1))).astype(np.float32)
        for name, rows in (("word", 40), ("position", 16))
    }
    model, ids = replace(model, weights={**model.weights, **tables}), make_ids()
    narrow = narrow_embeddings(model, 10)
    assert narrow.weights["embeddings.word"].shape == (40, 10)
    np.testing.assert_allclose(predict(narrow, ids), predict(model, ids), atol=1e-4)
    assert np.abs(predict(narrow_embeddings(model, 6), ids) - predict(model, ids)).max() > 1e-2
    with pytest.raises(RecipeError, match="without a projection"):
        narrow_embeddings(narrow, 6)


def test_a_recipe_shapes_a_student(make_text_model, make_ids):
    model = make_text_model()
    spec = ModelSpec("teacher", layers=(0,), heads=2, intermediate=16, embedding=8)
    student = shaped(model, spec, seed=1)
    a = student.architecture
    assert (a.layers, a.heads, a.intermediate, a.embedding, a.hidden) == (1, (2,), (16,), 8, 24)
    assert not student.fresh
    assert np.isfinite(predict(student, make_ids())).all()
    narrow = shaped(model, ModelSpec("teacher", hidden=16), seed=1)
    assert (narrow.architecture.hidden, narrow.architecture.heads) == (16, (2, 2))
    assert narrow.fresh
    assert predict(narrow, make_ids()).shape == (20, 2)
    with pytest.raises(RecipeError, match="more than the 3"):
        shaped(model, ModelSpec("teacher", heads=4), seed=1)


def test_importance_finds_what_does_nothing(make_text_model, make_ids):
    model, ids = make_text_model(), make_ids(40)
    scored = importance(without_head(model, 1, 2), ids, from_labels(np.arange(40) % 2))
    assert scored.heads[1][2] == 0
    assert (np.delete(np.concatenate(scored.heads), 5) > 0).all()
    assert [len(one) for one in scored.units] == [48, 48]


def test_the_most_important_of_all_layers_are_kept_in_steps():
    scores = [np.array([0.9, 0.8, 0.7, 0.6]), np.array([0.5, 0.1, 0.2, 0.3])]
    assert [one.tolist() for one in best(scores, 0.5)] == [[0, 1, 2, 3], [0]]
    assert [one.tolist() for one in best(scores, 0.5, step=2)] == [[0, 1, 2, 3], [0, 3]]
    assert [one.tolist() for one in best(scores, 1.0)] == [[0, 1, 2, 3]] * 2


@pytest.mark.parametrize("types", [None, PairTypes(3, 1, 1)])
def test_a_stored_model_comes_back_bit_for_bit(make_text_model, tmp_path, types):
    model = replace(make_text_model(heads=(2, 1)), pair_types=types)
    save_text_model(tmp_path / "m.npz", model)
    found = load_text_model_file(tmp_path / "m.npz")
    assert (found.architecture, found.head, found.length, found.pad_id) == (
        model.architecture,
        model.head,
        model.length,
        model.pad_id,
    )
    assert found.pair_types == types
    assert all(np.array_equal(found.weights[name], array) for name, array in model.weights.items())
