"""Sections of a recipe that say how something is trained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from litesmith.errors import RecipeError

SCHEDULES = ("constant", "polynomial")
LABEL_SOURCES = ("data", "teacher")
# What a model gives: logits of classes, or a vector.
CLASSIFICATION, EMBEDDING = "classification", "embedding"
# What a text encoder is named by: a folder of Hugging Face's form, or for a student the trained teacher.
HUGGING_FACE, TEACHER = "hf:", "teacher"


def require(holds: bool, key: str, message: str) -> None:
    """Refuse a value of a recipe unless something holds."""
    if not holds:
        raise RecipeError(message, key=key)


def one_of(value: str, allowed: Sequence[str], key: str) -> None:
    """Refuse a value that is none of those allowed."""
    require(value in allowed, key, f"{value!r} is not one of {', '.join(allowed)}")


@dataclass(frozen=True, slots=True)
class TrainSpec:
    """One training run: Adam with a cosine decay from `learning_rate` to zero.

    Text encoders are trained by AdamW with warm-up and linear decay; what is None there has the value of
    `text.optimizer`. `frozen` are beginnings of the names of weights that stay as they are, such as
    `embeddings.word`.
    """

    epochs: int
    learning_rate: float = 1e-3
    batch_size: int = 64
    warmup: float | None = None
    weight_decay: float | None = None
    clip: float | None = None
    frozen: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        require(self.epochs >= 0, "epochs", f"{self.epochs} is negative")
        require(0 < self.learning_rate < 10, "learning_rate", f"{self.learning_rate} is not in (0, 10)")
        require(self.batch_size >= 1, "batch_size", f"{self.batch_size} is not positive")
        require(self.warmup is None or 0 <= self.warmup < 1, "warmup", f"{self.warmup} is not a share below 1")
        require(self.weight_decay is None or self.weight_decay >= 0, "weight_decay", f"{self.weight_decay} is negative")
        require(self.clip is None or self.clip > 0, "clip", f"{self.clip} is not positive")

    @property
    def for_text(self) -> tuple[str, ...]:
        """Keys that were given and only a text encoder has."""
        return tuple(key for key in ("warmup", "weight_decay", "clip", "frozen") if getattr(self, key) is not None)


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """A model and its training: `model` is `package.module:function` or a .keras, .h5 or SavedModel path.

    An entry point is called with `input_shape` (H, W, C) or (length,) and `num_classes` and returns a functional
    tf_keras model. For text, `model` may also be an encoder: `hf:FOLDER`, or for a student `teacher`. The other keys
    make a smaller one of that; None leaves it as it is.

    Attributes:
        model: what it is built from.
        train: its training.
        layers: which of its layers are kept, from 0.
        hidden: width between layers.
        intermediate: feed-forward units of each layer.
        heads: attention heads of each layer.
        embedding: width of the table of tokens, which is projected to that of the layers.
        weights: `kept`, or `random` for sizes without their contents.
    """

    model: str
    train: TrainSpec = field(default_factory=lambda: TrainSpec(epochs=0))
    layers: tuple[int, ...] | None = None
    hidden: int | None = None
    intermediate: int | None = None
    heads: int | None = None
    embedding: int | None = None
    weights: str | None = None

    def __post_init__(self) -> None:
        for key in ("hidden", "intermediate", "heads", "embedding"):
            size = getattr(self, key)
            require(size is None or size >= 1, key, f"{size} is not positive")
        require(self.layers is None or len(self.layers) > 0, "layers", "is empty; name at least one, such as [0, 2, 5]")
        one_of(self.weights or "kept", ("kept", "random"), "weights")
        keys = (*self.train.for_text, *self.reshaped)
        require(self.is_text or not keys, keys[0] if keys else "", "is for text encoders, hf:FOLDER; remove it")

    @property
    def is_text(self) -> bool:
        """Whether it is an encoder with named weights, rather than any Keras model."""
        return self.model == TEACHER or self.model.startswith(HUGGING_FACE)

    @property
    def reshaped(self) -> tuple[str, ...]:
        """Keys that were given and make another model of what `model` names."""
        keys = ("layers", "hidden", "intermediate", "heads", "embedding", "weights")
        return tuple(key for key in keys if getattr(self, key) is not None)


@dataclass(frozen=True, slots=True)
class DistillSpec:
    """`alpha * T^2 * KL(teacher || student at T) + (1 - alpha) * CE(labels)`, Hinton et al., arXiv 1503.02531.

    Between text encoders, `hidden` and `relations` are the weights of two further losses, see `text.hidden` and
    `text.relations`, and `cache_bytes` limits what the teacher's states may take on disk.
    """

    temperature: float = 4.0
    alpha: float = 0.7
    labels: str = "data"
    hidden: float | None = None
    relations: float | None = None
    cache_bytes: int | None = None

    def __post_init__(self) -> None:
        require(self.temperature > 0, "temperature", f"{self.temperature} is not positive")
        require(0 <= self.alpha <= 1, "alpha", f"{self.alpha} is not between 0 and 1")
        one_of(self.labels, LABEL_SOURCES, "labels")
        for key in ("hidden", "relations", "cache_bytes"):
            value = getattr(self, key)
            require(value is None or value >= 0, key, f"{value} is negative")

    @property
    def sees_states(self) -> bool:
        """Whether the student learns from more of the teacher than its logits."""
        return bool(self.hidden or self.relations)


@dataclass(frozen=True, slots=True)
class PruneSpec:
    """Magnitude pruning to `sparsity`; the schedule runs over `begin` to `end`, shares of the training steps.

    `pattern` "2:4" puts those zeros in two of each four weights. Of text encoders, `heads` and `intermediate` are
    shares of the attention heads and feed-forward units that are kept; the others are removed, and nothing is zeroed.
    """

    train: TrainSpec
    sparsity: float = 0.5
    schedule: str = "polynomial"
    initial_sparsity: float = 0.0
    begin: float = 0.0
    end: float = 0.6
    exclude: tuple[str, ...] = ()
    pattern: str | None = None
    heads: float | None = None
    intermediate: float | None = None

    def __post_init__(self) -> None:
        require(0 < self.sparsity < 1, "sparsity", f"{self.sparsity} is not between 0 and 1")
        one_of(self.schedule, SCHEDULES, "schedule")
        require(0 <= self.initial_sparsity < self.sparsity, "initial_sparsity", "must be below sparsity")
        require(
            0 <= self.begin < self.end <= 1,
            "end",
            f"needs 0 <= begin < end <= 1, not {self.begin}..{self.end}",
        )
        for key in ("heads", "intermediate"):
            share = getattr(self, key)
            require(share is None or 0 < share <= 1, key, f"{share} is not a share of at most 1")
        one_of(self.pattern or "2:4", ("2:4",), "pattern")
        both = self.pattern is not None and (self.removes or self.sparsity != 0.5)
        require(not both, "pattern", "2:4 is half of the weights, and goes with no other kind of pruning")
        require(self.train.epochs >= 1, "train.epochs", "pruning needs at least one epoch to reach its sparsity")

    @property
    def removes(self) -> bool:
        """Whether heads or units are removed."""
        return self.heads is not None or self.intermediate is not None


@dataclass(frozen=True, slots=True)
class QatSpec:
    """Quantization-aware training; `preserve_sparsity` keeps pruned weights at zero."""

    train: TrainSpec
    preserve_sparsity: bool = True

    def __post_init__(self) -> None:
        require(self.train.epochs >= 1, "train.epochs", "quantization-aware training needs at least one epoch")
