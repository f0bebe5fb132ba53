"""What is asked of a target: that the file can run there at all, or that a share of its operators does."""

from __future__ import annotations

from dataclasses import dataclass

from litesmith.errors import TargetError
from litesmith.targets.profile import TargetProfile
from litesmith.targets.report import TargetReport


@dataclass(frozen=True, slots=True)
class Requirement:
    """`NAME[@SETTING]` with a least share of the operators on its accelerator, 0 to 1, or without one.

    Without a share the target is met where `litesmith check` has no error: the file can be loaded, and where the target
    is no target without its accelerator, one operator on it is enough.
    """

    target: str
    share: float | None = None

    @classmethod
    def parse(cls, text: str) -> Requirement:
        """Read `edge_tpu`, `nnapi@30` or `edge_tpu=0.9`.

        Raises:
            TargetError: there is no such target, or what stands behind `=` is no share.
        """
        target, equals, share = text.partition("=")
        TargetProfile.load(target)
        if not equals:
            return cls(target)
        try:
            asked = float(share)
        except ValueError:
            asked = -1.0
        if not 0 < asked <= 1:
            raise TargetError(f"{text}: {share!r} is no share above 0 and up to 1; write {target}=0.9 for nine tenths")
        return cls(target, asked)

    def missing(self, report: TargetReport) -> str | None:
        """What a file lacks, in words; None where it has what is asked for."""
        if report.errors:
            return f"{self.target}: {report.errors[0].message}"
        if self.share is None or report.mapped >= self.share * report.total:
            return None
        return f"{_placed(report)}; {100 * self.share:g}% are required"

    def told(self, report: TargetReport) -> str:
        """How much runs there, and how much of it was asked for."""
        if self.share is not None:
            return f"{_placed(report)}; {100 * self.share:g}% are required"
        least = (
            "one operator there" if TargetProfile.load(self.target).accelerator_required else "a file that loads there"
        )
        return f"{_placed(report)}; --require {self.target} asks for {least}, {self.target}=0.9 for nine tenths"


def _placed(report: TargetReport) -> str:
    share = f" ({100 * report.mapped / report.total:.1f}%)" if report.total else ""
    return f"{report.target}: {report.mapped} of {report.total} operators on {report.accelerator}{share}, as predicted"
