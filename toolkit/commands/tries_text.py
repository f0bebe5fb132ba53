"""Tries on the way to a file that is good enough, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from litesmith.commands.answer import printable, table

if TYPE_CHECKING:
    from litesmith.converters.metric import Metric
    from litesmith.converters.tries import Try


def outcome(tried: Try) -> str:
    """One try on one line, as it comes."""
    from litesmith.converters.metric import ACCURACY, METRICS

    found = tried.judgement
    if found is None:
        return printable(f"{tried.remedy}: no file, {tried.refused} ({tried.seconds:.1f} s)")
    shares = ((ACCURACY, "agreement", found.agreement), (METRICS[found.metric], found.metric, found.accuracy))
    figures = [f"{name} {metric.text(share)}" for metric, name, share in shares if share is not None]
    state = "" if tried.holds else f"; {'; '.join(found.unmet)}"
    return printable(
        f"{tried.remedy}: {', '.join([*figures, f'SNR {found.snr_db:.1f} dB'])}{state} ({tried.seconds:.1f} s)"
    )


def tries_text(tries: Sequence[Mapping[str, Any]], diagnosis: Mapping[str, Any] | None) -> str:
    """What was tried, what came out, and why.

    Args:
        tries: as `Conversion.tries_to_list` gives them.
        diagnosis: as `Diagnosis.to_dict` gives it.
    """
    from litesmith.converters.metric import ACCURACY, METRICS

    # It speaks of the file that was asked for, and of what fits that one, whatever was tried afterwards.
    why = [f"where the file that was asked for loses: {diagnosis['paragraph']}"] if diagnosis is not None else []
    metric = METRICS[next((tried["metric"] for tried in tries if "metric" in tried), ACCURACY.name)]
    header = ("try", "agreement", metric.name, "SNR dB", "bytes", "seconds", "")
    return printable("\n\n".join([table(header, [_row(tried, metric) for tried in tries]), *why]))


def _row(tried: Mapping[str, Any], metric: Metric) -> tuple[str, ...]:
    from litesmith.converters.metric import ACCURACY

    seconds = f"{tried['seconds']:.2f}"
    if tried["refused"]:
        return (tried["remedy"], "-", "-", "-", "-", seconds, f"no file: {tried['refused']}")
    unmet = [*tried["inaccurate"], *tried["unfit"]]
    notes = ["taken"] * tried["taken"] + unmet
    snr = "-" if tried["snr_db"] is None else f"{tried['snr_db']:.1f}"
    shares = (ACCURACY.text(tried["agreement"]), metric.text(tried["accuracy"]))
    return (tried["remedy"], *shares, snr, f"{tried['bytes']:,}", seconds, "; ".join(notes))
