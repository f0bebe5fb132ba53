"""A checkpoint of the Hugging Face hub, in the cache that transformers uses too: settings first, then weights."""

from __future__ import annotations

import importlib
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

from litesmith.converters.text.checkpoint import INDEX, SINGLE, no_weights, shard_names
from litesmith.converters.text.checkpoint_hub_errors import hub_error
from litesmith.converters.text.configs import read_architecture
from litesmith.converters.text.configs_settings import Config
from litesmith.errors import ModelError

# What is read, and no more: a repository holds the same weights in other forms too, and pickles and code.
_SETTINGS = [
    *("config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.txt", "vocab.json", "merges.txt", "modules.json", "*_Pooling/config.json", INDEX),
]
_PROPOSED = "name one that has safetensors: the hub's converter may have proposed them as NAME@refs/pr/NUMBER"
_COMMIT = re.compile(r"[0-9a-f]{40}")


@lru_cache(maxsize=16)
def settings_from_hub(name: str, revision: str | None) -> Path:
    """The folder of a checkpoint in the cache, where its weights may be missing; the rest is downloaded.

    Args:
        name: of the repository.
        revision: branch, tag or commit; the hub's main branch if None.

    Raises:
        ModelError: huggingface_hub is missing, the hub cannot give it, or it is no encoder that can be imported.
    """
    folder = _download(name, revision, _SETTINGS)
    read_architecture(Config(folder / "config.json"))
    return folder


@lru_cache(maxsize=16)
def from_hub(name: str, revision: str | None) -> Path:
    """The folder of a checkpoint in the cache; what is not there is downloaded. Within a process a branch stays put.

    Args:
        name: of the repository.
        revision: branch, tag or commit; the hub's main branch if None.

    Raises:
        ModelError: huggingface_hub is missing, the hub cannot give it, or it is no checkpoint that can be read.
    """
    # An encoder that cannot be imported is refused before gigabytes come down.
    folder = settings_from_hub(name, revision)
    commit = folder.name if _COMMIT.fullmatch(folder.name) else revision
    _download(name, revision, shard_names(folder / INDEX) if (folder / INDEX).is_file() else [SINGLE], commit)
    if not any(folder.glob("*.safetensors")):
        raise no_weights(_listed(name, revision, commit), name, otherwise=_PROPOSED)
    return folder


def hub_origin(folder: Path) -> str | None:
    """`NAME@COMMIT` of a folder in the hub's cache; None for any other folder."""
    place = folder.absolute()
    repository = place.parent.parent.name
    if place.parent.name != "snapshots" or not repository.startswith("models--"):
        return None
    return f"{repository.removeprefix('models--').replace('--', '/')}@{place.name}"


def _download(name: str, revision: str | None, patterns: list[str], commit: str | None = None) -> Path:
    """Fetch at the commit, where it is known; errors name the revision that was asked for."""
    hub = _library(name)
    try:
        return Path(hub.snapshot_download(name, revision=commit or revision, allow_patterns=patterns))
    except Exception as error:  # the hub's client raises its own errors, its HTTP library's and the system's
        raise hub_error(error, name, revision) from error


def _listed(name: str, revision: str | None, commit: str | None) -> list[str]:
    """Names of all files of a repository."""
    hub = _library(name)
    try:
        return [str(file) for file in hub.list_repo_files(name, revision=commit or revision)]
    except Exception as error:
        raise hub_error(error, name, revision) from error


def _library(name: str) -> Any:
    try:
        return importlib.import_module("huggingface_hub")
    except ImportError as error:
        raise ModelError(
            "no such folder; a name on the hub needs huggingface_hub: pip install 'litesmith[huggingface]'", file=name
        ) from error
