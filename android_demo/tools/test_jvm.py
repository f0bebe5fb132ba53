"""Tests the demo on the JVM: `make test-android`. Needs a bundle in the app, as make_apk.py does.

Run it with the interpreter that has litesmith: Python makes what Kotlin is compared with.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from compiling import compile_kotlin, link_resources
from libraries import Libraries, fetch
from project import APPLICATION, ASSETS, BUILD, DEMO, require_bundle, versions
from shell import FRAMEWORK_RESOURCES, BuildError, require, run, say

PROGRAMS = ("java", "javac", "mvn", "aapt2", "enjarify")
VECTORS = 1200
# The app's assets, and those of the text models that its tests open beside the app's own.
TEST_ASSETS = BUILD / "test-assets"
# What has views or Android in it; everything else goes to dex and back.
_UI = re.compile(
    r"(MainActivity|Views|Tabs|OptionsRow|Asset\w+|\w+Screen|DrawView|PictureFile|PicturePicker|R)(Kt)?(\$.*)?$"
)


def test() -> None:
    """Make what the tests need, then run them."""
    require(PROGRAMS, [FRAMEWORK_RESOURCES])
    require_bundle()
    BUILD.mkdir(parents=True, exist_ok=True)
    _make_vectors()
    resources, java = link_resources(TEST_ASSETS)
    _configure_robolectric(resources)
    say("dex and back: dx, enjarify")
    libraries = fetch()
    _round_trip(libraries, compile_kotlin(libraries, java))
    say("tests: Maven, JUnit, Robolectric")
    for made in ("classes", "test-classes"):  # a test that was taken away would run on
        shutil.rmtree(BUILD / "jvm" / made, ignore_errors=True)
    said = run("mvn", "-B", "-f", DEMO / "jvm" / "pom.xml", "test")
    for line in said.splitlines():
        # A warning where tests were skipped.
        told = re.sub(r"^\[(INFO|WARNING)\] ", "", line)
        if re.match(r"(Tests run:|pictures:|preprocess:|text:|real model|generated classes:)", told):
            say(told)
    say("litesmith bench --runner app: adb, an emulated phone, the app's benchmark")
    say(_bench_in_app())


def _make_vectors() -> None:
    """Python's side of the comparisons."""
    resources, cases = BUILD / "test-resources", BUILD / "cases"
    for made in (resources, cases, TEST_ASSETS):
        shutil.rmtree(made, ignore_errors=True)
    resources.mkdir()
    shutil.copytree(ASSETS, TEST_ASSETS)
    script = DEMO.parent / "tests" / "calibration" / "preprocess_vectors.py"
    run(sys.executable, script, resources / "preprocess.jsonl", str(VECTORS))
    say(run(sys.executable, DEMO / "tools" / "make_pictures.py", resources / "pictures").strip())
    tools = DEMO / "tools"
    say(run(sys.executable, tools / "make_cases.py", cases, resources / "cases.json").strip())
    say(run(sys.executable, tools / "make_text_vectors.py", resources / "text").strip())
    say(run(sys.executable, tools / "make_text_cases.py", cases, TEST_ASSETS).strip())


def _configure_robolectric(resources: Path) -> None:
    """Where Robolectric finds what aapt2 made; Gradle writes the same file."""
    lines = {
        "android_merged_manifest": BUILD / "AndroidManifest.xml",
        "android_merged_assets": TEST_ASSETS,
        "android_resource_apk": resources,
        "android_custom_package": APPLICATION,
    }
    place = BUILD / "test-resources" / "com" / "android" / "tools" / "test_config.properties"
    place.parent.mkdir(parents=True)
    place.write_text("".join(f"{key}={value}\n" for key, value in lines.items()), encoding="utf-8")


def _bench_in_app() -> str:
    """Runs the tests that start the classes that Maven has made; what pytest says in the end."""
    tests = DEMO.parent / "tests"
    places = [path for pattern in ("devices/test_app.py", "targets/devices/test_adb_app*.py", "toolkit/*_bench_app.py")
              for path in sorted(tests.glob(pattern))]  # fmt: skip
    return run(sys.executable, "-m", "pytest", "-v", "-n", "2", "-rs", *places).strip().splitlines()[-1]


def _round_trip(libraries: Libraries, classes: Path) -> None:
    """The classes without views as dex and as a jar again, so that the tests run what a phone would get."""
    plain, dex, jar = BUILD / "plain", BUILD / "plain.dex", BUILD / "round-trip.jar"
    shutil.rmtree(plain, ignore_errors=True)
    for path in classes.rglob("*.class"):
        if not _UI.match(path.stem):
            target = plain / path.relative_to(classes)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
    run(
        "java", "-cp", libraries.dexer, "com.android.dx.command.Main", "--dex",
        f"--min-sdk-version={versions()['minSdk']}", f"--output={dex}", plain,
    )  # fmt: skip
    # By Debian's Python, which has its module; the command takes whichever python3 comes first.
    said = run("/usr/bin/python3", "-O", "-m", "enjarify.main", "-f", "-o", jar, dex)
    if "0 classes had errors" not in said:
        raise BuildError(f"enjarify could not translate every class:\n{said}")
    say(said.strip().splitlines()[-1])


if __name__ == "__main__":
    try:
        test()
    except BuildError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(1)
