"""Builds the demo's APK without Google's Maven repository: `make apk`.

The same sources as Gradle's, compiled and packed with what Maven Central and Debian hold. Needs a bundle in the app:
`litesmith bundle out/digits --android android_demo`.
"""

from __future__ import annotations

import sys

from compiling import compile_kotlin, link_resources, make_dex
from libraries import fetch
from packing import pack, sign
from project import BUILD, require_bundle
from shell import FRAMEWORK_RESOURCES, BuildError, require, say
from verifying import verify

PROGRAMS = ("java", "javac", "keytool", "mvn", "aapt2", "zipalign", "apksigner")


def build() -> None:
    """All steps, with a line for each."""
    require(PROGRAMS, [FRAMEWORK_RESOURCES])
    require_bundle()
    BUILD.mkdir(parents=True, exist_ok=True)
    say("libraries: from Maven Central")
    libraries = fetch()
    say("resources: aapt2")
    resources, java = link_resources()
    say("classes: Kotlin")
    classes = compile_kotlin(libraries, java)
    say("dex: dx")
    dex = make_dex(libraries, classes)
    say("package: zipalign, apksigner")
    apk = BUILD / "litesmith-demo.apk"
    sign(pack(resources, dex, libraries.native), apk)
    for line in verify(apk):
        say(f"verified {line}")
    say(f"made {apk}, {apk.stat().st_size:,} bytes; it was not run on a device")


if __name__ == "__main__":
    try:
        build()
    except BuildError as error:
        sys.stderr.write(f"error: {error}\n")
        sys.exit(1)
