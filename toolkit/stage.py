"""What a stage of a run is, and what it leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from litesmith.ledger import Row
from litesmith.student import Run

MODEL = "model.tflite"


@dataclass(frozen=True, slots=True)
class Result:
    """What a stage leaves: its ledger row, and figures that only this stage has."""

    row: Row
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of the plan: what to run, which sections of the recipe it reads, how many epochs it trains.

    Sections by their dotted names; a stage runs again where one of them changed.
    """

    name: str
    execute: Callable[[Run], Result]
    sections: tuple[str, ...]
    epochs: int
