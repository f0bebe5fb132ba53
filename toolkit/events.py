"""What long work reports while it runs. The library emits these; only the command line draws them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from litesmith.converters.tries import Try


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


@dataclass(frozen=True, slots=True)
class QuantizationTried:
    """A file was made and measured on the way to one that is good enough, or could not be made."""

    tried: Try


Event = StageStarted | EpochFinished | StageFinished | QuantizationTried
OnEvent = Callable[[Event], None]


def ignore(event: Event) -> None:
    """The default listener."""
