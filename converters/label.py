"""What a `.tflite` really is: a label read off every tensor and operator, never off its metadata."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from litesmith.converters.float_tensors import (
    BRIDGES,
    FloatTensor,
    float_islands,
    float_ops,
    prove_integer_only,
)
from litesmith.converters.graph import Operator, Subgraph, Tensor
from litesmith.converters.tflite_model import TFLiteModel

__all__ = ["LABELS", "FloatTensor", "Label", "Verdict", "float_islands", "judge", "prove_integer_only", "truth_label"]

Label = Literal[
    "full-int8", "int8-float-io", "int16x8", "full-int8-int16", "dynamic-range", "float16", "float32", "mixed"
]
LABELS: tuple[Label, ...] = get_args(Label)

_QUANTIZED = frozenset({"int8", "uint8", "int16", "uint16", "int4", "int2"})
_BYTE = frozenset({"int8", "uint8"})
# Positions, sizes and conditions, and the biases of integer kernels.
_INDEX = frozenset({"int32", "int64", "bool", "resource"})
# Operators that pick rows of an integer table: their result is a piece of a weight, not an activation.
_LOOKUPS = frozenset({"GATHER", "EMBEDDING_LOOKUP"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """A label, and in one line why."""

    label: Label
    reason: str


@dataclass(frozen=True, slots=True)
class _Facts:
    """What the label is decided on.

    Attributes:
        activations: types of quantized tensors that are computed or fed.
        stored: types of quantized constants and variables.
        plain: types of the tensors that are neither quantized nor float.
        floats: all float tensors.
        inner: the float tensors that do more than carry the app's inputs and outputs.
        takes_ids: all inputs are plain integers.
        hybrid: operators that compute in float and take an integer kernel as it is.
    """

    activations: frozenset[str]
    stored: frozenset[str]
    plain: frozenset[str]
    floats: tuple[FloatTensor, ...]
    inner: tuple[FloatTensor, ...]
    takes_ids: bool
    hybrid: frozenset[str]


def truth_label(model: TFLiteModel) -> Label:
    """One of `LABELS`.

    - full-int8: no float tensor anywhere, activations int8 or uint8;
    - int8-float-io: the same behind QUANTIZE at float inputs and DEQUANTIZE at float outputs;
    - int16x8: activations int16, kernels int8, with or without float inputs and outputs;
    - full-int8-int16: no float tensor anywhere, ids in, kernels int8, activations int8 and int16 (text);
    - dynamic-range: activations float32, integer kernels that operators take as they are;
    - float16: constants float16 that DEQUANTIZE widens, activations float32;
    - float32: nothing quantized;
    - mixed: anything else.
    """
    return judge(model).label


def judge(model: TFLiteModel) -> Verdict:
    """The label of a model and the reason for it."""
    facts = _facts(model)
    verdict = _judge_float(facts) if facts.inner else _judge_integer(facts)
    opaque = sum(count.count for op, count in model.ops.items() if op.startswith("CUSTOM:"))
    note = f"; inside its custom operators ({opaque}) nothing can be read" if opaque else ""
    return Verdict(verdict.label, verdict.reason + note)


def _judge_integer(facts: _Facts) -> Verdict:
    edge = f"; float only at {len(facts.floats)} inputs and outputs" if facts.floats else ", no tensor is float"
    odd = facts.plain - _INDEX - _BYTE
    if odd or not facts.activations:
        what = f"it holds tensors of type {_list(odd)}" if odd else "no tensor that it computes is quantized"
        return Verdict("mixed", what)
    reason = f"activations are {_list(facts.activations)}{edge}"
    # An int8 LSTM keeps its cell state and layer norm weights in int16.
    if facts.activations <= _BYTE and facts.stored <= _BYTE | {"int16"}:
        return Verdict("int8-float-io" if facts.floats else "full-int8", reason)
    if facts.activations == {"int16"} and "int8" in facts.stored <= {"int8", "int16"}:
        return Verdict("int16x8", f"kernels are int8, {reason}")
    label: Label = "mixed"
    # An int8 model of which a few tensors were given 16 bits takes quantized inputs: it stays mixed.
    sixteen = facts.activations == {"int8", "int16"} and "int8" in facts.stored <= {"int8", "int16"}
    if sixteen and facts.takes_ids and not facts.floats:
        label = "full-int8-int16"
    return Verdict(label, f"{reason}; constants are {_list(facts.stored)}")


def _judge_float(facts: _Facts) -> Verdict:
    types = frozenset(item.tensor.dtype for item in facts.floats)
    if facts.activations:
        culprits = _list(float_ops(facts.inner)) or "tensors that only QUANTIZE and DEQUANTIZE touch"
        tensors = f"{culprits} in float ({len(facts.inner)} tensors)"
        return Verdict("mixed", f"activations are {_list(facts.activations)}, but it has {tensors}")
    if types == {"float32"} and facts.hybrid:
        kernels = f"{_list(facts.stored)} kernels as they are"
        return Verdict("dynamic-range", f"activations are float32, {_list(facts.hybrid)} take {kernels}")
    if types == {"float32"} and not facts.stored:
        return Verdict("float32", f"all {len(facts.floats)} float tensors are float32 and nothing is quantized")
    if types == {"float16", "float32"} and not facts.stored and _only_stored(facts.floats):
        return Verdict("float16", "constants are float16, DEQUANTIZE widens them, activations are float32")
    widened = f", and {_list(facts.stored)} constants become float before use" if facts.stored else ""
    return Verdict("mixed", f"float tensors are {_list(types)}{widened}")


def _only_stored(floats: tuple[FloatTensor, ...]) -> bool:
    """Whether float16 is only how constants are stored."""
    halves = [item for item in floats if item.tensor.dtype == "float16"]
    return all(item.tensor.is_constant and all(op.op == "DEQUANTIZE" for op in item.consumers) for item in halves)


def _facts(model: TFLiteModel) -> _Facts:
    roles: dict[str, set[str]] = {"activation": set(), "stored": set(), "plain": set()}
    for graph in model.subgraphs:
        looked_up = {index for op in graph.operators if op.op in _LOOKUPS for index in op.outputs}
        for tensor in graph.tensors:
            if not tensor.is_float:
                roles[_role(tensor, looked_up)].add(tensor.dtype)
    return _Facts(
        activations=frozenset(roles["activation"]),
        stored=frozenset(roles["stored"]),
        plain=frozenset(roles["plain"]),
        floats=float_islands(model),
        inner=float_islands(model, allow_float_io=True),
        takes_ids=all(tensor.dtype in _INDEX for tensor in model.inputs),
        hybrid=frozenset(op.op for graph in model.subgraphs for op in graph.operators if _is_hybrid(graph, op)),
    )


def _role(tensor: Tensor, looked_up: set[int]) -> str:
    if tensor.dtype not in _QUANTIZED or tensor.quantization is None:
        return "plain"
    kept = tensor.is_constant or tensor.is_external or tensor.is_variable
    return "stored" if kept or tensor.index in looked_up else "activation"


def _is_hybrid(graph: Subgraph, operator: Operator) -> bool:
    """Whether an operator takes an integer constant and a float activation, without widening the constant."""
    operands = [tensor for tensor in graph.operands(operator) if tensor is not None]
    in_float = any(tensor.is_float for tensor in (*operands, *graph.results(operator)))
    stored = any((tensor.is_constant or tensor.is_external) and _role(tensor, set()) == "stored" for tensor in operands)
    return operator.op not in BRIDGES and in_float and stored


def _list(names: Iterable[str]) -> str:
    *first, last = sorted(names) or [""]
    return f"{', '.join(first)} and {last}" if first else last
