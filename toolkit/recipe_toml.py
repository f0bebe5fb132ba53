"""Recipes to and from TOML: the dataclasses of `litesmith.recipe` are the schema."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import importlib.metadata
import platform
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from litesmith import __version__
from litesmith.errors import LitesmithError, RecipeError
from litesmith.files import json_text
from litesmith.recipe import Recipe

# A recipe.lock.toml is a recipe too.
_LOCK_KEYS = {"recipe", "digests", "versions"}
# What a run's numbers can depend on.
_PINNED = (
    "numpy",
    "tensorflow",
    "tf_keras",
    "tensorflow-model-optimization",
    "ai-edge-litert",
    "scikit-learn",
)


def read_recipe(path: Path) -> Recipe:
    """Parse and validate one recipe file.

    Raises:
        RecipeError: the file is missing or not TOML, or a key is unknown, missing or has a wrong value.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise RecipeError(f"cannot be read ({error.strerror}); check the path", file=path) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RecipeError(f"is not valid TOML: {error}", file=path) from error
    if table.keys() == _LOCK_KEYS:
        table = table["recipe"]
    recipe: Recipe = _build(Recipe, table, path, "")
    return recipe


def resolved(recipe: Recipe) -> dict[str, Any]:
    """The recipe with every default filled in, as TOML tables; sections and keys that are None are left out."""
    table: dict[str, Any] = _without_none(dataclasses.asdict(recipe))
    return table


def recipe_digest(recipe: Recipe) -> str:
    """sha256 of the resolved recipe: two recipes that mean the same have the same digest."""
    return hashlib.sha256(json_text(resolved(recipe)).encode()).hexdigest()


def lock(recipe: Recipe, *, data_digest: str, files: dict[str, str]) -> dict[str, Any]:
    """The content of recipe.lock.toml: the resolved recipe, digests of data and model files, versions."""
    versions = {"python": platform.python_version(), "litesmith": __version__}
    for name in _PINNED:
        versions[name] = importlib.metadata.version(name)
    digests = {"recipe": recipe_digest(recipe), "data": data_digest, **files}
    return {"recipe": resolved(recipe), "digests": digests, "versions": versions}


def toml_text(table: dict[str, Any]) -> str:
    """A table as TOML."""
    import tomli_w

    return tomli_w.dumps(table)


def _build(cls: type[Any], table: dict[str, Any], path: Path, prefix: str) -> Any:
    fields = {field.name: field for field in dataclasses.fields(cls)}
    hints = typing.get_type_hints(cls)
    for key in table:
        if key not in fields:
            raise _unknown_key(path, prefix + key, key, list(fields))
    values = {}
    for name, field in fields.items():
        if name in table:
            values[name] = _value(hints[name], table[name], path, prefix + name)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            where = f"[{prefix.rstrip('.')}]" if prefix else "every recipe"
            raise RecipeError(f"is missing; {where} needs it", file=path, key=prefix + name)
    try:
        return cls(**values)
    except RecipeError as error:
        where = f"{prefix}{error.key}" if error.key else prefix.rstrip(".")
        raise RecipeError(str(error).removeprefix(f"{error.key}: "), file=path, key=where) from error
    except LitesmithError as error:
        raise RecipeError(str(error), file=path, key=prefix.rstrip(".")) from error


def _unknown_key(path: Path, where: str, key: str, known: list[str]) -> RecipeError:
    nearest = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]!r}?" if nearest else f"known keys: {', '.join(known)}"
    return RecipeError(f"unknown key; {hint}", file=path, key=where)


def _value(hint: Any, value: Any, path: Path, where: str) -> Any:
    options = [option for option in _union(hint) if option is not type(None)]
    lists = [option for option in options if typing.get_origin(option) is tuple]
    kind = lists[0] if lists and isinstance(value, list) else options[0]
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, dict):
            raise RecipeError(f"must be a section [{where}]", file=path, key=where)
        return _build(kind, value, path, f"{where}.")
    if typing.get_origin(kind) is tuple:
        item = typing.get_args(kind)[0]
        if not isinstance(value, list):
            raise RecipeError("must be a list", file=path, key=where)
        return tuple(_scalar(item, entry, path, where) for entry in value)
    if typing.get_origin(kind) is Mapping:
        if not isinstance(value, dict):
            raise RecipeError(f"must be a section [{where}]", file=path, key=where)
        item = typing.get_args(kind)[1]
        return {key: _scalar(item, entry, path, f"{where}.{key}") for key, entry in value.items()}
    return _scalar(kind, value, path, where)


def _union(hint: Any) -> tuple[Any, ...]:
    return typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)


def _scalar(kind: type, value: Any, path: Path, where: str) -> Any:
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        names = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false"}
        raise RecipeError(f"must be {names[kind.__name__]}, not {value!r}", file=path, key=where)
    return value


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return list(value) if isinstance(value, tuple) else value
