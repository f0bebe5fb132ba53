"""Why a quantized file is worse than the float model it was made from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.activations import FileRun, bind_samples, each_sample, with_every_output
from litesmith.converters.diagnosis_text import paragraph
from litesmith.converters.fidelity import Fidelity, compare, outputs
from litesmith.converters.loss_tally import LossTally
from litesmith.converters.matching import Match, detach, match_inputs, match_operators
from litesmith.converters.operator_loss import OperatorLoss
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.converters.weight_loss import weight_facts, with_weights_of
from litesmith.errors import ConversionError

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a quantized file loses, where and by what.

    Attributes:
        fidelity: of the file's outputs.
        weights_only: of the float model's outputs with the file's weights and biases, all else in float.
        inputs: what the graph's inputs lose before any operator runs; those that are quantized.
        operators: one entry for each float output of an operator that was found in the file, in execution order.
        unmatched: names of the float outputs that were not found.
    """

    fidelity: Fidelity
    weights_only: Fidelity
    inputs: tuple[OperatorLoss, ...]
    operators: tuple[OperatorLoss, ...]
    unmatched: tuple[str, ...]

    @property
    def weight_share(self) -> float:
        """Share of the error energy at the outputs that the weights alone give, 0 to 1; the rest are activations."""
        if self.weights_only.snr_db == math.inf:
            return 0.0
        if self.weights_only.snr_db == -math.inf:
            return 1.0
        return float(min(10 ** ((self.fidelity.snr_db - self.weights_only.snr_db) / 10), 1.0))

    @property
    def paragraph(self) -> str:
        """All of it for people, in one paragraph."""
        return paragraph(self)

    def worst(self, n: int) -> tuple[int, ...]:
        """Indices of the operators that lose most by themselves (`OperatorLoss.worst_db`), the worst first."""
        return tuple(loss.index for loss in self.worst_operators(n))

    @property
    def inputs_clipped(self) -> float:
        """Largest share of an input's values that lie outside what the file takes."""
        found = (loss.activation.clipped for loss in self.inputs if loss.activation is not None)
        return max(found, default=0.0)

    def worst_operators(self, n: int) -> tuple[OperatorLoss, ...]:
        """The operators that lose most by themselves; of several outputs the worst one counts."""
        found: dict[int, OperatorLoss] = {}
        for loss in sorted(self.operators, key=lambda loss: loss.worst_db):
            found.setdefault(loss.index, loss)
        return tuple(found.values())[:n]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "fidelity": self.fidelity.to_dict(),
            "weights_only": self.weights_only.to_dict(),
            "weight_share": self.weight_share,
            "inputs": [loss.to_dict() for loss in self.inputs],
            "operators": [loss.to_dict() for loss in self.operators],
            "unmatched": list(self.unmatched),
            "paragraph": self.paragraph,
        }


def diagnose(float_model: TFLiteModel, quantized: TFLiteModel, samples: CalibrationSet) -> Diagnosis:
    """Find out where a quantized file loses what.

    Everything is measured on the samples, one after the other, in memory that does not grow with them.

    Args:
        float_model: what was quantized (`PostTraining.rewritten`), batch 1.
        quantized: what an engine made of it.
        samples: real values, named as the model's inputs; 32 are enough.

    Raises:
        ConversionError: the two have not the same inputs and outputs.
        CalibrationError: samples do not fit the model.
        ModelError: the runtime cannot run one of them.
    """
    shapes = [[t.shape for t in (*model.inputs, *model.outputs)] for model in (float_model, quantized)]
    if shapes[0] != shapes[1]:
        raise ConversionError(
            f"{quantized.source} was not made from {float_model.source}: inputs and outputs are {shapes[1]}, not "
            f"{shapes[0]}; pass the float model that was quantized"
        )
    expected = outputs(float_model, samples)
    fidelity = compare(expected, outputs(quantized, samples))
    matches = match_operators(float_model, quantized)
    arrays = bind_samples(float_model, samples)
    run = FileRun(with_every_output(quantized))
    weights = with_weights_of(run, float_model, matches)
    inputs, operators = _measured(float_model, run, matches, arrays)
    tensors = float_model.main.tensors
    return Diagnosis(
        fidelity=fidelity,
        weights_only=compare(expected, outputs(weights, samples)),
        inputs=tuple(tally.loss(-1, "INPUT", tensors[index].name, None) for index, tally in inputs.items()),
        operators=tuple(_losses(float_model, quantized, matches, operators)),
        unmatched=tuple(_unmatched(float_model, matches)),
    )


def _measured(
    model: TFLiteModel, quantized: FileRun, matches: Sequence[Match], arrays: Sequence[Array]
) -> tuple[dict[int, LossTally], list[LossTally]]:
    """Of the quantized inputs, by tensor index, and of the matches: all samples taken in."""
    detached = detach(model, matches)
    floats, alone = FileRun(with_every_output(model)), FileRun(detached.model)
    inputs = {index: LossTally(found) for index, found in match_inputs(model, quantized.model).items()}
    operators = [LossTally(match.found) for match in matches]
    for sample in each_sample(arrays):
        floats.run(sample)
        quantized.run(sample)
        # An engine may leave out a RESHAPE: then the operator reads the same values in another shape.
        fed = zip(detached.feeds, detached.model.inputs[len(sample) :], strict=True)
        alone.run([*sample, *(quantized.read(index).reshape(own.shape) for index, own in fed)])
        for index, tally in inputs.items():
            given = floats.read(index)
            tally.update(given, quantized.read(tally.found.index), given)
        for match, tally in zip(matches, operators, strict=True):
            own = match.output.index
            tally.update(floats.read(own), quantized.read(match.found.index), alone.read(own))
    return inputs, operators


def _losses(
    model: TFLiteModel, quantized: TFLiteModel, matches: Sequence[Match], tallies: Sequence[LossTally]
) -> Iterator[OperatorLoss]:
    for match, tally in zip(matches, tallies, strict=True):
        weights = weight_facts(model, quantized, match)
        yield tally.loss(match.operator.index, match.operator.op, match.output.name, weights)


def _unmatched(model: TFLiteModel, matches: Sequence[Match]) -> Iterator[str]:
    found = {match.output.index for match in matches}
    for operator in model.main.operators:
        for tensor in model.main.results(operator):
            if tensor.dtype == "float32" and tensor.index not in found:
                yield tensor.name
