"""Where the demo's parts lie, and its versions."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from shell import BuildError

DEMO = Path(__file__).resolve().parent.parent
MAIN = DEMO / "app" / "src" / "main"
ASSETS = MAIN / "assets"
BUNDLE = ASSETS / "litesmith"
BUILD = DEMO.parent / "build" / "android"
APPLICATION = "dev.litesmith.demo"
ABIS = ("arm64-v8a", "armeabi-v7a", "x86_64")


def versions() -> Mapping[str, str]:
    """The `[versions]` that Gradle uses too."""
    catalogue = tomllib.loads((DEMO / "gradle" / "libs.versions.toml").read_text(encoding="utf-8"))
    found: Mapping[str, str] = catalogue["versions"]
    return found


def require_bundle() -> None:
    """Check that `litesmith bundle` was run.

    Raises:
        BuildError: it was not.
    """
    for path in (BUNDLE / "manifest.json", MAIN / "kotlin" / "dev" / "litesmith" / "generated" / "BundledModel.kt"):
        if not path.is_file():
            raise BuildError(f"{path} is missing; run: litesmith bundle out/digits --android android_demo")
