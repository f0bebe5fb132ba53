"""The keys that a target's TOML may have, and the errors that name the file and key of whatever is wrong."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any

from litesmith.errors import TargetError
from litesmith.targets.op_view import is_selector
from litesmith.targets.report import SEVERITIES

# Keys of each kind of table, with the type of their values.
TOP = {
    "title": str, "accelerator": str, "accelerator_required": bool, "source": str, "types_of": str, "partition": dict,
    "parameter": dict, "sources": dict, "types": dict, "folds": dict, "notes": list, "runtimes": list,
    "every_op": list, "groups": dict, "ops": list, "extends": str, "fallback": bool, "memory": dict,
}  # fmt: skip
OPTIONAL = {"types", "folds", "notes", "runtimes", "every_op", "groups", "extends", "fallback", "memory"}
PARTITION = {"keep": str, "max_segments": int, "source": str}
PARAMETER = {"meaning": str, "values": list, "default": str, "known_as": dict}
PARAMETER_REQUIRED = {"meaning", "values", "default"}
SOURCE = {"title": str, "url": str, "confirmed": bool, "instead": dict}
NOTE = {"text": str, "fix": str, "source": str, "since": str, "before": str}
NOTE_REQUIRED = {"text", "fix", "source"}
MEMORY = {
    "name": str, "holds": str, "bytes": int, "severity": str, "text": str, "fix": str, "source": str, "confirmed": bool,
    "near_bytes": int, "near_text": str,
}  # fmt: skip
MEMORY_REQUIRED = {"name", "holds", "text", "fix", "source"}
RUNTIME = {"name": str, "settings": list, "source": str, "versions": dict}
OP = {
    "names": list, "source": str, "confirmed": bool, "since": str, "max_version": (int, dict),
    "types": (str, list, dict), "types_of": str, "rank": list, "groups": list, "rules": list,
}  # fmt: skip
OP_REQUIRED = {"names", "source"}
# Keys of a rule entry that are not parameters of the rule itself.
RULE = {
    "rule": str, "source": str, "confirmed": bool, "severity": str, "fix": str, "since": str, "before": str,
    "when_types": (str, list, dict),
}  # fmt: skip


def check_keys(table: Mapping[str, Any], kinds: Mapping[str, Any], required: set[str], file: str, where: str) -> None:
    """Refuse unknown keys, missing ones, and values of the wrong type.

    Raises:
        TargetError: it names the key within `where`.
    """
    prefix = f"{where}." if where else ""
    for key, value in table.items():
        if key not in kinds:
            raise TargetError(f"{file}: {prefix}{key}: unknown key{nearest(key, kinds)}")
        # bool is an int for Python, not for a reader of TOML
        if not isinstance(value, kinds[key]) or (isinstance(value, bool) and kinds[key] is not bool):
            raise TargetError(f"{file}: {prefix}{key}: {value!r} has the wrong type")
    missing = required - set(table)
    if missing:
        raise TargetError(f"{file}: {prefix}{min(missing)}: this key is required")


def check_values(own: Mapping[str, Any], parameters: Mapping[str, Any], file: str, where: str) -> None:
    """Refuse a severity or a selector of tensors that does not exist.

    Raises:
        TargetError: it names the key within `where`.
    """
    if own.get("severity", SEVERITIES[0]) not in SEVERITIES:
        raise TargetError(f"{file}: {where}.severity: {own['severity']!r} is none of {', '.join(SEVERITIES)}")
    of = parameters.get("of", [])
    for selector in [of] if isinstance(of, str) else of:
        if not is_selector(selector):
            raise TargetError(f"{file}: {where}.of: {selector!r} names no tensors of an operator")


def nearest(key: str, known: Any) -> str:
    """A hint at the known key that resembles `key`; empty where none does."""
    close = difflib.get_close_matches(key, list(known), 1)
    return f"; did you mean {close[0]!r}?" if close else ""
