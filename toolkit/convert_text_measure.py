"""What a text model's file does in the runtime: its answers, its time, and the limits that it keeps."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.converters.text.convert_agreement import Agreement
from litesmith.converters.text.convert_files import TextFile
from litesmith.converters.text.convert_source import Ids
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.demands import Placement
from litesmith.errors import ConversionError
from litesmith.measure import to_real
from litesmith.targets.requirement import Requirement
from litesmith.targets.runtimes import default
from litesmith.targets.session import Session

_TIMED_RUNS = 50


@dataclass(frozen=True, slots=True)
class TextLimits:
    """What a file must keep; None is no limit.

    Attributes:
        min_agreement: `Agreement.share`: the mean cosine of embeddings, else the share of same answers, 0 to 1.
        min_snr_db: of the answers.
        max_bytes: size of the file.
        max_host_ms: median latency here, one thread.
        targets: that it must run on, `edge_tpu`, or with a share of its operators, `edge_tpu=0.9`.
    """

    min_agreement: float | None = None
    min_snr_db: float | None = None
    max_bytes: int | None = None
    max_host_ms: float | None = None
    targets: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.min_agreement is not None and not 0 <= self.min_agreement <= 1:
            raise ConversionError(f"min_agreement is {self.min_agreement}, not a share between 0 and 1")
        for target in self.targets:
            Requirement.parse(target)

    def unmet(self, model: TFLiteModel, agreement: Agreement, host_ms: float) -> tuple[str, ...]:
        """What a file does not keep, in words."""
        size, least, share = len(model.content), self.min_agreement, agreement.share
        checks = (
            (self.min_snr_db, agreement.snr_db, -1, "an SNR of {:.1f} dB is below {:.1f}"),
            (self.max_bytes, size, 1, "{:,} bytes are more than {:,}"),
            (self.max_host_ms, host_ms, 1, "{:.4g} ms on this host are more than {:.4g}"),
        )
        missed = [text.format(found, limit) for limit, found, sign, text in checks if _beyond(limit, found, sign)]
        if least is not None and _beyond(least, share, -1):
            missed.insert(0, f"agreement {below(share, least)}")
        return (*missed, *Placement(self.targets)(model))


@dataclass(frozen=True, slots=True)
class JudgedFile:
    """A file and what was measured of it.

    Attributes:
        file: what was made.
        agreement: with the float network, on sentences that it was not calibrated with.
        host_ms: median on this host, one thread, batch 1.
        unmet: limits that it does not keep.
    """

    file: TextFile
    agreement: Agreement
    host_ms: float
    unmet: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "quantize": self.file.mode,
            "route": self.file.route,
            "integer_only": self.file.is_integer,
            **self.agreement.to_dict(),
            "bytes": len(self.file.model.content),
            "host_ms": round(self.host_ms, 4),
            "seconds": round(self.file.seconds, 2),
            "unmet": list(self.unmet),
        }


def below(found: float, limit: float) -> str:
    """Says that a share is below a limit, with as many digits, 4 to 16, as the limit has and as tell them apart."""
    digits = 4
    while digits < 16 and (float(f"{limit:.{digits}f}") != limit or f"{found:.{digits}f}" == f"{limit:.{digits}f}"):
        digits += 1
    return f"{found:.{digits}f} is below {limit:.{digits}f}"


def answers(model: TFLiteModel, ids: Ids, on_text: Callable[[int], None]) -> tuple[npt.NDArray[np.float32], float]:
    """Real answers (N, ...) of a file to ids (N, L), and the median of its milliseconds.

    Raises:
        ModelError: the runtime cannot run it.
    """
    session = default().open(model.content)
    rows = [[ids[place : place + 1]] for place in range(len(ids))]
    results = []
    for done, row in enumerate(rows, 1):
        results += session.run(row)
        on_text(done)
    (out,) = session.outputs
    return to_real(np.concatenate(results), out), _median_ms(session, rows)


def _median_ms(session: Session, rows: Sequence[Sequence[npt.NDArray[Any]]]) -> float:
    times_ms = []
    for run in range(max(len(rows), _TIMED_RUNS)):
        session.set_inputs(rows[run % len(rows)])
        start = time.perf_counter()
        session.invoke()
        times_ms.append(1000 * (time.perf_counter() - start))
    return float(np.median(times_ms))


def _beyond(limit: float | None, found: float, sign: int) -> bool:
    return limit is not None and not sign * (limit - found) >= 0
