"""From resources and Kotlin sources to an APK without code, and classes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from libraries import Libraries
from project import APPLICATION, ASSETS, BUILD, MAIN, versions
from shell import FRAMEWORK_RESOURCES, run


def link_resources(assets: Path = ASSETS) -> tuple[Path, Path]:
    """Compile resources and manifest; gives the APK with the assets, and the folder of R.java."""
    compiled, apk, java = BUILD / "resources.zip", BUILD / "resources.apk", BUILD / "java"
    pins = versions()
    _empty(java)
    run("aapt2", "compile", "--dir", MAIN / "res", "-o", compiled)
    run(
        "aapt2", "link", "-I", FRAMEWORK_RESOURCES, "--manifest", _manifest(), "-A", assets, "--java", java,
        # With its dot: without it the model is compressed, and mapping it into memory fails on the phone.
        "-0", ".tflite",
        # Debian's aapt2 does not know <uses-native-library>, which came with API 31.
        "--warn-manifest-validation",
        "--min-sdk-version", pins["minSdk"], "--target-sdk-version", pins["targetSdk"],
        "--version-code", pins["versionCode"], "--version-name", pins["versionName"],
        "-o", apk, compiled,
    )  # fmt: skip
    return apk, java


def compile_kotlin(libraries: Libraries, java: Path) -> Path:
    """Compile the app with its generated class and R.java; gives the folder of classes."""
    classes = BUILD / "classes"
    _empty(classes)
    path = _path([libraries.framework, *libraries.runtime, libraries.stdlib])
    run(
        "java", "-Xmx1500m", "-cp", _path(libraries.compiler), "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler",
        "-no-stdlib", "-no-reflect", "-jvm-target", "1.8", "-Xjdk-release=1.8", "-Werror",
        # Android has no LambdaMetafactory, and the dex compiler does not replace it.
        "-Xlambdas=class", "-Xsam-conversions=class",
        "-cp", path, "-d", classes, MAIN / "kotlin", java,
    )  # fmt: skip
    run("javac", "-nowarn", "-Xlint:-options", "--release", "8", "-d", classes, *java.rglob("*.java"))
    return classes


def make_dex(libraries: Libraries, classes: Path) -> Path:
    """Turn the classes of app, runtime and Kotlin's library into one classes.dex; gives its folder."""
    dex = BUILD / "dex"
    _empty(dex)
    run(
        "java", "-Xmx1500m", "-cp", libraries.dexer, "com.android.dx.command.Main", "--dex",
        f"--min-sdk-version={versions()['minSdk']}", f"--output={dex / 'classes.dex'}",
        classes, *libraries.runtime, _plain(libraries.stdlib),
    )  # fmt: skip
    return dex


def _manifest() -> Path:
    """Gradle takes the package from build.gradle.kts; aapt2 wants it in the manifest."""
    manifest = BUILD / "AndroidManifest.xml"
    text = (MAIN / "AndroidManifest.xml").read_text(encoding="utf-8")
    manifest.write_text(text.replace("<manifest ", f'<manifest package="{APPLICATION}" ', 1), encoding="utf-8")
    return manifest


def _plain(jar: Path) -> Path:
    """The classes of a jar but for META-INF, whose versions for newer Java the dex compiler refuses."""
    folder = BUILD / jar.stem
    _empty(folder)
    shutil.unpack_archive(jar, folder, "zip")
    shutil.rmtree(folder / "META-INF")
    return folder


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _path(jars: Sequence[Path]) -> str:
    return os.pathsep.join(map(str, jars))
