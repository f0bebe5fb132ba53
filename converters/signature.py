"""What a `.tflite` offers to callers by name."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature: the names of its inputs and outputs, and the place of the subgraph that it runs."""

    key: str
    subgraph: int
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
