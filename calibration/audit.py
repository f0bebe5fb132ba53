"""Is a set of samples fit to calibrate a model with? Every problem at once, each with its evidence and its fix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.audit_content import check_classes, check_content, check_overlap
from litesmith.calibration.audit_finding import SEVERITIES, AuditFinding, ModelInput
from litesmith.calibration.audit_inputs import check_inputs, pair_inputs, usable
from litesmith.calibration.audit_scale import check_expected, check_trained_on
from litesmith.calibration.audit_scores import check_scores
from litesmith.calibration.audit_stability import SampleLimits, check_stability
from litesmith.calibration.collect import collect
from litesmith.calibration.samples import CalibrationSet
from litesmith.calibration.sources import RawData
from litesmith.errors import CalibrationError

Array = npt.NDArray[Any]

# More would only take longer: of 1,000 samples, 0.4% leave the range of the other half at most.
_STABILITY_SAMPLES = 1000
_SCORED_SAMPLES = 200


@dataclass(frozen=True, slots=True)
class AuditedModel:
    """The float model that is to be calibrated.

    Attributes:
        content: the `.tflite` file.
        inputs: in the order of the file.
        tensors: names of the main subgraph's tensors by index, for messages.
        scores: index of the output `(1, classes)`, if it has one output and that is of this shape.
        classes: how many scores it has.
    """

    content: bytes
    inputs: tuple[ModelInput, ...]
    tensors: Sequence[str]
    scores: int | None = None
    classes: int | None = None


def audit(
    model: AuditedModel, data: RawData, *, trained_on: RawData | None = None, test: RawData | None = None
) -> tuple[AuditFinding, ...]:
    """Look for what would make calibration fail or give wrong ranges; the worst comes first.

    The arrays may be anything that can be read: what is wrong with some samples does not keep the others from
    being looked at, and the model is run on those that it takes.

    Args:
        model: what to calibrate.
        data: the samples, preprocessed as they would be for calibration.
        trained_on: samples that the model was trained on, as it saw them.
        test: the samples that the quantized model will be measured on, preprocessed like `data`.
    """
    arrays = _numeric(pair_inputs(model.inputs, data))
    findings = list(check_inputs(model.inputs, data))
    if arrays and len({len(array) for array in arrays.values()}) == 1:
        findings += check_content(arrays)
        findings += () if test is None else _check_test(model.inputs, arrays, test)
    if data.labels is not None:
        count = max(map(len, data.inputs.values()))
        findings += check_classes(data.labels, count, data.class_names, model.classes)
    runnable = usable(model.inputs, data)
    if runnable is not None:
        findings += _check_values(model, data, *runnable, trained_on)
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def _check_test(inputs: Sequence[ModelInput], arrays: Mapping[str, Array], test: RawData) -> tuple[AuditFinding, ...]:
    held_out = _numeric(pair_inputs(inputs, test))
    shapes, ours = ({name: list(array.shape[1:]) for name, array in one.items()} for one in (held_out, arrays))
    if shapes == ours and len({len(array) for array in held_out.values()}) == 1:
        return check_overlap(arrays, held_out)
    message = f"the test data ({test.source}) are of other inputs or shapes, so nothing was compared"
    fix = "give them as the calibration data are, with the same preprocessing"
    return (AuditFinding("overlap", "error", message, {"test": shapes, "calibration": ours}, fix),)


def _check_values(
    model: AuditedModel,
    data: RawData,
    samples: CalibrationSet,
    places: npt.NDArray[np.intp],
    trained_on: RawData | None,
) -> list[AuditFinding]:
    """What takes the values themselves, and the model's activations on them."""
    findings: list[AuditFinding] = []
    for one in (one for one in model.inputs if one.is_float):
        findings += check_expected(one, samples.inputs[one.name])
    if trained_on is not None:
        findings += _check_reference(model.inputs, samples, trained_on)
    activations = _check_activations(model, samples)
    is_runnable = not any(finding.check == "activations" for finding in activations)
    known = trained_on is not None or any(one.expected is not None for one in model.inputs)
    if is_runnable and not known and model.scores is not None and len(model.inputs) == 1:
        labels = None if data.labels is None else _places(data.labels, places)
        findings += _check_scores(model, model.scores, samples, labels)
    return [*findings, *activations]


def _check_reference(inputs: Sequence[ModelInput], samples: CalibrationSet, trained_on: RawData) -> list[AuditFinding]:
    findings: list[AuditFinding] = []
    reference = usable(inputs, trained_on)
    if reference is None:
        given = {name: list(array.shape) for name, array in trained_on.inputs.items()}
        wanted = {one.name: list(one.shape) for one in inputs}
        message = f"the training data ({trained_on.source}) do not fit the model's inputs, so nothing was compared"
        fix = "give samples as the model saw them in training"
        return [AuditFinding("trained_on", "error", message, {"given": given, "wanted": wanted}, fix)]
    whole, places = reference
    total = max(map(len, trained_on.inputs.values()))
    if damaged := total - len(places):
        message = f"{damaged} of the {total} training samples ({trained_on.source}) are damaged"
        evidence = {"damaged": damaged, "samples": total}
        fix = "they were left out; look for NaN and infinity: what a model learnt from these may be nothing"
        findings.append(AuditFinding("trained_on", "warning", message, evidence, fix))
    for one in (one for one in inputs if one.is_float):
        findings += check_trained_on(one.name, samples.inputs[one.name], whole.inputs[one.name])
    return findings


def _check_activations(model: AuditedModel, samples: CalibrationSet) -> list[AuditFinding]:
    some = samples.take(_STABILITY_SAMPLES, seed=0) if len(samples) > _STABILITY_SAMPLES else samples
    try:
        collected = collect(model.content, some, lambda index, shape: SampleLimits())
    except CalibrationError as error:
        evidence = {"samples": len(some)}
        return [
            AuditFinding("activations", "error", str(error), evidence, "the model must run on the samples in float")
        ]
    observers = collected.observers.items()
    findings = list(
        check_stability([(model.tensors[index], one) for index, one in observers if isinstance(one, SampleLimits)])
    )
    if collected.note:
        fix = "nothing to do: only calibration takes longer"
        findings.append(AuditFinding("batch", "info", collected.note, {"batch": collected.batch}, fix))
    return findings


def _check_scores(
    model: AuditedModel, scores: int, samples: CalibrationSet, labels: Array | None
) -> tuple[AuditFinding, ...]:
    name, array = next(iter(samples.inputs.items()))
    if array.dtype != np.float32:
        return ()
    chosen = np.unique(np.linspace(0, len(array) - 1, min(len(array), _SCORED_SAMPLES)).astype(np.intp))
    known = labels if labels is not None and _are_classes(labels, len(array), model.classes) else None

    def run(values: Array) -> Array:
        kept = _Kept()
        collect(model.content, CalibrationSet({name: values}), lambda index, shape: kept, only=[scores])
        return np.concatenate(kept.batches)

    return check_scores(name, array[chosen], None if known is None else known[chosen], run)


@dataclass(slots=True)
class _Kept:
    """An observer that keeps what it sees."""

    batches: list[npt.NDArray[np.float32]] = field(default_factory=list)

    def update(self, values: npt.NDArray[np.float32]) -> None:
        self.batches.append(values.reshape(-1, values.shape[-1]).copy())


def _are_classes(labels: Array, samples: int, classes: int | None) -> bool:
    if labels.shape != (samples,) or labels.dtype.kind not in "iu" or classes is None:
        return False
    return bool(labels.min() >= 0 and labels.max() < classes)


def _places(labels: Array, places: npt.NDArray[np.intp]) -> Array | None:
    return labels[places] if labels.ndim == 1 and len(labels) > int(places.max()) else None


def _numeric(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Those that hold numbers; what is wrong with the others `check_inputs` says."""
    return {name: array for name, array in arrays.items() if array.dtype.kind in "iuf" and array.size}
