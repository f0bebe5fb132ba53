"""The page about all targets: Markdown made from the profiles, behind a head that is written by hand."""

from __future__ import annotations

import re
import textwrap

from litesmith.targets.profile import TargetProfile, list_profiles
from litesmith.targets.profile_words import Sources, cited, memory_words, op_words, rule_words, shared_words

MARKER = "<!-- From here on made by `litesmith targets docs docs/targets.md`; change the profiles instead. -->"


WIDTH = 120


def with_pages(text: str) -> str:
    """The head of `text`, up to and with the marker, and a current page behind it.

    Raises:
        ValueError: `text` has no marker.
    """
    head, marker, _ = text.partition(MARKER)
    if not marker:
        raise ValueError(f"has no line {MARKER!r}; put it where the page should begin")
    return f"{head}{MARKER}\n\n{pages()}"


def pages() -> str:
    """All bundled profiles at their default settings, in alphabetical order."""
    return "\n".join(page(TargetProfile.load(name)) for name in list_profiles())


def page(profile: TargetProfile) -> str:
    """One profile as a section."""
    sources = Sources()
    lines = [f"## {profile.name}: {profile.title}", "", _parameter(profile), ""]
    lines += [f"- {note.text} {note.fix} {cited(note.source, True, sources)}" for note in profile.notes]
    if profile.memory is not None:
        lines.append(f"- Memory: {memory_words(profile.memory, sources)}")
    lines += [""] if profile.notes or profile.memory else []
    general = [rule_words(use, sources) for use in (*profile.runtime, *profile.every_op)]
    shared, ops = shared_words(op_words(profile, sources))
    if general or shared:
        lines += ["Every operator stays off where:", "", *(f"- {sentence}" for sentence in (*general, *shared)), ""]
    lines += ["Each operator, with the source that lists it, stays off where:", ""]
    alone = "only for a reason above" if general or shared else "never by itself"
    for op in ops:
        lines.append(f"- **{op.title}** {op.source}" + ("" if op.sentences else f": {alone}"))
        lines += [f"  - {sentence}" for sentence in op.sentences]
    lines += ["", "Sources:", "", *(f"- {line}" for line in sources.lines()), ""]
    return "\n".join(_wrapped(line) for line in lines)


def _parameter(profile: TargetProfile) -> str:
    parameter = profile.parameter
    values = parameter.named("`")
    limit = ""
    if profile.max_segments:
        limit = f" At most {profile.max_segments} segment{' goes' if profile.max_segments == 1 else 's go'} there."
    return (
        f"{len(profile.ops)} operators. Setting: {parameter.meaning}, one of {values}; below at `{profile.label}`, "
        f"and `litesmith targets show {profile.name}@SETTING` for another.{limit}"
    )


def _wrapped(line: str) -> str:
    """A line of Markdown in lines of at most `WIDTH` characters, but for addresses; items of lists stay items."""
    bullet = re.match(r" *- ", line)
    indent = " " * len(bullet[0]) if bullet else ""
    return textwrap.fill(
        line, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )  # fmt: skip
