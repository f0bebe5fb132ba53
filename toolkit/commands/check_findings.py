"""The findings of `litesmith check` for people: those that say something new, equal ones together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from litesmith.commands.fit_text import ranges

if TYPE_CHECKING:
    from litesmith.targets.report import Finding, TargetReport

# What a target does not take at all: nothing else about the operator matters then.
_NOT_TAKEN = frozenset({"unsupported_op", "custom_op"})
# What differs between findings of one kind: names of tensors and shapes.
_PARTICULARS = re.compile(r"'[^']*'|\([\d, -]*\)")


def worth_telling(report: TargetReport) -> list[Finding]:
    """The findings without what is said already: that all is float, or of an operator that is not taken at all.

    Of one operator each advice is told once, with the first finding that has it.
    """
    from litesmith.targets.float_model import float_model, says_only_float

    said_float = any(finding.rule == float_model.__name__ for finding in report.findings)
    names = {op.index: op.op for op in report.ops}
    foreign = {one.op_index for one in report.findings if one.rule in _NOT_TAKEN}
    told: set[tuple[int, str]] = set()
    kept = []
    for one in report.findings:
        place = one.op_index
        if place is not None and said_float and says_only_float(one, names[place]):
            continue
        if place is not None and one.severity != "error":
            if (place, one.fix) in told or (place in foreign and one.rule not in _NOT_TAKEN):
                continue
            told.add((place, one.fix))
        kept.append(one)
    return kept


def alike(finding: Finding, names: Mapping[int, str]) -> tuple[str, ...]:
    """Equal for findings that differ in names and shapes of tensors, or only in the kind of operator."""
    kind = "" if finding.op_index is None else names[finding.op_index]
    told = (re.sub(rf"\b{re.escape(kind)}\b", "*", text) if kind else text for text in (finding.message, finding.fix))
    return finding.severity, finding.rule, *(kind_of_message(text) for text in told)


def finding_lines(findings: Sequence[Finding], names: Mapping[int, str], *, short: bool) -> str:
    """Findings that are alike, as the first of them says it."""
    first = findings[0]
    places = [finding.op_index for finding in findings if finding.op_index is not None]
    where = f", op{'s' if len(places) > 1 else ''} {ranges(places, short=short)}" if places else ""
    kinds = Counter(names[place] for place in places)
    which = f"; in all {', '.join(f'{count} {kind}' for kind, count in kinds.items())}" if len(kinds) > 1 else ""
    more = f" (and {len(findings) - 1} like it{which})" if len(findings) > 1 else ""
    lines = [f"  {first.severity}: {first.rule}{where}", f"    {first.message}{more}"]
    return "\n".join([*lines, f"    fix: {first.fix}", f"    source: {first.source}"])


def grouped(items: Iterable[Any], key: Any) -> list[list[Any]]:
    """Items of equal key together, in the order in which the keys first occur."""
    groups: dict[Any, list[Any]] = {}
    for item in items:
        groups.setdefault(key(item), []).append(item)
    return list(groups.values())


def kind_of_message(message: str) -> str:
    """A message without what is particular to one operator."""
    return _PARTICULARS.sub("", message)
