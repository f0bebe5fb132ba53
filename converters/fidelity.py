"""Fidelity: how much of what a float model says is left in another file's outputs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.activations import FileRun, bind_samples, each_sample
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Fidelity:
    """Outputs of a file against those of the float model; of several outputs the worst figures count.

    Where `verify.Parity` says how many steps of the output scale are lost, this says how much of the signal.

    Attributes:
        samples: how many were run.
        snr_db: signal to noise, `10 log10(sum f^2 / sum (f - q)^2)`. Infinite where the outputs are equal; minus
            infinity where there is no signal, or the file gives NaN or infinity.
        cosine: of the angle between all outputs, 1 where they are equal.
        agreement: share of samples with the same largest class; of samples and places, where an output has classes at
            several. None unless there is a single output with two or more values on its last axis.
        float_classes: how often the float model gives each class; None likewise.
        quantized_classes: the same for the file.
    """

    samples: int
    snr_db: float
    cosine: float
    agreement: float | None
    float_classes: tuple[int, ...] | None
    quantized_classes: tuple[int, ...] | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, which knows no infinity: an infinite `snr_db` is null, and `equal` says which."""
        return {**asdict(self), "snr_db": finite_or_none(self.snr_db), "equal": self.snr_db == math.inf}


def outputs(model: TFLiteModel, samples: CalibrationSet) -> list[Array]:
    """What a file gives for samples: an array (N, ...) of real values for each output.

    Args:
        model: float or quantized, batch 1.
        samples: real values, named as the model's inputs.

    Raises:
        CalibrationError: samples do not fit the model.
        ModelError: the runtime cannot run it.
    """
    run, arrays = FileRun(model), bind_samples(model, samples)
    results: list[list[Array]] = [[] for _ in model.main.outputs]
    for sample in each_sample(arrays):
        run.run(sample)
        for index, kept in zip(model.main.outputs, results, strict=True):
            kept.append(run.read(index))
    return [_by_sample(np.stack(kept)) for kept in results]


def compare(expected: Sequence[Array], found: Sequence[Array]) -> Fidelity:
    """Compare a file's outputs with those of the float model.

    Args:
        expected: arrays (N, ...) of the float model, as `outputs` gives them.
        found: of the file, in the same order.

    Raises:
        ConversionError: their number or shapes differ, or there is nothing to compare.
    """
    shapes, others = [array.shape for array in expected], [array.shape for array in found]
    if shapes != others or not shapes or not all(array.size for array in expected):
        raise ConversionError(f"cannot compare outputs of shapes {shapes} and {others}")
    pairs = [(_flat(one), _flat(other)) for one, other in zip(expected, found, strict=True)]
    classes = _classes(expected), _classes(found)
    agreement = None if classes[0] is None or classes[1] is None else float(np.mean(classes[0] == classes[1]))
    count = expected[0].shape[-1]
    return Fidelity(
        samples=len(expected[0]),
        snr_db=min(snr_db(_energy(one), _energy(one - other)) for one, other in pairs),
        cosine=min(_cosine(one, other) for one, other in pairs),
        agreement=agreement,
        float_classes=_histogram(classes[0], count),
        quantized_classes=_histogram(classes[1], count),
    )


def snr_db(signal: float, noise: float) -> float:
    """Energies as a ratio in decibels: infinite without noise, minus infinity without signal or with NaN in it."""
    if noise == 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal > 0 and math.isfinite(noise) else -math.inf


def finite_or_none(value: float) -> float | None:
    """For JSON, which has neither infinity nor NaN."""
    return value if math.isfinite(value) else None


def _by_sample(stacked: Array) -> Array:
    """Without the model's own batch axis, where it has one."""
    return stacked[:, 0] if stacked.ndim > 2 and stacked.shape[1] == 1 else stacked


def _flat(values: Array) -> npt.NDArray[np.float64]:
    return values.astype(np.float64).ravel()


def _energy(values: npt.NDArray[np.float64]) -> float:
    return float(values @ values)


def _cosine(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    if np.array_equal(one, other):
        return 1.0
    cosine = float(one @ other) / math.sqrt(_energy(one) * _energy(other) or math.inf)
    return cosine if math.isfinite(cosine) else 0.0


def _classes(arrays: Sequence[Array]) -> npt.NDArray[np.intp] | None:
    if len(arrays) != 1 or arrays[0].ndim < 2 or arrays[0].shape[-1] < 2:
        return None
    largest: npt.NDArray[np.intp] = arrays[0].argmax(axis=-1)
    return largest.ravel()


def _histogram(classes: npt.NDArray[np.intp] | None, count: int) -> tuple[int, ...] | None:
    return None if classes is None else tuple(np.bincount(classes, minlength=count).tolist())
