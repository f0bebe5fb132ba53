"""A diagnosis in one paragraph: how bad it is, where it comes from, and what follows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from litesmith.converters.fidelity import Fidelity
from litesmith.converters.operator_loss import MUCH_USED, WEIGHT_RATIO, ActivationFacts, OperatorLoss
from litesmith.converters.weight_loss import WeightFacts

if TYPE_CHECKING:
    from litesmith.converters.diagnosis import Diagnosis

_SHOWN = 3
_NAME_LENGTH = 60  # the converter joins the names of all layers that it fused
# A class that the file gives so much more often, as a share of the samples and at least so many of them, is no chance.
_COLLAPSE, _COLLAPSED_SAMPLES = 0.15, 3
# Weights or activations are the cause where they have this share of the error.
_MOST = 0.6
# Share of an input's values outside its range that is no chance.
_INPUT_CLIPPED = 0.005
# An operator that keeps more than this is not to blame alone.
_MODEST_DB = 30.0
# Largest weight over RMS: 3 is usual, and with 10 an int8 weight of usual size has 12 of 127 steps.
_PEAK = 10.0

_REMEDIES = {
    "input": "calibrate with samples like these, or feed the file what it was calibrated for",
    "scale": 'give each channel of these weights a scale of its own (per_channel "all")',
    "weights": 'let GPTQ choose the rounding of the weights (effort "high"); what that leaves, only training with '
    "quantization can win back",
    "clipping": "calibrate with samples that reach as far as these, or give these tensors a range that holds all "
    'values (method "minmax")',
    "channels": 'compute these operators and those that read them with 16 bits (precision "int16"), or train with '
    "quantization",
    "range": 'cut the ranges of these tensors (method "percentile" or "mse"), or give them 16 bits (precision "int16")',
    "unused": "calibrate again, with samples like these: the range was found with others",
    "steps": 'give these tensors 16 bits (precision "int16"), or train with quantization',
    "arithmetic": 'compute these operators with 16 bits or in float (precision "int16" or "float32")',
}


def paragraph(diagnosis: Diagnosis) -> str:
    """What the figures say, and what to do."""
    if diagnosis.fidelity.snr_db == math.inf:
        return f"On {diagnosis.fidelity.samples} samples the outputs are exactly those of the float model."
    sentences = (
        _overall(diagnosis.fidelity),
        *_collapse(diagnosis.fidelity),
        *_inputs(diagnosis.inputs),
        _split(diagnosis),
        *_operators(diagnosis),
        *_advice(diagnosis),
    )
    return " ".join(sentences)


def _overall(fidelity: Fidelity) -> str:
    error = (
        f"its outputs are off by {_percent(10 ** (-fidelity.snr_db / 20))} of their size ({_db(fidelity.snr_db)} SNR)"
    )
    if fidelity.snr_db == -math.inf:
        error = "its outputs have nothing of the float model's"
    if fidelity.agreement is None:
        return f"On {fidelity.samples} samples, {error}."
    classes = f"gives the float model's class for {_percent(fidelity.agreement)}"
    return f"On {fidelity.samples} samples the quantized file {classes}, and {error}."


def _collapse(fidelity: Fidelity) -> Iterator[str]:
    if fidelity.float_classes is None or fidelity.quantized_classes is None:
        return
    total = sum(fidelity.float_classes)
    pairs = zip(fidelity.quantized_classes, fidelity.float_classes, strict=True)
    excess, place = max((found - expected, place) for place, (found, expected) in enumerate(pairs))
    if excess >= max(_COLLAPSE * total, _COLLAPSED_SAMPLES):
        found, expected = (classes[place] / total for classes in (fidelity.quantized_classes, fidelity.float_classes))
        yield f"It predicts class {place} for {_percent(found)} of them, the float model for {_percent(expected)}."


def _inputs(inputs: Sequence[OperatorLoss]) -> Iterator[str]:
    for loss in inputs:
        facts = loss.activation
        if facts is not None and facts.clipped >= _INPUT_CLIPPED:
            clipped = f"{_percent(facts.clipped)} of the values of input {_name(loss)}"
            yield f"{clipped} lie outside {_span(facts)}, all that the file takes."


def _split(diagnosis: Diagnosis) -> str:
    share, alone = diagnosis.weight_share, diagnosis.weights_only
    agreement = "" if alone.agreement is None else f" and {_percent(alone.agreement)} agreement"
    left = f"the float model with nothing but its weights rounded has {_db(alone.snr_db)}{agreement}"
    if share >= _MOST:
        return f"Rounding the weights costs most of that: {left}."
    if share <= 1 - _MOST:
        return f"Activations cost most of that: {left}."
    return f"Weights and activations cost about as much: {left}."


def _operators(diagnosis: Diagnosis) -> Iterator[str]:
    worst = _worst(diagnosis)
    if worst:
        opening = "The operators that lose most by themselves:"
        if worst[0].worst_db >= _MODEST_DB:
            opening = f"No operator stands out, small losses of {len(diagnosis.operators)} add up, most of them in"
        by_reason: dict[str, list[str]] = {}
        for loss in worst:
            by_reason.setdefault(_reason(loss), []).append(f"{loss.op} {_name(loss)} ({_db(loss.worst_db)})")
        yield f"{opening} {'; '.join(f'{_joined(names)}, {reason}' for reason, names in by_reason.items())}."
    if diagnosis.unmatched:
        yield f"Not found in the file, and not judged: {len(diagnosis.unmatched)} outputs of operators."


def _joined(names: Sequence[str]) -> str:
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else names[0]


def _worst(diagnosis: Diagnosis) -> list[OperatorLoss]:
    return [loss for loss in diagnosis.worst_operators(_SHOWN) if loss.worst_db < math.inf]


def _reason(loss: OperatorLoss) -> str:
    facts, cause = loss.activation, loss.cause
    if cause == "weights" and loss.weights is not None:
        return _weights(loss.weights)
    if facts is None or cause == "arithmetic":
        return "whose constants and arithmetic are rounded"
    if cause == "clipping":
        return f"with {_percent(facts.clipped)} of its values clipped to {_span(facts)}"
    if cause == "channels":
        return f"whose largest channel is {facts.channel_ratio:,.0f} times the middle one, and one scale serves both"
    if not facts.used:
        return "which gives nothing but 0 in float"
    if facts.used < MUCH_USED:
        return f"whose range of {_span(facts)} is {1 / facts.used:,.0f} times as wide as its values"
    return f"whose range of {_span(facts)} is {facts.spread:,.0f} standard deviations wide"


def _weights(facts: WeightFacts) -> str:
    if facts.channel_ratio is not None and facts.channel_ratio >= WEIGHT_RATIO:
        return f"where one scale serves channels of weights that differ by up to {facts.channel_ratio:,.0f}:1"
    if facts.peak >= _PEAK:
        return f"whose largest weight is {facts.peak:,.0f} times the RMS, so that the others have few steps"
    return f"because of {facts.bits}-bit weights"


def _advice(diagnosis: Diagnosis) -> Iterator[str]:
    if any(loss.activation is not None for loss in diagnosis.operators):  # the remedies are those of integer files
        yield f"What fits: {_REMEDIES[_remedy(diagnosis)]}."


def _remedy(diagnosis: Diagnosis) -> str:
    if any(True for _ in _inputs(diagnosis.inputs)):
        return "input"
    worst = _worst(diagnosis)
    by_weights = [loss for loss in worst if loss.cause == "weights"]
    others = [loss for loss in worst if loss.cause != "weights"]
    if diagnosis.weight_share >= _MOST or not others:
        ratios = (loss.weights.channel_ratio for loss in by_weights if loss.weights is not None)
        return "scale" if any(ratio is not None and ratio >= WEIGHT_RATIO for ratio in ratios) else "weights"
    facts = others[0].activation
    is_unused = facts is not None and facts.used < MUCH_USED
    return "unused" if others[0].cause == "range" and is_unused else others[0].cause


def _name(loss: OperatorLoss) -> str:
    name = loss.tensor.split(";")[0]
    return repr(name if len(name) <= _NAME_LENGTH else f"...{name[-_NAME_LENGTH:]}")


def _span(facts: ActivationFacts) -> str:
    return f"{facts.low:.3g} to {facts.high:.3g}"


def _db(value: float) -> str:
    return f"{value:.1f} dB" if math.isfinite(value) else "no signal"


def _percent(share: float) -> str:
    percent = 100 * share
    if 99 < percent < 100:
        return f"{percent:.1f}%"
    return f"{percent:.2g}%" if 0 < percent < 1 else f"{percent:.0f}%"
