"""Folders of PNG, JPEG and BMP images. Pillow is imported inside the functions that decode."""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.draw import draw_at_most
from litesmith.calibration.preprocess import Preprocess
from litesmith.errors import DataError

Array = npt.NDArray[Any]

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp"})


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """Decoded images `(N, H, W, C)` uint8 in the order of their paths; labels `(N,)` if there are classes."""

    images: Array
    labels: Array | None
    class_names: tuple[str, ...] | None


def read_folder(
    folder: Path, *, preprocess: Preprocess | None = None, limit: int | None = None, seed: int = 0
) -> ImageFolder:
    """Read `folder/<class>/<image>`, classes in alphabetical order, or `folder/<image>` without labels.

    Names that start with a dot are skipped, and so are files that do not end like an image. Only images that were
    drawn are decoded.

    Args:
        folder: an existing folder.
        preprocess: brings every image to its channels and size; without it all must be alike.
        limit: draw at most so many, from all classes alike; all if None.
        seed: for drawing.

    Raises:
        CalibrationError: `limit` is below 1.
        DataError: no images, images beside classes, a class without images, an image that cannot be decoded
            (the message names the file), or different sizes and no `preprocess`.
    """
    classes = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith("."))
    loose = _image_files(folder)
    if classes and loose:
        raise DataError(f"{folder}: holds images ({loose[0].name}, ...) beside class folders; move them into a class")
    if not classes and not loose:
        raise DataError(f"{folder}: holds no images; expected {', '.join(sorted(SUFFIXES))} files or class folders")
    if not classes:
        places = draw_at_most(len(loose), limit, seed, None, source=str(folder))
        return ImageFolder(_stack([loose[place] for place in places], preprocess), None, None)
    files = {entry: _image_files(entry) for entry in classes}
    for entry, members in files.items():
        if not members:
            raise DataError(f"{entry}: this class holds no images; add some or remove the folder")
    labels = np.repeat(np.arange(len(classes), dtype=np.int64), [len(members) for members in files.values()])
    every_file = [file for members in files.values() for file in members]
    places = draw_at_most(len(every_file), limit, seed, labels, source=str(folder))
    images = _stack([every_file[place] for place in places], preprocess)
    return ImageFolder(images, labels[places], tuple(entry.name for entry in classes))


def decode(file: Path) -> Array:
    """An image file as uint8, `(H, W)` if it is gray, else `(H, W, 3)`; upright by its EXIF, without alpha.

    All eight orientations of EXIF are obeyed, so the contract's `rotate` is 0 for what comes from here. Alpha is
    dropped and the colours under it stay as they are stored: not multiplied by it, not blended with a background.
    PNG and BMP give the same pixels everywhere; decoders of JPEG may differ by a few steps.

    Raises:
        DataError: it is damaged, not an image, has more than 8 bits a channel, or too many pixels to be safe.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise DataError(f"{file}: images need Pillow; pip install 'litesmith[train]'") from error
    try:
        # Pillow refuses images of twice its limit, and only warns of those above it.
        with (
            warnings.catch_warnings(action="error", category=Image.DecompressionBombWarning),
            Image.open(file) as image,
        ):
            if image.mode.startswith(("I", "F")):
                raise DataError(f"{file}: has more than 8 bits a channel (mode {image.mode}); save it as 8-bit")
            upright = ImageOps.exif_transpose(image)
            if "transparency" in upright.info:
                upright = upright.convert("RGBA")
            return np.asarray(upright.convert("L" if upright.mode in {"1", "L", "LA"} else "RGB"))
    # What Pillow's decoders raise on damaged or oversized files.
    except (
        OSError, SyntaxError, ValueError, TypeError, EOFError, Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ) as error:  # fmt: skip
        raise DataError(f"{file}: cannot be decoded ({error}); remove or replace this image") from error


def _image_files(folder: Path) -> list[Path]:
    # Of 50,000 files, paths would take three times as long as names to be made and sorted.
    with os.scandir(folder) as entries:
        names = sorted(entry.name for entry in entries if _is_image(entry.name) and entry.is_file())
    return [folder / name for name in names]


def _is_image(name: str) -> bool:
    return name.lower().endswith(tuple(SUFFIXES)) and not name.startswith(".")


def _pixels(file: Path, preprocess: Preprocess) -> Array:
    image = decode(file)
    try:
        return preprocess.pixels(image)
    except DataError as error:
        raise DataError(f"{file}: {error}") from error


def _stack(files: list[Path], preprocess: Preprocess | None) -> Array:
    if preprocess is not None:
        return np.stack([_pixels(file, preprocess) for file in files])
    images = [decode(file) for file in files]
    for file, image in zip(files, images, strict=True):
        if image.shape != images[0].shape:
            raise DataError(
                f"{file}: has shape {image.shape} but {files[0].name} has {images[0].shape}; "
                "give an image shape, and they are resized"
            )
    stacked = np.stack(images)
    return stacked if stacked.ndim == 4 else stacked[..., None]
