"""Model files are data: what they hold is not run unless the user says so."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from litesmith.converters.backend import tf_keras
from litesmith.converters.load import load_keras_model
from litesmith.errors import ModelError


def small_model(code=False, nested=False):
    keras = tf_keras()
    inputs = keras.Input((2,), name="x")
    x = keras.layers.Dense(3, activation="relu")(inputs)
    if code:
        x = keras.layers.Lambda(lambda value: value * 2, name="doubles")(x)
    model = keras.Model(inputs, x)
    if nested:
        outer = keras.Input((2,))
        model = keras.Model(outer, model(outer))
    return model


def saved(model, tmp_path: Path, kind: str) -> Path:
    path = tmp_path / {"keras": "m.keras", "h5": "m.h5", "savedmodel": "m"}[kind]
    with pytest.warns() if kind == "h5" else _nothing():
        model.save(path, **({"save_format": "tf"} if kind == "savedmodel" else {}))
    return path


class _nothing:  # noqa: N801
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False


@pytest.mark.parametrize("kind", ["keras", "h5", "savedmodel"])
def test_a_plain_model_gives_the_same_outputs(tmp_path, kind):
    model = small_model()
    x = np.ones((1, 2), np.float32)
    loaded = load_keras_model(saved(model, tmp_path, kind))
    assert np.allclose(loaded(x), model(x))


@pytest.mark.parametrize("kind", ["keras", "h5", "savedmodel"])
@pytest.mark.parametrize("nested", [False, True])
def test_a_lambda_layer_is_refused(tmp_path, kind, nested):
    path = saved(small_model(code=True, nested=nested), tmp_path, kind)
    with pytest.raises(ModelError, match=r"Lambda.*--allow-code"):
        load_keras_model(path)


def test_a_lambda_layer_runs_when_the_user_allows_it(tmp_path):
    model = small_model(code=True)
    x = np.ones((1, 2), np.float32)
    assert np.allclose(load_keras_model(saved(model, tmp_path, "keras"), allow_code=True)(x), model(x))


@pytest.mark.parametrize(
    "layer",
    [
        {"module": "os", "class_name": "system", "config": {"command": "touch pwned"}},
        {"module": "keras.utils", "class_name": "get_file", "config": {}},
        {"module": "builtins", "class_name": "function", "config": "exec"},
    ],
)
def test_a_file_cannot_name_a_module_to_import(tmp_path, layer):
    good = saved(small_model(), tmp_path, "keras")
    bad = tmp_path / "bad.keras"
    with zipfile.ZipFile(good) as source, zipfile.ZipFile(bad, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                config = json.loads(content)
                config["config"]["layers"][1].update(layer)
                content = json.dumps(config).encode()
            target.writestr(name, content)
    with pytest.raises(ModelError, match="Python code"):
        load_keras_model(bad)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("m.h5", b""),
        ("m.h5", b"\x89HDF\r\n\x1a\n" + b"\0" * 100),
        ("m.keras", b"PK\x03\x04"),
        ("m.keras", b""),
        ("m.txt", b"hello"),
    ],
)
def test_a_corrupt_file_is_one_clear_error(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match="cannot be read as a Keras model"):
        load_keras_model(tmp_path / name)


def test_a_truncated_h5_is_one_clear_error(tmp_path):
    path = saved(small_model(), tmp_path, "h5")
    path.write_bytes(path.read_bytes()[:-3000])
    with pytest.raises(ModelError, match=r"m\.h5"):
        load_keras_model(path)


def test_a_missing_file_and_a_folder_without_a_model(tmp_path):
    with pytest.raises(ModelError, match="no such file"):
        load_keras_model(tmp_path / "absent.h5")
    with pytest.raises(ModelError, match="saved_model"):
        load_keras_model(tmp_path)


def test_keras_3_files_are_named_as_such(tmp_path):
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", '{"keras_version": "3.15.1"}')
        archive.writestr("config.json", "{}")
    with pytest.raises(ModelError, match=r"written by Keras 3\.15\.1"):
        load_keras_model(path)
