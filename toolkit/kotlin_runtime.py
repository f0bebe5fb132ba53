"""Which TFLite an app was pinned to, and whether it can run a model."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from litesmith.converters.runtime_versions import LITERT_PREFIX, RuntimeVersion
from litesmith.errors import ModelError, OutputError

CATALOGUE = Path("gradle/libs.versions.toml")
SCRIPTS = (Path("app/build.gradle.kts"), Path("app/build.gradle"))
TFLITE, LITERT = "org.tensorflow:tensorflow-lite", "com.google.ai.edge.litert:litert"
# Maven redirects tensorflow-lite 2.17.0 to litert 1.0.1, the first release of LiteRT for Android: mvnrepository.com,
# org.tensorflow:tensorflow-lite. What later ones added is not looked up.
FIRST_LITERT = RuntimeVersion((2, 17, 0))
_NEEDED = re.compile(rf"({LITERT_PREFIX})?(\d+(?:\.\d+)*)")
_DEPENDENCY = re.compile(rf"""["']({re.escape(TFLITE)}|{re.escape(LITERT)}):([^"'@:]+)""")
_COMMENT = re.compile(r"^\s*(//|\*|/\*)")


@dataclass(frozen=True, slots=True)
class RuntimePin:
    """A version of TFLite or LiteRT that an app names: `TFLITE` or `LITERT`, as it is written, and in which file."""

    module: str
    written: str
    place: Path

    @property
    def version(self) -> RuntimeVersion:
        """The release of TFLite whose operators it has at least.

        Raises:
            OutputError: what is written is no single version.
        """
        found = self._number()
        return FIRST_LITERT if self.module == LITERT else found

    def has(self, needed: str) -> bool:
        """Whether it is new enough for what `litesmith inspect` says.

        Raises:
            OutputError: what is written is no single version.
        """
        found = _NEEDED.fullmatch(needed)
        if found is None:
            return False
        if found[1]:
            return self.module == LITERT and self._number() >= RuntimeVersion.parse(found[2])
        return self.version >= RuntimeVersion.parse(found[2])

    def _number(self) -> RuntimeVersion:
        try:
            return RuntimeVersion.parse(self.written)
        except ValueError as error:
            raise OutputError(
                f"{self.place}: {self.module} has version {self.written!r}, which cannot be compared; write one out, "
                'such as "2.16.1"'
            ) from error

    def __str__(self) -> str:
        counted = f" (which counts as {FIRST_LITERT})" if self.module == LITERT else ""
        return f"{self.module}:{self.written}{counted}"


def app_runtimes(app: Path) -> tuple[RuntimePin, ...]:
    """Every version that the app's catalogue and build script name; empty where they name none.

    Raises:
        OutputError: a file cannot be read.
    """
    return (*_from_catalogue(app / CATALOGUE), *(pin for path in SCRIPTS for pin in _from_script(app / path)))


def check_runtime(name: str, needed: str, pins: tuple[RuntimePin, ...]) -> None:
    """Refuse a model that one of the app's versions is too old for.

    Args:
        name: of the model.
        needed: its oldest runtime, as `litesmith inspect` says it.
        pins: what `app_runtimes` gave.

    Raises:
        ModelError: it is too old, or the model's oldest runtime is not known.
        OutputError: a version cannot be compared.
    """
    for pin in pins:
        if not pin.has(needed):
            named = needed if needed.startswith(LITERT_PREFIX) else f"TFLite {needed}"
            raise ModelError(
                f"{name} needs {named}, but the app has {pin}; raise it in {pin.place}, "
                "or convert the model without its newest operators"
            )


def _from_catalogue(path: Path) -> Iterator[RuntimePin]:
    """Libraries of these modules, in the ways that Gradle's catalogues have to say so."""
    try:
        catalogue = tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as error:
        raise OutputError(f"{path}: is no version catalogue ({error}); mend it") from error
    versions = _table(catalogue.get("versions"))
    for library in _table(catalogue.get("libraries")).values():
        if isinstance(library, str):
            module, _, version = library.rpartition(":")
        else:
            facts = _table(library)
            module = facts.get("module") or f"{facts.get('group')}:{facts.get('name')}"
            version = _version(facts.get("version"), versions)
        if module in (TFLITE, LITERT):
            yield RuntimePin(module, version, path)


def _version(stated: Any, versions: Mapping[str, Any]) -> str:
    """A version, a reference to one, or a rich one; its text even where that is none, for the message."""
    if isinstance(stated, Mapping) and "ref" in stated:
        return _version(versions.get(stated["ref"]), {})
    if isinstance(stated, Mapping):
        return next((str(stated[key]) for key in ("strictly", "require", "prefer") if key in stated), str(stated))
    return str(stated)


def _from_script(path: Path) -> Iterator[RuntimePin]:
    for line in _text(path).splitlines():
        if not _COMMENT.match(line):
            yield from (RuntimePin(module, version, path) for module, version in _DEPENDENCY.findall(line))


def _text(path: Path) -> str:
    """A file's text, empty where there is none."""
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(f"{path}: cannot be read ({error}); mend it") from error


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
