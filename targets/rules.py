"""All rules by name, and what it takes to apply one to an operator.

One constraint is one small function: it gets an operator and the parameters that a profile sets, and returns
None where the constraint is kept or the facts that its docstring needs to become the user's message.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from litesmith.targets import delegate_rules, geometry_rules, operand_rules, scale_rules, tensor_rules, value_rules
from litesmith.targets.op_view import OpView
from litesmith.targets.report import Finding, Severity
from litesmith.targets.tensor_rules import Facts

CUSTOM = "CUSTOM:"
_VALUE_LENGTH = 400
Rule = Callable[..., Facts | None]


def custom_op(op: OpView, *, known: Collection[str]) -> Facts | None:
    """It is the custom operator {name}, which the target does not take and which the app has to register.

    Fix: register {name} with the interpreter in the app, or take it out of the graph: build that part from builtin operators, or compute it in the app.
    """  # noqa: E501
    name = op.operator.op
    return {"name": name.removeprefix(CUSTOM)} if name.startswith(CUSTOM) and name not in known else None


def unsupported_op(op: OpView, *, known: Collection[str]) -> Facts | None:
    """{name} is not among the operators that the accelerator takes.

    Fix: replace {name}, or move it to the end of the model so that it breaks the chain as late as possible.
    """
    name = op.operator.op
    return None if name in known or name.startswith(CUSTOM) else {"name": name}


def runtime_version(op: OpView, *, versions: Mapping[str, int], runtime: str) -> Facts | None:
    """{name} version {version} cannot be loaded by {runtime}, which knows {newest}.

    Fix: use a newer runtime in the app, or convert the model with an older converter or without the feature that raised the version.
    """  # noqa: E501
    name, version = op.operator.op, op.operator.version
    if not versions or name.startswith(CUSTOM) or version <= versions.get(name, 0):
        return None
    newest = f"versions up to {versions[name]}" if name in versions else "no version of it"
    return {"name": name, "version": version, "newest": newest}


RULES: Mapping[str, Rule] = {
    rule.__name__: rule
    for rule in (
        *tensor_rules.RULES,
        *value_rules.RULES,
        *scale_rules.RULES,
        *delegate_rules.RULES,
        *geometry_rules.RULES,
        *operand_rules.RULES,
        custom_op,
        unsupported_op,
        runtime_version,
    )
}


# What breaks these, a delegate or compiler accepts; it fails on it later.
_AFTER_ACCEPTING = frozenset({"same_quantization_to_load", "zero_point_to_load", "types_to_compile"})


def reached(broken: list[Finding]) -> list[Finding]:
    """The findings of one operator that count: what a delegate refuses, it cannot fail on afterwards."""
    refusals = [finding for finding in broken if finding.rule not in _AFTER_ACCEPTING]
    return refusals or broken


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact comes from; `confirmed` is False where it was recalled and not looked up again."""

    title: str
    url: str
    confirmed: bool = True

    def cite(self, confirmed: bool = True) -> str:
        """One line for a finding; a fact that is not confirmed says so."""
        doubt = "" if self.confirmed and confirmed else " (recalled, not confirmed)"
        return f"{self.title}, {self.url}{doubt}"


@dataclass(frozen=True, slots=True)
class RuleUse:
    """One rule as a profile applies it: parameters, source, and the input types it is meant for."""

    rule: str
    parameters: Mapping[str, Any]
    source: Source
    confirmed: bool = True
    severity: Severity | None = None
    fix: str | None = None
    when_types: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(f"there is no rule {self.rule!r}")
        wrong = parameter_fault(self.rule, self.parameters)
        if wrong:
            raise ValueError(wrong)

    def finding(self, op: OpView, severity: Severity) -> Finding | None:
        """Apply the rule; `severity` counts where the profile sets none."""
        if self.when_types and not any(tensor.dtype in self.when_types for tensor in op.tensors("input0")):
            return None
        facts = RULES[self.rule](op, **self.parameters)
        if facts is None:
            return None
        message, fix = explain(RULES[self.rule], {**_defaults(self.rule), **self.parameters, **facts})
        cited = self.source.cite(self.confirmed)
        return Finding(self.rule, op.operator.index, self.severity or severity, message, self.fix or fix, cited)


def parameter_fault(name: str, given: Mapping[str, Any]) -> str | None:
    """What is wrong with the parameters `given` to the rule `name`; None where nothing is."""
    known = frozenset(_parameters(name))
    required = known - frozenset(_defaults(name))
    unknown, missing = set(given) - known, required - set(given)
    if unknown:
        return f"rule {name!r} has no parameter {min(unknown)!r}; it has {', '.join(sorted(known)) or 'none'}"
    return f"rule {name!r} needs the parameter {min(missing)!r}" if missing else None


def explain(rule: Callable[..., object], facts: Mapping[str, object]) -> tuple[str, str]:
    """The message and the advice of a rule, filled with `facts`."""
    message, fix = _templates(rule)
    plain = {name: _plain(value) for name, value in facts.items()}
    return message.format_map(plain), fix.format_map(plain)


@cache
def _parameters(name: str) -> Mapping[str, inspect.Parameter]:
    """What a profile can set; the first parameter is the operator."""
    return dict(list(inspect.signature(RULES[name]).parameters.items())[1:])


@cache
def _defaults(name: str) -> Mapping[str, object]:
    own = _parameters(name)
    return {key: value.default for key, value in own.items() if value.default is not value.empty}


@cache
def _templates(rule: Callable[..., object]) -> tuple[str, str]:
    message, _, fix = (inspect.getdoc(rule) or "").partition("\n\nFix: ")
    fix = " ".join(fix.split())
    return message, fix[:1].upper() + fix[1:]


def _plain(value: object) -> str:
    """As text; cut, since an operator of a damaged file may have thousands of tensors that a message lists."""
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return text if len(text) <= _VALUE_LENGTH else f"{text[: _VALUE_LENGTH - 3]}..."
