"""The times in the log of `benchmark_model`, in all forms that it had since 2018."""

from __future__ import annotations

import re
from dataclasses import dataclass

from litesmith.errors import DeviceError
from litesmith.targets.devices.benchmark_errors import quoted

# What stands before a message: nothing in old versions, the level in newer ones, also the place in LiteRT's.
_START = r"^[ \t]*(?:INFO: (?:\[[^\]\n]*\] )?)?"
_NUMBER = r"(\d+(?:\.\d+)?(?:e[+-]?\d+)?)"
_STATS = re.compile(_START + r"count=(\d{1,9})\b(.*)$", re.MULTILINE)
_FIELD = re.compile(rf"(\w+)={_NUMBER}(?=[\s(]|$)")
_LAST_LINES = (
    re.compile(
        _START + rf"Inference timings in us: Init: (?P<init>{_NUMBER}), First inference: {_NUMBER}, "
        rf"Warmup \(avg\): {_NUMBER}, Inference \(avg\): (?P<mean>{_NUMBER})[ \t]*$",
        re.MULTILINE,
    ),
    # Until 2019; what is called "no stats" was once "Inference".
    re.compile(
        _START + rf"Average inference timings in us: Warmup: {_NUMBER}, Init: (?P<init>{_NUMBER}), "
        rf"(?:no stats|Inference): (?P<mean>{_NUMBER})[ \t]*$",
        re.MULTILINE,
    ),
)
_LITERT_INIT = re.compile(_START + rf"Model initialization: +{_NUMBER} ms", re.MULTILINE)
_LITERT_MEAN = re.compile(_START + rf"Inference \(avg\): +{_NUMBER} ms \(\d+ runs\)", re.MULTILINE)
# Both averages are rounded: to six digits, or by LiteRT to 0.01 ms.
_ROUNDING, _LITERT_ROUNDING_US = 1e-4, 6.0


@dataclass(frozen=True, slots=True)
class Stats:
    """Runs that followed each other, in microseconds; the first one alone, too."""

    count: int
    first_us: float
    min_us: float
    max_us: float
    mean_us: float
    median_us: float | None


@dataclass(frozen=True, slots=True)
class Timings:
    """What one process of the tool measured."""

    warmup: Stats
    runs: Stats
    init_us: float

    @property
    def first_us(self) -> float:
        """The first inference of the process."""
        return (self.warmup if self.warmup.count else self.runs).first_us


def read_timings(log: str) -> Timings:
    """The times in a whole log.

    Raises:
        DeviceError: it is not one of benchmark_model's, or not a whole one.
    """
    found = list(_STATS.finditer(log))
    if len(found) != 2:
        raise _not_a_log(f"{len(found)} lines of statistics instead of one for warm-up and one for the timed runs", log)
    warmup, runs = (_read_stats(int(match[1]), match[2], log) for match in found)
    init_us, mean_us, rounding_us = _read_last_line(log)
    if runs.count == 0:
        raise _not_a_log("no run was timed", log)
    if not runs.min_us <= runs.mean_us * (1 + _ROUNDING) <= runs.max_us * (1 + 2 * _ROUNDING):
        raise _not_a_log("the average lies outside minimum and maximum", log)
    if abs(runs.mean_us - mean_us) > _ROUNDING * runs.mean_us + rounding_us:
        raise _not_a_log("two averages of the same runs differ", log)
    return Timings(warmup, runs, init_us)


def _read_stats(count: int, rest: str, log: str) -> Stats:
    """Runs of equal duration have only `curr`, and no run at all has nothing."""
    fields = {name: float(value) for name, value in _FIELD.findall(rest)}
    if count == 0:
        return Stats(0, 0.0, 0.0, 0.0, 0.0, None)
    if "curr" not in fields or ("avg" in fields and not {"first", "min", "max"} <= fields.keys()):
        raise _not_a_log(f"incomplete statistics: count={count}{rest}", log)
    alike = fields["curr"]
    return Stats(
        count=count,
        first_us=fields.get("first", alike),
        min_us=fields.get("min", alike),
        max_us=fields.get("max", alike),
        mean_us=fields.get("avg", alike),
        median_us=fields.get("median"),
    )


def _read_last_line(log: str) -> tuple[float, float, float]:
    """Preparing, average and its rounding; without them the process ended early."""
    for pattern in _LAST_LINES:
        if match := pattern.search(log):
            return float(match["init"]), float(match["mean"]), 1.0
    init, mean = _LITERT_INIT.search(log), _LITERT_MEAN.search(log)
    if init is None or mean is None:
        raise _not_a_log("the line with the timings is missing", log)
    return 1000 * float(init[1]), 1000 * float(mean[1]), _LITERT_ROUNDING_US


def _not_a_log(reason: str, log: str) -> DeviceError:
    return DeviceError(
        f"the runner's output is not that of benchmark_model ({reason}): {quoted(log)}; "
        "pass TensorFlow Lite's benchmark_model with --runner, and run again"
    )
