"""What processors computed of a file, beside this machine and beside what its bundle records."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from litesmith.converters.label import truth_label
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DeviceError
from litesmith.golden import GoldenResult
from litesmith.targets.devices.arm_emulator import ArmRun
from litesmith.verify_parity import Parity, ParityTolerance

UNMET = 1


@dataclass(frozen=True, slots=True)
class CpuResult:
    """What one processor computed, or in `error` why it computed nothing.

    `parity` compares with this machine, with the same delegate; `golden` with what the bundle records.
    """

    device: str
    run: ArmRun | None = None
    parity: Parity | None = None
    golden: GoldenResult | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None

    @property
    def ok(self) -> bool:
        """Whether it computed, and nothing that is further off than the tolerances."""
        return self.parity is not None and self.parity.ok and (self.golden is None or self.golden.ok)

    @property
    def failure(self) -> str | None:
        """In words, what is not as it should be; None if all is."""
        if self.ok:
            return None
        if self.parity is None:
            return f"{self.device}: {self.error}"
        if not self.parity.ok:
            return f"{self.device}: {self.parity.first}"
        return f"{self.device}: other outputs than the golden vectors record"

    def to_dict(self) -> dict[str, Any]:
        """For JSON; there is no latency in it, because an emulated one means nothing."""
        run = {"emulated": True} if self.run is None else self.run.to_dict()
        return {
            "device": self.device,
            "ok": self.ok,
            **run,
            "parity": None if self.parity is None else self.parity.to_dict(),
            "golden": None if self.golden is None else self.golden.to_dict(),
            "setup_differs": list(self.notes),
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class Verification:
    """What all processors computed of one file.

    Attributes:
        model: the file.
        inputs_from: where the inputs come from.
        vectors: how many sets of inputs there are.
        tolerance: how far outputs may be apart from those of this machine.
        here: what ran the file on this machine, such as `litert 2.3.0 on x86_64`.
        results: per processor.
    """

    model: TFLiteModel = field(repr=False)
    inputs_from: str
    vectors: int
    tolerance: ParityTolerance
    here: str
    results: tuple[CpuResult, ...]

    @property
    def ok(self) -> bool:
        """Whether every processor computes what it should."""
        return all(result.ok for result in self.results)

    @property
    def exit_code(self) -> int:
        """0, 1 where outputs differ, 3 where a processor gave none."""
        if any(result.error is not None for result in self.results):
            return DeviceError.exit_code
        return 0 if self.ok else UNMET

    def devices(self) -> dict[str, dict[str, Any]]:
        """Per processor that computed, for the manifest: on how many inputs, and with which kernels."""
        return {
            result.device: {"emulated": True, "ok": result.ok, "kernels": result.run.kernels, "vectors": self.vectors}
            for result in self.results
            if result.run is not None
        }

    def summary(self, file: str) -> dict[str, Any]:
        """For the ledger: what came of it, and `file`, which holds the whole."""
        failures = [result.failure for result in self.results if result.failure is not None]
        return {"ok": self.ok, "file": file, "devices": [result.device for result in self.results], "unmet": failures}

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "ok": self.ok,
            "model": self.model.source,
            "sha256": self.model.sha256,
            "label": truth_label(self.model),
            "inputs_from": self.inputs_from,
            "vectors": self.vectors,
            "compared_with": self.here,
            "tolerance": asdict(self.tolerance),
            "results": [result.to_dict() for result in self.results],
        }
