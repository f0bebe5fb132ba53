"""Hugging Face checkpoints -> text models."""

from __future__ import annotations

from pathlib import Path

from litesmith.calibration.text.contract_checks import LEAST_LENGTH
from litesmith.calibration.text.tokenizer_folder import contract_from_folder
from litesmith.converters.text.architecture import Head, TextModel, needs_pair_types
from litesmith.converters.text.checkpoint import open_checkpoint
from litesmith.converters.text.checkpoint_hub import hub_origin
from litesmith.converters.text.checkpoint_settings import read_settings
from litesmith.converters.text.checkpoint_source import checkpoint_folder, settings_folder
from litesmith.converters.text.checkpoint_weights import read_weights
from litesmith.converters.text.heads_import import choose_head

__all__ = ["checkpoint_folder", "load_text_model"]


def load_text_model(
    source: str | Path,
    *,
    length: int,
    head: Head | None = None,
    revision: str | None = None,
    tokenizer: Path | None = None,
    seed: int = 0,
) -> TextModel:
    """Read an encoder and its head from a checkpoint in safetensors.

    Args:
        source: a folder, or a name on the Hugging Face hub, with or without `@REVISION`; `hf:` may stand before either.
        length: tokens of every text, padding included.
        head: which head; the checkpoint's own if None. One that the checkpoint has not got is drawn anew, to be
            trained: its weights are listed in `TextModel.fresh`.
        revision: branch, tag or commit of a hub name.
        tokenizer: folder of the tokenizer; the checkpoint's if None.
        seed: of the weights drawn anew.

    Raises:
        DataError: the model tells texts of a pair apart, and its tokenizer cannot be read.
        ModelError: the checkpoint is incomplete, damaged, unsafe or of an unsupported architecture, does not hold
            exactly the weights of its architecture, or does not fit what was asked for.
    """
    settings = read_settings(settings_folder(source, revision), length=length, tokenizer=tokenizer)
    folder, family, architecture = checkpoint_folder(source, revision), settings.family, settings.architecture
    checkpoint = open_checkpoint(folder)
    chosen = choose_head(head, settings.config, family, checkpoint)
    weights, fresh = read_weights(checkpoint, family, architecture, chosen, settings.pad_id, seed)
    pair_types = None
    if needs_pair_types(architecture, chosen.head):
        pair_types = contract_from_folder(settings.tokenizer, LEAST_LENGTH).pair_types
    origin = hub_origin(folder) or str(source)
    return TextModel(architecture, chosen.head, length, settings.pad_id, weights, origin, fresh, pair_types)
