"""What a session found out about one model in one configuration on one device."""

from __future__ import annotations

import importlib.metadata
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from litesmith.errors import LitesmithError
from litesmith.targets.believable import EMULATED, States, doubt
from litesmith.targets.block import Block
from litesmith.targets.devices.device import Configuration, DeviceFacts
from litesmith.targets.latency import Latency, LatencyConditions, Spread
from litesmith.targets.placed_ops import PlacedOps
from litesmith.targets.spread import Cold, cold_of, spread_of


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class OutputCheck:
    """Whether a configuration computes what it should, by vectors whose outputs are known.

    Attributes:
        vectors: how many were run; 0 where none could be.
        wrong: in words, what is not as it should be; None where all is.
        found: in words, how far the outputs are from those that are known, or why that is not known.
    """

    vectors: int
    found: str
    wrong: str | None = None


@dataclass(frozen=True, slots=True)
class Measurement:
    """Blocks of one model in one configuration, and what follows from them.

    Attributes:
        model: path or name, with `sha256` of the content.
        error: what ended it before enough was measured; blocks so far are kept.
        operators: predicted and actual places of the operators, as far as they are known.
        outputs: whether it computes what it should; None where nothing tells what that is.
        when: ISO 8601, UTC.
    """

    model: str
    sha256: str
    device: DeviceFacts
    configuration: Configuration
    blocks: tuple[Block, ...]
    states: States
    error: LitesmithError | None = None
    operators: PlacedOps = field(default_factory=PlacedOps)
    outputs: OutputCheck | None = None
    when: str = field(default_factory=_now)

    @property
    def spread(self) -> Spread | None:
        """The figures as they are; None of an emulator, whose times are those of no device, and without blocks."""
        return spread_of(self.blocks) if self.blocks and not self.device.emulated else None

    @property
    def refused(self) -> str | None:
        """Why there is no latency, and what to do; None where there is one."""
        if self.error is not None:
            return str(self.error)
        if self.outputs is not None and self.outputs.wrong is not None:
            return self.outputs.wrong
        if self.device.emulated:
            return EMULATED
        spread = self.spread
        return "interrupted before anything was measured" if spread is None else doubt(spread, self.states)

    @property
    def latency(self) -> Latency | None:
        """The figures where they mean something."""
        spread = self.spread
        return None if spread is None or self.refused else Latency.of(spread, self._conditions())

    @property
    def cold(self) -> Cold | None:
        """What the model takes before it is warm; None of an emulator."""
        return cold_of(self.blocks) if self.blocks and not self.device.emulated else None

    @property
    def delegate(self) -> str | None:
        """What really ran: it may differ from what was asked for."""
        return self.blocks[-1].delegate if self.blocks else None

    @property
    def runner(self) -> str | None:
        """Name and version of what ran the model."""
        return self.blocks[-1].runner if self.blocks else None

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON and the store."""
        latency, spread, cold = self.latency, self.spread, self.cold
        known = [] if spread is None else self.blocks
        return {
            "model": self.model,
            "sha256": self.sha256,
            "when": self.when,
            "litesmith": importlib.metadata.version("litesmith"),
            "device": self.device.to_dict(),
            "configuration": self.configuration.to_dict(),
            "emulated": self.device.emulated,
            "delegate": self.delegate,
            "runner": self.runner,
            "latency": None if latency is None else latency.to_dict(),
            "refused": self.refused,
            "error": None if self.error is None else type(self.error).__name__,
            "spread": None if spread is None else spread.to_dict(),
            "cold": None if cold is None else cold.to_dict(),
            "blocks_p50_ms": [block.p50_ms for block in known],
            "states": self.states.to_dict(),
            "operators": self.operators.to_dict(),
            "outputs": None if self.outputs is None else asdict(self.outputs),
        }

    def _conditions(self) -> LatencyConditions:
        block = self.blocks[-1]
        runtime, _, version = block.runner.partition(" ")
        return LatencyConditions(
            device=self.device.label,
            runtime=runtime,
            runtime_version=version,
            delegate=block.delegate,
            threads=self.configuration.threads,
            cpu=self.device.soc or self.device.model,
            load_average=self.states.before.load_average,
            emulated=self.device.emulated,
        )
