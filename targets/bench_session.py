"""Measures models on one device: blocks of all configurations by turns, until every figure holds or time is up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DeviceError, LitesmithError, ModelError
from litesmith.targets.believable import States, doubt
from litesmith.targets.block import Block
from litesmith.targets.devices.device import Configuration, Demand, Device, DeviceFacts, DeviceState
from litesmith.targets.measurement import Measurement
from litesmith.targets.placed_ops import placed_ops, prediction
from litesmith.targets.report import TargetReport
from litesmith.targets.spread import MIN_BLOCKS, spread_of


@dataclass(frozen=True, slots=True)
class Effort:
    """How much to measure of each model and configuration.

    Attributes:
        blocks: processes, at least `MIN_BLOCKS`; more follow while the figures do not hold.
        patience_s: when to stop asking for more, in seconds of the device's time for one configuration.
        demand: what each process does.
    """

    blocks: int = MIN_BLOCKS
    patience_s: float = 30.0
    demand: Demand = field(default_factory=Demand)

    def __post_init__(self) -> None:
        if self.blocks < MIN_BLOCKS or self.patience_s < 0:
            raise ValueError(f"needs at least {MIN_BLOCKS} blocks and no negative patience: {self}")


@dataclass(frozen=True, slots=True)
class BlockDone:
    """One block of a session is measured, or failed; `number` counts those of this model and configuration."""

    device: str
    model: str
    configuration: Configuration
    number: int
    error: str | None = None


OnProgress = Callable[[BlockDone], None]


@dataclass(frozen=True, slots=True)
class Measurements:
    """One for each model and configuration, in this order; `interrupted` where they are not all that was asked for."""

    items: tuple[Measurement, ...]
    interrupted: bool = False


@dataclass(slots=True)
class _Cell:
    """One model in one configuration, while it is measured."""

    model: TFLiteModel
    configuration: Configuration
    report: TargetReport | None = None
    blocks: list[Block] = field(default_factory=list)
    during: list[DeviceState] = field(default_factory=list)
    error: LitesmithError | None = None
    spent_s: float = 0.0

    def measurement(self, facts: DeviceFacts, before: DeviceState, after: DeviceState) -> Measurement:
        states = States(before, tuple(self.during), after)
        operators = placed_ops(self.model, self.report, self.blocks, emulated=facts.emulated)
        blocks = tuple(self.blocks)
        return Measurement(
            self.model.source, self.model.sha256, facts, self.configuration, blocks, states, self.error, operators
        )

    def is_done(self, effort: Effort, facts: DeviceFacts, before: DeviceState) -> bool:
        if self.error is not None:
            return True
        if len(self.blocks) < effort.blocks:
            # An emulator's times are never shown; one block proves that the path works.
            return facts.emulated and bool(self.blocks)
        if self.spent_s >= effort.patience_s:
            return True
        states = States(before, tuple(self.during), self.during[-1])
        return doubt(spread_of(self.blocks), states) is None


def run_session(
    device: Device,
    models: Sequence[TFLiteModel],
    configurations: Sequence[Configuration],
    effort: Effort | None = None,
    on_progress: OnProgress | None = None,
    stop: threading.Event | None = None,
) -> Measurements:
    """Measure every model in every configuration.

    The blocks take turns, so that a drift of the device hits all alike. A configuration that fails is left out of the
    next rounds, and the others go on. Ctrl-C, or `stop` from another thread, ends the session with what there is.

    Args:
        device: it is not closed.
        models: each has a `source` that names it.
        configurations: see `Configuration`.
        effort: how much to measure.
        on_progress: told after every block.
        stop: set it to end the session after the block that runs.

    Raises:
        DeviceError: the device does not say what it is.
    """
    effort = effort or Effort()
    before = device.state()
    cells = [_cell(model, configuration, device.facts) for model in models for configuration in configurations]
    interrupted, forward = False, True
    try:
        while waiting := [cell for cell in cells if not cell.is_done(effort, device.facts, before)]:
            # There and back again: what gets slower steadily hits the first and the last of a round alike.
            for cell in waiting if forward else reversed(waiting):
                if stop is not None and stop.is_set():
                    raise KeyboardInterrupt
                _measure_block(device, cell, effort.demand)
                _tell(on_progress, device.facts, cell)
            forward = not forward
    except KeyboardInterrupt:
        interrupted = True
    facts = device.facts  # some devices turn out to be emulated only when something has run
    after = _last_state(device, cells, before)
    return Measurements(tuple(cell.measurement(facts, before, after) for cell in cells), interrupted)


def _cell(model: TFLiteModel, configuration: Configuration, facts: DeviceFacts) -> _Cell:
    try:
        return _Cell(model, configuration, prediction(model, configuration, facts))
    except ModelError as error:
        return _Cell(model, configuration, error=error)


def _measure_block(device: Device, cell: _Cell, demand: Demand) -> None:
    start_s = time.monotonic()
    try:
        block = device.block(cell.model.content, cell.configuration, demand)
        cell.during.append(device.state())
        cell.blocks.append(block)
    except LitesmithError as error:
        cell.error = error
    cell.spent_s += time.monotonic() - start_s


def _tell(on_progress: OnProgress | None, facts: DeviceFacts, cell: _Cell) -> None:
    if on_progress is not None:
        error = None if cell.error is None else str(cell.error)
        on_progress(BlockDone(facts.label, cell.model.source, cell.configuration, len(cell.blocks), error))


def _last_state(device: Device, cells: Sequence[_Cell], before: DeviceState) -> DeviceState:
    """The state now, or where the device is gone the last that is known."""
    try:
        return device.state()
    except DeviceError:
        known = [state for cell in cells for state in cell.during[-1:]]
        return known[-1] if known else before
