"""The recipe's `[data]`: samples, splits, and the preprocessing contract that all of them go through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litesmith.calibration.preprocess import Preprocess
from litesmith.errors import DataError, RecipeError
from litesmith.text.spec import TextSpec
from litesmith.training_specs import require

# Keys that are fields of an image's contract under the same name; what is left at its default is not passed on.
_STEPS = ("resize", "antialias", "crop", "fit", "fill", "block", "layout")


@dataclass(frozen=True, slots=True)
class DataSpec:
    """Where the samples come from and how they are split.

    `source` is a bundled name (`digits`), a folder of images by class, an `.npz`, or `package.module:function`.
    `validation`, `calibration` and `test` are shares of the samples; what is left is for training.
    `image_shape` (H, W, C), `scale`, `offset` and what stands from `resize` to `layout` make the contract of image
    folders and raw arrays: see `Preprocess`. `resize` is the data's own where it is empty. `text` is for tables of
    sentences, which have ids and no such contract; where it names a table to test with, `test` is not used.
    """

    source: str
    validation: float = 0.1
    calibration: float = 0.1
    test: float = 0.2
    image_shape: tuple[int, ...] = ()
    scale: float | tuple[float, ...] | None = None
    offset: float | tuple[float, ...] | None = None
    resize: str = ""
    antialias: bool = False
    crop: float = 1.0
    fit: str = "stretch"
    fill: int = 0
    block: int = 1
    layout: str = "nhwc"
    shift_pixels: int = 0
    views: int = 1
    text: TextSpec | None = None

    def __post_init__(self) -> None:
        shares = {"validation": self.validation, "calibration": self.calibration, "test": self.test}
        for key, share in shares.items():
            require(0 < share < 1, key, f"{share} is not a share between 0 and 1")
        require(sum(shares.values()) < 1, "test", "validation, calibration and test leave nothing to train on")
        if self.text is not None:
            self._check_text(self.text)
        shape = self.image_shape
        require(len(shape) in (0, 3) and all(size > 0 for size in shape), "image_shape", f"{shape} is not [H, W, C]")
        require(self.views >= 1, "views", f"{self.views} is not positive")
        require(self.shift_pixels >= 0, "shift_pixels", f"{self.shift_pixels} is negative")
        require((self.views > 1) == (self.shift_pixels > 0), "views", "goes with shift_pixels: give both, or neither")
        require(self.layout == "nhwc" or not self.shift_pixels, "layout", "nchw cannot be shifted; remove shift_pixels")
        self._check_contract()

    def _check_text(self, text: TextSpec) -> None:
        default = DataSpec.__dataclass_fields__
        images = ("image_shape", "scale", "offset", "shift_pixels", "views", *_STEPS)
        given = [name for name in images if getattr(self, name) != default[name].default]
        require(not given, given[0] if given else "", "is for images and numbers, not for text; remove it")
        both = text.test is not None and self.test != default["test"].default
        require(not both, "test", "a share of the source and the table of text.test are two test sets; give one")

    @property
    def steps(self) -> dict[str, Any]:
        """Fields of an image's contract that the recipe gives."""
        given = {name: getattr(self, name) for name in _STEPS}
        return {name: value for name, value in given.items() if value != DataSpec.__dataclass_fields__[name].default}

    def _check_contract(self) -> None:
        """Try the keys on some image where the size of the real ones is not known yet."""
        lengths = [len(numbers) for numbers in (self.scale, self.offset) if isinstance(numbers, tuple)]
        channels = lengths[0] if lengths else 1
        some_shape = self.image_shape or ((2, 2, channels) if channels in (1, 3) else (channels,))
        kind: dict[str, Any] = {} if len(some_shape) == 3 else {"kind": "tensor", "resize": "none"}
        scale, offset = (1.0 if self.scale is None else self.scale), (0.0 if self.offset is None else self.offset)
        try:
            Preprocess(some_shape, **{"resize": "bilinear", **kind, **self.steps}, scale=scale, offset=offset)
        except DataError as error:
            raise RecipeError(str(error).removeprefix("preprocess: "), key=_blamed(str(error))) from error


def _blamed(message: str) -> str:
    """The key that a message about a contract begins with."""
    words = message.removeprefix("preprocess: ").replace(",", " ").split()
    names = ("scale", "offset", *_STEPS)
    return next((word for word in words if word in names), "image_shape")
