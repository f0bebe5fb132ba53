"""The weights of a checkpoint: safetensors files, read as data, their names and shapes before their values."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from litesmith.converters.text.architecture import Array
from litesmith.converters.text.configs_settings import read_object
from litesmith.errors import ModelError

SINGLE, INDEX = "model.safetensors", "model.safetensors.index.json"
_PLAIN_NAME = re.compile(r"[\w][\w.-]*\.safetensors")
_PICKLES = (".bin", ".pt", ".pth")
_FLOATS = frozenset({"F16", "BF16", "F32", "F64"})
# Checkpoints converted from TensorFlow call the scale and shift of a LayerNorm so.
_OLD_LEAVES = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}


@dataclass(frozen=True, slots=True)
class Stored:
    """One tensor of a file, not yet read."""

    file: Path
    name: str
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The tensors of a folder by name."""

    folder: Path
    tensors: Mapping[str, Stored]

    def read(self, names: Iterable[str]) -> dict[str, Array]:
        """Those tensors as float32, whatever float they are stored in.

        Raises:
            ModelError: one holds no floats.
        """
        by_file: dict[Path, list[str]] = {}
        for name in names:
            by_file.setdefault(self.tensors[name].file, []).append(name)
        arrays: dict[str, Array] = {}
        for file, group in by_file.items():
            with _opened(file) as content:
                arrays |= {name: self._read(content, name) for name in group}
        return arrays

    def _read(self, content: Any, name: str) -> Array:
        stored = self.tensors[name]
        if stored.dtype not in _FLOATS:
            raise ModelError(
                f"{stored.name} is stored as {stored.dtype}, not as floats; give the checkpoint before quantization",
                file=stored.file,
            )
        values: Array = np.asarray(content.get_tensor(stored.name)).astype(np.float32)
        return values


def open_checkpoint(folder: Path) -> Checkpoint:
    """List the tensors of a folder with one safetensors file, or several and their index.

    Raises:
        ModelError: there is none, it is a pickle, damaged, or the index does not match its files.
    """
    if (folder / SINGLE).is_file():
        return Checkpoint(folder, _renamed(_listed(folder / SINGLE)))
    if (folder / INDEX).is_file():
        return Checkpoint(folder, _renamed(_sharded(folder / INDEX)))
    raise no_weights(
        (path.name for path in folder.iterdir()), folder, otherwise="give the whole folder of the checkpoint"
    )


def no_weights(files: Iterable[str], where: Path | str, *, otherwise: str) -> ModelError:
    """The error of a checkpoint without safetensors: what its weights are instead, and what to do.

    Args:
        files: names of all that the checkpoint has.
        where: its folder, or its name on the hub.
        otherwise: what to do but convert a pickle.
    """
    if pickles := sorted(file for file in files if file.endswith(_PICKLES)):
        return ModelError(
            f"its weights are a pickle ({pickles[0]}), which can run any code when it is read. Convert it where you "
            "trust it, with torch: AutoModel.from_pretrained(FOLDER).save_pretrained(FOLDER, safe_serialization=True), "
            "with the class of its head in AutoModel's place (AutoModelForSequenceClassification, ...); "
            f"or {otherwise}",
            file=where,
        )
    return ModelError(f"it holds no {SINGLE}; {otherwise}", file=where)


def shard_names(index: Path) -> list[str]:
    """The safetensors files beside an index that it names.

    Raises:
        ModelError: the index is damaged, or names other files.
    """
    places = read_object(index).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise ModelError("it has no weight_map; download it again", file=index)
    files = sorted({str(file) for file in places.values()})
    for file in files:
        if not _PLAIN_NAME.fullmatch(file):
            raise ModelError(f"it names {file!r}, which is no safetensors file beside it", file=index)
    return files


def _sharded(index: Path) -> dict[str, Stored]:
    listed: dict[str, Stored] = {}
    files, places = shard_names(index), read_object(index)["weight_map"]
    for file in files:
        found = _listed(index.parent / file)
        if named := {name for name, place in places.items() if place == file} ^ found.keys():
            raise ModelError(f"{file} and the index do not agree about {sorted(named)[0]}; download both", file=index)
        listed |= found
    return listed


def _listed(file: Path) -> dict[str, Stored]:
    with _opened(file) as content:
        slices = {name: content.get_slice(name) for name in content.keys()}  # noqa: SIM118 -- no mapping
        return {name: Stored(file, name, tuple(s.get_shape()), s.get_dtype()) for name, s in slices.items()}


def _renamed(tensors: dict[str, Stored]) -> dict[str, Stored]:
    renamed = {}
    for name, stored in tensors.items():
        for old, new in _OLD_LEAVES.items():
            if name.endswith(old):
                name = name.removesuffix(old) + new
        renamed[name] = stored
    return renamed


def _opened(file: Path) -> Any:
    """The file as safetensors opens it; the library itself holds header, offsets and length against each other."""
    try:
        library: Any = importlib.import_module("safetensors")
    except ImportError as error:
        raise ModelError(
            "reading a checkpoint needs safetensors; run: pip install 'litesmith[huggingface]'", file=file
        ) from error
    try:
        return library.safe_open(str(file), framework="numpy")
    except FileNotFoundError as error:
        raise ModelError("no such file; download the whole checkpoint", file=file) from error
    except (OSError, library.SafetensorError) as error:
        raise ModelError(f"it cannot be read as safetensors ({error}); download it again", file=file) from error
