"""Training: it learns, it repeats, and each signal pulls the student to what it says."""

from dataclasses import replace

import numpy as np
import pytest

from litesmith import distill
from litesmith.converters.backend import tensorflow
from litesmith.errors import CompressionError
from litesmith.text import hidden, relations
from litesmith.text.embedding import from_embeddings
from litesmith.text.fit import Encoder, Objective, fit
from litesmith.text.forward import encode
from litesmith.text.optimizer import optimizer
from litesmith.text.predict import cached_answers, predict
from litesmith.text.signal import from_labels, from_teacher
from litesmith.text.teacher_states import TeacherStates
from litesmith.training_specs import DistillSpec, TrainSpec


def trained(model, ids, objective, spec, seed=0):
    return fit(model, ids, objective, spec, stage="student", seed=seed, on_event=lambda _: None)


def states_of(teacher, ids, folder, **others):
    usual = {"aligned": np.ones(len(ids), bool), "layers": (0, 1), "relations": True, "folder": folder}
    return TeacherStates(teacher, ids, **{**usual, **others})


def test_training_learns_repeats_and_leaves_the_first_model_alone(make_text_model, make_ids):
    model, ids = make_text_model(), make_ids(64)
    y = (ids[:, 1] > 20).astype(np.int64)
    before = {name: array.copy() for name, array in model.weights.items()}
    spec = TrainSpec(20, 2e-3, 16, frozen=("embeddings.word",))
    one, same = (trained(model, ids, from_labels(y), spec) for _ in range(2))
    assert (predict(one, ids).argmax(1) == y).mean() > max(0.9, (predict(model, ids).argmax(1) == y).mean())
    assert all(np.array_equal(one.weights[name], array) for name, array in same.weights.items())
    assert all(np.array_equal(model.weights[name], array) for name, array in before.items())
    moved = {name for name, array in one.weights.items() if not np.array_equal(array, before[name])}
    assert "embeddings.word" not in moved
    assert {"embeddings.position", "layers.0.attention.query.kernel", "head.output.bias"} <= moved


def test_a_training_that_diverges_is_an_error(make_text_model, make_ids):
    def loss(encoder, states, targets):
        return 1e30 * states.hidden[-1][:, 0, 0] * 1e30

    with pytest.raises(CompressionError, match="learning_rate"):
        trained(make_text_model(), make_ids(), Objective(loss, lambda places, length: {}), TrainSpec(1, 1e-3, 4))


def test_the_rate_rises_and_falls_in_lines():
    variable = tensorflow().Variable([1.0])
    schedule = optimizer(TrainSpec(1, 1e-3, warmup=0.2), 100, [variable])._learning_rate
    rates = [float(schedule(step)) for step in (0, 9, 19, 60, 99, 100)]
    np.testing.assert_allclose(rates, [5e-5, 5e-4, 1e-3, 5e-4, 1.25e-5, 0], atol=1e-9)


def test_a_student_comes_to_answer_as_its_teacher(make_text_model, make_ids):
    teacher, student, ids = make_text_model(1), make_text_model(2), make_ids(64)
    spec = DistillSpec(temperature=2.0, alpha=1.0)
    logits = predict(teacher, ids)
    unlabelled = np.full(64, -1)
    learnt = trained(student, ids, from_teacher(unlabelled, logits, spec), TrainSpec(25, 3e-3, 16))
    agree = [(predict(one, ids).argmax(1) == logits.argmax(1)).mean() for one in (student, learnt)]
    assert agree[1] > max(0.85, agree[0])


def test_a_sample_without_a_label_counts_for_the_teachers_answer():
    logits = np.array([[0.0, 2.0], [3.0, 0.0]], np.float32)
    spec = DistillSpec(alpha=0.0)
    targets = from_teacher(np.array([-1, 1]), logits, spec).targets(np.array([0, 1]), 4)
    assert targets["packed"][:, 0].tolist() == [1, 1]
    assert np.array_equal(targets["packed"], distill.pack_targets(np.array([1, 1]), logits, spec))


@pytest.mark.parametrize(("name", "spec"), [("hidden", {"hidden": 1.0}), ("relations", {"relations": 5.0})])
def test_a_student_comes_to_have_its_teachers_states(make_text_model, make_ids, tmp_path, name, spec):
    teacher, student, ids = make_text_model(1), make_text_model(2, intermediate=(32, 32)), make_ids(32)
    states = states_of(teacher, ids, tmp_path)
    distance = DistillSpec(alpha=0.0, **spec)

    def apart(model):
        mine = encode(model.weights, model.architecture, 0, ids)
        theirs = encode(teacher.weights, teacher.architecture, 0, ids)
        if name == "hidden":
            pairs = list(zip(mine.hidden[1:], theirs.hidden[1:], strict=True))
            return float(np.mean(hidden.loss(pairs, tensorflow().eye(24), mine.mask)))
        last = [(one.queries[-1], one.keys[-1], one.values[-1]) for one in (mine, theirs)]
        return float(np.mean(relations.loss(*last, mine.mask)))

    y = np.zeros(32, np.int64)
    objective = from_teacher(y, predict(teacher, ids), distance, states, 24)
    learnt = trained(student, ids, objective, TrainSpec(25, 3e-3, 16))
    assert apart(learnt) < 0.8 * apart(student)
    assert apart(teacher) < 1e-6


def test_samples_with_other_tokens_teach_no_states(make_text_model, make_ids, tmp_path):
    teacher, student, ids = make_text_model(1), make_text_model(2), make_ids(8)
    aligned = np.arange(8) % 2 == 0
    states = states_of(teacher, ids, tmp_path, aligned=aligned)
    spec = DistillSpec(alpha=0.0, hidden=1.0, relations=1.0)
    objective = from_teacher(np.zeros(8, np.int64), predict(teacher, ids), spec, states, 24)
    plain = from_teacher(np.zeros(8, np.int64), predict(teacher, ids), spec)
    losses = []
    for one in (objective, plain):
        encoder = Encoder(student.architecture, student.head, 0, student.weights, one.extra)
        losses.append(np.asarray(one.loss(encoder, encoder.states(ids), one.targets(np.arange(8), 12))))
    np.testing.assert_allclose(losses[0][~aligned], losses[1][~aligned], atol=1e-6)
    assert (losses[0][aligned] > losses[1][aligned] + 0.1).all()


def test_embeddings_are_learnt_without_labels(make_text_model, make_ids):
    teacher, ids = make_text_model(1, labels=()), make_ids(48)
    student = make_text_model(2, labels=(), hidden=16, embedding=16, heads=(2, 2))
    vectors = predict(teacher, ids)
    objective = from_embeddings(vectors, 16)
    (projection,) = objective.extra.values()
    before = float(projection.numpy().sum())
    learnt = trained(student, ids, objective, TrainSpec(30, 3e-3, 16))
    kernel = projection.numpy()
    assert float(kernel.sum()) != before
    ours = predict(learnt, ids) @ kernel
    cosine = (ours * vectors).sum(1) / np.linalg.norm(ours, axis=1) / np.linalg.norm(vectors, axis=1)
    assert cosine.mean() > 0.9


def test_relations_cut_both_widths_in_as_many_parts():
    assert relations.relation_heads(384, 384) == 12
    assert relations.relation_heads(256, 384) == 8
    assert relations.relation_heads(7, 384) == 1


def test_layers_are_matched_to_those_the_student_was_made_of():
    assert hidden.matching_layers(3, 6, (0, 2, 5)) == (0, 2, 5)
    assert hidden.matching_layers(3, 6, None) == (1, 3, 5)
    assert hidden.matching_layers(2, 6, (0, 2, 5)) == (2, 5)


class TestTeacherStates:
    def test_what_is_on_disk_is_what_the_teacher_computes(self, make_text_model, make_ids, tmp_path):
        teacher, ids = make_text_model(), make_ids(300)
        stored, computed = states_of(teacher, ids, tmp_path), states_of(teacher, ids, tmp_path / "no", budget=0)
        assert (stored.cached_samples, computed.cached_samples) == (300, 0)
        places = np.array([0, 299, 7, 150])
        one, other = stored.of(places, 12), computed.of(places, 12)
        assert one.keys() == {"hidden.0", "hidden.1", "queries", "keys", "values", "aligned"}
        expected = encode(teacher.weights, teacher.architecture, 0, ids[places])
        valid = (ids[places] != 0)[..., None]
        for name, values in (("hidden.1", expected.hidden[2]), ("queries", expected.queries[-1])):
            np.testing.assert_allclose(other[name] * valid, values * valid, atol=1e-5)
            np.testing.assert_allclose(one[name] * valid, values * valid, atol=5e-3)

    def test_the_budget_holds_and_the_rest_is_computed(self, make_text_model, make_ids, tmp_path):
        teacher, ids = make_text_model(), make_ids(600)
        whole = states_of(teacher, ids, tmp_path / "whole")
        used = sum(path.stat().st_size for path in (tmp_path / "whole").iterdir())
        part = states_of(teacher, ids, tmp_path / "part", budget=used // 2)
        assert sum(path.stat().st_size for path in (tmp_path / "part").iterdir()) <= used // 2
        assert 0 < part.cached_samples < whole.cached_samples == 600
        places = np.arange(600)
        for name, values in whole.of(places, 12).items():
            np.testing.assert_allclose(part.of(places, 12)[name], values, atol=5e-3)

    def test_an_interrupted_cache_goes_on_and_another_teachers_goes(self, make_text_model, make_ids, tmp_path):
        teacher, ids = make_text_model(), make_ids(600)
        states_of(teacher, ids, tmp_path)
        first, *rest = sorted(tmp_path.iterdir())
        assert len(rest) == 2
        stamp = first.stat().st_mtime_ns
        rest[0].unlink()
        rest[1].write_bytes(first.read_bytes())
        again = states_of(teacher, ids, tmp_path)
        assert sorted(tmp_path.iterdir()) == [first, *rest]
        assert first.stat().st_mtime_ns == stamp
        expected = encode(teacher.weights, teacher.architecture, 0, ids).keys[-1] * (ids != 0)[..., None]
        np.testing.assert_allclose(again.of(np.arange(600), 12)["keys"], expected, atol=5e-3)
        states_of(make_text_model(9), ids, tmp_path)
        assert not {first, *rest} & set(tmp_path.iterdir())


def test_logits_are_cached_by_weights_and_sentences(make_text_model, make_ids, tmp_path):
    teacher, ids = make_text_model(), make_ids()
    expected = predict(teacher, ids)
    assert np.array_equal(cached_answers(teacher, ids, tmp_path), expected)
    (path,) = tmp_path.iterdir()
    np.save(path, expected + 1)
    assert np.array_equal(cached_answers(teacher, ids, tmp_path), expected + 1)
    np.testing.assert_allclose(cached_answers(teacher, ids[:5], tmp_path), expected[:5], atol=1e-5)
    weights = {**teacher.weights, "head.output.bias": teacher.weights["head.output.bias"] + 1}
    other = cached_answers(replace(teacher, weights=weights), ids, tmp_path)
    np.testing.assert_allclose(other, expected + 1, atol=1e-5)
