"""Where a checkpoint is: a folder, or a name on the Hugging Face hub, kept in the cache that transformers uses too."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import Any

from litesmith.errors import ModelError

SCHEME = "hf:"
UNNAMED = f"{SCHEME} names no checkpoint; put its folder, or its name on the hub, behind it"
_HUB_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")
# Settings, tokenizers and safetensors: no pickles and no code.
_WANTED = ["*.json", "*.safetensors", "vocab.txt", "merges.txt"]


def checkpoint_folder(source: str | Path, revision: str | None = None) -> Path:
    """The folder that holds the checkpoint; downloaded first where it is a hub name that is not in the cache.

    Args:
        source: a folder, or a hub name such as google/mobilebert-uncased; `hf:` may stand before either.
        revision: branch, tag or commit of a hub name.

    Raises:
        ModelError: the name is empty, there is no such folder, or the hub cannot give it.
    """
    name = str(source).removeprefix(SCHEME)
    if not name:
        raise ModelError(UNNAMED)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if folder.is_file():
        raise ModelError("it is a file; give the checkpoint's folder", file=folder)
    if not _HUB_NAME.fullmatch(name) or name.startswith("."):
        raise ModelError("no such folder; check the path", file=name)
    return _from_hub(name, revision)


def _from_hub(name: str, revision: str | None) -> Path:
    try:
        hub: Any = importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise ModelError(
            "no such folder; a name on the hub needs huggingface_hub: pip install 'litesmith[huggingface]'", file=name
        ) from error
    try:
        return Path(hub.snapshot_download(name, revision=revision, allow_patterns=_WANTED))
    except Exception as error:  # the hub's client raises its own errors, its HTTP library's and the system's
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise ModelError(
            f"no such folder, and the Hugging Face hub gave no checkpoint of that name ({reason}); check the name and "
            "the connection, or download it elsewhere and give its folder",
            file=name,
        ) from error
