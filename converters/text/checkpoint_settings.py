"""What a checkpoint says before its weights are read: its configuration, and that its tokenizer and a length fit it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from litesmith.converters.text.architecture import Architecture, Kind
from litesmith.converters.text.checkpoint_tokenizer import tokenizer_size
from litesmith.converters.text.configs import Family, family_of, read_architecture
from litesmith.converters.text.configs_settings import Config
from litesmith.errors import ModelError


@dataclass(frozen=True, slots=True)
class CheckpointSettings:
    """A checkpoint without its weights, checked.

    Attributes:
        config: its config.json.
        family: of the encoder.
        architecture: of the encoder.
        tokenizer: the folder of its tokenizer.
    """

    config: Config
    family: Family
    architecture: Architecture
    tokenizer: Path

    @property
    def pad_id(self) -> int:
        """Id of the padding."""
        return self.config.number("pad_token_id", self.family.pad_id)

    @property
    def kind(self) -> Kind:
        """Of the checkpoint's own head."""
        return self.config.kind() or "embedding"


def read_settings(folder: Path, *, length: int, tokenizer: Path | None = None) -> CheckpointSettings:
    """Read and check all that needs no weights, which may not be there yet.

    Args:
        folder: of the checkpoint.
        length: tokens of every text, padding included.
        tokenizer: folder of the tokenizer; the checkpoint's if None.

    Raises:
        ModelError: the configuration is of no supported architecture, the length does not fit it, or the tokenizer is
            missing, damaged, or gives ids that the table of tokens has no rows for.
    """
    if tokenizer is not None and not tokenizer.is_dir():
        found = "it is a file" if tokenizer.is_file() else "no such folder"
        raise ModelError(f"{found}; --tokenizer takes a folder", file=tokenizer)
    config = Config(folder / "config.json")
    settings = CheckpointSettings(config, family_of(config), read_architecture(config), tokenizer or folder)
    settings.architecture.check_length(length)
    if (tokens := tokenizer_size(settings.tokenizer)) > settings.architecture.vocabulary:
        raise ModelError(
            f"the tokenizer gives ids up to {tokens - 1}, but the table of tokens has "
            f"{settings.architecture.vocabulary} rows; give the tokenizer and the weights of one checkpoint",
            file=folder,
        )
    return settings
