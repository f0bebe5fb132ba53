"""What a text classifier learns from: labels or the teacher's logits; and any student, the teacher's states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith import distill
from litesmith.text import hidden, relations
from litesmith.text.batches import Places
from litesmith.text.fit import Encoder, Objective, Tensors
from litesmith.text.forward import States
from litesmith.text.teacher_states import TeacherStates
from litesmith.training_specs import DistillSpec

Array = npt.NDArray[np.float32]


def from_labels(y: Places) -> Objective:
    """Cross-entropy with labels (N,)."""

    def loss(encoder: Encoder, states: States, targets: Tensors) -> Any:
        return distill.cross_entropy(targets["label"], encoder.logits(states))

    return Objective(loss, lambda places, length: {"label": y[places]})


def from_teacher(
    y: Places, teacher_logits: Array, spec: DistillSpec, teacher: TeacherStates | None = None, width: int = 0
) -> Objective:
    """The loss of `distill.distillation_loss`, and those of `with_states`.

    Args:
        y: labels (N,), -1 where a sample has none: there the teacher's answer is its label.
        teacher_logits: (N, classes).
        spec: weights of the losses.
        teacher: states of the teacher for the same samples, where the student learns from them.
        width: the student's hidden width, for the projection to the teacher's.
    """
    packed = distill.pack_targets(np.where(y < 0, teacher_logits.argmax(axis=1), y), teacher_logits, spec)
    answers = distill.distillation_loss(spec)

    def loss(encoder: Encoder, states: States, targets: Tensors) -> Any:
        return answers(targets["packed"], encoder.logits(states))

    objective = Objective(loss, lambda places, length: {"packed": packed[places]})
    return objective if teacher is None else with_states(objective, spec, teacher, width)


def with_states(objective: Objective, spec: DistillSpec, teacher: TeacherStates, width: int) -> Objective:
    """The same objective, and `spec.hidden` and `spec.relations` times the losses of their modules.

    Args:
        objective: on what the student answers.
        spec: weights of the losses.
        teacher: states of the teacher for the same samples.
        width: the student's hidden width, for the projection to the teacher's.
    """
    extra = {"projection": hidden.projection(width, teacher.hidden)} if spec.hidden else {}

    def loss(encoder: Encoder, states: States, targets: Tensors) -> Any:
        total = objective.loss(encoder, states, targets)
        if "projection" in encoder.extra:
            pairs = [(states.hidden[place + 1], targets[f"hidden.{place}"]) for place in range(len(states.hidden) - 1)]
            mask = states.mask * targets["aligned"][:, None]
            total += spec.hidden * hidden.loss(pairs, encoder.extra["projection"], mask)
        if spec.relations:
            mask = states.mask * targets["aligned"][:, None]
            last = (states.queries[-1], states.keys[-1], states.values[-1])
            theirs = tuple(targets[name] for name in ("queries", "keys", "values"))
            total += spec.relations * relations.loss(last, theirs, mask)
        return total

    def targets(places: Places, length: int) -> Mapping[str, Any]:
        return {**objective.targets(places, length), **teacher.of(places, length)}

    return Objective(loss, targets, {**objective.extra, **extra})
