"""The text models that a recipe names: the teacher with its head, and the student's first weights."""

from __future__ import annotations

from pathlib import Path

from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.tokenizer_folder import contract_from_folder
from litesmith.converters.huggingface import load_text_model
from litesmith.converters.text.architecture import Head, TextModel
from litesmith.dataset import Dataset
from litesmith.errors import DataError, RecipeError
from litesmith.recipe_paths import model_folder
from litesmith.text.student import shaped, with_tokens
from litesmith.training_specs import EMBEDDING, TEACHER, ModelSpec


def checkpoint(spec: ModelSpec, train: Dataset, *, base: Path, key: str, seed: int) -> TextModel:
    """The checkpoint of a recipe with its whole vocabulary.

    It has a sequence head for the classes of the data; where these have none, the checkpoint's own embedding head.

    Raises:
        ModelError: it cannot be read, or its head has other classes.
        RecipeError: the ids of the data are not in its vocabulary or mean other tokens, or it gives no embedding.
    """
    contract = _contract(train)
    folder = model_folder(spec.model, base=base, key=f"{key}.model")
    _check_tokenizer(spec, contract, folder)
    head = Head("sequence", train.class_names) if train.class_names else None
    model = load_text_model(folder, length=contract.length, head=head, seed=seed)
    if head is None and model.head.kind != EMBEDDING:
        raise RecipeError(
            f"{spec.model} has a head of kind {model.head.kind}, which gives no embedding; name an encoder without it, "
            "or set task = 'classification'",
            key=f"{key}.model",
        )
    tokens = len(contract.vocabulary)
    if tokens > model.architecture.vocabulary or contract.pad_id != model.pad_id:
        raise RecipeError(
            f"{spec.model} has {model.architecture.vocabulary} tokens, padding {model.pad_id}; the tokenizer gives "
            f"{tokens} and {contract.pad_id}. Give the tokenizer of this checkpoint",
            key=f"{key}.model",
        )
    return model


def first_student(
    spec: ModelSpec, teacher: TextModel | None, whole: Dataset, kept: Dataset, *, base: Path, seed: int
) -> TextModel:
    """The student before its training.

    Args:
        spec: of the recipe.
        teacher: as it is now, for a student that is made of it.
        whole: samples under the whole vocabulary.
        kept: the same under the student's.
        base: the recipe's folder.
        seed: of what is drawn.

    Raises:
        ModelError: the checkpoint cannot be read.
        RecipeError: it does not fit the data, or the sizes do not fit it.
    """
    if spec.model == TEACHER and teacher is not None:
        model = teacher
    else:
        model = checkpoint(spec, whole, base=base, key="student", seed=seed)
    contract = _contract(kept)
    if contract.kept_ids is not None:
        model = with_tokens(model, contract.kept_ids, contract.pad_id)
    return shaped(model, spec, seed)


def _check_tokenizer(spec: ModelSpec, contract: TextContract, folder: Path) -> None:
    """Ids mean what they meant in the checkpoint's own training, as far as its folder says what that was."""
    try:
        own = contract_from_folder(folder, contract.length).vocabulary
    except DataError:
        return  # no contract can say what it does, so that another folder has to be named
    if own != contract.vocabulary:
        raise RecipeError(
            f"has {len(contract.vocabulary):,} tokens that are not the {len(own):,} of the tokenizer in {spec.model}: "
            f"its ids mean other tokens there; name {spec.model}",
            key="data.text.tokenizer",
        )


def _contract(data: Dataset) -> TextContract:
    if not isinstance(data.preprocess, TextContract):
        raise RecipeError("is a text encoder, but the data are no sentences; add [data.text]", key="data.text")
    return data.preprocess
