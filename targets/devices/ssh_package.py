"""Litesmith as one file, for a machine on which it is not installed."""

from __future__ import annotations

import importlib
import io
import zipfile
from pathlib import Path

# What `litesmith.targets.worker` is made of, and what these import.
_PACKAGES = ("litesmith.calibration", "litesmith.converters", "litesmith.targets", "litesmith.targets.devices")
_MODULES = ("__init__.py", "errors.py")
_SAME_TIME = (1980, 1, 1, 0, 0, 0)  # the same sources give the same bytes


def package() -> bytes:
    """A zip file that Python can import from: put it on PYTHONPATH."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(_sources().items()):
            archive.writestr(zipfile.ZipInfo(name, _SAME_TIME), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _sources() -> dict[str, Path]:
    found = {f"litesmith/{name}": _folder("litesmith") / name for name in _MODULES}
    for package_name in _PACKAGES:
        inside = package_name.replace(".", "/")
        found |= {f"{inside}/{path.name}": path for path in _folder(package_name).glob("*.py")}
    return found


def _folder(package_name: str) -> Path:
    file = importlib.import_module(package_name).__file__
    if file is None:
        raise RuntimeError(f"{package_name} has no files")
    return Path(file).parent
