"""Is a converted file good enough? Measured on samples, against the float model and the limits that were given."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy.typing as npt

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.fidelity import compare, outputs
from litesmith.converters.metric import ACCURACY, COSINE, METRICS, accuracy
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import CalibrationError, ConversionError

PROBE_SAMPLES = 64
# An accuracy of so many times what guessing gives is still a guess.
_CHANCE = 1.2
# An SNR of minus infinity, of outputs that are NaN, counts as this.
_LOWEST_DB = -100.0
# What a file must have beside its accuracy, for example a place for every operator: what is missing, in words.
Demand = Callable[[TFLiteModel], Sequence[str]]
# What is done to a file before it ships, such as writing metadata.
Ships = Callable[[TFLiteModel], TFLiteModel]


def as_it_is(model: TFLiteModel) -> TFLiteModel:
    """A file that ships without further ado."""
    return model


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file must keep; None is no limit. Shares are of 1.

    Attributes:
        min_agreement: share of samples with the float model's class.
        min_snr_db: signal of the float model's outputs over the difference to them.
        min_accuracy: share of samples with the label's class, or a mean cosine, see `metric.accuracy`.
        max_accuracy_drop: below `reference_accuracy`, or below the float model's own where that is None.
        reference_accuracy: share that the model had before all compression.
        max_bytes: size of the file.
    """

    min_agreement: float | None = None
    min_snr_db: float | None = None
    min_accuracy: float | None = None
    max_accuracy_drop: float | None = None
    reference_accuracy: float | None = None
    max_bytes: int | None = None

    def __post_init__(self) -> None:
        for name in ("min_agreement", "min_accuracy", "max_accuracy_drop", "reference_accuracy"):
            share = getattr(self, name)
            if share is not None and not 0 <= share <= 1:
                raise ConversionError(f"{name} is {share}, not a share between 0 and 1")
        if self.min_snr_db is not None and not math.isfinite(self.min_snr_db):
            raise ConversionError(f"min_snr_db is {self.min_snr_db}, not a number of decibels")
        if self.max_bytes is not None and self.max_bytes <= 0:
            raise ConversionError(f"max_bytes is {self.max_bytes}, not positive")

    @property
    def need_labels(self) -> bool:
        """Whether samples without labels are of no use."""
        return self.min_accuracy is not None or self.max_accuracy_drop is not None


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was measured of a file.

    Attributes:
        snr_db: see `fidelity.Fidelity`, likewise `agreement`, which is None where there are no classes.
        agreement: see `snr_db`.
        accuracy: share of samples with the label's class, or a mean cosine; None without labels or vectors.
        bytes: of the file.
        shortfall: how far it misses the limits on accuracy, in points of a hundred or dB.
        inaccurate: those limits that it does not keep, in words.
        unfit: the other limits and the demands that it does not keep.
        metric: what the accuracy is called.
    """

    snr_db: float
    agreement: float | None
    accuracy: float | None
    bytes: int
    shortfall: float = 0.0
    inaccurate: tuple[str, ...] = ()
    unfit: tuple[str, ...] = ()
    metric: str = ACCURACY.name

    @property
    def unmet(self) -> tuple[str, ...]:
        """Everything that the file does not keep; empty if it is good enough."""
        return (*self.inaccurate, *self.unfit)

    @property
    def score(self) -> tuple[float, ...]:
        """Higher is better: what can be used at all, then what was asked for, then what tells more finely."""
        return (-len(self.unfit), -self.shortfall, self.accuracy or 0.0, self.agreement or 0.0, self.snr_db)


class Judge:
    """Judges files that were made from one float model.

    Attributes:
        samples: that it judges with.
        probe: a few of them, for searches that make many files.
        own: the judgement of the float model itself.

    Args:
        model: the float model, batch 1; it is run once.
        samples: inputs named as the model's, with labels where limits speak of accuracy.
        limits: what a file must keep.
        demands: what else it must have.
        ships: what is done to a file before it ships; what counts is the size that it has then.
        vectors: where the model gives no logits but vectors, those wanted of each sample (N, width): accuracy is then
            the mean cosine to them, and there is no agreement.

    Raises:
        CalibrationError: at construction, if samples do not fit the model, or have no labels where they are needed.
        ConversionError: at construction, if limits speak of classes and the model gives none.
    """

    def __init__(
        self,
        model: TFLiteModel,
        samples: CalibrationSet,
        limits: Limits,
        demands: Sequence[Demand] = (),
        ships: Ships = as_it_is,
        vectors: npt.NDArray[Any] | None = None,
    ) -> None:
        self.samples, self._limits, self._demands, self._ships = samples, limits, demands, ships
        self._vectors = vectors
        self.probe = samples.take(min(PROBE_SAMPLES, len(samples)), seed=0)
        self._expected, self._expected_of_probe = outputs(model, samples), outputs(model, self.probe)
        self._labels = samples.labels if vectors is None else None
        if vectors is None:
            self._check_classes(limits)
        elif limits.min_agreement is not None:
            raise ConversionError("vectors have no class to agree on; give a limit on their cosine or on SNR instead")
        reference = limits.reference_accuracy
        self._reference = reference if reference is not None else self._accuracy(self._expected)
        self.own = self._judge(self._expected, len(model.content))

    def _check_classes(self, limits: Limits) -> None:
        """Refuse limits that speak of classes where outputs or labels have none."""
        if limits.need_labels and self._labels is None:
            raise CalibrationError(
                f"{self.samples.source}: has no labels, which a limit on accuracy needs, one whole number a sample"
            )
        classes = compare(self._expected, self._expected).agreement is not None
        if not classes and (limits.need_labels or limits.min_agreement is not None):
            raise ConversionError("the model has no single output of classes; give a limit on SNR instead")
        first = self._expected[0]
        if not classes or first.size != len(first) * first.shape[-1]:
            if limits.need_labels:
                raise ConversionError(
                    "the model gives classes at several places of a sample, which its one label cannot judge; give a "
                    "limit on agreement or SNR instead"
                )
            self._labels = None
        self._check_labels(limits)

    def __call__(self, model: TFLiteModel) -> Judgement:
        """Run a file on all samples and compare.

        Raises:
            ModelError: the runtime cannot run it.
        """
        judgement = self._judge(outputs(model, self.samples), len(self._ships(model).content))
        unmet = tuple(text for demand in self._demands for text in demand(model))
        return replace(judgement, unfit=(*judgement.unfit, *unmet))

    def _judge(self, found: Sequence[npt.NDArray[Any]], size_bytes: int) -> Judgement:
        fidelity = compare(self._expected, found)
        agreement, metric = (fidelity.agreement, ACCURACY) if self._vectors is None else (None, COSINE)
        figures = Judgement(fidelity.snr_db, agreement, self._accuracy(found), size_bytes, metric=metric.name)
        broken = list(_inaccurate(figures, self._limits, self._reference))
        return replace(
            figures,
            shortfall=sum(missing for missing, _ in broken),
            inaccurate=tuple(text for _, text in broken),
            unfit=tuple(_too_large(figures, self._limits)),
        )

    @property
    def doubt(self) -> str:
        """What the float model's accuracy says about labels and samples, empty if nothing."""
        own, classes = self.own.accuracy, self._expected[0].shape[-1]
        if own is None or self._vectors is not None or own > _CHANCE / classes:
            return ""
        return (
            f"the float model itself names the label's class for {ACCURACY.text(own)} of the samples, no more "
            "than chance: they are scaled otherwise than in training, or labels are numbered otherwise; `litesmith "
            "calibrate audit` looks into it"
        )

    def _check_labels(self, limits: Limits) -> None:
        """Labels that are no outputs of the model would make any file look as good as the float one."""
        classes = self._expected[0].shape[-1]
        if self._labels is None or (self._labels.min() >= 0 and self._labels.max() < classes):
            return
        if limits.need_labels:
            raise CalibrationError(
                f"{self.samples.source}: has labels from {self._labels.min()} to {self._labels.max()}, but the model "
                f"gives {classes} classes, 0 to {classes - 1}; number them as in training"
            )
        self._labels = None

    def snr_db(self, model: TFLiteModel) -> float:
        """SNR on the `probe` samples: enough to tell two files apart."""
        return compare(self._expected_of_probe, outputs(model, self.probe)).snr_db

    def _accuracy(self, found: Sequence[npt.NDArray[Any]]) -> float | None:
        targets = self._labels if self._vectors is None else self._vectors
        return None if targets is None else accuracy(found[0].reshape(len(found[0]), -1), targets)


def _inaccurate(found: Judgement, limits: Limits, reference: float | None) -> Iterator[tuple[float, str]]:
    """By how much each limit on accuracy is missed, and that in words."""
    agreement, kept, metric = found.agreement or 0.0, found.accuracy or 0.0, METRICS[found.metric]
    if limits.min_agreement is not None and agreement < limits.min_agreement:
        missing = 100 * (limits.min_agreement - agreement)
        yield missing, f"agreement {ACCURACY.text(agreement)} is below {ACCURACY.text(limits.min_agreement)}"
    if limits.min_snr_db is not None and found.snr_db < limits.min_snr_db:
        missing = limits.min_snr_db - max(found.snr_db, _LOWEST_DB)
        yield missing, f"SNR {found.snr_db:.1f} dB is below {limits.min_snr_db:.1f} dB"
    if limits.min_accuracy is not None and kept < limits.min_accuracy:
        missing = 100 * (limits.min_accuracy - kept)
        yield missing, f"{metric.name} {metric.text(kept)} is below {metric.text(limits.min_accuracy)}"
    if limits.max_accuracy_drop is not None and reference is not None:
        drop = round(reference - kept, 9)
        if drop > limits.max_accuracy_drop:
            below = f"{metric.difference(drop)} below {metric.text(reference)}"
            allowed = f"at most {metric.difference(limits.max_accuracy_drop)} are allowed"
            yield 100 * (drop - limits.max_accuracy_drop), f"{metric.name} {metric.text(kept)} is {below}; {allowed}"


def _too_large(found: Judgement, limits: Limits) -> Iterator[str]:
    if limits.max_bytes is not None and found.bytes > limits.max_bytes:
        yield f"{found.bytes:,} bytes are more than {limits.max_bytes:,}"
