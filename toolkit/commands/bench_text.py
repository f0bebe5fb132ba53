"""The answer of `litesmith bench` for people: a table, what it holds under, and what was refused."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from litesmith.commands.answer import table

if TYPE_CHECKING:
    from litesmith.bench_compare import Comparison
    from litesmith.targets.latency import Spread
    from litesmith.targets.measurement import Measurement

HEADER = (
    "model", "device", "delegate", "threads", "p50 ms", "± ms", "p90 ms", "p99 ms", "init ms", "first ms",
    "delegated", "runs",
)  # fmt: skip
MISTAKEN_SHOWN = 5
SLOWEST_SHOWN = 5
SAME_AS_NONE = frozenset({"cpu", "none"})


def measurements_text(measurements: Sequence[Measurement], *, profile: bool = False) -> str:
    """All measurements: the table, conditions of each device, and notes; `profile` if operators were to be timed."""
    parts = [table(HEADER, [_row(one) for one in measurements])]
    ran = [one for one in measurements if one.blocks]
    parts += ["\n".join(dict.fromkeys(_conditions(one) for one in ran))] if ran else []
    notes = [*_refusals(measurements), *(note for one in measurements for note in _notes(one))]
    untimed = [one for one in measurements if profile and one.latency and not one.operators.timed]
    notes += [f"note: {one.device.label}: {one.runner} gives no times of operators" for one in untimed]
    parts += ["\n".join(dict.fromkeys(notes))] if notes else []
    parts += [_profile_text(one) for one in measurements if one.operators.timed]
    return "\n\n".join(parts)


def comparisons_text(a: str, b: str, comparisons: Sequence[Comparison]) -> str:
    """Ratios of B to A, and what could not be compared."""
    header = ("model", "device", "configuration", "B/A", "95% from", "to", "")
    rows = [
        (
            _short(one.model),
            one.device,
            one.configuration,
            _ratio(one.ratio),
            _ratio(one.low),
            _ratio(one.high),
            one.verdict,
        )
        for one in comparisons
    ]
    lines = [f"A is {a}, B is {b}; B/A above 1 is slower", "", table(header, rows)]
    if any(not one.one_session and one.ratio is not None for one in comparisons):
        lines += ["", "measured in different sessions: what the device did in between is in the ratio too, so a change"]
        lines += ["only counts beyond the margin (--margin); measure both in one command to compare them closely"]
    changed = dict.fromkeys(one.model for one in comparisons if one.changed)
    lines += [f"\nnote: {model} is another file in B than in A" for model in changed]
    lines += [f"\n{one.device}, {one.configuration}: {one.skipped}" for one in comparisons if one.skipped]
    return "\n".join(lines)


def _row(one: Measurement) -> tuple[str, ...]:
    latency, cold = one.latency, one.cold
    asked = one.configuration.delegate
    ran = f"{one.delegate} (not {asked})" if _is_other(one) else asked
    cores = f" on {one.configuration.cores}" if one.configuration.cores else ""
    first = (Path(one.model).name, one.device.label, ran, f"{one.configuration.threads}{cores}")
    accelerated = one.operators.accelerated
    taken = "-" if accelerated is None else f"{accelerated}/{len(one.operators.ops)}"
    figures = ("failed" if one.error else "emulated" if one.device.emulated else "refused", "-", "-", "-")
    if latency is not None:
        figures = (_ms(latency.p50_ms), _ms(latency.standard_error_ms, 2), _ms(latency.p90_ms), _ms(latency.p99_ms))
    start = ("-", "-") if cold is None else (_ms(cold.init_ms), _ms(cold.first_ms))
    spread = one.spread
    return (*first, *figures, *start, taken, "-" if spread is None else f"{spread.blocks} x {_each(spread)}")


def _is_other(one: Measurement) -> bool:
    """Whether something else ran than what was asked for."""
    asked, ran = one.configuration.delegate, one.delegate
    return ran is not None and asked != ran and not {asked, ran} <= SAME_AS_NONE


def _each(spread: Spread) -> str:
    return f"{spread.runs / spread.blocks:.0f}"


def _conditions(one: Measurement) -> str:
    device, before = one.device, one.states.before
    facts = [device.soc or device.model, device.abi, device.system]
    if device.api_level is not None:
        facts.append(f"API {device.api_level}")
    if before.load_average is not None:
        facts.append(f"load average {before.load_average:.2f}")
    if before.battery_percent is not None:
        facts.append(f"battery {before.battery_percent:.0f}%{', charging' if before.charging else ''}")
    return f"{device.label}: {', '.join(facts)}; {one.runner}"


def _refusals(measurements: Sequence[Measurement]) -> list[str]:
    """Each reason once, with all that it holds for; then what was measured all the same."""
    reasons: dict[str, list[Measurement]] = {}
    for one in measurements:
        if one.refused is not None:
            reasons.setdefault(f"{'failed' if one.error else 'refused'}: {{}}: {one.refused}", []).append(one)
    lines = []
    for reason, found in reasons.items():
        lines.append(reason.replace("{}", "; ".join(map(_where, found)), 1))
        lines += [f"  raw: {_where(one)}: {_raw(one.spread)}" for one in found if one.spread is not None]
    return lines


def _where(one: Measurement) -> str:
    return f"{Path(one.model).name}, {one.device.label}, {one.configuration}"


def _notes(one: Measurement) -> list[str]:
    where, notes = _where(one), []
    asked, ran = one.configuration.delegate, one.delegate
    if _is_other(one):
        took = "but took no operator of this model" if ran == "none" else f"but {ran} ran"
        notes.append(f"note: {where}: {asked} was asked for, {took}")
    if one.latency is not None and one.latency.percentiles_of == "blocks":
        notes.append(f"note: {one.device.label}: the runner gives no single runs; percentiles are of processes")
    if one.outputs is not None and one.outputs.wrong is None:
        notes.append(f"outputs: {where}: {one.outputs.found}")
    return notes + _mistaken(one, where)


def _mistaken(one: Measurement, where: str) -> list[str]:
    wrong = one.operators.mistaken
    if not wrong:
        return []
    shown = ", ".join(f"{op.index} {op.op} ({op.ran_on}, not {op.predicted})" for op in wrong[:MISTAKEN_SHOWN])
    more = f" and {len(wrong) - MISTAKEN_SHOWN} more (see --json)" if len(wrong) > MISTAKEN_SHOWN else ""
    return [f"note: {where}: {one.operators.target} is wrong about {len(wrong)} operators: {shown}{more}"]


def _raw(spread: Spread) -> str:
    error = "error unknown" if spread.standard_error_ms is None else f"± {_ms(spread.standard_error_ms, 2)}"
    return (
        f"p50 {_ms(spread.p50_ms)} {error}, p90 {_ms(spread.p90_ms)}, p99 {_ms(spread.p99_ms)}, min "
        f"{_ms(spread.min_ms)}, mean {_ms(spread.mean_ms)} ms over {spread.runs} runs in {spread.blocks} processes"
    )


def _profile_text(one: Measurement) -> str:
    """The slowest operators and pieces, where they were timed."""
    timed = [(op.time_ms, f"{op.index} {op.op}", op.ran_on or "-") for op in one.operators.ops if op.time_ms]
    timed += [(piece.mean_ms, piece.kind, "delegate") for piece in one.operators.pieces]
    timed.sort(reverse=True)
    rows = [(name, where, _ms(time_ms)) for time_ms, name, where in timed[:SLOWEST_SHOWN]]
    heading = f"slowest of {Path(one.model).name}, {one.device.label}, {one.configuration}:"
    return f"{heading}\n{table(('operator', 'ran on', 'ms'), rows)}"


def _ms(value: float | None, digits: int = 3) -> str:
    """Milliseconds to so many digits, without exponents so that columns line up."""
    if value is None:
        return "-"
    decimals = digits - 1 - math.floor(math.log10(value)) if value > 0 else 0
    return f"{value:.{max(0, decimals)}f}"


def _short(models: str) -> str:
    return " -> ".join(Path(name).name for name in models.split(" -> "))


def _ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
