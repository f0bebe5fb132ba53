"""Reads a target's TOML, names the file and key of whatever is wrong in it, and resolves one setting.

Every operator entry may hold shorthands (`since`, `max_version`, `types`, `rank`) beside its `rules`; all of them
become rules. A rule or note counts from its `since` value of the parameter on and up to, not including, `before`.
`groups` are rules that several operators share. A file that `extends` another profile takes from it every top-level
key that it does not set itself. A source may name `instead` another for a setting. `fallback = false` says that what
the target cannot run, nothing else will run.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from litesmith.errors import TargetError
from litesmith.targets import profile_keys as keys
from litesmith.targets.profile import Memory, Note, OpSupport, Parameter, TargetProfile, bundled_text, list_profiles
from litesmith.targets.profile_keys import check_keys, check_values, nearest
from litesmith.targets.report import Severity
from litesmith.targets.rules import RuleUse, Source

NEWEST = 1 << 30  # for runtimes that do not look at the versions of operators


def read_profile(text: str, name: str, file: str, setting: str | None = None) -> TargetProfile:
    """Build the profile that `text` describes, for one `setting` of its parameter (the default if None).

    Raises:
        TargetError: the text is no TOML, or a key is unknown, missing or has a wrong value.
        UnknownTarget: the parameter has no such setting.
    """
    document = _document(text, file)
    check_keys(document, keys.TOP, set(keys.TOP) - keys.OPTIONAL, file, "")
    check_keys(document["partition"], keys.PARTITION, set(keys.PARTITION), file, "partition")
    check_keys(document["parameter"], keys.PARAMETER, keys.PARAMETER_REQUIRED, file, "parameter")
    parameter = _parameter(document["parameter"], file)
    return _Reader(file, name, document, parameter, parameter.default if setting is None else setting).profile()


def _document(text: str, file: str) -> dict[str, Any]:
    """The tables of the file, over those of the bundled profile that it extends."""
    try:
        own = tomllib.loads(text)
        if "extends" not in own:
            return own
        if own["extends"] not in list_profiles():
            raise TargetError(f"{file}: extends: there is no profile {own['extends']!r}")
        return tomllib.loads(bundled_text(own["extends"])) | own
    except tomllib.TOMLDecodeError as error:
        raise TargetError(f"{file}: no valid TOML ({error})") from error


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
            memory=self._memory(),
        )

    def _source(self, identifier: str, where: str) -> Source:
        sources = self.document["sources"]
        if identifier not in sources:
            raise TargetError(f"{self.file}: {where}: {identifier!r} is not in [sources]{nearest(identifier, sources)}")
        table = dict(sources[identifier])
        check_keys(table, keys.SOURCE, {"title", "url"}, self.file, f"sources.{identifier}")
        other = table.pop("instead", {}).get(self.setting)
        return Source(**table) if other is None else self._source(other, f"sources.{identifier}.instead")

    def _notes(self) -> tuple[Note, ...]:
        notes: list[Note] = []
        for i, entry in enumerate(self.document.get("notes", [])):
            where = f"notes[{i}]"
            check_keys(entry, keys.NOTE, keys.NOTE_REQUIRED, self.file, where)
            note = Note(entry["text"], entry["fix"], self._source(entry["source"], f"{where}.source"))
            if self._counts(entry, where):
                notes.append(note)
        return tuple(notes)

    def _memory(self) -> Memory | None:
        entry = self.document.get("memory")
        if entry is None:
            return None
        check_keys(entry, keys.MEMORY, keys.MEMORY_REQUIRED, self.file, "memory")
        check_values(entry, {}, self.file, "memory")
        source = self._source(entry["source"], "memory.source")
        try:
            return Memory(**{"bytes": None, "severity": "warning", "confirmed": True, **entry, "source": source})
        except ValueError as error:
            raise TargetError(f"{self.file}: memory.{error}") from error

    def _runtime(self) -> tuple[RuleUse, ...]:
        uses: list[RuleUse] = []
        for i, entry in enumerate(self.document.get("runtimes", [])):
            check_keys(entry, keys.RUNTIME, set(keys.RUNTIME), self.file, f"runtimes[{i}]")
            if self.setting in entry["settings"]:
                source = self._source(entry["source"], f"runtimes[{i}].source")
                highest = {op: int(version) for version, ops in entry["versions"].items() for op in ops}
                limits = {"versions": highest, "runtime": entry["name"]}
                uses.append(RuleUse("runtime_version", limits, source, severity="error"))
        if not self._fallback:
            known = {op: NEWEST for entry in self.document["ops"] for op in entry["names"]}
            limits = {"versions": known, "runtime": self.document["title"]}
            source = self._source(self.document["source"], "source")
            uses.append(RuleUse("runtime_version", limits, source, severity="error"))
        return tuple(uses)

    @property
    def _fallback(self) -> bool:
        return bool(self.document.get("fallback", True))

    def _severity(self, source: Source, confirmed: bool) -> Severity | None:
        """What a broken rule means where the profile does not say; None leaves it to the check."""
        if self._fallback:
            return None
        return "error" if confirmed and source.confirmed else "warning"  # what is only recalled stops nobody

    def _ops(self) -> dict[str, OpSupport]:
        ops: dict[str, OpSupport] = {}
        for i, entry in enumerate(self.document["ops"]):
            where = f"ops[{i}]"
            check_keys(entry, keys.OP, keys.OP_REQUIRED, self.file, where)
            source, confirmed = self._source(entry["source"], f"{where}.source"), entry.get("confirmed", True)
            entries = self._shorthands(entry, where) + self._grouped(entry, where) + entry.get("rules", [])
            rules = self._rules(entries, entry, f"{where}.rules")
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

    def _grouped(self, entry: Mapping[str, Any], where: str) -> list[dict[str, Any]]:
        """The rules of the groups that an operator's entry names."""
        groups = self.document.get("groups", {})
        for name in entry.get("groups", []):
            if name not in groups:
                raise TargetError(f"{self.file}: {where}.groups: {name!r} is not in [groups]{nearest(name, groups)}")
        return [rule for name in entry.get("groups", []) for rule in groups[name]]

    def _rules(self, entries: list[Any], owner: Mapping[str, Any], where: str) -> tuple[RuleUse, ...]:
        made = [self._rule(entry, owner, f"{where}[{i}]") for i, entry in enumerate(entries)]
        return tuple(use for use in made if use is not None)

    def _rule(self, entry: Mapping[str, Any], owner: Mapping[str, Any], where: str) -> RuleUse | None:
        """One rule entry; None where it does not count at this setting."""
        own = {key: value for key, value in entry.items() if key in keys.RULE}
        check_keys(own, keys.RULE, {"rule"}, self.file, where)
        parameters = {key: value for key, value in entry.items() if key not in keys.RULE}
        if isinstance(parameters.get("types"), str | dict):
            parameters["types"] = self._types(parameters["types"], where)
        check_values(own, parameters, self.file, where)
        source = self._source(own.get("source", owner["source"]), f"{where}.source")
        confirmed = own.get("confirmed", owner.get("confirmed", True))
        try:
            use = RuleUse(
                rule=own["rule"],
                parameters=parameters,
                source=source,
                confirmed=confirmed,
                severity=own.get("severity", self._severity(source, confirmed)),
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
                raise TargetError(f"{self.file}: {where}: {value!r} is not in [types]{nearest(value, sets)}")
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
        return Parameter(table["meaning"], tuple(table["values"]), table["default"], table.get("known_as", {}))
    except ValueError as error:
        raise TargetError(f"{file}: {error}") from error
