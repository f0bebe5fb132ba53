"""Which operators gain most from more than 8 bits: each group is tried in a real file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from litesmith.converters.calibrated import Treatment
from litesmith.converters.judge import Judge
from litesmith.converters.post_training import FloatModel, operator_names
from litesmith.converters.quantize import INT4_OPS, QuantizationSpec, exactly
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError


@dataclass(frozen=True, slots=True)
class Group:
    """Operators that have to change together, and what that gains.

    Attributes:
        operators: indices in the float model.
        gain_db: SNR of the outputs, above that with none changed.
    """

    operators: frozenset[int]
    gain_db: float


def with_precision(
    spec: QuantizationSpec, treatment: Treatment, model: TFLiteModel, operators: frozenset[int], precision: str
) -> tuple[QuantizationSpec, Treatment]:
    """Spec and treatment with these operators in another precision.

    A range that was cut for 8 bits is whole again where a tensor is neither made nor read with so few.
    """
    names, consumers = operator_names(model), model.main.consumers()
    changed = {exactly(names[place]): precision for place in sorted(operators)}
    whole = set()
    for place in operators if precision != "int8" else ():
        readers = {reader for index in model.main.operators[place].outputs for reader in consumers.get(index, ())}
        if readers and readers <= operators:
            whole.add(exactly(names[place]))
    methods = {pattern: method for pattern, method in treatment.methods.items() if pattern not in whole}
    return replace(spec, precision={**spec.precision, **changed}), replace(treatment, methods=methods)


def rank(
    floats: FloatModel,
    spec: QuantizationSpec,
    treatment: Treatment,
    judge: Judge,
    precision: str,
    order: Sequence[int],
    *,
    probes: int,
) -> list[Group]:
    """Groups by what they gain, the best first; those that no kernel takes in this precision are left out.

    Args:
        floats: the model, calibrated.
        spec: what is made.
        treatment: how; the effort is left out, because corrections cost seconds and say nothing of precision.
        judge: runs the files.
        precision: one of `quantize.PRECISIONS`.
        order: operators, the most suspicious first; only the groups of the first `probes` are tried.
        probes: how many groups to try.

    Raises:
        ConversionError: none of them can be made; why not the first.
    """
    model = floats.rewritten
    groups = _groups(model, spec, precision, order)[:probes]
    treatment = replace(treatment, effort="fast")
    base_db = judge.snr_db(floats.quantize(spec, treatment).model)
    ranked, refused = [], None
    for operators in groups:
        try:
            made = floats.quantize(*with_precision(spec, treatment, model, operators, precision))
        except ConversionError as error:  # the engine has no such kernel
            refused = refused or error
            continue
        ranked.append(Group(operators, judge.snr_db(made.model) - base_db))
    if refused is not None and not ranked:
        raise refused
    return sorted(ranked, key=lambda group: -group.gain_db)


def _groups(model: TFLiteModel, spec: QuantizationSpec, precision: str, order: Sequence[int]) -> list[frozenset[int]]:
    """With more bits for its weights, an operator stands alone.

    In int16 it is a tensor that gains, and only if its producer and all that read it compute in 16 bits: between
    16 bits and 8 it is rounded to 8 again. Graph outputs of 8 bits gain nothing. In float both are so.
    """
    if precision == "int8":
        return [frozenset({place}) for place in order if model.main.operators[place].op in INT4_OPS]
    consumers = model.main.consumers()
    groups = []
    for place in order:
        if precision == "float32":
            groups.append(frozenset({place}))
        for index in model.main.operators[place].outputs:
            if index not in model.main.outputs or spec.io == "float32":
                groups.append(frozenset({place, *consumers.get(index, ())}))
    return list(dict.fromkeys(groups))
