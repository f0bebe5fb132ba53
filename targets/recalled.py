"""Says how much of a prediction rests on facts that were recalled and not looked up again."""

from __future__ import annotations

from collections.abc import Iterable

from litesmith.targets.profile import OpSupport, TargetProfile
from litesmith.targets.report import Finding, OpPlacement
from litesmith.targets.rules import RuleUse, explain

SHOWN = 5


def recalled_facts() -> None:
    """{count} of the {placed} operators that are predicted to run on {accelerator} rest on facts that are not confirmed ({names}).

    Fix: run the file on the device before relying on these; `litesmith targets show` names the source of each fact.
    """  # noqa: E501


def recalled_finding(ops: Iterable[OpPlacement], profile: TargetProfile) -> tuple[Finding, ...]:
    """One note that counts the placed operators of which a fact is only recalled; none where there are none."""
    placed = [op.op for op in ops if op.placement == profile.accelerator]
    doubted = [op for op in placed if op in profile.ops and _doubted(profile.ops[op])]
    if not doubted:
        return ()
    kinds = list(dict.fromkeys(doubted))
    names = [*kinds[:SHOWN], f"and {len(kinds) - SHOWN} more"] if len(kinds) > SHOWN else kinds
    facts = {"count": len(doubted), "placed": len(placed), "accelerator": profile.accelerator, "names": names}
    message, fix = explain(recalled_facts, facts)
    return (Finding("recalled_facts", None, "info", message, fix, profile.source.cite()),)


def _doubted(support: OpSupport) -> bool:
    certain = support.confirmed and support.source.confirmed
    return not certain or any(_recalled(use) for use in support.rules)


def _recalled(use: RuleUse) -> bool:
    return not (use.confirmed and use.source.confirmed)
