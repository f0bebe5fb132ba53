"""What comes from Maven Central, by way of Maven and its local repository."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from project import ABIS, BUILD, DEMO
from shell import run


@dataclass(frozen=True, slots=True)
class Libraries:
    """Jars by use; `native` maps a place in the APK to the content of a shared library."""

    compiler: tuple[Path, ...]
    stdlib: Path
    framework: Path
    dexer: Path
    runtime: tuple[Path, ...]
    native: dict[str, bytes]


def fetch() -> Libraries:
    """Copy the dependencies of tools/pom.xml, and unpack the archives for Android.

    Raises:
        BuildError: Maven cannot resolve one of them.
    """
    folder = BUILD / "lib"
    run(
        "mvn", "-q", "-B", "-f", DEMO / "tools" / "pom.xml",
        "dependency:copy-dependencies", f"-DoutputDirectory={folder}", "-Dmdep.stripVersion=true",
        # Without versions in the names, one that was raised would be taken for the old one.
        "-DoverWriteReleases=true",
    )  # fmt: skip
    framework, dexer = folder / "android-all.jar", folder / "dalvik-dx.jar"
    archives = sorted(folder.glob("*.aar"))
    return Libraries(
        compiler=tuple(jar for jar in sorted(folder.glob("*.jar")) if jar not in (framework, dexer)),
        stdlib=folder / "kotlin-stdlib.jar",
        framework=framework,
        dexer=dexer,
        runtime=tuple(_classes(archive) for archive in archives),
        native={name: content for archive in archives for name, content in _native(archive)},
    )


def _classes(archive: Path) -> Path:
    jar = archive.with_suffix(".classes.jar")
    with zipfile.ZipFile(archive) as opened:
        jar.write_bytes(opened.read("classes.jar"))
    return jar


def _native(archive: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(archive) as opened:
        for name in opened.namelist():
            path = Path(name)
            if path.suffix == ".so" and path.parts[0] == "jni" and path.parts[1] in ABIS:
                yield f"lib/{path.parts[1]}/{path.name}", opened.read(name)
