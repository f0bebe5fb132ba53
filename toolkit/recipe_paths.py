"""Paths of a recipe: relative to it, with variables of the environment, and folders inside installed packages."""

from __future__ import annotations

import importlib.util
import os
import re
from pathlib import Path

from litesmith.converters.text.checkpoint_source import UNNAMED, checkpoint_folder
from litesmith.errors import ModelError, RecipeError
from litesmith.training_specs import HUGGING_FACE

PACKAGE = "package:"
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def expanded(text: str, key: str) -> str:
    """`text` with each `${NAME}` replaced by that variable of the environment.

    Raises:
        RecipeError: a variable is not set.
    """

    def value(found: re.Match[str]) -> str:
        given = os.environ.get(found[1])
        if not given:
            raise RecipeError(f"{text!r} needs the environment variable {found[1]}, which is not set; set it", key=key)
        return given

    return _VARIABLE.sub(value, text)


def model_source(reference: str, *, base: Path, key: str) -> str:
    """What `hf:...` of a recipe names, as `converters.huggingface.load_text_model` takes it.

    `hf:package:NAME/FOLDER` is a folder inside an installed package, `hf:FOLDER` one relative to the recipe, and
    where that does not exist, a name on the hub, with or without `@REVISION`.

    Args:
        reference: with or without the leading `hf:`.
        base: the recipe's folder.
        key: of the recipe, for messages.

    Raises:
        RecipeError: nothing is named, a variable is not set, or the package is not installed or has no such folder.
    """
    name = expanded(reference.removeprefix(HUGGING_FACE), key)
    if not name:
        raise RecipeError(UNNAMED, key=key)
    if name.startswith(PACKAGE):
        return f"{HUGGING_FACE}{_in_package(name.removeprefix(PACKAGE), key)}"
    folder = base / name
    return f"{HUGGING_FACE}{folder}" if folder.is_dir() else f"{HUGGING_FACE}{name}"


def model_folder(reference: str, *, base: Path, key: str) -> Path:
    """The folder that `hf:...` names; for a name on the hub the one in its cache, downloaded first if need be.

    Raises:
        RecipeError: there is no such folder or name, or a variable or a package is missing.
    """
    try:
        return checkpoint_folder(model_source(reference, base=base, key=key))
    except ModelError as error:
        raise RecipeError(str(error), key=key) from error


def _in_package(name: str, key: str) -> Path:
    package, _, inside = name.partition("/")
    try:
        found = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        found = None
    if found is None or not found.submodule_search_locations:
        raise RecipeError(f"the package {package!r} is not installed; run: pip install --no-deps {package}", key=key)
    folder = Path(next(iter(found.submodule_search_locations))) / inside
    if not folder.is_dir():
        raise RecipeError(f"the package {package!r} has no folder {inside!r}; check the name", key=key)
    return folder
