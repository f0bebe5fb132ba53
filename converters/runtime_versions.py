"""Which TFLite runtime is the oldest that has every operator version of a model.

A file's own `min_runtime_version` metadata is not proof: the converter fills it in before it quantizes to int16,
and may leave "1.5.0" in a file whose operators need more. Nor are its operators' versions: see `op_versions`, and
`runtime_traps` for what no version tells.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from litesmith.converters.tflite_model import OpCount

# In front of a release that is one of LiteRT: "LiteRT 2.1.3".
LITERT_PREFIX = "LiteRT "


@dataclass(frozen=True, slots=True, order=True)
class RuntimeVersion:
    """A release of TFLite, such as 2.14.0."""

    numbers: tuple[int, ...]

    @classmethod
    def parse(cls, text: str) -> RuntimeVersion:
        """Read "2.14.0".

        Raises:
            ValueError: a part is not a number.
        """
        return cls(tuple(int(part) for part in text.split(".")))

    def __str__(self) -> str:
        return ".".join(str(number) for number in self.numbers)


@dataclass(frozen=True, slots=True)
class OldestRuntime:
    """`version` is needed by the operators that the table knows.

    `newer` lists operators newer than the table, which ends with the release `newest`; `unlisted` those that it
    does not have at all. Both make the true answer later than `version`, or unknown. `litert` is a release of LiteRT,
    which has numbers of its own, that is needed where no release of TFLite will do.
    """

    version: RuntimeVersion
    newest: RuntimeVersion
    newer: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    litert: RuntimeVersion | None = None

    @property
    def is_known(self) -> bool:
        """Whether every operator was found."""
        return not self.newer and not self.unlisted

    @property
    def named(self) -> str:
        """With the name of the runtime in front: "TensorFlow Lite 2.14.0"."""
        return str(self) if str(self).startswith(LITERT_PREFIX) else f"TensorFlow Lite {self}"

    def __str__(self) -> str:
        if self.is_known:
            return str(self.version) if self.litert is None else f"{LITERT_PREFIX}{self.litert}"
        names = ", ".join((*self.newer, *self.unlisted))
        return f"> {self.newest} ({names})" if self.newer else f"unknown ({names})"


def oldest_runtime(ops: Mapping[str, OpCount]) -> OldestRuntime:
    """The oldest runtime for operators by name, as `op_versions.needed_ops` gives them for a model.

    Custom operators are left out: whether a runtime has them depends on what the app registers.
    """
    table = _table()
    needed, newer, unlisted = [RuntimeVersion.parse("1.5.0")], [], []
    for op, count in ops.items():
        if op.startswith("CUSTOM:"):
            continue
        releases = table.get(op, ())
        release = releases[count.max_version - 1] if 1 <= count.max_version <= len(releases) else None
        if release is not None:
            needed.append(release)
        elif releases and count.max_version > len(releases):
            newer.append(f"{op} v{count.max_version}")
        else:
            unlisted.append(f"{op} v{count.max_version}")
    newest = max(release for releases in table.values() for release in releases if release is not None)
    return OldestRuntime(max(needed), newest, tuple(newer), tuple(unlisted))


@cache
def _table() -> dict[str, tuple[RuntimeVersion | None, ...]]:
    text = files("litesmith.converters").joinpath("runtime_versions.toml").read_text(encoding="utf-8")
    return {
        op: tuple(RuntimeVersion.parse(release) if release else None for release in releases)
        for op, releases in tomllib.loads(text).items()
    }
