"""A narrower table of tokens: the main directions of the teacher's, and a projection back to the layers' width."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from litesmith.converters.text.architecture import TextModel
from litesmith.errors import RecipeError

Matrix = npt.NDArray[np.float64]


def narrow_embeddings(model: TextModel, width: int) -> TextModel:
    """The same encoder with embeddings of `width`, projected to its hidden width.

    The norm after the embeddings does not see a row's mean, so rows are centred. Of what is left, `width - 1`
    directions are kept: the first of the singular value decomposition of all tokens, positions and types. They are
    laid into the space orthogonal to (1, ..., 1), where the norm's mean is zero and its variance is the length, so that
    norm, gamma and beta go into the projection: exactly where the rows have that rank.

    Args:
        model: an encoder without a projection.
        width: of the new table, at least 2 and less than the hidden width.

    Raises:
        RecipeError: it has a projection already, or `width` does not fit.
    """
    architecture = model.architecture
    hidden = architecture.hidden
    if architecture.projects or not 2 <= width < hidden:
        raise RecipeError(
            f"{width} cannot be made of embeddings of width {architecture.embedding} for layers of {hidden}; "
            f"give 2 to {hidden - 1}, and a model without a projection",
            key="student.embedding",
        )
    tables = {name: model.weights[name].astype(np.float64) for name in _tables(model)}
    centred = {name: table - table.mean(axis=1, keepdims=True) for name, table in tables.items()}
    _, _, directions = np.linalg.svd(np.concatenate(list(centred.values())), full_matrices=False)
    into = directions[: width - 1].T @ _without_mean(width)  # (hidden, width)
    gamma, beta = model.weights["embeddings.norm.gamma"], model.weights["embeddings.norm.beta"]
    # A norm over `hidden` values of the same length gives values larger by this.
    scale = np.sqrt(hidden / width)
    weights = {
        **model.weights,
        **{name: (table @ into).astype(np.float32) for name, table in centred.items()},
        "embeddings.norm.gamma": np.ones(width, np.float32),
        "embeddings.norm.beta": np.zeros(width, np.float32),
        "embeddings.projection.kernel": (into.T * gamma * scale).astype(np.float32),
        "embeddings.projection.bias": beta,
    }
    return replace(model, architecture=replace(architecture, embedding=width), weights=weights)


def _tables(model: TextModel) -> tuple[str, ...]:
    types = ("embeddings.type",) if model.architecture.token_types else ()
    return ("embeddings.word", "embeddings.position", *types)


def _without_mean(width: int) -> Matrix:
    """(width - 1, width): orthonormal rows, each of sum zero (Helmert)."""
    rows: Matrix = np.tril(np.ones((width - 1, width)))
    count = np.arange(1, width)
    rows[np.arange(width - 1), count] = -count
    rows /= np.sqrt(count * (count + 1.0))[:, None]
    return rows
