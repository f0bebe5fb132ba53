"""Which operators form one piece for an accelerator, as TensorFlow Lite groups them.

TensorFlow Lite walks the graph in epochs. An epoch takes every operator whose inputs are ready and whose kind
(delegated or not) is that of the epoch, until none is left; then an epoch of the other kind begins. Operators
of one epoch run together. Source: `PartitionGraphIntoIndependentNodeSubsets` in tflite/graph_info.cc of
google-ai-edge/LiteRT.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass
from typing import Literal

from litesmith.converters.graph import Subgraph

# Which delegated segments are kept where there are more than the limit.
Keep = Literal["first", "largest"]


@dataclass(frozen=True, slots=True)
class Segment:
    """Operators that run together, by their place in the subgraph."""

    delegated: bool
    ops: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Flow:
    """For each operator how many others it waits for, and the places of those that wait for it."""

    waits_for: tuple[int, ...]
    readers: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, graph: Subgraph) -> Flow:
        """What the tensors of `graph` prescribe."""
        producers = graph.producers()
        counts: list[int] = []
        readers: list[list[int]] = [[] for _ in graph.operators]
        for operator in graph.operators:
            needed = {producers[tensor] for tensor in operator.inputs if tensor in producers}
            counts.append(len(needed))
            for place in needed:
                readers[place].append(operator.index)
        return cls(tuple(counts), tuple(map(tuple, readers)))


def partition(graph: Subgraph | Flow, supported: Set[int]) -> tuple[Segment, ...]:
    """Group all operators into segments in the order in which they run.

    Args:
        graph: the main subgraph; or its flow, where it is partitioned several times.
        supported: places of the operators that the accelerator takes.

    Raises:
        ValueError: the operators depend on each other in a circle.
    """
    flow = graph if isinstance(graph, Flow) else Flow.of(graph)
    waits_for = list(flow.waits_for)
    ready: dict[bool, list[int]] = {True: [], False: []}
    for place in (place for place, needed in enumerate(waits_for) if not needed):
        ready[place in supported].append(place)
    segments: list[Segment] = []
    delegated = min((*ready[True], *ready[False]), default=0) in supported
    while ready[True] or ready[False]:
        taken: list[int] = []
        while ready[delegated]:
            place = ready[delegated].pop()
            taken.append(place)
            for reader in flow.readers[place]:
                waits_for[reader] -= 1
                if not waits_for[reader]:
                    ready[reader in supported].append(reader)
        segments.append(Segment(delegated, tuple(sorted(taken))))
        delegated = not delegated
    stuck = [place for place, needed in enumerate(waits_for) if needed]
    if stuck:
        raise ValueError(f"operators {stuck[:5]} wait for each other")
    return tuple(segments)


def kept_segments(segments: tuple[Segment, ...], keep: Keep, maximum: int) -> tuple[Segment, ...]:
    """The delegated segments that really go to the accelerator; a `maximum` of 0 keeps all."""
    delegated = [segment for segment in segments if segment.delegated]
    if not maximum or len(delegated) <= maximum:
        return tuple(delegated)
    if keep == "first":
        return tuple(delegated[:maximum])
    largest = sorted(delegated, key=lambda segment: -len(segment.ops))[:maximum]
    return tuple(segment for segment in delegated if segment in largest)


def kept_for_readers(graph: Subgraph, places: Iterable[int], left: Set[int]) -> dict[int, int]:
    """Operators that stay only because a reader of their results does.

    Args:
        graph: the main subgraph.
        places: operators that go wherever all of their readers go, such as those that unpack constants.
        left: places of the operators that stay on the CPU.

    Returns:
        Place of each one that stays -> place of the first reader that keeps it.
    """
    ordered = sorted(places, reverse=True)
    if not ordered:
        return {}
    readers, stays, keeping = graph.consumers(), set(left), dict[int, int]()
    # The readers of a tensor are gone through once, however many operators a damaged file lets write it.
    keepers: dict[int, int | None] = {-1: None}
    # from the end, so that a chain of them is decided before what feeds it
    for place in ordered:
        results = graph.operators[place].outputs
        for tensor in results:
            if tensor not in keepers:
                keepers[tensor] = next((reader for reader in readers.get(tensor, ()) if reader in stays), None)
        keeper = next((keepers[tensor] for tensor in results if keepers[tensor] is not None), None)
        if keeper is not None:
            keeping[place] = keeper
            stays.add(place)
    return keeping
