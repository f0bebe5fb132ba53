"""The recipe: everything a run depends on, as frozen values that are checked before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from litesmith.calibration.ranges import RANGE_METHODS
from litesmith.converters.calibrated import Treatment
from litesmith.converters.quantize import EFFORTS, QuantizationSpec
from litesmith.data_spec import DataSpec
from litesmith.errors import ConversionError, RecipeError
from litesmith.targets.devices.arm_cpus import CPUS, MACHINES, ArmCpu
from litesmith.targets.profile import TargetProfile
from litesmith.targets.requirement import Requirement
from litesmith.text.checks import check_embedding, check_text
from litesmith.training_specs import (
    CLASSIFICATION,
    EMBEDDING,
    DistillSpec,
    ModelSpec,
    PruneSpec,
    QatSpec,
    one_of,
    require,
)

TASKS = (CLASSIFICATION, EMBEDDING)
# Kinds of devices whose latency can be limited; an emulator has none.
TIMED_DEVICES = ("host", "adb", "ssh")


@dataclass(frozen=True, slots=True)
class QuantizeSpec:
    """The deployed file, and quantization-aware training before it where `qat` is given.

    `mode` to `precision` are those of `converters.quantize.QuantizationSpec`; `effort`, `method` and `ranges` (there
    `methods`) those of `converters.calibrated.Treatment`, for int8 without that training. `rescue` is whether remedies
    are tried where the validation split misses a budget on accuracy, and `allow_float` whether operators may stay in
    float then. `wide_rows` is for a text encoder's integers: so many first tokens have sums in int16, `length` for all;
    None finds out how many need it.
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
    wide_rows: int | None = None

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "io", self.conversion.io)
        except ConversionError as error:
            raise RecipeError(str(error), key="mode") from error
        one_of(self.effort, EFFORTS, "effort")
        require(self.wide_rows is None or self.wide_rows >= 0, "wide_rows", f"{self.wide_rows} is negative")
        one_of(self.method, tuple(RANGE_METHODS), "method")
        try:
            chosen = self.treatment != Treatment()
        except ConversionError as error:
            raise RecipeError(str(error), key="ranges") from error
        used = self.mode == "int8" and self.qat is None
        require(
            used or not chosen,
            "effort",
            "method and ranges are for int8 without quantization-aware training; remove them, or "
            + ("[quantize.qat]" if self.mode == "int8" else 'set mode = "int8"'),
        )
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
    """Profiles to check the file against; the run fails if one of `require` is unmet, `edge_tpu` or `edge_tpu=0.9`."""

    check: tuple[str, ...] = ()
    require: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in self.check:
            TargetProfile.load(name)
        required = {Requirement.parse(text).target for text in self.require}
        require(required <= set(self.check), "require", "every required target must be in check")


@dataclass(frozen=True, slots=True)
class BudgetSpec:
    """Limits for the deployed file; None is no limit. Accuracies are shares (0.005 is half a point).

    Where the task is an embedding, its accuracy is the mean cosine to the teacher's vectors. `max_latency_ms` limits
    the median for a kind of device: `host`, `adb` or `ssh`. A run measures on the host only.
    """

    min_accuracy: float | None = None
    max_accuracy_drop: float | None = None
    max_bytes: int | None = None
    max_gzip_bytes: int | None = None
    min_sparsity: float | None = None
    max_latency_ms: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for key in ("min_accuracy", "max_accuracy_drop", "min_sparsity"):
            share = getattr(self, key)
            require(share is None or 0 <= share <= 1, key, f"{share} is not a share between 0 and 1")
        for key in ("max_bytes", "max_gzip_bytes"):
            limit = getattr(self, key)
            require(limit is None or limit > 0, key, f"{limit} is not positive")
        for kind, limit_ms in self.max_latency_ms.items():
            one_of(kind, TIMED_DEVICES, "max_latency_ms")
            require(limit_ms > 0, f"max_latency_ms.{kind}", f"{limit_ms} is not positive")


@dataclass(frozen=True, slots=True)
class VerifySpec:
    """Emulated processors on which the file must compute what it does here, such as `cortex-a53`; see docs/arm.md."""

    arm: tuple[str, ...] = ()
    armhf: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for key in MACHINES:
            for name in getattr(self, key):
                one_of(name, tuple(cpu.name for cpu in CPUS if cpu.machine == key), key)

    @property
    def cpus(self) -> tuple[ArmCpu, ...]:
        """The processors."""
        return tuple(cpu for cpu in CPUS if cpu.name in getattr(self, cpu.machine))


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole run. Stages whose section is absent are left out."""

    name: str
    data: DataSpec
    student: ModelSpec
    task: str = CLASSIFICATION
    seed: int = 0
    teacher: ModelSpec | None = None
    distill: DistillSpec | None = None
    prune: PruneSpec | None = None
    quantize: QuantizeSpec = field(default_factory=QuantizeSpec)
    targets: TargetsSpec = field(default_factory=TargetsSpec)
    budget: BudgetSpec = field(default_factory=BudgetSpec)
    verify: VerifySpec = field(default_factory=VerifySpec)

    def __post_init__(self) -> None:
        one_of(self.task, TASKS, "task")
        require(bool(self.name.strip()), "name", "is empty")
        require(0 <= self.seed < 2**31, "seed", f"{self.seed} is not in 0 .. 2^31-1")
        require(self.distill is None or self.teacher is not None, "distill", "needs a [teacher] section")
        require(self.teacher is None or self.distill is not None, "teacher", "is of no use without [distill]")
        check_text(self)
        if self.task == EMBEDDING:
            check_embedding(self)

    @classmethod
    def from_toml(cls, path: Path) -> Recipe:
        """Read and check a recipe file.

        Raises:
            RecipeError: naming the file, the key, and what would be valid there.
        """
        from litesmith.recipe_toml import read_recipe

        return read_recipe(path)
