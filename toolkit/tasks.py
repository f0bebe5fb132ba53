"""What a model is for: told by the shape of its output and by whether it has labels."""

from __future__ import annotations

from collections.abc import Sequence

from litesmith.training_specs import CLASSIFICATION, EMBEDDING

TOKEN_CLASSIFICATION, QUESTION_ANSWERING = "token_classification", "question_answering"
# What the output holds; `outputs[0].holds` of a bundle's manifest.
HOLDS = {
    CLASSIFICATION: "logits",
    EMBEDDING: EMBEDDING,
    TOKEN_CLASSIFICATION: "token_logits",
    QUESTION_ANSWERING: "answer_logits",
}
# Axes of an output that has an answer for each token: batch, tokens, logits.
AXES_OF_TOKENS = 3


def task_of(output: Sequence[int], labels: Sequence[str]) -> str:
    """The task of a model.

    Args:
        output: shape of its output, (1, C), (1, H), (1, L, C) or (1, L, 2).
        labels: of its classes; none where it has no classes.
    """
    if len(output) == AXES_OF_TOKENS:
        return TOKEN_CLASSIFICATION if labels else QUESTION_ANSWERING
    return CLASSIFICATION if labels else EMBEDDING


def output_shape(task: str, output: Sequence[int], labels: Sequence[str], length: int) -> tuple[int, ...]:
    """The shape that the output of a model must have.

    Args:
        task: see `task_of`.
        output: the shape that it has; the width of an embedding is what it is.
        labels: of its classes.
        length: tokens of a row, for a model of texts.
    """
    if task == TOKEN_CLASSIFICATION:
        return 1, length, len(labels)
    if task == QUESTION_ANSWERING:
        return 1, length, 2
    return 1, len(labels) if labels else output[-1] if output else 0
