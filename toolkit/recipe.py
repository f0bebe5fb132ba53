"""The recipe: everything a run depends on, as frozen values that are checked before anything runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from litesmith.calibration.ranges import RANGE_METHODS
from litesmith.converters.quantize import EFFORTS, QuantizationSpec
from litesmith.errors import ConversionError, RecipeError
from litesmith.targets.profile import TargetProfile

TASKS = ("classification",)
SCHEDULES = ("constant", "polynomial")
LABEL_SOURCES = ("data", "teacher")


def _require(holds: bool, key: str, message: str) -> None:
    if not holds:
        raise RecipeError(message, key=key)


def _one_of(value: str, allowed: Sequence[str], key: str) -> None:
    _require(value in allowed, key, f"{value!r} is not one of {', '.join(allowed)}")


@dataclass(frozen=True, slots=True)
class TrainSpec:
    """One training run: Adam with a cosine decay from `learning_rate` to zero."""

    epochs: int
    learning_rate: float = 1e-3
    batch_size: int = 64

    def __post_init__(self) -> None:
        _require(self.epochs >= 0, "epochs", f"{self.epochs} is negative")
        _require(0 < self.learning_rate < 10, "learning_rate", f"{self.learning_rate} is not in (0, 10)")
        _require(self.batch_size >= 1, "batch_size", f"{self.batch_size} is not positive")


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
            _require(0 < share < 1, key, f"{share} is not a share between 0 and 1")
        _require(sum(shares.values()) < 1, "test", "validation, calibration and test leave nothing to train on")
        shape = self.image_shape
        _require(
            len(shape) in (0, 3) and all(size > 0 for size in shape),
            "image_shape",
            f"{shape} is not [H, W, C]",
        )
        _require(self.views >= 1, "views", f"{self.views} is not positive")
        _require(self.shift_pixels >= 0, "shift_pixels", f"{self.shift_pixels} is negative")
        _require((self.views > 1) == (self.shift_pixels > 0), "views", "goes with shift_pixels: give both, or neither")


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model and its training: `model` is `package.module:function` or a .keras, .h5 or SavedModel path.

    An entry point is called with `input_shape` (H, W, C) and `num_classes` and returns a functional tf_keras model.
    """

    model: str
    train: TrainSpec = field(default_factory=lambda: TrainSpec(epochs=0))


@dataclass(frozen=True, slots=True)
class DistillSpec:
    """`alpha * T^2 * KL(teacher || student at T) + (1 - alpha) * CE(labels)`, Hinton et al., arXiv 1503.02531."""

    temperature: float = 4.0
    alpha: float = 0.7
    labels: str = "data"

    def __post_init__(self) -> None:
        _require(self.temperature > 0, "temperature", f"{self.temperature} is not positive")
        _require(0 <= self.alpha <= 1, "alpha", f"{self.alpha} is not between 0 and 1")
        _one_of(self.labels, LABEL_SOURCES, "labels")


@dataclass(frozen=True, slots=True)
class PruneSpec:
    """Magnitude pruning to `sparsity`; the schedule runs over `begin` to `end`, shares of the training steps."""

    train: TrainSpec
    sparsity: float = 0.5
    schedule: str = "polynomial"
    initial_sparsity: float = 0.0
    begin: float = 0.0
    end: float = 0.6
    exclude: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _require(0 < self.sparsity < 1, "sparsity", f"{self.sparsity} is not between 0 and 1")
        _one_of(self.schedule, SCHEDULES, "schedule")
        _require(0 <= self.initial_sparsity < self.sparsity, "initial_sparsity", "must be below sparsity")
        _require(
            0 <= self.begin < self.end <= 1,
            "end",
            f"needs 0 <= begin < end <= 1, not {self.begin}..{self.end}",
        )
        _require(self.train.epochs >= 1, "train.epochs", "pruning needs at least one epoch to reach its sparsity")


@dataclass(frozen=True, slots=True)
class QatSpec:
    """Quantization-aware training; `preserve_sparsity` keeps pruned weights at zero."""

    train: TrainSpec
    preserve_sparsity: bool = True

    def __post_init__(self) -> None:
        _require(self.train.epochs >= 1, "train.epochs", "quantization-aware training needs at least one epoch")


@dataclass(frozen=True, slots=True)
class QuantizeSpec:
    """The deployed file: mode and I/O type, and quantization-aware training before it where `qat` is given.

    `effort` and `method` are for int8 without that training, see `post_training.quantize_float_model`.
    """

    mode: str = "int8"
    io: str = ""
    effort: str = "fast"
    method: str = "minmax"
    qat: QatSpec | None = None

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "io", self.conversion.io)
        except ConversionError as error:
            raise RecipeError(str(error), key="mode") from error
        _one_of(self.effort, EFFORTS, "effort")
        _one_of(self.method, tuple(RANGE_METHODS), "method")
        chosen = (self.effort, self.method) != ("fast", "minmax")
        used = self.mode == "int8" and self.qat is None
        _require(used or not chosen, "effort", "and method are for int8 without quantization-aware training")
        _require(self.qat is None or self.mode == "int8", "qat", f"trains for int8; remove it for {self.mode}")

    @property
    def conversion(self) -> QuantizationSpec:
        """The same as the converters understand it."""
        return QuantizationSpec(self.mode, self.io)


@dataclass(frozen=True, slots=True)
class TargetsSpec:
    """Profiles to check the file against; errors of those in `require` fail the run."""

    check: tuple[str, ...] = ()
    require: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in (*self.check, *self.require):
            TargetProfile.load(name)
        _require(set(self.require) <= set(self.check), "require", "every required target must be in check")


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
            _require(share is None or 0 <= share <= 1, key, f"{share} is not a share between 0 and 1")
        for key in ("max_bytes", "max_gzip_bytes", "max_host_p50_ms"):
            limit = getattr(self, key)
            _require(limit is None or limit > 0, key, f"{limit} is not positive")


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
        _one_of(self.task, TASKS, "task")
        _require(bool(self.name.strip()), "name", "is empty")
        _require(0 <= self.seed < 2**31, "seed", f"{self.seed} is not in 0 .. 2^31-1")
        _require(self.distill is None or self.teacher is not None, "distill", "needs a [teacher] section")
        _require(self.teacher is None or self.distill is not None, "teacher", "is of no use without [distill]")

    @classmethod
    def from_toml(cls, path: Path) -> Recipe:
        """Read and check a recipe file.

        Raises:
            RecipeError: naming the file, the key, and what would be valid there.
        """
        from litesmith.recipe_toml import read_recipe

        return read_recipe(path)
