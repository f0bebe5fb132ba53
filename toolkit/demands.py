"""What a target or a device asks of a file, in the form in which the converters can ask for it."""

from __future__ import annotations

from litesmith.converters.judge import Demand
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets.check import check
from litesmith.targets.devices.host import HostDevice
from litesmith.targets.requirement import Requirement

# Enough for a median; every try is timed.
_TIMED_RUNS = 50


class Placement:
    """A demand (`converters.judge.Demand`): no error on any target, and no operator less on its accelerator.

    The first file that it sees sets how many operators may stay off: a remedy must not buy accuracy with them. Targets
    may have a least share, `edge_tpu=0.9` (`targets.requirement`).
    """

    def __init__(self, targets: tuple[str, ...]) -> None:
        self._targets = targets
        self._off: dict[str, int] = {}

    def __call__(self, model: TFLiteModel) -> list[str]:
        """What is missing, in words.

        Raises:
            TargetError: there is no such target, or its share is none.
        """
        missing = []
        for name in self._targets:
            requirement = Requirement.parse(name)
            report = check(model, requirement.target)
            off = report.total - report.mapped
            if lacking := requirement.missing(report):
                missing.append(lacking)
            elif off > self._off.setdefault(name, off):
                missing.append(f"{name}: {off} operators off the {report.accelerator}, {self._off[name]} before")
        return missing


class HostLatency:
    """A demand: the median of this host's latency, one thread, stays within a limit.

    Where time decides, two runs of the same recipe may end with different files.
    """

    def __init__(self, max_p50_ms: float) -> None:
        self._max_p50_ms = max_p50_ms

    def __call__(self, model: TFLiteModel) -> list[str]:
        """What is missing, in words."""
        found = HostDevice().measure(model.content, runs=_TIMED_RUNS).p50_ms
        if found <= self._max_p50_ms:
            return []
        return [f"{found:.4g} ms on this host are more than {self._max_p50_ms:.4g}"]


def demands(targets: tuple[str, ...], max_p50_ms: float | None) -> tuple[Demand, ...]:
    """The demands that there are."""
    placement: tuple[Demand, ...] = (Placement(targets),) if targets else ()
    return placement if max_p50_ms is None else (*placement, HostLatency(max_p50_ms))
