"""`litesmith targets`: the bundled targets, and what each of them can run."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from litesmith.commands.answer import Answer, table
from litesmith.errors import UnknownTarget

if TYPE_CHECKING:
    from litesmith.targets.profile import TargetProfile
    from litesmith.targets.rules import RuleUse

SUMMARY = "list the targets, or show which operators one of them takes and under which rules"
EXAMPLE = "litesmith targets show edge_tpu@16"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `targets`."""
    parser.add_argument("action", choices=("list", "show"), help="all targets, or one in full")
    parser.add_argument("name", nargs="?", metavar="NAME[@SETTING]", help="the target to show")


def execute(args: argparse.Namespace) -> Answer:
    """List the bundled profiles or print one.

    Raises:
        UnknownTarget: there is no such target, none was named, or one was named where all are listed.
    """
    from litesmith.targets.profile import TargetProfile, list_profiles

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
    """One profile for people."""
    heading = f"{profile.label}: {profile.title}; takes {len(profile.ops)} operators"
    parts = [heading, *(f"note: {note.text} {note.fix}" for note in profile.notes)]
    general = (*profile.runtime, *profile.every_op)
    if general:
        parts.append("every operator: " + "; ".join(map(_rule_text, general)))
    rows = [
        (name, "yes" if op.confirmed and op.source.confirmed else "recalled", "; ".join(map(_rule_text, op.rules)))
        for name, op in sorted(profile.ops.items())
    ]
    parts.append(table(("operator", "confirmed", "rules"), rows))
    return "\n\n".join([*parts, f"source: {profile.source.cite()}"])


def _entry(profile: TargetProfile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "title": profile.title,
        "parameter": profile.parameter.meaning,
        "values": list(profile.parameter.values),
        "default": profile.parameter.default,
        "ops": len(profile.ops),
    }


def _rule_text(use: RuleUse) -> str:
    """A rule with its parameters; long tables of them are left to `--json`."""
    shown = ", ".join(f"{key}={_short(value)}" for key, value in use.parameters.items())
    only = f" for {', '.join(use.when_types)}" if use.when_types else ""
    doubt = "" if use.confirmed and use.source.confirmed else " (recalled)"
    return f"{use.rule}({shown}){only}{doubt}" if shown else f"{use.rule}{only}{doubt}"


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return f"{len(value)} entries"
    if isinstance(value, list | tuple):
        return "/".join(_short(item) for item in value)
    return str(value)
