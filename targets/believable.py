"""When a measured time is a latency, and when it must be refused."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from litesmith.targets.devices.device import DeviceState
from litesmith.targets.latency import Spread
from litesmith.targets.spread import MIN_BLOCKS

MAX_RELATIVE_ERROR = 0.10
MAX_DRIFT = 0.20
MAX_CLOCK_DROP = 0.15
MAX_HEATING_C = 15.0
EMULATED = (
    "emulated: the time is that of an emulator and only proves that the path works; measure on a real device for a "
    "latency"
)


@dataclass(frozen=True, slots=True)
class States:
    """The device before the first block, right after each block while it still is as warm as it was, and at the end.

    Asking a device while a block runs would take time from it.
    """

    before: DeviceState
    during: tuple[DeviceState, ...]
    after: DeviceState

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for JSON; of the states between, the first, the middle and the last."""
        places = sorted({0, len(self.during) // 2, len(self.during) - 1}) if self.during else []
        return {
            "before": self.before.to_dict(),
            "during": [self.during[place].to_dict() for place in places],
            "after": self.after.to_dict(),
        }


def doubt(spread: Spread, states: States) -> str | None:
    """Why a spread means nothing, and what to do; None where it is a latency.

    - The standard error of the median is above 10 % of it, or there were fewer than five processes to know it by: two
      models that differ by a fifth could then not be told apart, and nothing smaller is worth a measurement.
    - The end was more than 20 % faster or slower than the beginning: the figure depends on when one stops.
    - The fastest core's clock fell by more than 15 % between the first and the last third of the blocks, or a thermal
      zone warmed up by more than 15 degrees: the device throttles or is about to, and the figure is that of neither
      the cold nor the warm device. Clocks before the first block say nothing, because a governor rests until then.
    """
    return _unsure(spread) or _drifting(spread) or _throttled(states)


def _unsure(spread: Spread) -> str | None:
    error = spread.relative_error
    if error is None or spread.blocks < MIN_BLOCKS:
        return "too few processes for an error of the median; measure more of them (--blocks)"
    if error <= MAX_RELATIVE_ERROR:
        return None
    return (
        f"the standard error of the median is {error:.1%} of it, more than {MAX_RELATIVE_ERROR:.0%}; "
        "stop what else runs on the device, or measure longer (--patience)"
    )


def _drifting(spread: Spread) -> str | None:
    if spread.drift is None or abs(spread.drift) <= MAX_DRIFT:
        return None
    return (
        f"a run took {1 + spread.drift:.3g} times as long at the end as at the beginning, a change of more than "
        f"{MAX_DRIFT:.0%}; let the device rest, stop what else runs on it, then measure again"
    )


def _throttled(states: States) -> str | None:
    drop = _clock_drop(states.during)
    if drop > MAX_CLOCK_DROP:
        return (
            f"the clock fell by {drop:.0%} while it was measured, more than {MAX_CLOCK_DROP:.0%}: the device "
            "throttles; let it cool down, take it off the charger, then measure again"
        )
    zone, heating = _heating(states)
    if heating <= MAX_HEATING_C:
        return None
    return (
        f"{zone} warmed up by {heating:.0f} degrees while it was measured, more than {MAX_HEATING_C:.0f}; "
        "warm the device up first, or measure more shortly"
    )


def _clock_drop(during: Sequence[DeviceState]) -> float:
    fastest = [max(state.clocks_mhz.values()) for state in during if state.clocks_mhz]
    third = len(fastest) // 3
    if third == 0:
        return 0.0
    return 1 - statistics.median(fastest[-third:]) / statistics.median(fastest[:third])


def _heating(states: States) -> tuple[str, float]:
    last = states.during[-1] if states.during else states.after
    common = states.before.temperatures_c.keys() & last.temperatures_c.keys()
    changes = {zone: last.temperatures_c[zone] - states.before.temperatures_c[zone] for zone in common}
    zone = max(changes, key=lambda name: changes[name], default="")
    return zone, changes.get(zone, 0.0)
