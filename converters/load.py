"""Loads Keras models from files without running code that is stored in them."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from litesmith.calibration.native import quiet_native
from litesmith.converters.backend import tf_keras
from litesmith.converters.saved_model import KERAS_METADATA, require_saved_model
from litesmith.errors import ModelError

# Classes whose configuration carries Python bytecode, or names a function that loading would import.
_CODE_CLASSES = frozenset({"Lambda", "__lambda__", "function"})
# Keras imports whatever module a `.keras` file names (CVE-2025-1550), safe mode or not.
# Of Keras itself only classes are built; its functions could be called too, such as the one that downloads files.
_KERAS_MODULE = re.compile(r"(tf_)?keras(\.\w+)*|builtins")
_UNUSED = frozenset({"compile_config", "build_config"})  # models are loaded uncompiled
_SAVED_MODEL_CODE = re.compile(rb'"class_name": "(Lambda|__lambda__|function)"')


def load_keras_model(path: Path, *, allow_code: bool = False) -> Any:
    """Load a `.keras` or `.h5` file, or a SavedModel folder that Keras wrote, uncompiled.

    Raises:
        ModelError: the file is missing, damaged, of another kind, or carries code and `allow_code` is False.
    """
    if not path.exists():
        raise ModelError("no such file or folder; check the path", file=path)
    keras = tf_keras()
    if not allow_code:
        _refuse_code(path)
    try:
        with quiet_native():
            model = keras.models.load_model(path, compile=False, safe_mode=not allow_code)
    except Exception as error:  # the loaders raise whatever the damaged part led them to
        raise ModelError(
            f"Keras cannot load this model ({_first_line(error)}). A model with layers of your own loads from an entry "
            "point, package.module:function, that builds it; one of Keras 3 has to be built and saved with tf_keras",
            file=path,
        ) from error
    if not isinstance(model, keras.Model):
        raise ModelError(
            "it holds a graph but no Keras model to train (was it written by export?); save the model itself with "
            "tf_keras, or convert it as it is with litesmith convert",
            file=path,
        )
    return model


def _refuse_code(path: Path) -> None:
    for culprit in _stored_code(path):
        raise ModelError(
            f"it holds Python code ({culprit}), which would run on loading; "
            "replace it by ordinary layers, or pass --allow-code if you trust where the file came from",
            file=path,
        )


def _stored_code(path: Path) -> Iterator[str]:
    if path.is_dir():
        require_saved_model(path)
        metadata = path / KERAS_METADATA
        if metadata.is_file() and (found := _SAVED_MODEL_CODE.search(metadata.read_bytes())):
            yield f"a {found[1].decode()}"
        return
    yield from _code_in(_config(path))


def _config(path: Path) -> Any:
    """The architecture that the file stores as JSON, read without building it."""
    try:
        if path.suffix == ".keras":
            with zipfile.ZipFile(path) as archive:
                _refuse_keras_3(path, json.loads(archive.read("metadata.json")))
                return json.loads(archive.read("config.json"))
        import h5py

        with h5py.File(path, "r") as file:
            if "model_config" not in file.attrs:
                raise ModelError("it holds weights but no architecture; save the whole model", file=path)
            return json.loads(file.attrs["model_config"])
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"it cannot be read as a Keras model ({_first_line(error)}); "
            "expected a .keras or .h5 file or a SavedModel folder",
            file=path,
        ) from error


def _refuse_keras_3(path: Path, metadata: dict[str, Any]) -> None:
    version = str(metadata.get("keras_version", ""))
    if version.startswith("3"):
        raise ModelError(
            f"it was written by Keras {version}; TFMOT needs Keras 2: build and save the model with tf_keras",
            file=path,
        )


def _code_in(config: Any) -> Iterator[str]:
    if isinstance(config, dict):
        kind, module, inner = (config.get(key) for key in ("class_name", "module", "config"))
        if kind in _CODE_CLASSES:
            yield f"{kind} {inner['name']!r}" if isinstance(inner, dict) and "name" in inner else str(kind)
        if isinstance(module, str) and not (_KERAS_MODULE.fullmatch(module) and str(kind)[:1].isupper()):
            yield f"an import of {module}.{kind}"
        for key, value in config.items():
            if key not in _UNUSED:
                yield from _code_in(value)
    elif isinstance(config, list):
        for value in config:
            yield from _code_in(value)


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
