"""Where each operator was predicted to run, where it ran, and what it took there."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from litesmith.converters.graph import Subgraph
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets.block import Block, OpTime
from litesmith.targets.check import check
from litesmith.targets.devices.device import Configuration, DeviceFacts
from litesmith.targets.profile import TargetProfile
from litesmith.targets.report import CPU, TargetReport

# Delegate -> the profile that predicts it.
_TARGETS = {"nnapi": "nnapi", "gpu": "gpu", "xnnpack": "arm_cpu"}
_NO_DELEGATE = frozenset({"none", "cpu", "reference"})


@dataclass(frozen=True, slots=True)
class PlacedOp:
    """One operator of the main subgraph; None is what is not known.

    An operator that a delegate took has no time of its own: the delegate's piece has.
    """

    index: int
    op: str
    predicted: str | None
    ran_on: str | None
    time_ms: float | None


@dataclass(frozen=True, slots=True)
class PlacedOps:
    """All operators of a model in one configuration.

    Attributes:
        target: the profile that predicted, None where none covers the configuration.
        ops: in the order of the file.
        pieces: what else ran and was timed: the delegate's pieces.
        emulated: then nothing is timed.
    """

    target: str | None = None
    ops: tuple[PlacedOp, ...] = ()
    pieces: tuple[OpTime, ...] = ()
    emulated: bool = False

    @property
    def accelerated(self) -> int | None:
        """How many operators a delegate ran, None where that is not known."""
        if not self.ops or any(op.ran_on is None for op in self.ops):
            return None
        return sum(op.ran_on != CPU for op in self.ops)

    @property
    def timed(self) -> bool:
        """Whether the runner gave times of operators or pieces."""
        return bool(self.pieces) or any(op.time_ms is not None for op in self.ops)

    @property
    def mistaken(self) -> tuple[PlacedOp, ...]:
        """Operators that ran elsewhere than predicted."""
        known = (op for op in self.ops if op.predicted is not None and op.ran_on is not None)
        return tuple(op for op in known if op.predicted != op.ran_on)

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {**asdict(self), "accelerated": self.accelerated, "total": len(self.ops)}


def prediction(model: TFLiteModel, configuration: Configuration, facts: DeviceFacts) -> TargetReport | None:
    """Where the operators should run, None where no profile covers the delegate on this processor.

    Raises:
        ModelError: the file's operators depend on each other in a circle, or a constant is damaged.
    """
    name = _TARGETS.get(configuration.delegate)
    if name is None or (name == "arm_cpu" and not facts.abi.lower().startswith(("arm", "aarch64"))):
        return None
    profile = TargetProfile.load(name)
    if name == "nnapi" and str(facts.api_level) in profile.parameter.values:
        profile = TargetProfile.load(f"{name}@{facts.api_level}")
    return check(model, profile)


def placed_ops(
    model: TFLiteModel, report: TargetReport | None, blocks: Sequence[Block], *, emulated: bool = False
) -> PlacedOps:
    """Join a prediction with what the runner said of each operator.

    A runner either says where each one is, or times the nodes of the prepared graph: an operator without a node of
    its own was then taken by the delegate.
    """
    times: dict[int, list[float]] = {}
    pieces: dict[tuple[str, str], list[float]] = {}
    for block in blocks:
        for time in block.profile:
            index = _operator_of(time, model.main)
            if index is None:
                pieces.setdefault((time.kind, time.name), []).append(time.mean_ms)
            else:
                times.setdefault(index, []).append(time.mean_ms)
    ran_on = _actual(blocks, times, bool(pieces), len(model.main.operators))
    ops = tuple(
        PlacedOp(
            operator.index,
            operator.op,
            None if report is None else report.ops[operator.index].placement,
            ran_on[operator.index],
            statistics.median(times[operator.index]) if operator.index in times and not emulated else None,
        )
        for operator in model.main.operators
    )
    timed = {} if emulated else pieces
    means = tuple(OpTime(kind, name, None, statistics.median(found)) for (kind, name), found in timed.items())
    return PlacedOps(None if report is None else report.target, ops, means, emulated)


def _operator_of(time: OpTime, graph: Subgraph) -> int | None:
    """The operator that a node is, by number or else by the name of its output; None for a delegate's piece.

    TensorFlow Lite numbers the operators as the file does, and a delegate's pieces after them.
    """
    if time.node is not None and time.node < len(graph.operators):
        return time.node if graph.operators[time.node].op == time.kind else None
    if time.node is None:
        for operator in graph.operators:
            if operator.op == time.kind and any(name in time.name for name in _output_names(graph, operator.index)):
                return operator.index
    return None


def _output_names(graph: Subgraph, index: int) -> list[str]:
    return [graph.tensors[place].name for place in graph.operators[index].outputs if graph.tensors[place].name]


def _actual(blocks: Sequence[Block], times: dict[int, list[float]], pieces: bool, total: int) -> list[str | None]:
    if not blocks:
        return [None] * total
    last = blocks[-1]
    if len(last.placements) == total:
        return list(last.placements)
    if last.delegate in _NO_DELEGATE:
        return [CPU] * total
    taken = last.delegate if pieces else None
    return [CPU if index in times else taken for index in range(total)]
