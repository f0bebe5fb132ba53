"""The student on its way: rebuilt for every stage from its architecture and the weights on disk."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith import qat
from litesmith.augment import shifted_views
from litesmith.converters.text.architecture import TextModel
from litesmith.converters.text.encoder import build_encoder
from litesmith.errors import RecipeError
from litesmith.events import OnEvent
from litesmith.files import write_bytes
from litesmith.models import build_model
from litesmith.recipe import Recipe
from litesmith.recipe_data import Samples
from litesmith.splits import Splits
from litesmith.text.models import checkpoint, first_student
from litesmith.text.storage import load_text_model_file, save_text_model
from litesmith.train import seed_everything
from litesmith.training_specs import TEACHER, ModelSpec
from litesmith.workspace import Workspace

WEIGHTS = "weights.npz"


@dataclass(frozen=True, slots=True)
class Student:
    """A Keras model and the stages it went through, in order."""

    model: Any
    steps: tuple[str, ...]

    @property
    def parameters(self) -> int:
        """Number of parameters of the model."""
        return int(self.model.count_params())


@dataclass(frozen=True, slots=True)
class Run:
    """What every stage may look at."""

    recipe: Recipe
    samples: Samples
    workspace: Workspace
    base: Path
    on_event: OnEvent
    allow_code: bool = False

    @property
    def splits(self) -> Splits:
        """The samples as the student sees them."""
        return self.samples.splits

    def splits_of(self, stage: str) -> Splits:
        """The samples as the model of a stage sees them."""
        return self.samples.teacher if stage == "teacher" else self.samples.splits

    @property
    def teacher_spec(self) -> ModelSpec:
        """The recipe's teacher.

        Raises:
            RecipeError: it has none.
        """
        if self.recipe.teacher is None:
            raise RecipeError("needs a [teacher] section", key="teacher")
        return self.recipe.teacher

    def seed(self, stage: str) -> None:
        """Seed a stage by the recipe's seed and its own name, so that it does not depend on what ran before."""
        seed_everything((self.recipe.seed + zlib.crc32(stage.encode())) % 2**31)

    def build(self, spec: ModelSpec) -> Any:
        """The architecture of a teacher or student, with its initial or stored weights, giving logits."""
        if spec.is_text:
            return build_encoder(self.text_teacher() if spec is self.recipe.teacher else self.text_student())
        train = self.splits.train
        return build_model(
            spec.model,
            base=self.base,
            input_shape=train.x.shape[1:],
            num_classes=len(train.class_names),
            allow_code=self.allow_code,
        )

    def text_teacher(self) -> TextModel:
        """The text teacher before its training."""
        train = self.samples.teacher.train
        return checkpoint(self.teacher_spec, train, base=self.base, key="teacher", seed=self.recipe.seed)

    def text_student(self, teacher: TextModel | None = None) -> TextModel:
        """The text student before its training. Where the recipe makes it of the teacher, None is the untrained one."""
        spec, whole, kept = self.recipe.student, self.samples.teacher.train, self.samples.splits.train
        if spec.model == TEACHER and teacher is None:
            teacher = self.text_teacher()
        return first_student(spec, teacher, whole, kept, base=self.base, seed=self.recipe.seed)

    def stored_text(self, stage: str) -> TextModel:
        """The text model that a stage left."""
        return load_text_model_file(self.workspace.stage(stage) / WEIGHTS)

    def training_samples(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """The training split with its shifted views: (N, H, W, C) and (N,)."""
        data, train = self.recipe.data, self.splits.train
        return shifted_views(train.x, train.y, views=data.views, pixels=data.shift_pixels, seed=self.recipe.seed)

    def store(self, stage: str, model: Any) -> Path:
        """Write a model's weights into the stage's folder; of a text model also what they are of."""
        path = self.workspace.stage(stage) / WEIGHTS
        if isinstance(model, TextModel):
            save_text_model(path, model)
            return path
        buffer = io.BytesIO()
        np.savez(buffer, **{f"{index:04d}": weight for index, weight in enumerate(model.get_weights())})
        write_bytes(path, buffer.getvalue())
        return path

    def stored_teacher(self) -> Any:
        """The teacher as its stage left it."""
        self.seed("teacher")
        if self.teacher_spec.is_text:
            return build_encoder(self.stored_text("teacher"))
        return self._with_weights(self.build(self.teacher_spec), "teacher")

    def student_after(self, stage: str) -> Student:
        """The student as `stage` (student, prune or qat) left it."""
        steps = tuple(self.steps())
        steps = steps[: steps.index(stage) + 1]
        if stage == qat.STAGE and not self.recipe.student.is_text:
            return Student(self._with_weights(self.quantization_aware(), stage), steps)
        self.seed(stage)
        if self.recipe.student.is_text:
            return Student(build_encoder(self.stored_text(stage)), steps)
        return Student(self._with_weights(self.build(self.recipe.student), stage), steps)

    def quantization_aware(self) -> Any:
        """The student before quantization-aware training, wrapped for it but not yet trained."""
        spec = self.recipe.quantize.qat
        if spec is None:
            raise RecipeError("needs a [quantize.qat] section", key="quantize.qat")
        before = self.student_after(self.steps_before_quantization()[-1])
        pruned = "prune" in before.steps
        return qat.quantization_aware(before.model, preserve_sparsity=spec.preserve_sparsity and pruned)

    def steps_before_quantization(self) -> list[str]:
        """The stages that leave a float student."""
        return ["student", *(["prune"] if self.recipe.prune is not None else [])]

    def steps(self) -> list[str]:
        """Every stage that changes the student's weights."""
        return [
            *self.steps_before_quantization(),
            *([qat.STAGE] if self.recipe.quantize.qat is not None else []),
        ]

    def _with_weights(self, model: Any, stage: str) -> Any:
        with np.load(self.workspace.stage(stage) / WEIGHTS, allow_pickle=False) as stored:
            model.set_weights([stored[name] for name in stored.files])
        return model
