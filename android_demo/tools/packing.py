"""Puts code and native libraries into the APK, aligns and signs it."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path

from project import BUILD, versions
from shell import run

# The key of every debug build everywhere: it says nothing about who built the file.
_PASSWORD, _ALIAS = "android", "androiddebugkey"
_EPOCH = (1980, 1, 1, 0, 0, 0)


def pack(resources: Path, dex: Path, native: Mapping[str, bytes]) -> Path:
    """Add classes.dex and lib/; stored, so that the phone can map them. Gives an unsigned, aligned APK."""
    unaligned, aligned = BUILD / "unaligned.apk", BUILD / "unsigned.apk"
    shutil.copy(resources, unaligned)
    with zipfile.ZipFile(unaligned, "a", zipfile.ZIP_STORED) as archive:
        for path in sorted(dex.glob("classes*.dex")):
            archive.writestr(zipfile.ZipInfo(path.name, _EPOCH), path.read_bytes(), zipfile.ZIP_DEFLATED)
        for name, content in sorted(native.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), content)
    run("zipalign", "-f", "-p", "4", unaligned, aligned)
    return aligned


def sign(aligned: Path, apk: Path) -> None:
    """Sign with a debug key, made at the first call."""
    keys = BUILD / "debug.p12"
    if not keys.is_file():
        run(
            "keytool", "-genkeypair", "-keystore", keys, "-storetype", "PKCS12", "-storepass", _PASSWORD,
            "-alias", _ALIAS, "-keyalg", "RSA", "-keysize", "2048", "-validity", "9999",
            "-dname", "CN=Android Debug,O=Android,C=US",
        )  # fmt: skip
    run(
        "apksigner", "sign", "--ks", keys, "--ks-pass", f"pass:{_PASSWORD}", "--v4-signing-enabled", "false",
        "--min-sdk-version", versions()["minSdk"], "--out", apk, aligned,
    )  # fmt: skip
