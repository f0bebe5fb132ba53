"""Compares a built wheel with the tree: every module and data file is in it, and nothing else.

Usage: python tests/wheel_contents.py build/wheel/litesmith-*.whl
"""

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACES = {"toolkit": "", "calibration": "calibration/", "converters": "converters/", "targets": "targets/"}
KINDS = {".py", ".toml", ".typed", ".kt"}


def expected() -> set[str]:
    files = set()
    for folder, place in PLACES.items():
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in KINDS and "__pycache__" not in path.parts:
                files.add(f"litesmith/{place}{path.relative_to(ROOT / folder).as_posix()}")
    return files


def main(wheel: str) -> int:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    missing, extra = sorted(expected() - names), sorted(names - expected())
    for name in missing:
        sys.stderr.write(f"missing in the wheel: {name}\n")
    for name in extra:
        sys.stderr.write(f"not in the tree, but in the wheel: {name}\n")
    return 1 if missing or extra else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
