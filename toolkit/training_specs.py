"""Sections of a recipe that say how something is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from litesmith.errors import RecipeError

SCHEDULES = ("constant", "polynomial")
LABEL_SOURCES = ("data", "teacher")


def require(holds: bool, key: str, message: str) -> None:
    """Refuse a value of a recipe unless something holds."""
    if not holds:
        raise RecipeError(message, key=key)


def one_of(value: str, allowed: Sequence[str], key: str) -> None:
    """Refuse a value that is none of those allowed."""
    require(value in allowed, key, f"{value!r} is not one of {', '.join(allowed)}")


@dataclass(frozen=True, slots=True)
class TrainSpec:
    """One training run: Adam with a cosine decay from `learning_rate` to zero."""

    epochs: int
    learning_rate: float = 1e-3
    batch_size: int = 64

    def __post_init__(self) -> None:
        require(self.epochs >= 0, "epochs", f"{self.epochs} is negative")
        require(0 < self.learning_rate < 10, "learning_rate", f"{self.learning_rate} is not in (0, 10)")
        require(self.batch_size >= 1, "batch_size", f"{self.batch_size} is not positive")


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
        require(self.temperature > 0, "temperature", f"{self.temperature} is not positive")
        require(0 <= self.alpha <= 1, "alpha", f"{self.alpha} is not between 0 and 1")
        one_of(self.labels, LABEL_SOURCES, "labels")


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
        require(0 < self.sparsity < 1, "sparsity", f"{self.sparsity} is not between 0 and 1")
        one_of(self.schedule, SCHEDULES, "schedule")
        require(0 <= self.initial_sparsity < self.sparsity, "initial_sparsity", "must be below sparsity")
        require(
            0 <= self.begin < self.end <= 1,
            "end",
            f"needs 0 <= begin < end <= 1, not {self.begin}..{self.end}",
        )
        require(self.train.epochs >= 1, "train.epochs", "pruning needs at least one epoch to reach its sparsity")


@dataclass(frozen=True, slots=True)
class QatSpec:
    """Quantization-aware training; `preserve_sparsity` keeps pruned weights at zero."""

    train: TrainSpec
    preserve_sparsity: bool = True

    def __post_init__(self) -> None:
        require(self.train.epochs >= 1, "train.epochs", "quantization-aware training needs at least one epoch")
