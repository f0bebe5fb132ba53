"""What a model needs of a target's memory, beside what the target has."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Any

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets.memory import estimate_memory, weights_bytes
from litesmith.targets.profile import Memory
from litesmith.targets.report import Finding
from litesmith.targets.rules import explain

KIB = 1024
UNITS = ("B", "KiB", "MiB", "GiB")


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """Predicted memory of one model on one target.

    Attributes:
        weights_bytes: all constants that the model uses, as they are stored.
        placed_weights_bytes: those that operators on the accelerator read.
        peak_activation_bytes: activations that are alive at the same time, at most.
        arena_bytes: what TensorFlow Lite's planner needs for them, gaps included; None where they are too many to plan.
        peak_op_index: the first operator at which most is alive; None where there is no operator.
        assumptions: what the figures leave out or take as given.
        limit: the memory of the target; None where the profile knows of none.
    """

    weights_bytes: int
    placed_weights_bytes: int
    peak_activation_bytes: int
    arena_bytes: int | None
    peak_op_index: int | None
    assumptions: tuple[str, ...]
    limit: Memory | None

    @property
    def needed_bytes(self) -> int | None:
        """What has to fit into `limit`; None where there is none."""
        if self.limit is None:
            return None
        if self.limit.holds == "weights":
            return self.placed_weights_bytes
        return self.peak_activation_bytes if self.arena_bytes is None else self.arena_bytes

    @property
    def within_limit(self) -> bool | None:
        """Whether the target's memory is large enough; None where its size is not known."""
        needed = self.needed_bytes
        return None if needed is None or self.limit is None or self.limit.bytes is None else needed <= self.limit.bytes

    @property
    def near_limit(self) -> bool:
        """Whether the model still fits, but by less than the limit is certain."""
        near = None if self.limit is None else self.limit.near_bytes
        return bool(self.within_limit) and near is not None and (self.needed_bytes or 0) >= near

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values for JSON."""
        limit = None if self.limit is None else self.limit.to_dict()
        judged = {"within_limit": self.within_limit, "near_limit": self.near_limit}
        return {**asdict(self), "limit": limit, "needed_bytes": self.needed_bytes, **judged}


def memory_use(model: TFLiteModel, placed: Collection[int], limit: Memory | None) -> MemoryUse:
    """Estimate the memory of `model` on a target; nothing is run.

    Args:
        model: a parsed file.
        placed: operators of the main subgraph that run on the accelerator.
        limit: the memory of the target.
    """
    whole = estimate_memory(model)
    return MemoryUse(
        weights_bytes=whole.weights_bytes,
        placed_weights_bytes=weights_bytes(model, placed),
        peak_activation_bytes=whole.peak_activation_bytes,
        arena_bytes=whole.arena_bytes,
        peak_op_index=whole.peak_op_index,
        assumptions=whole.assumptions,
        limit=limit,
    )


def memory_limit() -> None:
    """The {holds} take {needed}, more than the {bytes} of {name}."""


def memory_near_limit() -> None:
    """The {holds} take {needed}, near the limit of {bytes} of {name}."""


def memory_findings(use: MemoryUse) -> tuple[Finding, ...]:
    """What is to be known where the model is larger than the memory, or where nobody knows how large that is."""
    limit = use.limit
    if limit is None or (use.within_limit and not use.near_limit):
        return ()
    cited = limit.source.cite(limit.confirmed)
    if limit.bytes is None:
        return (Finding("note", None, "info", limit.text, limit.fix, cited),)
    sizes = {"needed": in_units(use.needed_bytes or 0), "bytes": in_units(limit.bytes)}
    rule, text, severity = memory_limit, limit.text, limit.severity
    if use.near_limit:
        rule, text, severity = memory_near_limit, limit.near_text, "info"
    message, _ = explain(rule, {"holds": limit.holds, "name": limit.name, **sizes})
    return (Finding(rule.__name__, None, severity, f"{message} {text}", limit.fix, cited),)


def in_units(number: int) -> str:
    """Bytes for people: `512 B`, `2.2 KiB`, `8.0 MiB`."""
    scaled, unit = float(number), 0
    while scaled >= KIB and unit < len(UNITS) - 1:
        scaled, unit = scaled / KIB, unit + 1
    return f"{number} B" if unit == 0 else f"{scaled:.1f} {UNITS[unit]}"
