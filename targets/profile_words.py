"""A profile in words: each rule as the sentence that a user would read, with the number of its source.

The sentence is the rule's own message. What only a model can fill in is left as an ellipsis.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from litesmith.targets.memory_use import in_units
from litesmith.targets.profile import Memory, TargetProfile
from litesmith.targets.rules import RULES, RuleUse, Source

OPEN = "…"
SELECTED = {
    "activations": "A computed tensor",
    "inputs": "A computed input",
    "operands": "An input",
    "outputs": "An output",
}
_PLACE = re.compile(r"(input|output)(\d+)")
# What keeps so many of a target's operators off is said once, with the exceptions.
_SHARED = 0.75
TABLE_LENGTH = 8  # longer tables of a rule are left to the JSON


class _Open(dict[str, str]):
    """The parameters of a rule; whatever else its message names is open."""

    def __missing__(self, key: str) -> str:
        return OPEN


@dataclass(slots=True)
class Sources:
    """Sources in the order in which they are first cited; the number of one counts from 1."""

    cited: list[Source] = field(default_factory=list)

    def number(self, source: Source) -> int:
        """The number of `source`, which is added where it is new."""
        if source not in self.cited:
            self.cited.append(source)
        return self.cited.index(source) + 1

    def lines(self) -> list[str]:
        """One line for each source."""
        return [f"[{place}] {source.cite()}" for place, source in enumerate(self.cited, 1)]


@dataclass(frozen=True, slots=True)
class OpWords:
    """Operators of equal support: at which settings (empty: all), and what keeps them off the accelerator."""

    names: tuple[str, ...]
    settings: str
    sentences: tuple[str, ...]
    source: str

    @property
    def title(self) -> str:
        """The names, and the settings where they are not all."""
        return ", ".join(self.names) + (f" ({self.settings})" if self.settings else "")


def rule_words(use: RuleUse, sources: Sources) -> str:
    """One rule: `int8: Input 0 has … dimensions; 0 to 4 can be used. [2]`."""
    template, _, _ = (inspect.getdoc(RULES[use.rule]) or "").partition("\n\nFix: ")
    template = template.replace("Tensor '{tensor}'", _selected(use.parameters.get("of")))
    given = {**_defaults(use.rule), **use.parameters}
    given.setdefault("known", given.get("pairs", OPEN))  # what the rule itself makes of its parameter
    message = template.format_map(_Open({key: _in_short(value) for key, value in given.items()}))
    only = f"{', '.join(use.when_types)}: " if use.when_types else ""
    level = f" ({use.severity})" if use.severity else ""
    return f"{only}{message}{level} {cited(use.source, use.confirmed, sources)}"


def cited(source: Source, confirmed: bool, sources: Sources) -> str:
    """The number of a source; a fact that is not confirmed says so."""
    return f"[{sources.number(source)}]" if confirmed and source.confirmed else f"[{sources.number(source)}, recalled]"


def memory_words(memory: Memory, sources: Sources) -> str:
    """A target's memory: `8.0 MiB of SRAM for weights. Where they need more: ... [2]`."""
    reference = cited(memory.source, memory.confirmed, sources)
    if memory.bytes is None:
        return f"{memory.name}, for {memory.holds}. {memory.text} {memory.fix} {reference}"
    where = f"Where the {memory.holds} take more ({memory.severity}):"
    return f"{in_units(memory.bytes)} of {memory.name}. {where} {memory.text} {memory.fix} {reference}"


def op_words(profile: TargetProfile, sources: Sources) -> list[OpWords]:
    """The operators of a profile in alphabetical order, those of equal support together."""
    settings = _settings(profile)
    groups: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for name, op in sorted(profile.ops.items()):
        sentences = tuple(rule_words(use, sources) for use in op.rules)
        groups.setdefault((settings.get(name, ""), sentences, cited(op.source, op.confirmed, sources)), []).append(name)
    return [
        OpWords(tuple(names), settings, sentences, source) for (settings, sentences, source), names in groups.items()
    ]


def shared_words(ops: Sequence[OpWords]) -> tuple[list[str], list[OpWords]]:
    """What holds for nearly every operator, with those for which it does not; and what is left of each."""
    total = sum(len(op.names) for op in ops)
    holders: dict[str, list[str]] = {}
    for op in ops:
        for sentence in op.sentences:
            holders.setdefault(sentence, []).extend(op.names)
    shared = {sentence for sentence, names in holders.items() if len(names) >= max(2, _SHARED * total)}
    rest: dict[tuple[str, tuple[str, ...], str], list[str]] = {}
    for op in ops:
        own = tuple(sentence for sentence in op.sentences if sentence not in shared)
        rest.setdefault((op.settings, own, op.source), []).extend(op.names)
    every = sorted(name for op in ops for name in op.names)
    lines = [
        _with_exceptions(line, sorted(set(every) - set(names))) for line, names in holders.items() if line in shared
    ]
    left = [OpWords(tuple(sorted(names)), settings, own, source) for (settings, own, source), names in rest.items()]
    return lines, left


def _with_exceptions(sentence: str, exceptions: Sequence[str]) -> str:
    told, bracket, source = sentence.rpartition(" [")
    return f"{told} Not so: {', '.join(exceptions)}.{bracket}{source}" if exceptions else sentence


def _settings(profile: TargetProfile) -> Mapping[str, str]:
    """The settings at which an operator is taken at all, for those that are not taken at every setting."""
    found: dict[str, str] = {}
    waiting = set(profile.ops)
    for place, setting in enumerate(profile.parameter.values):
        ops = TargetProfile.load(f"{profile.name}@{setting}").ops
        taken = {name for name in waiting if not _is_refused(ops[name].rules)}
        if place:
            found.update(dict.fromkeys(taken, f"from {setting} on"))
        waiting -= taken
    return {**found, **dict.fromkeys(waiting, "at no setting")}


def _is_refused(uses: Iterable[RuleUse]) -> bool:
    return any(use.rule == "refused" and not use.when_types for use in uses)


def _defaults(rule: str) -> dict[str, object]:
    own = inspect.signature(RULES[rule]).parameters
    return {key: value.default for key, value in own.items() if value.default is not value.empty}


def _selected(of: object) -> str:
    """The tensors that a rule looks at, as the start of a sentence."""
    if not isinstance(of, str):
        return "A tensor"
    place = _PLACE.fullmatch(of)
    return f"{place[1].capitalize()} {place[2]}" if place else SELECTED[of]


def _in_short(value: object) -> str:
    """A parameter's value; a pair or a shape keeps together, and a long table is left to the JSON."""
    if isinstance(value, Mapping):
        entries = [f"{key}: {item}" for key, item in value.items()]
        return ", ".join(entries) if len(entries) <= TABLE_LENGTH else f"({len(entries)} entries)"
    if isinstance(value, list | tuple):
        return ", ".join(f"({_in_short(item)})" if isinstance(item, list | tuple) else str(item) for item in value)
    return str(value)
