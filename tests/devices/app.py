"""The demo app for phones of the tests: its own Kotlin benchmark, with TFLite for this computer, in a JVM."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

PACKAGE = "dev.litesmith.demo"
_REPOSITORY = Path(__file__).resolve().parents[2]
_DEMO = _REPOSITORY / "android_demo"
_MADE = _REPOSITORY / "build" / "android"
_CLASS_PATH = _MADE / "jvm" / "class-path"
_NATIVE = _MADE / "desktop" / "native" / "lib"
_PROCESS = "dev.litesmith.jvm.AppProcess"
_PROCESS_SOURCE = _DEMO / "jvm" / "src" / "test" / "kotlin" / f"{_PROCESS.replace('.', '/')}.kt"
_SOURCES = _DEMO / "app" / "src" / "main" / "kotlin" / "dev" / "litesmith" / "demo"
_BENCHMARK = ("benchmark/*.kt", "model/*.kt", "FileResultSink.kt")  # what the process runs


class AppNotBuiltError(Exception):
    """There is no app to install; the message says what to do."""


def app_command() -> tuple[str, ...]:
    """What starts the app's process, but for its words.

    Raises:
        AppNotBuiltError: there is no Java, or the classes are not there or older than their sources.
    """
    java = shutil.which("java")
    if java is None:
        raise AppNotBuiltError("Java is not installed (Debian: apt-get install default-jdk-headless)")
    classes = [_MADE / "jvm" / "classes", _MADE / "jvm" / "test-classes"]
    if not (_CLASS_PATH.is_file() and (classes[1] / f"{_PROCESS.replace('.', '/')}.class").is_file()):
        raise AppNotBuiltError("the app is not built; run `make test-android`")
    sources = [path for pattern in _BENCHMARK for path in _SOURCES.glob(pattern)]
    newest = max((_PROCESS_SOURCE, *sources), key=_modified_s)
    if _modified_s(newest) > _modified_s(_CLASS_PATH):
        raise AppNotBuiltError(f"{newest.name} is newer than the app; run `make test-android`")
    path = os.pathsep.join((*map(str, classes), _CLASS_PATH.read_text(encoding="utf-8")))
    return (java, "-Xmx256m", "-XX:TieredStopAtLevel=1", f"-Djava.library.path={_NATIVE}", "-cp", path, _PROCESS)


def _modified_s(path: Path) -> float:
    return path.stat().st_mtime
