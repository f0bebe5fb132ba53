"""The page about all targets: Markdown made from the profiles, behind a head that is written by hand."""

from __future__ import annotations

from litesmith.targets.profile import TargetProfile, list_profiles
from litesmith.targets.profile_words import Sources, cited, memory_words, op_words, rule_words

MARKER = "<!-- From here on made by `litesmith targets docs docs/targets.md`; change the profiles instead. -->"


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
    if general:
        lines += ["Every operator stays off where:", "", *(f"- {sentence}" for sentence in general), ""]
    lines += ["| operators | stay off where | list |", "|---|---|---|"]
    for op in op_words(profile, sources):
        rules = "<br>".join(op.sentences) or "never by themselves"
        lines.append(_row(op.title, rules, op.source))
    lines += ["", "Sources:", "", *(f"- {line}" for line in sources.lines()), ""]
    return "\n".join(lines)


def _parameter(profile: TargetProfile) -> str:
    parameter = profile.parameter
    values = ", ".join(f"`{value}`" for value in parameter.values)
    limit = f" At most {profile.max_segments} segments go there." if profile.max_segments else ""
    return (
        f"{len(profile.ops)} operators. Setting: {parameter.meaning}, one of {values}; below at `{profile.label}`, "
        f"and `litesmith targets show {profile.name}@SETTING` for another.{limit}"
    )


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
