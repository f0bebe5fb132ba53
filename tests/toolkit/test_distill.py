"""The distillation loss is Hinton's formula, and the teacher is asked once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from litesmith.converters.backend import tf_keras
from litesmith.distill import cross_entropy, distillation_loss, pack_targets, teacher_logits
from litesmith.errors import DataError
from litesmith.training_specs import DistillSpec

LOGITS = arrays(np.float32, (4, 3), elements=st.floats(-20, 20, width=32))


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


@settings(max_examples=25, deadline=None)
@given(LOGITS, LOGITS, st.floats(0, 1), st.floats(0.5, 10))
def test_the_loss_is_the_published_formula(teacher, student, alpha, temperature):
    labels = np.array([0, 1, 2, 1])
    spec = DistillSpec(temperature=temperature, alpha=alpha)
    found = distillation_loss(spec)(pack_targets(labels, teacher, spec), student).numpy()
    t, s = softmax(teacher.astype(np.float64) / temperature), softmax(student.astype(np.float64) / temperature)
    divergence = np.sum(t * (np.log(t + 1e-300) - np.log(s + 1e-300)), axis=1)
    hard = -np.log(softmax(student.astype(np.float64))[np.arange(4), labels] + 1e-300)
    expected = alpha * temperature**2 * divergence + (1 - alpha) * hard
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_with_alpha_zero_it_is_cross_entropy():
    logits = np.array([[1.0, 2.0, 0.5]], np.float32)
    spec = DistillSpec(alpha=0.0)
    packed = pack_targets(np.array([1]), np.zeros((1, 3), np.float32), spec)
    assert distillation_loss(spec)(packed, logits).numpy() == pytest.approx(cross_entropy([1], logits).numpy())


def test_labels_can_come_from_the_teacher():
    packed = pack_targets(np.array([0]), np.array([[0.0, 5.0, 1.0]], np.float32), DistillSpec(labels="teacher"))
    assert packed[0, 0] == 1


@pytest.fixture
def teacher():
    keras = tf_keras()
    inputs = keras.Input((2,))
    return keras.Model(inputs, keras.layers.Dense(3)(inputs))


def test_logits_are_read_back_instead_of_computed(teacher, tmp_path):
    x = np.random.default_rng(0).random((5, 2), np.float32)
    first = teacher_logits(teacher, x, tmp_path)
    (cached,) = tmp_path.iterdir()
    np.save(cached, first + 1)
    assert np.array_equal(teacher_logits(teacher, x, tmp_path), first + 1)


def test_other_weights_or_samples_are_another_key(teacher, tmp_path):
    x = np.random.default_rng(0).random((5, 2), np.float32)
    teacher_logits(teacher, x, tmp_path)
    teacher_logits(teacher, x[::-1].copy(), tmp_path)
    teacher.set_weights([w + 1 for w in teacher.get_weights()])
    assert np.allclose(teacher_logits(teacher, x, tmp_path), teacher(x).numpy(), atol=1e-6)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_teacher_that_gives_nan_is_refused(teacher, tmp_path):
    teacher.set_weights([np.full_like(w, np.nan) for w in teacher.get_weights()])
    with pytest.raises(DataError, match="NaN or infinite logits"):
        teacher_logits(teacher, np.ones((2, 2), np.float32), tmp_path)
    assert not list(tmp_path.iterdir())
