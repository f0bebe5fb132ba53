"""What a target asks of a file, in the form in which the converters can ask for it."""

from __future__ import annotations

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets.check import check


class Placement:
    """A demand (`converters.judge.Demand`): no error on any target, and no operator less on its accelerator.

    The first file that it sees sets how many operators may stay off: a remedy must not buy accuracy with them.
    """

    def __init__(self, targets: tuple[str, ...]) -> None:
        self._targets = targets
        self._off: dict[str, int] = {}

    def __call__(self, model: TFLiteModel) -> list[str]:
        """What is missing, in words.

        Raises:
            TargetError: there is no such target.
        """
        missing = []
        for name in self._targets:
            report = check(model, name)
            off = report.total - report.mapped
            if report.errors:
                missing.append(f"{name}: {report.errors[0].message}")
            elif off > self._off.setdefault(name, off):
                missing.append(f"{name}: {off} operators off the {report.accelerator}, {self._off[name]} before")
        return missing
