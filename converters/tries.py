"""What was tried to get a file that is good enough, and how each try came out."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from litesmith.converters.calibrated import Treatment
from litesmith.converters.judge import Judgement
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.tflite_model import TFLiteModel

OnTry = Callable[["Try"], None]


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt.

    Attributes:
        remedy: what was done, in words.
        judgement: of the file; None where there is none.
        refused: why there is no file, empty if there is one.
        seconds: of making and judging the file, a search for what to do included.
        spec: what was asked for; with `treatment` it makes the same file again. None for a file from elsewhere.
        treatment: see `spec`.
    """

    remedy: str
    judgement: Judgement | None
    seconds: float
    refused: str = ""
    spec: QuantizationSpec | None = None
    treatment: Treatment | None = None

    @property
    def holds(self) -> bool:
        """Whether there is a file that keeps every limit."""
        return self.judgement is not None and not self.judgement.unmet

    @property
    def score(self) -> tuple[float, ...]:
        """See `Judgement.score`; lower than any where there is no file."""
        return self.judgement.score if self.judgement is not None else ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values; an infinite SNR, of outputs that are equal, is null."""
        found = asdict(self.judgement) if self.judgement is not None else {}
        if found and not math.isfinite(found["snr_db"]):
            found["snr_db"] = None
        choice = {} if self.treatment is None else asdict(self.treatment)
        if self.spec is not None:
            choice["precision"] = dict(self.spec.precision)
        return {
            "remedy": self.remedy,
            "holds": self.holds,
            "refused": self.refused,
            "seconds": round(self.seconds, 3),
            **found,
            "choice": choice,
        }


@dataclass(frozen=True, slots=True)
class Made:
    """A file, and the try that it came from.

    Attributes:
        model: the file.
        made: the try; it has a judgement.
        route: the engine that quantized it, or the remedy that it came from.
        applied: rewrites of the float graph.
        note: what the user should know about the route, empty if nothing.
        seconds: by step of post-training quantization.
    """

    model: TFLiteModel
    made: Try
    route: str
    applied: tuple[str, ...] = ()
    note: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)
