"""What of a recipe goes together where text is concerned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from litesmith.converters.calibrated import Treatment
from litesmith.converters.quantize import QuantizationSpec
from litesmith.errors import RecipeError
from litesmith.training_specs import TEACHER, DistillSpec, require

if TYPE_CHECKING:
    from litesmith.recipe import Recipe


def check_text(recipe: Recipe) -> None:
    """Refuse a recipe whose keys for text do not go together.

    Raises:
        RecipeError: naming the key.
    """
    teacher, student, distill, prune = recipe.teacher, recipe.student, recipe.distill, recipe.prune
    for key, spec in (("teacher", teacher), ("student", student)):
        is_text = spec is not None and spec.is_text
        require(not is_text or recipe.data.text is not None, f"{key}.model", "is a text encoder; add [data.text]")
    between = teacher is not None and teacher.is_text and student.is_text
    if teacher is not None:
        require(teacher.model != TEACHER, "teacher.model", "is the teacher itself; name hf:FOLDER")
        require(not teacher.reshaped, f"teacher.{(*teacher.reshaped, '')[0]}", "is for the student; remove it")
    require(student.model != TEACHER or between, "student.model", "is the teacher, so that must be hf:FOLDER")
    for key in ("hidden", "relations", "cache_bytes"):
        given = distill is not None and getattr(distill, key) is not None
        require(not given or between, f"distill.{key}", "is for text encoders, hf:FOLDER; remove it")
    require(prune is None or not prune.removes or student.is_text, "prune.heads", "and intermediate are for hf:FOLDER")
    if prune is not None and not prune.removes:
        keys = prune.train.for_text
        require(not keys, f"prune.train.{(*keys, '')[0]}", "is for pruning that removes heads or units; remove it")
    if recipe.quantize.qat is not None and not student.is_text:
        keys = recipe.quantize.qat.train.for_text
        require(not keys, f"quantize.qat.train.{(*keys, '')[0]}", "is for text encoders, hf:FOLDER; remove it")
    _check_integers(recipe)
    text = recipe.data.text
    if text is not None and text.unlabelled is not None:
        require(between and distill is not None, "data.text.unlabelled", "needs a teacher and student of hf:FOLDER")


def _check_integers(recipe: Recipe) -> None:
    """What rewrites for integers do not know must not look as if it were followed."""
    wanted, rewritten = recipe.quantize, recipe.student.is_text and recipe.quantize.mode == "int8"
    require(wanted.wide_rows is None or rewritten, "quantize.wide_rows", "is for int8 of hf:FOLDER; remove it")
    plain = wanted.conversion == QuantizationSpec("int8") and wanted.treatment == Treatment()
    require(
        plain or not rewritten,
        "quantize",
        "of hf:FOLDER in int8 knows wide_rows and qat; remove io, weight_bits, per_channel, symmetric, precision, "
        "effort, method and ranges",
    )
    text = recipe.data.text
    if wanted.wide_rows is not None and text is not None:
        holds = wanted.wide_rows <= text.length
        require(holds, "quantize.wide_rows", f"{wanted.wide_rows} is more than the {text.length} tokens of a text")


def check_embedding(recipe: Recipe) -> None:
    """Refuse a recipe for embeddings that has no teacher of them, or keys that are for classes.

    Raises:
        RecipeError: naming the key.
    """
    teacher, student, distill, text = recipe.teacher, recipe.student, recipe.distill, recipe.data.text
    if teacher is None or distill is None:
        raise RecipeError(
            "is needed for task = 'embedding': the student learns its embeddings; name hf:FOLDER, and add [distill]",
            key="teacher",
        )
    for key, spec in (("teacher", teacher), ("student", student)):
        require(spec.is_text, f"{key}.model", "must be a text encoder for task = 'embedding'; name hf:FOLDER")
    require(not teacher.train.epochs, "teacher.train.epochs", "must be 0: without labels it is taken as it is")
    require(
        student.hidden is None,
        "student.hidden",
        "vectors of another width cannot be compared with the teacher's; remove it",
    )
    for key in ("temperature", "alpha", "labels"):
        default = DistillSpec.__dataclass_fields__[key].default
        require(getattr(distill, key) == default, f"distill.{key}", "is for classes, not for embeddings; remove it")
    assert text is not None  # as teacher and student are text encoders
    for key in ("label", "classes"):
        default = type(text).__dataclass_fields__[key].default
        require(getattr(text, key) == default, f"data.text.{key}", "is for classes, not for embeddings; remove it")
