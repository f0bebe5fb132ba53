"""What a target can run: one TOML file in `profiles/`, read for one setting of its parameter."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Literal, get_args

from litesmith.errors import TargetError, UnknownTarget
from litesmith.targets.partition import Keep
from litesmith.targets.report import Severity
from litesmith.targets.rules import RuleUse, Source

Holds = Literal["weights", "activations"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """The one setting of a target (compiler version, feature level, runtime), oldest value first.

    `known_as` says under which other name people know a value.
    """

    meaning: str
    values: tuple[str, ...]
    default: str
    known_as: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.default not in self.values:
            raise ValueError(f"parameter.default {self.default!r} is not one of parameter.values")
        stray = self.known_as.keys() - set(self.values)
        if stray:
            raise ValueError(f"parameter.known_as names {min(stray)!r}, which is not one of parameter.values")

    def named(self, mark: str = "") -> str:
        """All values with their other names: `27 (Android 8.1), 28 (Android 9)`; each value between two `mark`."""
        names = {value: f" ({self.known_as[value]})" if value in self.known_as else "" for value in self.values}
        return ", ".join(f"{mark}{value}{mark}{name}" for value, name in names.items())


@dataclass(frozen=True, slots=True)
class Note:
    """Something every user of the target should know."""

    text: str
    fix: str
    source: Source


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of the target that a model has to share.

    Attributes:
        name: what it is, such as `the SRAM that caches weights`.
        holds: what of the model has to fit into it.
        bytes: its size; None where every chip or board has its own.
        severity: what it means where the model is larger.
        text: what follows where the model is larger, or what is to be known where `bytes` is None.
        fix: what to do about it.
        source: where this comes from.
        confirmed: whether it was looked up.
        near_bytes: from this size on the model is near the limit; None where the limit is exact.
        near_text: why the limit is not exact.
    """

    name: str
    holds: Holds
    bytes: int | None
    severity: Severity
    text: str
    fix: str
    source: Source
    confirmed: bool
    near_bytes: int | None = None
    near_text: str = ""

    def __post_init__(self) -> None:
        if self.holds not in get_args(Holds):
            raise ValueError(f"holds: {self.holds!r} is none of {', '.join(get_args(Holds))}")
        if self.bytes is not None and self.bytes < 1:
            raise ValueError(f"bytes: {self.bytes} is no size of a memory")
        if self.near_bytes is not None and not (self.bytes and 0 < self.near_bytes <= self.bytes and self.near_text):
            raise ValueError(f"near_bytes: {self.near_bytes} needs bytes that are not below it, and near_text")

    def to_dict(self) -> dict[str, Any]:
        """The memory as plain values for JSON."""
        return {
            "name": self.name,
            "holds": self.holds,
            "bytes": self.bytes,
            "source": self.source.cite(self.confirmed),
        }


@dataclass(frozen=True, slots=True)
class OpSupport:
    """One operator that the accelerator takes, under these rules."""

    op: str
    source: Source
    confirmed: bool
    rules: tuple[RuleUse, ...]


@dataclass(frozen=True, slots=True)
class TargetProfile:
    """One target with its parameter set: `edge_tpu@16`, `nnapi@30`, `arm_cpu@litert-2.3`.

    Attributes:
        name: name of the TOML file.
        title: name for people.
        setting: value of the parameter.
        parameter: what the parameter means and can be.
        accelerator: what a placed operator is said to run on.
        accelerator_required: whether a model of which nothing is placed misses the target.
        source: where the list of operators comes from.
        partition_source: where the way of partitioning comes from.
        keep: which delegated segments are kept where there are more than `max_segments`.
        max_segments: most segments that go to the accelerator; 0 for no limit.
        runtime: whether the runtime loads an operator at all; counts wherever the operator runs.
        every_op: rules for every operator, listed or not.
        ops: rules by operator.
        folds: operators that unpack a constant before the first run, with the constant's types.
        notes: what every report on this target says.
        memory: what a model has to fit into; None where the profile knows of no such memory.
    """

    name: str
    title: str
    setting: str
    parameter: Parameter
    accelerator: str
    accelerator_required: bool
    source: Source
    partition_source: Source
    keep: Keep
    max_segments: int
    runtime: tuple[RuleUse, ...]
    every_op: tuple[RuleUse, ...]
    ops: Mapping[str, OpSupport]
    folds: Mapping[str, tuple[str, ...]]
    notes: tuple[Note, ...]
    memory: Memory | None = None

    def __post_init__(self) -> None:
        if self.setting not in self.parameter.values:
            raise UnknownTarget(
                f"{self.name} has no {self.parameter.meaning} {self.setting!r}; choose one of {self.parameter.named()}"
            )
        if self.keep not in {"first", "largest"}:
            raise TargetError(f"{self.name}: partition.keep {self.keep!r} is neither 'first' nor 'largest'")

    @property
    def label(self) -> str:
        """Name and setting, as the command line takes them."""
        return f"{self.name}@{self.setting}"

    @classmethod
    def load(cls, target: str) -> TargetProfile:
        """Read a bundled profile: `edge_tpu`, or `edge_tpu@15` for another setting of its parameter.

        Raises:
            UnknownTarget: there is no such profile or setting.
            TargetError: the profile's TOML is wrong.
        """
        from litesmith.targets.profile_toml import read_profile

        name, at, setting = target.partition("@")
        if name not in list_profiles():
            raise UnknownTarget(_unknown(name))
        return read_profile(bundled_text(name), name, f"{name}.toml", setting if at else None)

    def to_dict(self) -> dict[str, Any]:
        """The profile as plain values for JSON."""
        return {
            "target": self.label,
            "title": self.title,
            "parameter": self.parameter.meaning,
            "values": list(self.parameter.values),
            "known_as": dict(self.parameter.known_as),
            "default": self.parameter.default,
            "accelerator": self.accelerator,
            "max_segments": self.max_segments,
            "source": self.source.cite(),
            "notes": [note.text for note in self.notes],
            "memory": None if self.memory is None else self.memory.to_dict(),
            "runtime": [_rule_dict(use) for use in self.runtime],
            "every_op": [_rule_dict(use) for use in self.every_op],
            "ops": {
                name: {
                    "source": op.source.cite(op.confirmed),
                    "rules": [_rule_dict(use) for use in op.rules],
                }
                for name, op in self.ops.items()
            },
        }


def list_profiles() -> tuple[str, ...]:
    """Names of the bundled profiles, in alphabetical order."""
    files = (resources.files("litesmith.targets") / "profiles").iterdir()
    return tuple(sorted(file.name.removesuffix(".toml") for file in files if file.name.endswith(".toml")))


def bundled_text(name: str) -> str:
    """The TOML of the bundled profile `name`."""
    return (resources.files("litesmith.targets") / "profiles" / f"{name}.toml").read_text("utf-8")


def _unknown(name: str) -> str:
    known = list_profiles()
    nearest = difflib.get_close_matches(name, known, 1, 0.5)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return f"there is no target {name!r}; {hint}Choose one of {', '.join(known)} (see `litesmith targets list`)"


def _rule_dict(use: RuleUse) -> dict[str, Any]:
    parameters = {key: list(value) if isinstance(value, tuple) else value for key, value in use.parameters.items()}
    return {"rule": use.rule, **parameters, "source": use.source.cite(use.confirmed)}
