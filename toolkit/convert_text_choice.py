"""Which of several files of a text model to take, and why."""

from __future__ import annotations

from collections.abc import Sequence

from litesmith.convert_text_measure import JudgedFile, below

# A file holds where it agrees so far, unless another limit was given: mean cosine of embeddings, share of same answers.
HOLDS_COSINE, HOLDS_SAME = 0.99, 0.97


def choose(files: Sequence[JudgedFile], *, limited: bool = False) -> tuple[JudgedFile, str]:
    """The file to take, and a sentence that says why.

    Of those that hold, one without float tensors goes first, because it runs wherever the others do; of several the
    fastest. Of those with float the smallest one is taken, and where none holds the one that agrees best.

    Args:
        files: one or more.
        limited: whether a limit on agreement was given, so that what does not keep it is in `unmet`.
    """
    good = [one for one in files if not one.unmet and (limited or one.agreement.share >= _least(one))]
    integer = [one for one in good if one.file.is_integer]
    if integer:
        taken = min(integer, key=lambda one: one.host_ms)
        return taken, f"take {taken.file.mode}: {_integer_reason(taken, files, good)}"
    lost = ", ".join(f"{one.file.mode} ({_figure(one)})" for one in files if one.file.is_integer)
    without = f"no integer file holds: {lost}" if lost else "no integer file could be made"
    if good:
        taken = min(good, key=lambda one: len(one.file.model.content))
        return taken, f"take {taken.file.mode}: {without}; it agrees ({_figure(taken)}) and runs where float is at hand"
    taken = max(files, key=lambda one: (-len(one.unmet), one.agreement.share))
    return taken, f"take {taken.file.mode} if you must: {without}, and no other does; it is the nearest"


def shortfall(one: JudgedFile) -> str:
    """What a file that does not hold lacks, and what helps; empty where it holds."""
    if one.agreement.share >= _least(one):
        return ""
    kind = "cosine" if one.agreement.same is None else "same answers"
    explain = "--explain and " if one.file.mode == "int" else ""
    return (
        f"it does not hold: {kind} {below(one.agreement.share, _least(one))}; calibrate with more sentences like those "
        f"of the app, or see {explain}--quantize compare"
    )


def _integer_reason(taken: JudgedFile, files: Sequence[JudgedFile], good: Sequence[JudgedFile]) -> str:
    parts = [f"no tensor is float, so it runs wherever integers do, and it agrees ({_figure(taken)})"]
    for other in files:
        if other.file.is_integer and other is not taken:
            why = f"slower here, {other.host_ms:.2f} ms" if other in good else f"does not hold, {_figure(other)}"
            parts.append(f"{other.file.mode} {'is' if other in good else ''} {why}".replace("  ", " "))
    faster = [one for one in good if not one.file.is_integer and one.host_ms < taken.host_ms]
    if faster:
        best = min(faster, key=lambda one: one.host_ms)
        parts.append(
            f"only where float is at hand, {best.file.mode} is faster ({best.host_ms:.2f} ms against "
            f"{taken.host_ms:.2f} on this host, with {len(best.file.model.content):,} bytes)"
        )
    return "; ".join(parts)


def _least(one: JudgedFile) -> float:
    return HOLDS_COSINE if one.agreement.same is None else HOLDS_SAME


def _figure(one: JudgedFile) -> str:
    if one.unmet:
        return "; ".join(one.unmet)
    kind = "cosine" if one.agreement.same is None else "same answers"
    return f"{kind} {one.agreement.share:.4f}"
