"""Image files with what Python's decoder makes of them, for the app's reader of pictures.

Usage: make_pictures.py FOLDER. JPEG comes in blocks of one gray, on which decoders agree.
"""

from __future__ import annotations

import json
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from litesmith.calibration.images import decode

_ORIENTATION = 0x0112
_LARGE = 10_000


def make_pictures(folder: Path) -> int:
    """Write the files and pictures.json; gives how many can be read."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    pixels = random.integers(0, 256, (3, 5, 4)).astype(np.uint8)
    for name, image in {"1.png": pixels[:1, :1, :3], "rgb.png": pixels[..., :3], "gray.png": pixels[..., 0]}.items():
        Image.fromarray(image).save(folder / name)
    # Alpha 0 as well: the colours under it stay.
    pixels[0, 0, 3] = 0
    Image.fromarray(pixels).save(folder / "alpha.png")
    blocks = np.kron(np.array([[16, 96, 176], [56, 136, 216]], np.uint8), np.ones((16, 16), np.uint8))
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[_ORIENTATION] = orientation
        Image.fromarray(blocks).save(folder / f"turned_{orientation}.jpg", exif=exif, quality=100)
    readable = [_facts(path) for path in sorted(folder.iterdir())]
    (folder / "pictures.json").write_text(json.dumps(readable), encoding="utf-8")
    (folder / "large.png").write_bytes(_large())
    (folder / "empty.png").write_bytes(b"")
    (folder / "cut.png").write_bytes((folder / "rgb.png").read_bytes()[:20])
    return len(readable)


def _facts(path: Path) -> dict[str, Any]:
    image = decode(path)
    rgb = image if image.ndim == 3 else np.repeat(image[..., None], 3, axis=2)
    return {"file": path.name, "height": len(rgb), "pixels": rgb.ravel().tolist()}


def _large() -> bytes:
    """A PNG of 10,000 x 10,000 black pixels of one bit, in 12 KB."""
    rows = zlib.compress(bytes(_LARGE * (1 + _LARGE // 8)), 9)
    size = _LARGE.to_bytes(4, "big")
    header = size + size + bytes((1, 0, 0, 0, 0))
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")
        for name, content in chunks
    )


if __name__ == "__main__":
    sys.stdout.write(f"{make_pictures(Path(sys.argv[1]))} image files\n")
