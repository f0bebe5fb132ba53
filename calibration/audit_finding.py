"""What an audit of calibration data says, and what it is told about the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """One thing that is wrong with the data.

    `error`: calibrating with them fails or gives wrong ranges. `warning`: it may. `info`: worth knowing.

    Attributes:
        check: short name of the check, such as "duplicates".
        severity: see above.
        message: what is wrong.
        evidence: the numbers behind it, as plain values.
        fix: what to do.
    """

    check: str
    severity: Severity
    message: str
    evidence: Mapping[str, Any]
    fix: str

    def __post_init__(self) -> None:
        if self.severity not in SEVERITIES:
            raise ValueError(f"severity {self.severity!r} is none of {', '.join(SEVERITIES)}")

    def to_dict(self) -> dict[str, Any]:
        """The finding as plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Expected:
    """The scale that a model's own first steps take its input to have: most values within `center +- spread`.

    Attributes:
        center: one value, or one for each channel of the last axis.
        spread: likewise, above zero.
        because: where it was read, for messages.
    """

    center: tuple[float, ...]
    spread: tuple[float, ...]
    because: str

    def __post_init__(self) -> None:
        if len(self.center) != len(self.spread) or not all(map(isfinite, (*self.center, *self.spread))):
            raise ValueError(f"center {self.center} and spread {self.spread} must be finite and as many")
        if min(self.spread, default=0.0) <= 0:
            raise ValueError(f"spread {self.spread} must be above zero")


@dataclass(frozen=True, slots=True)
class ModelInput:
    """One input of the float model.

    Attributes:
        names: what data may call it; the last is the one that messages use.
        shape: batch axis first, -1 where it is not fixed.
        dtype: as NumPy writes it.
        expected: the scale of its values, if the model tells.
    """

    names: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: str
    expected: Expected | None = None

    @property
    def name(self) -> str:
        """The name that messages use."""
        return self.names[-1]

    @property
    def is_float(self) -> bool:
        """Whether it takes floating-point values."""
        return self.dtype.startswith("float")

    def fits(self, shape: tuple[int, ...]) -> bool:
        """Whether an array of this shape, first axis the sample, holds samples for it."""
        return len(shape) == len(self.shape) and all(
            size == actual or (size == -1 and actual > 0)
            for size, actual in zip(self.shape[1:], shape[1:], strict=True)
        )
