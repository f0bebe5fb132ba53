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


def partition(graph: Subgraph, supported: Set[int]) -> tuple[Segment, ...]:
    """Group all operators into segments in the order in which they run.

    Args:
        graph: the main subgraph.
        supported: places of the operators that the accelerator takes.

    Raises:
        ValueError: the operators depend on each other in a circle.
    """
    waits_for, readers = _dependencies(graph)
    ready: dict[bool, list[int]] = {True: [], False: []}
    for place in (place for place, needed in waits_for.items() if not needed):
        ready[place in supported].append(place)
    segments: list[Segment] = []
    delegated = min((*ready[True], *ready[False]), default=0) in supported
    while ready[True] or ready[False]:
        taken: list[int] = []
        while ready[delegated]:
            place = ready[delegated].pop()
            taken.append(place)
            for reader in readers.get(place, ()):
                waits_for[reader].discard(place)
                if not waits_for[reader]:
                    ready[reader in supported].append(reader)
        segments.append(Segment(delegated, tuple(sorted(taken))))
        delegated = not delegated
    stuck = [place for place, needed in waits_for.items() if needed]
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
    readers, stays, keeping = graph.consumers(), set(left), dict[int, int]()
    # from the end, so that a chain of them is decided before what feeds it
    for place in sorted(places, reverse=True):
        reading = (reader for tensor in graph.operators[place].outputs for reader in readers.get(tensor, ()))
        keeper = next((reader for reader in reading if reader in stays), None)
        if keeper is not None:
            keeping[place] = keeper
            stays.add(place)
    return keeping


def _dependencies(graph: Subgraph) -> tuple[dict[int, set[int]], dict[int, set[int]]]:
    """For each operator those whose results it waits for, and those that wait for its own."""
    producers = graph.producers()
    waits_for: dict[int, set[int]] = {}
    readers: dict[int, set[int]] = {}
    for operator in graph.operators:
        waits_for[operator.index] = {producers[tensor] for tensor in operator.inputs if tensor in producers}
        for place in waits_for[operator.index]:
            readers.setdefault(place, set()).add(operator.index)
    return waits_for, readers
