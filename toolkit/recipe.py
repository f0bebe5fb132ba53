"""The recipe: everything a run depends on, as frozen values that are checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from litesmith.calibration.ranges import RANGE_METHODS
from litesmith.converters.calibrated import Treatment
from litesmith.converters.quantize import EFFORTS, QuantizationSpec
from litesmith.errors import ConversionError, RecipeError
from litesmith.targets.profile import TargetProfile
from litesmith.training_specs import DistillSpec, ModelSpec, PruneSpec, QatSpec, one_of, require

TASKS = ("classification",)


@dataclass(frozen=True, slots=True)
class DataSpec:
    """Where the samples come from and how they are split.

    `source` is a bundled name (`digits`), a folder of images by class, an `.npz`, or `package.module:function`.
    `validation`, `calibration` and `test` are shares of the samples; what is left is for training.
    `image_shape` (H, W, C), `scale` and `offset` make the preprocessing of image folders and raw arrays.
    """

    source: str
    validation: float = 0.1
    calibration: float = 0.1
    test: float = 0.2
    image_shape: tuple[int, ...] = ()
    scale: float | None = None
    offset: float | None = None
    shift_pixels: int = 0
    views: int = 1

    def __post_init__(self) -> None:
        shares = {"validation": self.validation, "calibration": self.calibration, "test": self.test}
        for key, share in shares.items():
            require(0 < share < 1, key, f"{share} is not a share between 0 and 1")
        require(sum(shares.values()) < 1, "test", "validation, calibration and test leave nothing to train on")
        shape = self.image_shape
        require(
            len(shape) in (0, 3) and all(size > 0 for size in shape),
            "image_shape",
            f"{shape} is not [H, W, C]",
        )
        require(self.views >= 1, "views", f"{self.views} is not positive")
        require(self.shift_pixels >= 0, "shift_pixels", f"{self.shift_pixels} is negative")
        require((self.views > 1) == (self.shift_pixels > 0), "views", "goes with shift_pixels: give both, or neither")


@dataclass(frozen=True, slots=True)
class QuantizeSpec:
    """The deployed file, and quantization-aware training before it where `qat` is given.

    `mode` to `precision` are those of `converters.quantize.QuantizationSpec`; `effort`, `method` and `ranges` (there
    `methods`) those of `converters.calibrated.Treatment`, for int8 without that training. `rescue` is whether remedies
    are tried where the validation split misses a budget on accuracy, and `allow_float` whether operators may stay in
    float then.
    """

    mode: str = "int8"
    io: str = ""
    weight_bits: int = 8
    per_channel: str = "conv"
    symmetric: bool = False
    precision: Mapping[str, str] = field(default_factory=dict)
    effort: str = "fast"
    method: str = "minmax"
    ranges: Mapping[str, str] = field(default_factory=dict)
    rescue: bool = True
    allow_float: bool = False
    qat: QatSpec | None = None

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "io", self.conversion.io)
        except ConversionError as error:
            raise RecipeError(str(error), key="mode") from error
        one_of(self.effort, EFFORTS, "effort")
        one_of(self.method, tuple(RANGE_METHODS), "method")
        try:
            chosen = self.treatment != Treatment()
        except ConversionError as error:
            raise RecipeError(str(error), key="ranges") from error
        used = self.mode == "int8" and self.qat is None
        require(used or not chosen, "effort", "method and ranges are for int8 without quantization-aware training")
        require(self.qat is None or self.mode == "int8", "qat", f"trains for int8; remove it for {self.mode}")
        plain = QuantizationSpec(self.mode, self.io)
        require(
            self.qat is None or self.conversion == plain,
            "qat",
            "trains for int8 weights per channel throughout; remove it, or weight_bits, per_channel, symmetric and "
            "precision",
        )

    @property
    def conversion(self) -> QuantizationSpec:
        """The same as the converters understand it."""
        return QuantizationSpec(
            self.mode, self.io, self.weight_bits, self.per_channel, self.symmetric, dict(self.precision)
        )

    @property
    def treatment(self) -> Treatment:
        """Ranges and corrections as the converters understand them."""
        return Treatment(self.effort, self.method, dict(self.ranges))


@dataclass(frozen=True, slots=True)
class TargetsSpec:
    """Profiles to check the file against; errors of those in `require` fail the run."""

    check: tuple[str, ...] = ()
    require: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in (*self.check, *self.require):
            TargetProfile.load(name)
        require(set(self.require) <= set(self.check), "require", "every required target must be in check")


@dataclass(frozen=True, slots=True)
class BudgetSpec:
    """Limits for the deployed file; None is no limit. Accuracies are shares (0.005 is half a point)."""

    min_accuracy: float | None = None
    max_accuracy_drop: float | None = None
    max_bytes: int | None = None
    max_gzip_bytes: int | None = None
    min_sparsity: float | None = None
    max_host_p50_ms: float | None = None

    def __post_init__(self) -> None:
        for key in ("min_accuracy", "max_accuracy_drop", "min_sparsity"):
            share = getattr(self, key)
            require(share is None or 0 <= share <= 1, key, f"{share} is not a share between 0 and 1")
        for key in ("max_bytes", "max_gzip_bytes", "max_host_p50_ms"):
            limit = getattr(self, key)
            require(limit is None or limit > 0, key, f"{limit} is not positive")


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole run. Stages whose section is absent are left out."""

    name: str
    data: DataSpec
    student: ModelSpec
    task: str = "classification"
    seed: int = 0
    teacher: ModelSpec | None = None
    distill: DistillSpec | None = None
    prune: PruneSpec | None = None
    quantize: QuantizeSpec = field(default_factory=QuantizeSpec)
    targets: TargetsSpec = field(default_factory=TargetsSpec)
    budget: BudgetSpec = field(default_factory=BudgetSpec)

    def __post_init__(self) -> None:
        one_of(self.task, TASKS, "task")
        require(bool(self.name.strip()), "name", "is empty")
        require(0 <= self.seed < 2**31, "seed", f"{self.seed} is not in 0 .. 2^31-1")
        require(self.distill is None or self.teacher is not None, "distill", "needs a [teacher] section")
        require(self.teacher is None or self.distill is not None, "teacher", "is of no use without [distill]")

    @classmethod
    def from_toml(cls, path: Path) -> Recipe:
        """Read and check a recipe file.

        Raises:
            RecipeError: naming the file, the key, and what would be valid there.
        """
        from litesmith.recipe_toml import read_recipe

        return read_recipe(path)
