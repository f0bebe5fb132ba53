"""Finds the operators of a compiled file in the file that it was compiled from.

A compiler replaces what it takes by operators of its own and leaves the rest, but it may rename tensors and insert
QUANTIZE where types or scales change. So operators are paired by their kind and the names of their results, and where
names are gone by their place: those that write paired tensors, and those that read them, are a pair too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from litesmith.converters.graph import Operator, Subgraph

INSERTED = frozenset({"QUANTIZE", "DEQUANTIZE"})


@dataclass(slots=True)
class Pairing:
    """What stands for what: it grows at construction until nothing more can be paired.

    Attributes:
        original: the main subgraph that the compiler read.
        compiled: the one that it wrote, with as many inputs and outputs.
        pairs: operators of `compiled` by place -> place in `original`.
        tensors: pairs of tensors, those of `compiled` first.
    """

    original: Subgraph
    compiled: Subgraph
    pairs: dict[int, int] = field(default_factory=dict)
    tensors: set[tuple[int, int]] = field(default_factory=set)
    _inserted: set[int] = field(default_factory=set)
    _taken: set[int] = field(default_factory=set)
    _open: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._open = list(zip(self.compiled.inputs, self.original.inputs, strict=True))
        self._open += zip(self.compiled.outputs, self.original.outputs, strict=True)
        self._pair_by_name()
        ours, theirs = _constants(self.original), _constants(self.compiled)
        self._open += [(theirs[key], ours[key]) for key in theirs.keys() & ours.keys()]
        self._pair_by_place()

    def unpaired(self) -> Iterator[Operator]:
        """The operators of the compiled file that stand for none of the original."""
        return (operator for operator in self.compiled.operators if operator.index not in self.pairs)

    def doubtful(self) -> Operator | None:
        """A conversion of the compiled file that may be inserted, or be one of the original under another name."""
        open_kinds = {_kind(self.original, op) for op in self.original.operators if op.index not in self._taken}
        conversions = (op for op in self.unpaired() if op.op in INSERTED and op.index not in self._inserted)
        return next((op for op in conversions if _kind(self.compiled, op) in open_kinds), None)

    def replaced(self, by: str) -> set[int]:
        """Places in the original of the operators that lie behind a result of an operator `by`, or behind none."""
        writers, readers = self.original.producers(), self.original.consumers()
        inner = {tensor for op in self.unpaired() if op.op == by for tensor in op.outputs}
        open_tensors = [old for tensor, old in self.tensors if tensor in inner]
        # what nobody reads is not computed at all
        open_tensors += [tensor for tensor in writers if tensor not in readers and tensor not in self.original.outputs]
        behind: set[int] = set()
        while open_tensors:
            place = writers.get(open_tensors.pop())
            if place is not None and place not in behind and place not in self._taken:
                behind.add(place)
                open_tensors += self.original.operators[place].inputs
        return behind

    def _pair_by_name(self) -> None:
        ours, theirs = _by_name(self.original), _by_name(self.compiled)
        for key in theirs.keys() & ours.keys():
            self._pair(self.compiled.operators[theirs[key]], self.original.operators[ours[key]])

    def _pair_by_place(self) -> None:
        writers, old_writers = self.compiled.producers(), self.original.producers()
        readers, old_readers = self.compiled.consumers(), self.original.consumers()
        while self._open:
            tensor, old = pair = self._open.pop()
            if pair in self.tensors or -1 in pair:
                continue
            self.tensors.add(pair)
            if tensor in writers:
                self._pair_writers(self.compiled.operators[writers[tensor]], old_writers.get(old), old)
            self._pair_readers(pair, readers.get(tensor, []), old_readers.get(old, []))

    def _pair_writers(self, writer: Operator, old_place: int | None, old: int) -> None:
        old_writer = None if old_place is None else self.original.operators[old_place]
        if writer.index in self.pairs:
            return
        if old_writer is not None and old_writer.index not in self._taken and self._alike(writer, old_writer):
            self._pair(writer, old_writer)
        elif writer.op in INSERTED and writer.inputs:
            # what an inserted operator reads stands for the same tensor of the original
            self._inserted.add(writer.index)
            self._open.append((writer.inputs[0], old))

    def _alike(self, writer: Operator, old: Operator) -> bool:
        return _kind(self.compiled, writer) == _kind(self.original, old)

    def _pair_readers(self, pair: tuple[int, int], places: list[int], old_places: list[int]) -> None:
        """Pair readers of one kind where there is only one of it on both sides."""
        readers = self._by_use(self.compiled, pair[0], set(places) - self.pairs.keys())
        old_readers = self._by_use(self.original, pair[1], set(old_places) - self._taken)
        for use in readers.keys() & old_readers.keys():
            if len(readers[use]) == len(old_readers[use]) == 1:
                self._pair(readers[use][0], old_readers[use][0])

    @staticmethod
    def _by_use(graph: Subgraph, tensor: int, places: set[int]) -> dict[tuple[object, ...], list[Operator]]:
        """The operators at `places` by the place at which they read `tensor`, their kind and their results."""
        uses: dict[tuple[object, ...], list[Operator]] = {}
        for operator in (graph.operators[place] for place in sorted(places)):
            uses.setdefault((operator.inputs.index(tensor), *_kind(graph, operator)), []).append(operator)
        return uses

    def _pair(self, operator: Operator, old: Operator) -> None:
        self.pairs[operator.index] = old.index
        self._taken.add(old.index)
        for tensors, old_tensors in ((operator.inputs, old.inputs), (operator.outputs, old.outputs)):
            if len(tensors) == len(old_tensors):
                self._open += zip(tensors, old_tensors, strict=True)


def _by_name(graph: Subgraph) -> dict[tuple[str, ...], int]:
    """Operators by their kind and the names of their results, where no other has the same."""
    keys = {op.index: (op.op, *(tensor.name for tensor in graph.results(op))) for op in graph.operators}
    often = Counter(keys.values())
    return {key: place for place, key in keys.items() if often[key] == 1 and all(key[1:]) and len(key) > 1}


def _constants(graph: Subgraph) -> dict[tuple[object, ...], int]:
    """Constants by name, type and shape, where no other has the same."""
    keys = {tensor.index: (tensor.name, tensor.dtype, tensor.shape) for tensor in graph.tensors if tensor.is_constant}
    often = Counter(keys.values())
    return {key: index for index, key in keys.items() if often[key] == 1}


def _kind(graph: Subgraph, operator: Operator) -> tuple[object, ...]:
    """What operators of a pair have in common: their name, and shape and type of their results."""
    return operator.op, *((tensor.shape, tensor.dtype) for tensor in graph.results(operator))
