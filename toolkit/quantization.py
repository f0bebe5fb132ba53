"""The last stage: the student becomes the file that ships, and where that costs too much accuracy, what helps."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from typing import Any

from litesmith import qat
from litesmith.calibration.preprocess import Preprocess
from litesmith.calibration.samples import CalibrationSet
from litesmith.calibration.text.contract import TextContract
from litesmith.converters import keras
from litesmith.converters.convert import Acceptance, Conversion, convert
from litesmith.converters.diagnosis import Diagnosis
from litesmith.converters.judge import Limits
from litesmith.converters.metadata import with_metadata
from litesmith.converters.metric import ACCURACY
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.rescue import Remedies, Remedy
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.converters.tries import Try
from litesmith.converters.verify import compare_outputs
from litesmith.demands import demands
from litesmith.errors import CompressionError
from litesmith.events import QuantizationTried
from litesmith.files import write_bytes
from litesmith.measure import accuracy, measure, predict
from litesmith.stage import MODEL, Result
from litesmith.student import Run
from litesmith.text.quantization import integer_file
from litesmith.train import fit
from litesmith.training_signal import training_signal
from litesmith.training_specs import TrainSpec

# The last remedy trains the layers of so many operators, for so much of the student's own epochs and learning rate.
TRAINED = f"{qat.REMEDY} of the worst layers"
TRAINED_OPERATORS = 4
EPOCHS_SHARE, RATE_SHARE = 0.2, 0.1


def quantize(run: Run) -> Result:
    """Convert to the deployed file, prove its type, and compare it with the model it came from."""
    start = time.perf_counter()
    final = run.student_after(run.steps()[-1])
    calibration = _split(run, "calibration", final.model.input_names[0])
    done = _convert(run, final.model, calibration)
    if _left_training_out(run, done):
        final = run.student_after(run.steps_before_quantization()[-1])
    model = _described(run, done.model)
    write_bytes(run.workspace.stage("quantize") / MODEL, model.content)
    seconds = time.perf_counter() - start
    test = run.splits.test.x
    found = predict(model, test).real
    expected, classes = final.model.predict(test, verbose=0), run.splits.metric is ACCURACY
    parity = compare_outputs(expected, found, model.outputs[0].quantization, classes=classes)
    parameters = run.student_after("student").parameters
    row = measure(model, run.splits, stage="quantize", parameters=parameters, seconds=seconds)
    details = {
        "parity": parity.to_dict(),
        "io": run.recipe.quantize.conversion.io,
        "steps": [*final.steps, *([qat.STAGE] if done.route == TRAINED else [])],
        "route": done.route,
        "rewrites": list(done.applied),
        "note": done.note,
        "tries": done.tries_to_list(),
        "diagnosis": None if done.diagnosis is None else done.diagnosis.to_dict(),
        "judged_on": f"the {len(run.splits.validation)} samples of the validation split",
        "calibration_samples": len(calibration),
        "calibration_digest": calibration.digest,
    }
    return Result(row, details)


def _convert(run: Run, model: Any, calibration: CalibrationSet) -> Conversion:
    wanted = run.recipe.quantize
    samples = calibration if wanted.conversion.needs_calibration else None
    acceptance = _acceptance(run, model.input_names[0])
    if run.recipe.student.is_text and wanted.mode == "int8":
        stage = run.steps_before_quantization()[-1]
        trained = None if wanted.qat is None else run.stored_text(qat.STAGE)
        student, wide = run.stored_text(stage), wanted.wide_rows
        return integer_file(student, _file_of(run, stage), calibration, acceptance, trained, wide_rows=wide)
    if wanted.qat is None:
        return convert(model, wanted.conversion, samples, treatment=wanted.treatment, acceptance=acceptance)
    before = _file_of(run, run.steps_before_quantization()[-1])
    return _or_rescue(run, convert(model, wanted.conversion, samples), before, calibration, acceptance)


def _left_training_out(run: Run, done: Conversion) -> bool:
    """Whether a file that was made without the recipe's quantization-aware training turned out better."""
    return run.recipe.quantize.qat is not None and done.chosen is not done.tries[0]


def _or_rescue(
    run: Run, trained: Conversion, before: TFLiteModel, calibration: CalibrationSet, acceptance: Acceptance
) -> Conversion:
    """The file of quantization-aware training; where it is not good enough, a better one made without, if there is."""
    start = time.perf_counter()
    judgement = acceptance.judge(before)(trained.model)
    first = Try(qat.REMEDY, judgement, time.perf_counter() - start)
    acceptance.on_try(first)
    judged = replace(trained, tries=(first,), chosen=first)
    if not judgement.inaccurate or not acceptance.remedies.allowed:
        return judged
    wanted = run.recipe.quantize
    other = convert(before, wanted.conversion, calibration, treatment=wanted.treatment, acceptance=acceptance)
    best = other if other.chosen is not None and other.chosen.score > first.score else judged
    return replace(best, tries=(first, *other.tries), diagnosis=other.diagnosis)


def _acceptance(run: Run, name: str) -> Acceptance:
    """Judged on the validation split: what is chosen by the test split would say nothing about new samples."""
    budget, wanted = run.recipe.budget, run.recipe.quantize
    student, validation = _file_of(run, "student"), run.splits.validation
    limits = Limits(
        min_accuracy=budget.min_accuracy,
        max_accuracy_drop=budget.max_accuracy_drop,
        reference_accuracy=accuracy(predict(student, validation.x).real, validation.y),
        max_bytes=budget.max_bytes,
    )
    asked = demands(run.recipe.targets.require, budget.max_latency_ms.get("host"))
    training = Remedy(TRAINED, partial(_train_worst, run))
    remedies = Remedies(wanted.rescue, allow_float=wanted.allow_float, others=(training,) if wanted.qat is None else ())
    samples = _split(run, "validation", name)
    return Acceptance(
        samples,
        limits,
        asked,
        remedies,
        on_try=lambda tried: run.on_event(QuantizationTried(tried)),
        ships=partial(_described, run),
        vectors=None if run.splits.metric is ACCURACY else validation.y,
    )


def _train_worst(run: Run, diagnosis: Diagnosis) -> TFLiteModel:
    """Quantization-aware training of the layers whose operators lose most; the others keep their calibrated ranges."""
    wanted = run.recipe.quantize.conversion
    if wanted != QuantizationSpec(wanted.mode, wanted.io):
        raise CompressionError(
            "trains for int8 weights per channel throughout, which the recipe's choices for [quantize] are not",
            stage=qat.STAGE,
        )
    names = (loss.tensor for loss in diagnosis.worst_operators(TRAINED_OPERATORS))
    fused = "/".join(names).replace(";", "/").split("/")
    model = run.student_after(run.steps_before_quantization()[-1]).model
    layers = [layer.name for layer in model.layers if layer.name in fused]
    if not layers:
        raise CompressionError("no layer's name occurs in those of the worst operators", stage=qat.STAGE)
    x, y, loss = training_signal(run)
    run.seed("rescue")
    trained = qat.quantization_aware(model, preserve_sparsity=run.recipe.prune is not None, only=layers)
    qat.observe_ranges(trained, model, x)
    spec = run.recipe.student.train
    epochs = max(1, round(EPOCHS_SHARE * spec.epochs))
    spec = TrainSpec(epochs, RATE_SHARE * spec.learning_rate, spec.batch_size)
    fit(trained, x, y, loss, spec, stage="rescue", on_event=lambda _: None)
    samples = _split(run, "calibration", trained.input_names[0])
    return keras.convert(trained, wanted, samples)


def _described(run: Run, model: TFLiteModel) -> TFLiteModel:
    """The file that ships: with labels, normalization and the preprocessing contract of the data.

    The contract of text stands beside the file: a vocabulary inside it would be loaded with every model.
    """
    data = run.splits.test
    if isinstance(data.preprocess, TextContract):
        return model
    return with_metadata(model, data.preprocess, data.class_names, name=run.recipe.name)


def _file_of(run: Run, stage: str) -> TFLiteModel:
    return TFLiteModel.from_file(run.workspace.stage(stage) / MODEL)


def _split(run: Run, which: str, name: str) -> CalibrationSet:
    part = getattr(run.splits, which)
    contract = part.preprocess if isinstance(part.preprocess, Preprocess) else None
    labels = part.y if part.metric is ACCURACY else None
    return CalibrationSet({name: part.x}, source=f"{which} split", labels=labels, preprocess=contract)
