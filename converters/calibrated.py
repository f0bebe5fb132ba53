"""A float model that is rewritten and calibrated once, to be quantized in several ways."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from litesmith.calibration.collect import collect
from litesmith.calibration.observers import ChannelMoments, Observer, Several
from litesmith.calibration.ranges import RANGE_METHODS, Range, make_observer, range_of
from litesmith.calibration.samples import CalibrationSet
from litesmith.converters import corrections
from litesmith.converters.engines import activations
from litesmith.converters.quantize import EFFORTS, QuantizationSpec, check_pattern, last_match
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError

_NAMES_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Treatment:
    """What is done to a float model, beside the spec.

    Attributes:
        effort: what is done about the rounding of weights, one of `quantize.EFFORTS`: nothing; the mean error of each
            layer moved into its bias; that again for what the layers before it really give; and GPTQ rounding on top.
        method: how ranges are found, one of `calibration.ranges.RANGE_METHODS`. Inputs and outputs of the graph get
            min/max all the same: clipping logits costs accuracy.
        methods: the same for single tensors, by a regular expression that is searched in their names; over `method`
            and also for inputs and outputs. The last that fits counts.
    """

    effort: str = "fast"
    method: str = "minmax"
    methods: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        if self.effort not in EFFORTS:
            raise ConversionError(f"unknown effort {self.effort!r}; choose one of {', '.join(EFFORTS)}")
        for pattern, method in {"": self.method, **self.methods}.items():
            check_pattern(pattern)
            if method not in RANGE_METHODS:
                raise ConversionError(f"{method!r} is no range method; use one of {', '.join(RANGE_METHODS)}")


class Calibrated:
    """What is learned from samples, computed when it is first asked for and kept.

    Attributes:
        model: float32, rewritten, batch 1.
        samples: inputs named as the model's.
        note: what the collector has to say, empty if nothing.
    """

    def __init__(self, model: TFLiteModel, samples: CalibrationSet) -> None:
        self.model, self.samples, self.note = model, samples, ""
        self._ranges: dict[tuple[int, str], Range] = {}
        self._means: dict[int, npt.NDArray[np.float64]] = {}
        self._corrected: dict[object, corrections.Corrected] = {}

    def ranges(self, treatment: Treatment) -> dict[int, Range]:
        """Range of every activation, by tensor index.

        Raises:
            ConversionError: a pattern fits no activation.
            CalibrationError: samples do not fit the model.
        """
        chosen = self._methods(treatment)
        self._collect({index: method for index, method in chosen.items() if (index, method) not in self._ranges})
        return {index: self._ranges[index, method] for index, method in chosen.items()}

    def corrected(self, spec: QuantizationSpec, treatment: Treatment) -> corrections.Corrected:
        """The model with weights and biases that make up for their rounding.

        Raises:
            ConversionError: an operator cannot be run by itself.
        """
        if treatment.effort == "none":
            return corrections.Corrected(self.model, 0)
        ranges = tuple(treatment.methods.items()), treatment.method
        # The mean of what a layer reads does not depend on how others compute; what quantized ones really give does.
        same = treatment.effort == "fast" and spec.rounds_alike
        precision = () if same else tuple(spec.precision.items())
        key = treatment.effort, ranges, spec.weight_bits, spec.per_channel, spec.symmetric, precision
        if key not in self._corrected:
            self._corrected[key] = self._correct(spec, treatment)
        return self._corrected[key]

    def _correct(self, spec: QuantizationSpec, treatment: Treatment) -> corrections.Corrected:
        ranges = self.ranges(treatment)
        if treatment.effort == "fast":
            return corrections.correct_at_once(self.model, spec, self._means)
        optimize = treatment.effort == "high"
        return corrections.correct_in_sequence(self.model, spec, ranges, self.samples, optimize_rounding=optimize)

    def _methods(self, treatment: Treatment) -> dict[int, str]:
        ends = frozenset((*self.model.main.inputs, *self.model.main.outputs))
        tensors = list(activations(self.model))
        check_matches(treatment.methods, [tensor.name for tensor in tensors], "tensor")
        return {
            tensor.index: last_match(treatment.methods, tensor.name)
            or ("minmax" if tensor.index in ends else treatment.method)
            for tensor in tensors
        }

    def _collect(self, missing: Mapping[int, str]) -> None:
        """One run over the samples for all tensors whose range is not known yet, and for channel means."""
        if not missing:
            return
        observers: dict[int, Observer] = {}
        moments = {index: ChannelMoments() for index in corrections.sources(self.model) & missing.keys()}

        def make(index: int, shape: tuple[int, ...]) -> Observer:
            observers[index] = make_observer(missing[index])
            return Several((observers[index], moments[index])) if index in moments else observers[index]

        self.note = collect(self.model.content, self.samples, make, only=missing.keys()).note
        for index, observer in observers.items():
            self._ranges[index, missing[index]] = range_of(observer, missing[index])
        self._means |= {index: moment.mean for index, moment in moments.items()}


def check_matches(patterns: Iterable[str], names: Sequence[str], what: str) -> None:
    """Refuse a pattern that fits none of the names: a typing error would go unnoticed.

    Raises:
        ConversionError: with the pattern and some names.
    """
    for pattern in patterns:
        if not any(re.search(pattern, name) for name in names):
            known = ", ".join(dict.fromkeys(name.partition(";")[0] for name in names[:_NAMES_SHOWN]))
            more = ", ..." if len(names) > _NAMES_SHOWN else ""
            raise ConversionError(f"no {what} of the model has a name like {pattern!r}; there are {known}{more}")
