"""What can be known before a run: a mistake in its last stage should not cost the hours of the first."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path

from litesmith import prune, qat
from litesmith.calibration.entry_point import load_entry_point
from litesmith.converters.calibrated import check_matches
from litesmith.converters.engines import activations
from litesmith.converters.keras import convert
from litesmith.converters.post_training import operator_names
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.rewrites import rewrite
from litesmith.converters.text.architecture import TextModel
from litesmith.converters.text.checkpoint_hub import hub_origin
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError, RecipeError
from litesmith.files import sha256_file
from litesmith.recipe import QuantizeSpec, Recipe
from litesmith.recipe_paths import model_folder
from litesmith.student import Run
from litesmith.targets.devices.arm_setup import set_up
from litesmith.text.forward import check_trainable
from litesmith.training_specs import EMBEDDING, TEACHER


def preflight(run: Run) -> None:
    """Build teacher and student, and try on the untrained student what later stages will do to it.

    Raises:
        LitesmithError: a model cannot be built or does not fit the data, a stage would refuse it, or a processor to
            verify on cannot be emulated here.
    """
    recipe = run.recipe
    for architecture in sorted({cpu.architecture for cpu in recipe.verify.cpus}):
        set_up(architecture)
    height, width = run.splits.train.x.shape[1:3] if run.splits.train.x.ndim == 4 else (0, 0)
    if recipe.data.shift_pixels and recipe.data.shift_pixels >= min(height, width):
        raise RecipeError(f"would move everything out of {height} x {width} images", key="data.shift_pixels")
    teacher = None if recipe.teacher is None else run.build(recipe.teacher)
    run.seed("preflight")
    student = run.build(recipe.student)
    if teacher is not None and recipe.task == EMBEDDING:
        _check_widths(student.output_shape[-1], teacher.output_shape[-1])
    _check_patterns(recipe.quantize, convert(student, QuantizationSpec("float32")))
    if recipe.prune is not None:
        prune.prunable(student, recipe.prune)
    if recipe.quantize.qat is not None and recipe.student.is_text:
        _check_trainable(run.text_student())
    elif recipe.quantize.qat is not None:
        qat.quantization_aware(student, preserve_sparsity=False)


def _check_trainable(student: TextModel) -> None:
    try:
        check_trainable(student)
    except ConversionError as error:
        raise RecipeError(str(error), key="quantize.qat") from error


def _check_widths(student: int, teacher: int) -> None:
    if student != teacher:
        raise RecipeError(
            f"gives vectors of width {student}, the teacher those of width {teacher}, and one cannot be compared with "
            'the other; name "teacher", or an encoder of that hidden width',
            key="student.model",
        )


def _check_patterns(wanted: QuantizeSpec, model: TFLiteModel) -> None:
    """Names in the file are those of the layers, trained or not."""
    rewritten = rewrite(model).model
    tensors = [tensor.name for tensor in activations(rewritten)]
    named = (("precision", wanted.precision, operator_names(rewritten), "operator"),
             ("ranges", wanted.ranges, tensors, "tensor"))  # fmt: skip
    for key, patterns, names, what in named:
        try:
            check_matches(patterns, names, what)
        except ConversionError as error:
            raise RecipeError(str(error), key=f"quantize.{key}") from error


def source_digests(recipe: Recipe, base: Path) -> dict[str, str]:
    """Digests of the files behind teacher and student, so that a changed file is a changed run.

    For an entry point that is the module it stands in; modules which that one imports are not followed.
    """
    specs = {"teacher": recipe.teacher, "student": recipe.student}
    digests = {}
    for name, spec in specs.items():
        if spec is not None and spec.is_text:
            path = None if spec.model == TEACHER else model_folder(spec.model, base=base, key=f"{name}.model")
            # Others may add to the hub's cache; a commit says what its files are.
            digest = None if path is None else hub_origin(path) or _folder_digest(path)
        else:
            digest = None if spec is None else _digest(spec.model, base)
        if digest is not None:
            digests[name] = digest
    return digests


def _folder_digest(folder: Path) -> str:
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    lines = [f"{file.relative_to(folder)} {sha256_file(file)}" for file in files]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _digest(model: str, base: Path) -> str | None:
    path = base / model
    if path.is_file():
        return sha256_file(path)
    if path.is_dir():
        return _folder_digest(path)
    if ":" not in model:
        return None  # building the model says what is wrong with it
    load_entry_point(model, base=base)
    spec = importlib.util.find_spec(model.partition(":")[0])
    return sha256_file(Path(spec.origin)) if spec is not None and spec.origin and Path(spec.origin).is_file() else None
