"""What runtimes refuse or compute wrongly although they have every operator version of a file.

The releases were found by running files of one operator on tflite-runtime 2.7 to 2.14, tf.lite of TensorFlow 2.21 and
LiteRT 1.0 to 2.3; `op_version.cc` has no version that tells these cases apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from litesmith.converters.graph import Tensor
from litesmith.converters.op_versions import needed_ops
from litesmith.converters.runtime_versions import OldestRuntime, RuntimeVersion, oldest_runtime
from litesmith.converters.tflite_model import TFLiteModel

_Tensors = Sequence[Tensor | None]


@dataclass(frozen=True, slots=True)
class Trap:
    """A form of an operator that is right from one release on only.

    Attributes:
        op: the builtin.
        tflite: the first release of TFLite that is right; None where none is.
        litert: the first release of LiteRT that is right; None where all are.
        what_happens: in older ones.
        holds: whether an operator has the form, by its inputs and outputs.
    """

    op: str
    tflite: RuntimeVersion | None
    litert: RuntimeVersion | None
    what_happens: str
    holds: Callable[[_Tensors, _Tensors], bool]


def _scales_differ(inputs: _Tensors, outputs: _Tensors) -> bool:
    """Integers in and out, with weights that have several scales."""
    if len(inputs) < 2 or inputs[0] is None or inputs[1] is None or inputs[0].quantization is None:
        return False
    weights = inputs[1].quantization
    return weights is not None and weights.smallest_scale < weights.largest_scale


def _widens(inputs: _Tensors, outputs: _Tensors) -> bool:
    """int8 or uint8 in, int16 out."""
    types = [tensor.dtype for tensor in (*inputs[:1], *outputs[:1]) if tensor is not None]
    return types in (["int8", "int16"], ["uint8", "int16"])


TRAPS = (
    Trap(
        "FULLY_CONNECTED", RuntimeVersion((2, 10, 0)), None, "take the first scale of the weights for all channels",
        _scales_differ,
    ),
    Trap("QUANTIZE", None, RuntimeVersion((2, 1, 3)), "refuse to make int16 of 8 bits", _widens),
)  # fmt: skip


def traps_of(model: TFLiteModel) -> tuple[Trap, ...]:
    """The traps that a file has, in the order of `TRAPS`."""
    return tuple(trap for trap in TRAPS if _has(model, trap))


def oldest_runtime_of(model: TFLiteModel) -> OldestRuntime:
    """The oldest runtime that computes a file as it is meant: by its operators' versions, types and traps."""
    found = oldest_runtime(needed_ops(model))
    for trap in traps_of(model):
        if trap.tflite is not None:
            found = replace(found, version=max(found.version, trap.tflite))
        if trap.litert is not None:
            found = replace(found, litert=trap.litert if found.litert is None else max(found.litert, trap.litert))
    return found


def _has(model: TFLiteModel, trap: Trap) -> bool:
    return any(
        operator.op == trap.op and trap.holds(graph.operands(operator), graph.results(operator))
        for graph in model.subgraphs
        for operator in graph.operators
    )
