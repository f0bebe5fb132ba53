"""What makes a `.tflite` unusual: whatever keeps a reader or a checker from seeing all of it."""

from __future__ import annotations

from litesmith.converters.graph import Tensor
from litesmith.converters.tflite_model import TFLiteModel

UNKNOWN = "UNKNOWN_"
# The schema's 8-bit field says this where the number of the operator stands in the newer field.
PLACEHOLDER = "PLACEHOLDER_FOR_GREATER_OP_CODES"
# Operators that run subgraphs of the file: those whose options name some in the schema of ai-edge-litert 2.3.0.
CONTROL_FLOW = frozenset({
    "CALL", "CALL_ONCE", "IF", "STABLEHLO_CASE", "STABLEHLO_COMPOSITE", "STABLEHLO_REDUCE", "STABLEHLO_REDUCE_WINDOW",
    "STABLEHLO_SCATTER", "STABLEHLO_SORT", "STABLEHLO_WHILE", "WHILE",
})  # fmt: skip


def unknown_ops(model: TFLiteModel) -> tuple[str, ...]:
    """Operators of all subgraphs whose number is in no schema that this version knows."""
    return tuple(op for op in model.ops if op.startswith(UNKNOWN) or op == PLACEHOLDER)


def unknown_types(model: TFLiteModel) -> tuple[str, ...]:
    """Types of tensors whose number is in no schema that this version knows."""
    types = {tensor.dtype for graph in model.subgraphs for tensor in graph.tensors}
    return tuple(sorted(name for name in types if name.startswith(UNKNOWN.lower())))


def control_flow(model: TFLiteModel) -> tuple[str, ...]:
    """Operators of all subgraphs that run subgraphs: loops, branches, initializations."""
    return tuple(op for op in model.ops if op in CONTROL_FLOW)


def free_tensors(model: TFLiteModel) -> tuple[Tensor, ...]:
    """Tensors of the main subgraph with a dimension that is only known when the model runs."""
    return tuple(tensor for tensor in model.main.tensors if tensor.is_dynamic)


def external_tensors(model: TFLiteModel) -> tuple[Tensor, ...]:
    """Constants of all subgraphs whose values are in other files."""
    return tuple(tensor for graph in model.subgraphs for tensor in graph.tensors if tensor.is_external)
