"""How many ids the tokenizer of a checkpoint can give."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from litesmith.converters.text.configs_settings import read_object
from litesmith.errors import ModelError

TOKENIZER, WORDS, PIECES, ADDED = "tokenizer.json", "vocab.txt", "vocab.json", "added_tokens.json"


def tokenizer_size(folder: Path) -> int:
    """The largest id of the tokenizer, plus one.

    Raises:
        ModelError: there is no tokenizer, or its file is damaged.
    """
    if (path := folder / TOKENIZER).is_file():
        return _from_tokenizer(path)
    if (path := folder / WORDS).is_file():
        with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
            return sum(1 for _ in file)
    if (path := folder / PIECES).is_file():
        added = read_object(folder / ADDED) if (folder / ADDED).is_file() else {}
        return _largest([*read_object(path).values(), *added.values()], path) + 1
    raise ModelError(
        f"it has no tokenizer ({TOKENIZER}, {WORDS}, or {PIECES} with merges.txt); give the whole folder", file=folder
    )


def _from_tokenizer(path: Path) -> int:
    content = read_object(path)
    model, added = content.get("model"), content.get("added_tokens") or []
    vocabulary = model.get("vocab") if isinstance(model, dict) else None
    if not isinstance(vocabulary, dict) or not isinstance(added, list):
        raise ModelError(
            "it has no vocabulary of words or pieces; supported are WordPiece and byte-level BPE", file=path
        )
    extra = [token.get("id") if isinstance(token, dict) else None for token in added]
    return _largest([*vocabulary.values(), *extra], path) + 1


def _largest(ids: list[Any], path: Path) -> int:
    if not ids or not all(isinstance(number, int) and number >= 0 for number in ids):
        raise ModelError("its ids are not whole numbers from 0; download it again", file=path)
    return int(max(ids))
