"""What the stages of a run do where teacher or student is a text encoder."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith import distill, qat
from litesmith.converters.text.architecture import TextModel
from litesmith.converters.text.integer.quantize import quantize_text
from litesmith.student import Run
from litesmith.text import signal
from litesmith.text.embedding import from_embeddings
from litesmith.text.file_grids import grids_of
from litesmith.text.fit import Objective, fit
from litesmith.text.grids import EXACT, Grids
from litesmith.text.hidden import matching_layers
from litesmith.text.importance import UNIT_STEP, best, importance
from litesmith.text.predict import cached_answers
from litesmith.text.structure import keep_heads, keep_units
from litesmith.text.teacher_states import CACHE_BYTES, TeacherStates
from litesmith.training_specs import EMBEDDING, TEACHER, PruneSpec, QatSpec, TrainSpec

Array = npt.NDArray[Any]
# Scores settle long before all samples were seen (Michel et al., section 4.2).
_SCORED = 512


@dataclass(frozen=True, slots=True)
class Lesson:
    """Samples (N, L) of the student, and what it learns from them."""

    ids: Array
    objective: Objective
    facts: Mapping[str, Any]


def with_wanted_vectors(run: Run) -> Run:
    """The run for embeddings, whose samples now have the teacher's as what is wanted of them."""
    seen = np.concatenate([part.x for part in run.samples.teacher.parts])
    vectors = cached_answers(run.text_teacher(), seen, run.workspace.cache)
    return replace(run, samples=run.samples.with_vectors(vectors))


def fine_tune(run: Run) -> TextModel:
    """The teacher, trained on the labels; as it is where it has no epochs."""
    model, train = run.text_teacher(), run.samples.teacher.train
    return _trained(run, "teacher", model, Lesson(train.x, signal.from_labels(train.y), {}), run.teacher_spec.train)


def learn(run: Run) -> tuple[TextModel, dict[str, Any]]:
    """The student, trained under the recipe's signal, and figures of that."""
    model = run.text_student(run.stored_text("teacher") if run.recipe.student.model == TEACHER else None)
    lesson = lesson_of(run, model)
    return _trained(run, "student", model, lesson, run.recipe.student.train), {
        "heads": list(model.architecture.heads),
        "intermediate": list(model.architecture.intermediate),
        "vocabulary": model.architecture.vocabulary,
        **lesson.facts,
    }


def remove(run: Run, spec: PruneSpec) -> tuple[TextModel, dict[str, Any]]:
    """The student without its least important heads and units, trained again, and what each layer kept."""
    model = run.stored_text("student")
    lesson = lesson_of(run, model)
    chosen = np.random.default_rng(run.recipe.seed).permutation(len(lesson.ids))[:_SCORED]
    scored = importance(model, lesson.ids[chosen], lesson.objective.at(chosen))
    if spec.heads is not None:
        model = keep_heads(model, best(scored.heads, spec.heads))
    if spec.intermediate is not None:
        model = keep_units(model, best(scored.units, spec.intermediate, UNIT_STEP))
    architecture = model.architecture
    facts = {"heads": list(architecture.heads), "intermediate": list(architecture.intermediate)}
    return _trained(run, "prune", model, lesson, spec.train), facts


def train_on_grids(run: Run, spec: QatSpec) -> tuple[TextModel, Grids]:
    """The student, trained on the grids that an integer file of it has, and these grids."""
    model = run.stored_text(run.steps_before_quantization()[-1])
    grids = grids_of(model, quantize_text(model, run.splits.calibration.x, wide=run.recipe.quantize.wide_rows))
    zeros = spec.preserve_sparsity and run.recipe.prune is not None
    return _trained(run, qat.STAGE, model, lesson_of(run, model), spec.train, grids=grids, keep_zeros=zeros), grids


def lesson_of(run: Run, student: TextModel) -> Lesson:
    """The training split and the further sentences, with labels or the teacher's answers as targets."""
    train, extra, spec = run.samples.splits.train, run.samples.unlabelled, run.recipe.distill
    if spec is None:
        return Lesson(train.x, signal.from_labels(train.y), {})
    ids, seen = train.x, run.samples.teacher.train.x
    if extra is not None:
        ids, seen = np.concatenate([ids, extra.x]), np.concatenate([seen, extra.teacher_x])
    if not run.teacher_spec.is_text:
        logits = distill.teacher_logits(run.stored_teacher(), seen, run.workspace.cache)
        return Lesson(ids, signal.from_teacher(train.y, logits, spec), {})
    teacher, width, cache = run.stored_text("teacher"), student.architecture.hidden, run.workspace.cache
    if run.recipe.task == EMBEDDING:
        further = [] if extra is None else [cached_answers(teacher, extra.teacher_x, cache)]
        objective = from_embeddings(np.concatenate([train.y, *further]), width)
    else:
        y = np.concatenate([train.y, np.full(len(ids) - len(train), -1)])
        objective = signal.from_teacher(y, cached_answers(teacher, seen, cache), spec)
    facts: dict[str, Any] = {"unlabelled": len(ids) - len(train)}
    if not spec.sees_states:
        return Lesson(ids, objective, facts)
    states = _states(run, student, teacher, ids, seen)
    facts |= {
        "aligned_samples": int(states.aligned.sum()),
        "cached_samples": states.cached_samples,
        "learns_from_layers": list(states.layers),
    }
    return Lesson(ids, signal.with_states(objective, spec, states, width), facts)


def _states(run: Run, student: TextModel, teacher: TextModel, ids: Array, seen: Array) -> TeacherStates:
    spec = run.recipe.distill
    assert spec is not None
    kept = run.samples.kept_ids
    same = (ids if kept is None else kept[ids]) == seen
    counts = student.architecture.layers, teacher.architecture.layers
    layers = matching_layers(*counts, run.recipe.student.layers) if spec.hidden else ()
    budget = CACHE_BYTES if spec.cache_bytes is None else spec.cache_bytes
    return TeacherStates(teacher, seen, same.all(axis=1), layers, bool(spec.relations), run.workspace.cache, budget)


def _trained(
    run: Run,
    stage: str,
    model: TextModel,
    lesson: Lesson,
    spec: TrainSpec,
    *,
    grids: Grids = EXACT,
    keep_zeros: bool = False,
) -> TextModel:
    if not spec.epochs:
        return model
    run.seed(stage)
    seed = zlib.crc32(f"{run.recipe.seed} {stage}".encode())
    return fit(
        model, lesson.ids, lesson.objective, spec, stage=stage, seed=seed, on_event=run.on_event, grids=grids,
        keep_zeros=keep_zeros,
    )  # fmt: skip
