"""Reads a target's TOML, names the file and key of whatever is wrong in it, and resolves one setting.

Every operator entry may hold shorthands (`since`, `max_version`, `types`, `rank`) beside its `rules`; all of
them become rules. A rule or note counts from its `since` value of the parameter on and up to, not including, `before`.
"""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from litesmith.errors import TargetError
from litesmith.targets.op_view import is_selector
from litesmith.targets.profile import Note, OpSupport, Parameter, TargetProfile
from litesmith.targets.report import SEVERITIES
from litesmith.targets.rules import RuleUse, Source

# Keys of each kind of table, with the type of their values.
TOP = {
    "title": str, "accelerator": str, "accelerator_required": bool, "source": str, "types_of": str, "partition": dict,
    "parameter": dict, "sources": dict, "types": dict, "folds": dict, "notes": list, "runtimes": list,
    "every_op": list, "ops": list,
}  # fmt: skip
OPTIONAL = {"types", "folds", "notes", "runtimes", "every_op"}
PARTITION = {"keep": str, "max_segments": int, "source": str}
PARAMETER = {"meaning": str, "values": list, "default": str}
SOURCE = {"title": str, "url": str, "confirmed": bool}
NOTE = {"text": str, "fix": str, "source": str, "since": str, "before": str}
NOTE_REQUIRED = {"text", "fix", "source"}
RUNTIME = {"name": str, "settings": list, "source": str, "versions": dict}
OP = {
    "names": list, "source": str, "confirmed": bool, "since": str, "max_version": (int, dict),
    "types": (str, list, dict), "types_of": str, "rank": list, "rules": list,
}  # fmt: skip
OP_REQUIRED = {"names", "source"}
# Keys of a rule entry that are not parameters of the rule itself.
RULE = {
    "rule": str, "source": str, "confirmed": bool, "severity": str, "fix": str, "since": str, "before": str,
    "when_types": (str, list, dict),
}  # fmt: skip


def read_profile(text: str, name: str, file: str, setting: str | None = None) -> TargetProfile:
    """Build the profile that `text` describes, for one `setting` of its parameter (the default if None).

    Raises:
        TargetError: the text is no TOML, or a key is unknown, missing or has a wrong value.
        UnknownTarget: the parameter has no such setting.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TargetError(f"{file}: no valid TOML ({error})") from error
    _check_keys(document, TOP, set(TOP) - OPTIONAL, file, "")
    _check_keys(document["partition"], PARTITION, set(PARTITION), file, "partition")
    _check_keys(document["parameter"], PARAMETER, set(PARAMETER), file, "parameter")
    parameter = _parameter(document["parameter"], file)
    return _Reader(file, name, document, parameter, parameter.default if setting is None else setting).profile()


@dataclass(frozen=True, slots=True)
class _Reader:
    """One document, read for one setting."""

    file: str
    name: str
    document: Mapping[str, Any]
    parameter: Parameter
    setting: str

    def profile(self) -> TargetProfile:
        document, partition = self.document, self.document["partition"]
        return TargetProfile(
            name=self.name,
            title=document["title"],
            setting=self.setting,
            parameter=self.parameter,
            accelerator=document["accelerator"],
            accelerator_required=document["accelerator_required"],
            source=self._source(document["source"], "source"),
            partition_source=self._source(partition["source"], "partition.source"),
            keep=partition["keep"],
            max_segments=partition["max_segments"],
            runtime=self._runtime(),
            every_op=self._rules(document.get("every_op", []), {"source": document["source"]}, "every_op"),
            ops=self._ops(),
            folds={op: tuple(types) for op, types in document.get("folds", {}).items()},
            notes=self._notes(),
        )

    def _source(self, identifier: str, where: str) -> Source:
        sources = self.document["sources"]
        if identifier not in sources:
            raise TargetError(
                f"{self.file}: {where}: {identifier!r} is not in [sources]{_nearest(identifier, sources)}"
            )
        _check_keys(sources[identifier], SOURCE, {"title", "url"}, self.file, f"sources.{identifier}")
        return Source(**sources[identifier])

    def _notes(self) -> tuple[Note, ...]:
        notes: list[Note] = []
        for i, entry in enumerate(self.document.get("notes", [])):
            where = f"notes[{i}]"
            _check_keys(entry, NOTE, NOTE_REQUIRED, self.file, where)
            note = Note(entry["text"], entry["fix"], self._source(entry["source"], f"{where}.source"))
            if self._counts(entry, where):
                notes.append(note)
        return tuple(notes)

    def _runtime(self) -> tuple[RuleUse, ...]:
        uses: list[RuleUse] = []
        for i, entry in enumerate(self.document.get("runtimes", [])):
            _check_keys(entry, RUNTIME, set(RUNTIME), self.file, f"runtimes[{i}]")
            if self.setting in entry["settings"]:
                source = self._source(entry["source"], f"runtimes[{i}].source")
                highest = {op: int(version) for version, ops in entry["versions"].items() for op in ops}
                limits = {"versions": highest, "runtime": entry["name"]}
                uses.append(RuleUse("runtime_version", limits, source, severity="error"))
        return tuple(uses)

    def _ops(self) -> dict[str, OpSupport]:
        ops: dict[str, OpSupport] = {}
        for i, entry in enumerate(self.document["ops"]):
            where = f"ops[{i}]"
            _check_keys(entry, OP, OP_REQUIRED, self.file, where)
            source, confirmed = self._source(entry["source"], f"{where}.source"), entry.get("confirmed", True)
            rules = self._rules(self._shorthands(entry, where) + entry.get("rules", []), entry, f"{where}.rules")
            for op in entry["names"]:
                if op in ops:
                    raise TargetError(f"{self.file}: {where}.names: {op} has an entry already")
                ops[op] = OpSupport(op, source, confirmed, rules)
        return ops

    def _shorthands(self, entry: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
        """The shorthand keys of an operator's entry as rule entries."""
        rules: list[dict[str, Any]] = []
        if "since" in entry:
            because = f"it needs {self.parameter.meaning} {entry['since']} or later"
            rules.append({"rule": "refused", "because": because, "before": entry["since"]})
        if "max_version" in entry:
            rules.append({"rule": "op_version", "maximum": self._at_setting(entry["max_version"], where)})
        if "types" in entry:
            of = entry.get("types_of", self.document["types_of"])
            rules.append({"rule": "tensor_types", "of": of, "types": self._types(entry["types"], where)})
        if "rank" in entry:
            minimum, maximum = entry["rank"]
            rules.append({"rule": "rank", "of": "activations", "minimum": minimum, "maximum": maximum})
        return rules

    def _rules(self, entries: list[Any], owner: Mapping[str, Any], where: str) -> tuple[RuleUse, ...]:
        made = [self._rule(entry, owner, f"{where}[{i}]") for i, entry in enumerate(entries)]
        return tuple(use for use in made if use is not None)

    def _rule(self, entry: Mapping[str, Any], owner: Mapping[str, Any], where: str) -> RuleUse | None:
        """One rule entry; None where it does not count at this setting."""
        own = {key: value for key, value in entry.items() if key in RULE}
        _check_keys(own, RULE, {"rule"}, self.file, where)
        parameters = {key: value for key, value in entry.items() if key not in RULE}
        if isinstance(parameters.get("types"), str | dict):
            parameters["types"] = self._types(parameters["types"], where)
        _check_values(own, parameters, self.file, where)
        try:
            use = RuleUse(
                rule=own["rule"],
                parameters=parameters,
                source=self._source(own.get("source", owner["source"]), f"{where}.source"),
                confirmed=own.get("confirmed", owner.get("confirmed", True)),
                severity=own.get("severity"),
                fix=own.get("fix"),
                when_types=tuple(self._types(own.get("when_types", []), where)),
            )
        except ValueError as error:
            raise TargetError(f"{self.file}: {where}: {error}") from error
        return use if self._counts(own, where) else None

    def _counts(self, entry: Mapping[str, Any], where: str) -> bool:
        place = self._place(self.setting, "setting")
        starts = "since" not in entry or self._place(entry["since"], where) <= place
        return starts and ("before" not in entry or place < self._place(entry["before"], where))

    def _place(self, value: str, where: str) -> int:
        if value not in self.parameter.values:
            if where == "setting":
                return -1  # TargetProfile refuses the setting with a message for the user
            raise TargetError(f"{self.file}: {where}: {value!r} is not one of parameter.values")
        return self.parameter.values.index(value)

    def _types(self, value: Any, where: str) -> list[str]:
        """A list of types, a table of them by setting, or the name of one in [types]."""
        sets = self.document.get("types", {})
        if isinstance(value, str):
            if value not in sets:
                raise TargetError(f"{self.file}: {where}: {value!r} is not in [types]{_nearest(value, sets)}")
            value = sets[value]
        return list(self._at_setting(value, where))

    def _at_setting(self, value: Any, where: str) -> Any:
        """The entry of a table `{setting = value}` that counts at this setting: the last one not above it."""
        if not isinstance(value, dict):
            return value
        places = sorted((self._place(key, where), key) for key in value)
        reached = [key for place, key in places if place <= self._place(self.setting, "setting")]
        return value[reached[-1] if reached else places[0][1]]


def _parameter(table: Mapping[str, Any], file: str) -> Parameter:
    try:
        return Parameter(table["meaning"], tuple(table["values"]), table["default"])
    except ValueError as error:
        raise TargetError(f"{file}: {error}") from error


def _check_keys(table: Mapping[str, Any], kinds: Mapping[str, Any], required: set[str], file: str, where: str) -> None:
    prefix = f"{where}." if where else ""
    for key, value in table.items():
        if key not in kinds:
            raise TargetError(f"{file}: {prefix}{key}: unknown key{_nearest(key, kinds)}")
        # bool is an int for Python, not for a reader of TOML
        if not isinstance(value, kinds[key]) or (isinstance(value, bool) and kinds[key] is not bool):
            raise TargetError(f"{file}: {prefix}{key}: {value!r} has the wrong type")
    missing = required - set(table)
    if missing:
        raise TargetError(f"{file}: {prefix}{min(missing)}: this key is required")


def _check_values(own: Mapping[str, Any], parameters: Mapping[str, Any], file: str, where: str) -> None:
    if own.get("severity", SEVERITIES[0]) not in SEVERITIES:
        raise TargetError(f"{file}: {where}.severity: {own['severity']!r} is none of {', '.join(SEVERITIES)}")
    of = parameters.get("of", [])
    for selector in [of] if isinstance(of, str) else of:
        if not is_selector(selector):
            raise TargetError(f"{file}: {where}.of: {selector!r} names no tensors of an operator")


def _nearest(key: str, known: Any) -> str:
    nearest = difflib.get_close_matches(key, list(known), 1)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""
