"""Operators whose integer kernels copy or compare numbers, so that what they read and write must have one scale."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from litesmith.calibration.ranges import Range
from litesmith.converters.graph import Operator, Subgraph, Tensor
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError

# TFLite's 8-bit quantization specification and, for those it does not name, tensorflow/lite/kernels.
ONE_SCALE = frozenset({
    "BATCH_TO_SPACE_ND", "CONCATENATION", "DEPTH_TO_SPACE", "EXPAND_DIMS", "GATHER", "GATHER_ND", "MAXIMUM",
    "MAX_POOL_2D", "MINIMUM", "PACK", "PAD", "PADV2", "REDUCE_MAX", "REDUCE_MIN", "RESHAPE", "REVERSE_V2", "SELECT_V2",
    "SLICE", "SPACE_TO_BATCH_ND", "SPACE_TO_DEPTH", "SPLIT", "SPLIT_V", "SQUEEZE", "STRIDED_SLICE", "TILE",
    "TRANSPOSE", "UNPACK",
})  # fmt: skip


def share_ranges(model: TFLiteModel, ranges: Mapping[int, Range], sources: Iterable[int]) -> dict[int, Range]:
    """The ranges, where all that must have the scale of one of `sources` gets the union of what they cover.

    TensorFlow's quantizer takes one of the ranges for all, maybe the smallest, and forgets REVERSE_V2.

    Args:
        model: float32.
        ranges: by tensor index.
        sources: tensor indices.
    """
    shared = dict(ranges)
    for source in sources:
        group, size = {source}, 0
        while len(group) > size:
            size = len(group)
            for operator in model.main.operators:
                members = {index for index in (*operator.inputs, *operator.outputs) if index in ranges}
                if operator.op in ONE_SCALE and group & members:
                    group |= members
        union = Range(min(shared[index].low for index in group), max(shared[index].high for index in group))
        shared |= dict.fromkeys(group, union)
    return shared


def prove_scales(model: TFLiteModel) -> None:
    """Look at the scales around every operator that needs one.

    Raises:
        ConversionError: they differ, so that the operator's numbers mean something else than they should.
    """
    for operator in (operator for operator in model.main.operators if operator.op in ONE_SCALE):
        found = {tensor.quantization for tensor in _numbers(model.main, operator)}
        if len(found) > 1:
            name = model.main.tensors[operator.outputs[0]].name
            raise ConversionError(f"the quantizer gave {name!r} another scale than what it is made of", op=operator.op)


def _numbers(graph: Subgraph, operator: Operator) -> Iterator[Tensor]:
    """What an operator reads and writes of quantized values, not shapes or places."""
    kind = graph.tensors[operator.outputs[0]].dtype
    for tensor in (*graph.operands(operator), *graph.results(operator)):
        if tensor is not None and tensor.dtype == kind and tensor.quantization is not None:
            yield tensor
