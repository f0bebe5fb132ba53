"""Which Debian mirror this machine's own apt uses, read from its source lists (sources.list(5))."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from litesmith.errors import DeviceError

APT_FOLDER = Path("/etc/apt")
# Names under which Debian's archive has releases; a mirror that has one of them has them all.
DEBIAN_SUITES = frozenset(
    ("bullseye", "bookworm", "trixie", "forky", "sid", "oldoldstable", "oldstable", "stable", "testing", "unstable")
)
COMPONENT = "main"
_ONE_LINE = re.compile(r"deb\s+(?:\[(?P<options>[^\]]*)\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)(?P<components>(\s+\S+)*)$")


@dataclass(frozen=True, slots=True)
class AptSource:
    """One archive; `signed_by` is a keyring's path or a key itself, empty for the keys that apt trusts anyway."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]
    signed_by: str = ""

    def deb822(self, architectures: Sequence[str]) -> str:
        """As a stanza of a `.sources` file."""
        lines = [
            "Types: deb",
            f"URIs: {self.uri}",
            f"Suites: {' '.join(self.suites)}",
            f"Components: {' '.join(self.components)}",
            f"Architectures: {' '.join(architectures)}",
        ]
        if self.signed_by:
            first, *others = self.signed_by.splitlines()
            lines += [f"Signed-By: {first}", *(f" {line}" for line in others)]
        return "\n".join(lines) + "\n"


def debian_sources(suite: str, folder: Path = APT_FOLDER) -> list[AptSource]:
    """Archives of this machine that have the Debian release `suite`.

    Those that are set up for that release; where there is none, Debian mirrors that are set up for another one, asked
    for this one.

    Raises:
        DeviceError: no source list names a Debian mirror.
    """
    found = [source for source in read_sources(folder) if COMPONENT in source.components]
    of_suite = [source for source in found if suite in source.suites]
    debian = of_suite or [source for source in found if DEBIAN_SUITES & set(source.suites)]
    if not debian:
        raise DeviceError(
            f"the source lists in {folder} name no Debian mirror, and the emulated ARM machine is made of Debian's "
            "packages; add one to them, or set LITESMITH_ARM_ROOT to a folder that was set up on another machine"
        )
    return [replace(source, suites=(suite,), components=(COMPONENT,)) for source in debian]


def read_sources(folder: Path = APT_FOLDER) -> list[AptSource]:
    """All archives of binary packages that the lists in `folder` name, in the order in which apt reads them."""
    parts = folder / "sources.list.d"
    files = [folder / "sources.list", *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))]
    return [
        source
        for file in files
        if file.is_file()
        for source in (deb822_sources if file.suffix == ".sources" else one_line_sources)(_text(file))
    ]


def one_line_sources(text: str) -> Iterator[AptSource]:
    """Archives of a file in the one-line format: `deb [options] uri suite component...`."""
    for line in text.splitlines():
        found = _ONE_LINE.match(line.partition("#")[0].strip())
        if found is None or found["uri"].startswith("cdrom:"):
            continue
        options = dict(option.partition("=")[::2] for option in (found["options"] or "").split())
        yield AptSource(
            found["uri"], (found["suite"],), tuple(found["components"].split()), options.get("signed-by", "")
        )


def deb822_sources(text: str) -> Iterator[AptSource]:
    """Archives of a file in the deb822 format: stanzas of fields, whose values go on in indented lines."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields = _fields(stanza)
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in {"no", "false"}:
            continue
        for uri in fields.get("uris", "").split():
            if not uri.startswith("cdrom:"):
                yield AptSource(
                    uri,
                    tuple(fields.get("suites", "").split()),
                    tuple(fields.get("components", "").split()),
                    fields.get("signed-by", ""),
                )


def _fields(stanza: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line[:1].isspace():
            # Leading dots and indentation matter to a key that stands in the field itself.
            fields[name] = f"{fields.get(name, '')}\n{line.strip()}".lstrip("\n")
        else:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise DeviceError(f"{file}: cannot be read ({error.strerror}); allow it, or set LITESMITH_ARM_ROOT") from error
