"""Checks a finished APK: signature, alignment, what it says of itself, and that the model is the bundle's."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from project import ABIS, APPLICATION, BUNDLE, MAIN, versions
from shell import BuildError, run

_STORED = (".tflite", ".so")


def verify(apk: Path) -> list[str]:
    """What was checked, one line each.

    Raises:
        BuildError: something does not hold.
    """
    signature = run("apksigner", "verify", "-v", "--min-sdk-version", versions()["minSdk"], apk)
    run("zipalign", "-c", "-p", "4", apk)
    schemes = re.findall(r"using (v\d(?:\.\d)?) scheme .*: true", signature)
    if not schemes:
        raise BuildError(f"{apk}: apksigner names no scheme:\n{signature}")
    return [
        f"signature: {', '.join(schemes)}",
        "alignment: 4 bytes, shared libraries on pages",
        _badging(apk),
        f"model: stored, {_check_assets(apk):,} bytes, equal to the bundle's",
    ]


def _badging(apk: Path) -> str:
    """Check what the APK says of itself against the pins."""
    text, pins = run("aapt2", "dump", "badging", apk), versions()
    # With what follows each, a space or the end of the line: nothing more may be listed.
    wanted = (
        f"package: name='{APPLICATION}' versionCode='{pins['versionCode']}' versionName='{pins['versionName']}' ",
        f"sdkVersion:'{pins['minSdk']}'\n",
        f"targetSdkVersion:'{pins['targetSdk']}'\n",
        f"launchable-activity: name='{APPLICATION}.MainActivity' ",
        "native-code: " + " ".join(f"'{abi}'" for abi in ABIS) + "\n",
    )
    for line in wanted:
        if line not in text:
            raise BuildError(f"{apk}: badging lacks {line.strip()!r}:\n{text}")
    return f"badging: {APPLICATION}, SDK {pins['minSdk']} to {pins['targetSdk']}, {', '.join(ABIS)}"


def _check_assets(apk: Path) -> int:
    """Compare every file of the bundle, and what has to be stored; gives the model's size in bytes."""
    with zipfile.ZipFile(apk) as archive:
        for entry in archive.infolist():
            if entry.filename.endswith(_STORED) and entry.compress_type != zipfile.ZIP_STORED:
                raise BuildError(f"{apk}: {entry.filename} is compressed, so it cannot be mapped into memory")
        for path in sorted(BUNDLE.rglob("*")):
            if path.is_file() and archive.read(path.relative_to(MAIN).as_posix()) != path.read_bytes():
                raise BuildError(f"{apk}: {path.name} is not the bundle's")
        return archive.getinfo((BUNDLE / "model.tflite").relative_to(MAIN).as_posix()).file_size
