"""Advice about types in files that are integer already, where "quantize the model" says nothing new."""

from __future__ import annotations

import re

from litesmith.converters.graph import Subgraph
from litesmith.converters.op_versions import int16_version
from litesmith.targets.op_view import OpView
from litesmith.targets.report import Finding

# How the advice begins that holds for a float model: that of the rules themselves, and of profiles.
_GENERAL = ("Convert the model so that", "Give the model inputs", "Quantize")
_NAME = re.compile(r"'[^']*'")
_TYPE = re.compile(r"\b(?:u?int\d+|bool)\b|16-bit")
# So many of one kind are in every layer of a model, and do not all go to its end.
MANY = 4
_EIGHT_BIT = frozenset({"int8", "uint8"})

# Operators of integer text files whose version 16 bits raise; others have causes that the model shows better.
_RAISED = frozenset({"ADD", "MUL", "SLICE", "GATHER", "BATCH_MATMUL", "RSQRT"})

OTHER_TYPE = "Move {name} to the end of the model, or into the app: quantization does not change this type."
STAYS = "Leave it on the CPU: it stands throughout the model, and quantization does not change this type."
MIXED = (
    "The file is integer already, with 16 bits where 8 lose accuracy: leave this on the CPU, or convert with 8 bits "
    "throughout (--quantize int8) and measure what that costs."
)
WIDE = "Convert with int8 activations (--quantize int8) in place of int16x8, and measure what that costs."
EIGHT = "The accelerator has no {name} in 8 bits: leave it on the CPU, or use another operator for it."


def activation_types(graph: Subgraph) -> frozenset[str]:
    """Types of all that the operators of a graph read and write, but for constants."""
    places = {place for operator in graph.operators for place in (*operator.inputs, *operator.outputs) if place >= 0}
    tensors = (graph.tensors[place] for place in places)
    return frozenset(tensor.dtype for tensor in tensors if not tensor.is_constant)


def sixteen_bits(view: OpView, types: frozenset[str]) -> tuple[str, str] | None:
    """That 16-bit activations raised the version of an operator, and what helps; None where they did not."""
    operator = view.operator
    if operator.op not in _RAISED or operator.version < int16_version(operator.op):
        return None
    if all(tensor.dtype != "int16" for tensor in view.tensors("activations")):
        return None
    return "its activations have 16 bits", _narrower(types)


def integer_advice(finding: Finding, view: OpView, types: frozenset[str], count: int) -> str | None:
    """What helps against a type that the target does not take; None where the finding's own advice fits.

    Args:
        finding: about the types of an operator.
        view: of the operator.
        types: of all activations of the model.
        count: how many operators of this kind there are.
    """
    if any(name.startswith("float") for name in types) or not finding.fix.startswith(_GENERAL):
        return None
    wrong = set(_TYPE.findall(_NAME.sub("", finding.message).partition(";")[0]))
    if wrong & {"int16", "16-bit"}:
        return _narrower(types)
    if not wrong or finding.rule != "tensor_types":
        return None
    advice = EIGHT if wrong <= _EIGHT_BIT else STAYS if count >= MANY else OTHER_TYPE
    return advice.format(name=view.operator.op)


def _narrower(types: frozenset[str]) -> str:
    return MIXED if types & _EIGHT_BIT else WIDE
