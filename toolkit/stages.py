"""The stages of a run. Each starts from the weights that the one before it stored, never from memory.

So a resumed run computes exactly what an uninterrupted one does.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import numpy.typing as npt

from litesmith import distill, prune, qat
from litesmith.converters.keras import convert
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.text.architecture import TextModel
from litesmith.converters.text.encoder import build_encoder, read_encoder
from litesmith.files import sha256_file, write_bytes
from litesmith.ledger import Row
from litesmith.measure import accuracy, measure
from litesmith.quantization import quantize
from litesmith.recipe import Recipe
from litesmith.stage import MODEL, Result, Stage
from litesmith.student import Run
from litesmith.text import stages as text
from litesmith.text.predict import predict
from litesmith.train import fit
from litesmith.training_signal import training_signal

Array = npt.NDArray[Any]


def plan(recipe: Recipe) -> tuple[Stage, ...]:
    """The stages that a recipe asks for, in order."""
    stages = []
    if recipe.teacher is not None:
        stages.append(Stage("teacher", teacher, ("seed", "data", "teacher"), recipe.teacher.train.epochs))
    stages.append(Stage("student", student, ("seed", "data", "student", "distill"), recipe.student.train.epochs))
    if recipe.prune is not None:
        stages.append(Stage(prune.STAGE, prune_student, ("prune",), recipe.prune.train.epochs))
    if recipe.quantize.qat is not None:
        stages.append(
            Stage(qat.STAGE, train_quantized, ("quantize.qat", "quantize.wide_rows"), recipe.quantize.qat.train.epochs)
        )
    stages.append(Stage("quantize", quantize, ("name", "quantize", "targets", "budget"), 0))
    return tuple(stages)


def teacher(run: Run) -> Result:
    """Train the teacher on the labels, or take it as it is when it has no epochs."""
    start = time.perf_counter()
    run.seed("teacher")
    if run.teacher_spec.is_text:
        return _float_result(run, "teacher", text.fine_tune(run), start)
    model = run.build(run.teacher_spec)
    if run.teacher_spec.train.epochs:
        x, y = run.training_samples()
        fit(model, x, y, distill.cross_entropy, run.teacher_spec.train, stage="teacher", on_event=run.on_event)
    return _float_result(run, "teacher", model, start)


def student(run: Run) -> Result:
    """Train the student, from the teacher's logits where the recipe distils."""
    start = time.perf_counter()
    if run.recipe.student.is_text:
        learnt, facts = text.learn(run)
        return _float_result(run, "student", learnt, start, facts)
    x, y, loss = training_signal(run)
    run.seed("student")
    model = run.build(run.recipe.student)
    if run.recipe.student.train.epochs:
        fit(model, x, y, loss, run.recipe.student.train, stage="student", on_event=run.on_event)
    return _float_result(run, "student", model, start)


def prune_student(run: Run) -> Result:
    """Prune the student under the same training signal: zeros in its kernels, or heads and units of a text encoder."""
    start = time.perf_counter()
    assert run.recipe.prune is not None
    if run.recipe.prune.removes:
        smaller, facts = text.remove(run, run.recipe.prune)
        return _float_result(run, prune.STAGE, smaller, start, facts)
    x, y, loss = training_signal(run)
    dense = run.student_after("student").model
    pruned, layers = prune.prune(dense, x, y, loss, run.recipe.prune, on_event=run.on_event)
    if run.recipe.student.is_text:
        pruned = read_encoder(pruned, run.stored_text("student"))
    return _float_result(run, prune.STAGE, pruned, start, {"layers": [asdict(layer) for layer in layers]})


def train_quantized(run: Run) -> Result:
    """Train with fake quantization. The result is a training graph, not yet a file: it is measured in TensorFlow."""
    start = time.perf_counter()
    spec = run.recipe.quantize.qat
    assert spec is not None
    if run.recipe.student.is_text:
        learnt, grids = text.train_on_grids(run, spec)
        kernels = [weights for name, weights in learnt.weights.items() if name.endswith(".kernel")]
        return _graph_result(run, learnt, lambda x: predict(learnt, x, grids), qat.zeros(kernels), start)
    x, y, loss = training_signal(run)
    before = run.student_after(run.steps_before_quantization()[-1])
    model = run.quantization_aware()
    qat.observe_ranges(model, before.model, x)
    fit(model, x, y, loss, spec.train, stage=qat.STAGE, on_event=run.on_event)
    return _graph_result(run, model, lambda x: model.predict(x, verbose=0), qat.kernel_sparsity(model), start)


def _graph_result(run: Run, model: Any, answer: Callable[[Array], Array], sparsity: float, start: float) -> Result:
    path = run.store(qat.STAGE, model)
    seconds = round(time.perf_counter() - start, 3)
    test, validation = run.splits.test, run.splits.validation
    row = Row(
        stage=qat.STAGE,
        label="training graph",
        measured_on="tensorflow" if isinstance(model, TextModel) else "keras",
        accuracy=accuracy(answer(test.x), test.y),
        validation_accuracy=accuracy(answer(validation.x), validation.y),
        parameters=run.student_after(run.steps_before_quantization()[-1]).parameters,
        sparsity=sparsity,
        seconds=seconds,
        sha256=sha256_file(path),
    )
    return Result(row, {})


def _float_result(run: Run, stage: str, model: Any, start: float, details: Mapping[str, Any] | None = None) -> Result:
    run.store(stage, model)
    model = build_encoder(model) if isinstance(model, TextModel) else model
    converted = convert(model, QuantizationSpec("float32"))
    write_bytes(run.workspace.stage(stage) / MODEL, converted.content)
    seconds = time.perf_counter() - start
    parameters = int(model.count_params())
    row = measure(converted, run.splits_of(stage), stage=stage, parameters=parameters, seconds=seconds)
    return Result(row, details or {})
