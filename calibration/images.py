"""Folders of PNG, JPEG and BMP images. Pillow is imported inside the functions that decode."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

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


def read_folder(folder: Path, *, preprocess: Preprocess | None = None) -> ImageFolder:
    """Read `folder/<class>/<image>`, classes in alphabetical order, or `folder/<image>` without labels.

    Names that start with a dot are skipped, and so are files that do not end like an image.

    Args:
        folder: an existing folder.
        preprocess: brings every image to its channels and size; without it all must be alike.

    Raises:
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
        return ImageFolder(_stack(loose, preprocess), None, None)
    files = {entry: _image_files(entry) for entry in classes}
    for entry, members in files.items():
        if not members:
            raise DataError(f"{entry}: this class holds no images; add some or remove the folder")
    labels = np.repeat(np.arange(len(classes), dtype=np.int64), [len(members) for members in files.values()])
    every_file = [file for members in files.values() for file in members]
    return ImageFolder(_stack(every_file, preprocess), labels, tuple(entry.name for entry in classes))


def decode(file: Path) -> Array:
    """An image file as uint8, `(H, W)` if it is gray, else `(H, W, 3)`; upright by its EXIF, without alpha.

    Raises:
        DataError: it is damaged, not an image, or has more than 8 bits a channel.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError as error:
        raise DataError(f"{file}: images need Pillow; pip install 'litesmith[train]'") from error
    try:
        with Image.open(file) as image:
            if image.mode.startswith(("I", "F")):
                raise DataError(f"{file}: has more than 8 bits a channel (mode {image.mode}); save it as 8-bit")
            upright = ImageOps.exif_transpose(image)
            if "transparency" in upright.info:
                upright = upright.convert("RGBA")
            return np.asarray(upright.convert("L" if upright.mode in {"1", "L", "LA"} else "RGB"))
    # What Pillow's decoders raise on damaged or oversized files.
    except (OSError, SyntaxError, ValueError, TypeError, EOFError, Image.DecompressionBombError) as error:
        raise DataError(f"{file}: cannot be decoded ({error}); remove or replace this image") from error


def _image_files(folder: Path) -> list[Path]:
    return sorted(
        entry
        for entry in folder.iterdir()
        if entry.is_file() and entry.suffix.lower() in SUFFIXES and not entry.name.startswith(".")
    )


def _stack(files: list[Path], preprocess: Preprocess | None) -> Array:
    if preprocess is not None:
        return np.stack([preprocess.pixels(decode(file)) for file in files])
    images = [decode(file) for file in files]
    for file, image in zip(files, images, strict=True):
        if image.shape != images[0].shape:
            raise DataError(
                f"{file}: has shape {image.shape} but {files[0].name} has {images[0].shape}; "
                "give an image shape, and they are resized"
            )
    stacked = np.stack(images)
    return stacked if stacked.ndim == 4 else stacked[..., None]
