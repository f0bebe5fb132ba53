"""What long work reports while it runs. The library emits these; only the command line draws them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StageStarted:
    """A stage begins; `steps` epochs will follow, 0 if it does not train."""

    stage: str
    steps: int


@dataclass(frozen=True, slots=True)
class EpochFinished:
    """One epoch of a training stage is done, with the mean loss over it."""

    stage: str
    epoch: int
    loss: float


@dataclass(frozen=True, slots=True)
class StageFinished:
    """A stage is done and its results are on disk; `resumed` if an earlier run had done it."""

    stage: str
    summary: str
    resumed: bool


Event = StageStarted | EpochFinished | StageFinished
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The default listener."""
