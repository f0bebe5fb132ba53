"""What a student learns from: samples, targets and loss, the same in every stage after the teacher."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith import distill
from litesmith.student import Run
from litesmith.text.embedding import distance
from litesmith.text.predict import cached_answers
from litesmith.training_specs import EMBEDDING


def training_signal(run: Run) -> tuple[npt.NDArray[np.float32], npt.NDArray[Any], Callable[[Any, Any], Any]]:
    """Samples (N, H, W, C), targets (N, ...) and loss: labels, or the teacher's answers where the recipe distils."""
    x, y = run.training_samples()
    if run.recipe.task == EMBEDDING:
        return x, y, distance
    spec = run.recipe.distill
    if spec is None:
        return x, y, distill.cross_entropy
    logits = _teacher_logits(run, x)
    return x, distill.pack_targets(y, logits, spec), distill.distillation_loss(spec)


def _teacher_logits(run: Run, x: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Of text, the teacher sees the training split under its own vocabulary."""
    if run.teacher_spec.is_text:
        return cached_answers(run.stored_text("teacher"), run.samples.teacher.train.x, run.workspace.cache)
    seen = x if run.recipe.data.text is None else run.samples.teacher.train.x
    return distill.teacher_logits(run.stored_teacher(), seen, run.workspace.cache)
