"""How much memory a model takes on a CPU: its weights, and its activations as TensorFlow Lite places them.

Nothing is run. A tensor lives from the operator that writes it to the last one that reads it; inputs live from the
start, outputs and what nothing reads until the end, and for the whole run variables and the constants that DEQUANTIZE
or DENSIFY unpack. LiteRT's planner then lays the tensors out, the largest first, each in the tightest gap among those
that live at the same time ("greedy by size"). Sources: `ArenaPlanner` in tflite/arena_planner.cc,
`SimpleMemoryArena::Allocate` in tflite/simple_memory_arena.cc and `kDefaultTensorAlignment` in tflite/util.h of
google-ai-edge/LiteRT; Pisarchyk and Lee, Efficient Memory Management for Deep Neural Net Inference, arXiv:2001.03288.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from litesmith.converters.graph import ELEMENT_BYTES, Subgraph, Tensor
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets.op_view import UNPACKING_OPS

ALIGNMENT_BYTES = 64
MOST_PLANNED = 5000  # the planner compares every tensor with every other: seconds at this number
# Where a tensor is placed: its first byte, the byte behind its last one, and the operators from and to which it lives.
_Place = tuple[int, int, int, int]
# Measured with LiteRT 2.3.0: its reference kernels take the arena as estimated; its optimized ones, without XNNPACK, up
# to 1.3 times it for MobileNet and 3.8 times for ResNet8.
NOT_COUNTED = (
    "scratch memory of kernels and what delegates pack for themselves are not counted: "
    "a convolution outside XNNPACK unfolds its input, which can take several times the arena"
)


@dataclass(frozen=True, slots=True)
class LiveTensor:
    """A tensor that takes memory of the arena while operators `first` to `last` run."""

    index: int
    name: str
    bytes: int
    first: int
    last: int

    def __post_init__(self) -> None:
        if self.bytes < 0 or not 0 <= self.first <= self.last:
            raise ValueError(f"tensor {self.index} has {self.bytes} bytes from operator {self.first} to {self.last}")


@dataclass(frozen=True, slots=True)
class MemoryEstimate:
    """What a model needs on a CPU without delegates.

    Attributes:
        weights_bytes: constants that operators or outputs of any subgraph use, each buffer once, as they are stored.
        peak_activation_bytes: tensors of the main subgraph that are alive at the same time, at most.
        peak_op_index: the first operator at which that many are alive; None where there is no operator.
        arena_bytes: what the planner needs for these tensors, gaps included, and for those of the other subgraphs;
            None where they are more than `MOST_PLANNED`.
        peak_tensors: what is alive at `peak_op_index`, the largest first.
        assumptions: what the figures leave out or take as given, in sentences.
    """

    weights_bytes: int
    peak_activation_bytes: int
    peak_op_index: int | None
    arena_bytes: int | None
    peak_tensors: tuple[LiveTensor, ...]
    assumptions: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The estimate as plain values for JSON."""
        return {"basis": "predicted", **asdict(self)}


def estimate_memory(model: TFLiteModel) -> MemoryEstimate:
    """Estimate the memory of a parsed model; it is never run.

    A dimension that is not fixed, such as the batch, counts as 1. A tensor that is computed in place, as RESHAPE is by
    LiteRT, counts with memory of its own.
    """
    live, *others = (live_tensors(graph) for graph in model.subgraphs)
    planned = len(live) + sum(map(len, others)) <= MOST_PLANNED
    peak_bytes, peak = _peak(live, len(model.main.operators))
    at_peak = sorted((item for item in live if item.first <= peak <= item.last), key=lambda item: -item.bytes)
    return MemoryEstimate(
        weights_bytes=weights_bytes(model),
        peak_activation_bytes=peak_bytes,
        peak_op_index=peak if model.main.operators else None,
        arena_bytes=sum(map(arena_bytes, (live, *others))) if planned else None,
        peak_tensors=tuple(at_peak),
        assumptions=_assumptions(model),
    )


def live_tensors(graph: Subgraph) -> tuple[LiveTensor, ...]:
    """The tensors that need memory when `graph` runs, in the order of the file."""
    end = max(len(graph.operators) - 1, 0)
    spans = {tensor.index: (0, end) for tensor in graph.tensors if tensor.is_variable}
    spans |= dict.fromkeys(graph.inputs, (0, end)) | dict.fromkeys(_unpacked(graph), (0, end))
    readers, outputs = graph.consumers(), frozenset(graph.outputs)
    for index, writer in graph.producers().items():
        kept = index in outputs or index not in readers
        spans.setdefault(index, (writer, end if kept else max(writer, *readers[index])))
    needed = (graph.tensors[index] for index in sorted(spans))
    return tuple(
        LiveTensor(tensor.index, tensor.name, tensor.bytes, *spans[tensor.index])
        for tensor in needed
        if tensor.is_variable or not tensor.is_constant
    )


def arena_bytes(live: Sequence[LiveTensor]) -> int:
    """Bytes from the first byte of the arena to the end of its last tensor."""
    offsets = arena_offsets(live)
    return max((offsets[item.index] + item.bytes for item in live), default=0)


def arena_offsets(live: Sequence[LiveTensor]) -> Mapping[int, int]:
    """Where each tensor starts, by its index: multiples of 64 bytes; a tensor without bytes is at 0."""
    end = max((item.last for item in live), default=0)
    whole = [item for item in live if (item.first, item.last) == (0, end)]
    shorter = [item for item in live if (item.first, item.last) != (0, end)]
    offsets = dict.fromkeys((item.index for item in live), 0)
    placed: list[_Place] = []
    for item in (*whole, *sorted(shorter, key=lambda item: (-item.bytes, item.first))):
        if item.bytes:
            offset = offsets[item.index] = _offset(item, placed)
            insort(placed, (offset, offset + item.bytes, item.first, item.last))
    return offsets


def _offset(item: LiveTensor, placed: Sequence[_Place]) -> int:
    """The start of the tightest gap between `placed`, or the end of all that live at the same time.

    As in LiteRT, a later gap has to be smaller than the best one was before its start was aligned.
    """
    best, tightest, free = None, None, 0
    for start, end, first, last in placed:
        if first > item.last or item.first > last:
            continue
        if free + item.bytes <= start:
            aligned = _aligned(free)
            if aligned + item.bytes <= start and (tightest is None or start - aligned < tightest):
                best, tightest = aligned, start - free
        if end > free:
            free = end
    return _aligned(free) if best is None else best


def _aligned(offset: int) -> int:
    return -(-offset // ALIGNMENT_BYTES) * ALIGNMENT_BYTES


def _unpacked(graph: Subgraph) -> set[int]:
    """Tensors that are unpacked from a constant once and kept."""
    static = {tensor.index for tensor in graph.tensors if tensor.is_constant}
    for operator in graph.operators:
        if operator.op in UNPACKING_OPS and static.issuperset(operator.inputs):
            static.update(tensor.index for tensor in graph.results(operator))
    return {index for index in static if not graph.tensors[index].is_constant}


def _peak(live: Sequence[LiveTensor], operators: int) -> tuple[int, int]:
    """The most bytes that are alive at once, and the first operator where they are."""
    changes = [0] * (max(operators, 1) + 1)
    for item in live:
        changes[item.first] += item.bytes
        changes[item.last + 1] -= item.bytes
    most, place, now = -1, 0, 0
    for index, change in enumerate(changes[:-1]):
        now += change
        if now > most:
            most, place = now, index
    return most, place


def weights_bytes(model: TFLiteModel, places: Collection[int] | None = None) -> int:
    """Bytes of the constants that are used, each buffer once, as they are stored.

    Args:
        model: a parsed file.
        places: operators of the main subgraph whose constants count; None for everything that any subgraph uses.
    """
    used: dict[int, Tensor] = {}
    for graph in model.subgraphs if places is None else (model.main,):
        counted = (operator for operator in graph.operators if places is None or operator.index in places)
        read = {index for operator in counted for index in operator.inputs if index >= 0}
        for tensor in (graph.tensors[index] for index in read | set(graph.outputs if places is None else ())):
            if tensor.is_constant:
                used[tensor.buffer] = tensor
    return sum(model.stored_bytes(tensor) for tensor in used.values())


def _assumptions(model: TFLiteModel) -> tuple[str, ...]:
    computed = [tensor for graph in model.subgraphs for tensor in graph.tensors if not tensor.is_constant]
    unknown = sorted({tensor.dtype for tensor in computed} - set(ELEMENT_BYTES))
    said = [NOT_COUNTED]
    if any(tensor.is_dynamic for tensor in computed):
        said.append("dimensions that are not fixed, such as the batch, are taken as 1")
    if len(model.subgraphs) > 1:
        said.append(f"the arena holds all {len(model.subgraphs)} subgraphs, the peak is that of the main one")
    if unknown:
        said.append(f"tensors of type {', '.join(unknown)} count as 0 bytes, since their size is not in the file")
    return tuple(said)
