"""`litesmith targets`: the bundled targets, and what each of them can run."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from litesmith.commands.answer import Answer, counted, table
from litesmith.errors import OutputError, UnknownTarget

if TYPE_CHECKING:
    from litesmith.targets.profile import TargetProfile

SUMMARY = "list the targets, or show which operators one of them takes and under which rules"
EXAMPLE = "litesmith targets show edge_tpu@16"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `targets`."""
    parser.add_argument("action", choices=("list", "show", "docs"), help="all targets, one in full, or all as Markdown")
    parser.add_argument(
        "name", nargs="?", metavar="NAME[@SETTING]", help="the target to show; for docs a file to renew"
    )


def execute(args: argparse.Namespace) -> Answer:
    """List the bundled profiles, print one, or write the page about all of them.

    Raises:
        UnknownTarget: there is no such target, none was named, or one was named where all are listed.
        OutputError: the file for the page cannot be read or written, or has no marker.
    """
    from litesmith.targets.profile import TargetProfile, list_profiles

    if args.action == "docs":
        return _pages(Path(args.name) if args.name else None)
    if args.action == "show":
        if args.name is None:
            raise UnknownTarget(f"which target? Choose one of {', '.join(list_profiles())}")
        profile = TargetProfile.load(args.name)
        return Answer(profile.to_dict(), render(profile))
    if args.name is not None:
        raise UnknownTarget(f"`targets list` takes no name; for one target use `litesmith targets show {args.name}`")
    profiles = [TargetProfile.load(name) for name in list_profiles()]
    rows = [
        (item.name, item.title, item.parameter.meaning, ", ".join(item.parameter.values), item.parameter.default)
        for item in profiles
    ]
    header = ("name", "target", "setting", "values", "default")
    return Answer({"targets": [_entry(profile) for profile in profiles]}, table(header, rows))


def render(profile: TargetProfile) -> str:
    """One profile for people: every rule as a sentence, with the number of its source."""
    from litesmith.targets.profile_words import Sources, cited, memory_words, op_words, rule_words, shared_words

    sources = Sources()
    known = profile.parameter.known_as.get(profile.setting)
    label = f"{profile.label} ({known})" if known else profile.label
    heading = f"{label}: {profile.title}; takes {counted(len(profile.ops), 'operator')}"
    parts = [f"{heading} {cited(profile.source, True, sources)}"]
    parts += [f"note: {note.text} {note.fix} {cited(note.source, True, sources)}" for note in profile.notes]
    if profile.memory is not None:
        parts.append(f"memory: {memory_words(profile.memory, sources)}")
    general = [f"  {rule_words(use, sources)}" for use in (*profile.runtime, *profile.every_op)]
    shared, ops = shared_words(op_words(profile, sources))
    general += [f"  {sentence}" for sentence in shared]
    if general:
        parts.append("\n".join(["every operator stays off where:", *general]))
    for op in ops:
        parts.append("\n".join([f"{op.title} {op.source}", *(f"  {line}" for line in op.sentences)]))
    return "\n\n".join([*parts, "sources:\n" + "\n".join(sources.lines())])


def _entry(profile: TargetProfile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "title": profile.title,
        "parameter": profile.parameter.meaning,
        "values": list(profile.parameter.values),
        "default": profile.parameter.default,
        "ops": len(profile.ops),
    }


def _pages(file: Path | None) -> Answer:
    """All profiles as Markdown, behind the hand-written head of `file` where one is named."""
    from litesmith.files import write_text
    from litesmith.targets.profile_page import pages, with_pages

    if file is None:
        return Answer({"markdown": pages()}, pages())
    try:
        text = with_pages(file.read_text("utf-8"))
    except OSError as error:
        raise OutputError(f"{file}: cannot be read ({error.strerror}); name a Markdown file with a marker") from error
    except ValueError as error:
        raise OutputError(f"{file}: {error}") from error
    write_text(file, text)
    return Answer({"file": str(file)}, f"{file}: written again from the profiles")
