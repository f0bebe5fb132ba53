"""Draws the events of a run as progress bars on stderr."""

from __future__ import annotations

import sys
from typing import Any

from litesmith.commands.tries_text import outcome
from litesmith.events import EpochFinished, Event, QuantizationTried, StageFinished, StageStarted


class ProgressBars:
    """A listener for `on_event`: one bar per training stage, one line per finished stage."""

    def __init__(self) -> None:
        self._bar: Any = None

    def __call__(self, event: Event) -> None:
        """Draw one event."""
        from tqdm import tqdm

        if isinstance(event, StageStarted):
            self._bar = tqdm(
                total=event.steps or 1,
                desc=f"{event.stage:>8}",
                unit="epoch",
                file=sys.stderr,
                leave=False,
                disable=None,
            )
        elif isinstance(event, EpochFinished):
            self._bar.update(1)
            self._bar.set_postfix(loss=f"{event.loss:.4f}")
        elif isinstance(event, QuantizationTried):
            tqdm.write(f"{'':>8}  {outcome(event.tried)}", file=sys.stderr)
        elif isinstance(event, StageFinished):
            self._bar.close()
            note = " (from the run before)" if event.resumed else ""
            tqdm.write(f"{event.stage:>8}: {event.summary}{note}", file=sys.stderr)
