"""Labelled data by name, from files or from an entry point."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.preprocess import Preprocess
from litesmith.calibration.preprocess_checks import Numbers
from litesmith.calibration.sources import UNNAMED, RawData, read_source
from litesmith.dataset import Dataset
from litesmith.errors import DataError
from litesmith.splits import Splits, split

__all__ = ["Dataset", "Splits", "load_dataset", "split"]

Array = npt.NDArray[Any]
DIGITS = "digits"
NO_STEPS: Mapping[str, Any] = MappingProxyType({})
_TENSOR = {"kind": "tensor", "resize": "none"}
_IMAGE = {"kind": "image", "resize": "bilinear"}
_DIGITS_SHAPE = (8, 8, 1)
_COUNTED = {"kind": "image", "resize": "area", "fit": "letterbox", "block": 4}
_MOST_CLASSES = 2**16


def load_dataset(
    source: str,
    *,
    base: Path,
    image_shape: tuple[int, ...] | None,
    scale: Numbers | None,
    offset: Numbers | None,
    steps: Mapping[str, Any] = NO_STEPS,
) -> Dataset:
    """Load `digits` (scikit-learn's 8x8 digits), a folder of images by class, an `.npz` or an entry point.

    8-bit arrays `(N, H, W)` and `(N, H, W, 1 or 3)` are images, and any array is one when `image_shape` is
    given; others are plain tensors. Images of other sizes are resized, bilinear. The digits are counts of the pixels
    that are on in 4x4 blocks of a 32x32 bitmap, and their contract makes such counts of a drawing of any size.
    Data that hold the contract they went through keep it, and nothing may be asked for that is another one.

    Args:
        source: the bundled name, a path relative to `base`, or `package.module:function`.
        base: the folder that the recipe lies in.
        image_shape: `(H, W, C)` of the model's input; None or empty takes the data's own.
        scale: factor of `Preprocess`; by default 1/16 for digits, 1/255 for other 8-bit images, else 1.
        offset: summand of `Preprocess`; by default 0.
        steps: other fields of an image's `Preprocess`, such as `crop`, by name.

    Raises:
        DataError: the data are missing, malformed, unlabelled or inconsistent.
    """
    fit = Preprocess(tuple(image_shape), **{**_IMAGE, **steps}) if image_shape else None
    raw = _digits() if source == DIGITS else read_source(source, base=base, preprocess=fit)
    if texts := [name for name, array in raw.inputs.items() if array.dtype.kind in "US"]:
        held = f"{', '.join(map(repr, texts))} {'hold' if len(texts) > 1 else 'holds'} text"
        raise DataError(
            f"{source}: {held}, not numbers; name an entry point package.module:function that makes numbers of it"
        )
    if raw.labels is None:
        raise DataError(f"{source}: has no labels; give a folder with one subfolder per class, or an array 'y'")
    _check_shape(raw.x.shape, source)
    try:
        preprocess = _preprocess(raw, image_shape, scale, offset, steps)
        x = raw.tensors(preprocess)
    except DataError as error:
        raise DataError(f"{source}: {error}") from error
    return Dataset(x, raw.labels, raw.class_names or _numbered(raw.labels), preprocess, source)


def _check_shape(shape: tuple[int, ...], source: str) -> None:
    if 0 in shape:
        raise DataError(f"{source}: is empty (x has shape {shape}); give samples of at least one value each")
    if len(shape) == 1:
        raise DataError(
            f"{source}: x has shape {shape}, a list of numbers and not of samples; give it a second axis, such as "
            f"({shape[0]}, 1) for one number a sample"
        )


def _preprocess(
    raw: RawData,
    image_shape: tuple[int, ...] | None,
    scale: Numbers | None,
    offset: Numbers | None,
    steps: Mapping[str, Any],
) -> Preprocess:
    if raw.made_with is not None and not image_shape and scale is None and offset is None and not steps:
        return raw.made_with
    x = raw.x
    gray = x.dtype == np.uint8 and x.ndim == 3
    is_image = bool(image_shape) or gray or (x.dtype == np.uint8 and x.ndim == 4 and x.shape[3] in (1, 3))
    if scale is None:
        scale = 1 / 16 if raw.source == DIGITS else 1 / 255 if is_image and x.dtype == np.uint8 else 1.0
    shape = tuple(image_shape or ((*x.shape[1:], 1) if gray else x.shape[1:]))
    usual = _COUNTED if raw.source == DIGITS and shape == _DIGITS_SHAPE else _IMAGE if is_image else _TENSOR
    return Preprocess(shape, **{**usual, **steps}, scale=scale, offset=0.0 if offset is None else offset)


def _digits() -> RawData:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise DataError(
            "digits: the bundled data need scikit-learn; run: "
            "pip install 'litesmith[train]' (in a checkout: pip install '.[train]')"
        ) from error
    digits = load_digits()
    names = tuple(str(name) for name in digits.target_names)
    return RawData({UNNAMED: digits.images.astype(np.uint8)}, digits.target, names, DIGITS)


def _numbered(labels: Array) -> tuple[str, ...]:
    """Names for classes that have none. Unusable labels get as many as they are: `Dataset` says what is wrong."""
    if labels.dtype.kind not in "iu" or not labels.size:
        return "0", "1"
    usable = labels.min() >= 0 and labels.max() < _MOST_CLASSES
    count = int(labels.max()) + 1 if usable else max(2, len(np.unique(labels)))
    return tuple(str(label) for label in range(count))
