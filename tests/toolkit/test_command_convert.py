"""`litesmith convert`: real models in, files that are what they say out."""

import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from litesmith.cli import main
from litesmith.converters.backend import tf_keras
from litesmith.converters.label import truth_label
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.files import TEMPORARY
from litesmith.measure import accuracy, predict
from litesmith.targets.runtimes import default


@pytest.fixture(scope="module")
def keras_file(tmp_path_factory):
    keras = tf_keras()
    keras.utils.set_random_seed(1)
    inputs = keras.Input((8, 8, 3), name="image")
    x = keras.layers.Flatten()(keras.layers.Conv2D(4, 3, activation="relu")(inputs))
    path = tmp_path_factory.mktemp("keras") / "model.keras"
    keras.Model(inputs, keras.layers.Dense(3)(x)).save(path)
    return path


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for index, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (12, 9, 9, 3), np.uint8)):
        Image.fromarray(pixels).save(folder / f"{index}.png")
    return folder


def convert(keras_file, out, *arguments):
    return main(["convert", str(keras_file), "--out", str(out), *map(str, arguments)])


def test_images_of_another_size_calibrate_with_the_stated_scale(keras_file, images, tmp_path, capsys):
    out = tmp_path / "m.tflite"
    assert convert(keras_file, out, "--calibration", images, "--scale", 1 / 255, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["label"], document["calibration"]["samples"]) == ("full-int8", 12)
    assert truth_label(TFLiteModel.from_file(out)) == "full-int8"
    assert document["inputs"][0]["scale"] == pytest.approx(1 / 255, rel=0.05)


def test_a_preprocessing_file_says_the_same(keras_file, images, tmp_path):
    from litesmith.calibration.preprocess import Preprocess

    contract = tmp_path / "preprocess.json"
    contract.write_text(json.dumps(Preprocess((8, 8, 3), "image", "bilinear", 1 / 255).to_dict()))
    first, second = tmp_path / "a.tflite", tmp_path / "b.tflite"
    assert convert(keras_file, first, "--calibration", images, "--preprocess", contract) == 0
    assert convert(keras_file, second, "--calibration", images, "--scale", 1 / 255) == 0
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--quantize", "int8"], "pass --calibration"),
        (["--calibration", "absent.npz"], "absent.npz"),
        (["--calibration", "IMAGES"], "--scale"),
        (["--calibration", "IMAGES", "--scale", "0.1", "--samples", "50"], "cannot take 50 of 12"),
        (["--quantize", "float32", "--io", "int8"], "cannot have 'int8'"),
        (["--calibration", "IMAGES", "--preprocess", "absent.json"], "preprocess.json"),
        (["--calibration", "EMPTY"], "empty"),
        (["--calibration", "NAN"], "NaN"),
        (["--calibration", "CONSTANT"], "every value of every sample is the same"),
        (["--calibration", "PICKLE"], "pickle"),
    ],
)
def test_bad_input_is_one_clear_error_and_no_file(keras_file, images, tmp_path, capsys, arguments, message):
    np.savez(tmp_path / "empty.npz", x=np.zeros((0, 8, 8, 3), np.float32))
    np.savez(tmp_path / "constant.npz", x=np.zeros((4, 8, 8, 3), np.float32))
    np.savez(tmp_path / "nan.npz", x=np.full((4, 8, 8, 3), np.nan, np.float32))
    np.savez(tmp_path / "pickle.npz", x=np.array([{"a": 1}], object))
    places = {
        "IMAGES": images,
        **{key: tmp_path / f"{key.lower()}.npz" for key in ("EMPTY", "NAN", "CONSTANT", "PICKLE")},
    }
    out = tmp_path / "out" / "m.tflite"
    assert convert(keras_file, out, *(places.get(part, part) for part in arguments)) == 2
    captured = capsys.readouterr()
    assert message in captured.err and captured.err.count("error:") == 1
    assert not out.exists() and not list(tmp_path.rglob(TEMPORARY))


def test_an_existing_file_survives_a_failed_conversion(keras_file, tmp_path):
    out = tmp_path / "m.tflite"
    out.write_bytes(b"precious")
    assert convert(keras_file, out, "--calibration", "absent.npz") == 2
    assert out.read_bytes() == b"precious"


def test_a_source_is_never_overwritten(golden, tmp_path, capsys):
    model = tmp_path / "m.tflite"
    model.write_bytes((golden / "float32.tflite").read_bytes())
    np.savez(tmp_path / "x.npz", x=np.random.default_rng(0).random((9, 8, 8, 1), np.float32))
    before = model.read_bytes()
    assert convert(model, model, "--calibration", tmp_path / "x.npz") == 2
    assert convert(model, tmp_path / "x.npz", "--calibration", tmp_path / "x.npz") == 2
    assert "choose another --out" in capsys.readouterr().err
    assert model.read_bytes() == before


def test_a_negative_seed_is_refused(golden, tmp_path, capsys):
    np.savez(tmp_path / "x.npz", x=np.random.default_rng(0).random((9, 8, 8, 1), np.float32))
    arguments = ("--calibration", tmp_path / "x.npz", "--seed", "-1")
    assert convert(golden / "float32.tflite", tmp_path / "m.tflite", *arguments) == 2
    assert "--seed -1 is negative" in capsys.readouterr().err


def test_errors_are_json_too_when_json_is_asked_for(tmp_path, capsys):
    assert convert(tmp_path / "absent.h5", tmp_path / "m.tflite", "--quantize", "float32", "--json") == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["type"] == "ModelError" and "absent.h5" in error["message"]


def test_code_in_a_file_runs_only_when_allowed(tmp_path, capsys):
    keras = tf_keras()
    inputs = keras.Input((2,))
    model = keras.Model(inputs, keras.layers.Lambda(lambda x: x + 1)(inputs))
    with pytest.warns(UserWarning):
        model.save(tmp_path / "m.h5")
    out = tmp_path / "m.tflite"
    assert convert(tmp_path / "m.h5", out, "--quantize", "float32") == 2
    assert "--allow-code" in capsys.readouterr().err and not out.exists()
    assert convert(tmp_path / "m.h5", out, "--quantize", "float32", "--allow-code") == 0


@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
def test_the_mlperf_tiny_resnet_keeps_its_accuracy(real_data, tmp_path, io):
    samples, labels = cifar_test(real_data, 300)
    np.savez(tmp_path / "calibration.npz", x=samples[:100])
    out = tmp_path / "m.tflite"
    model = real_data / "mlperf_tiny" / "ic_resnet8.h5"
    assert convert(model, out, "--calibration", tmp_path / "calibration.npz", "--io", io) == 0
    float32 = tmp_path / "float.tflite"
    assert convert(model, float32, "--quantize", "float32") == 0
    x, y = samples[100:], labels[100:]
    found, expected = (predict(TFLiteModel.from_file(path), x).real for path in (out, float32))
    assert np.mean(found.argmax(1) == expected.argmax(1)) > 0.93
    assert accuracy(expected, y) > 0.65


def cifar_test(real_data, count):
    with zipfile.ZipFile(real_data / "cifar10_jpeg" / "cifar10_test.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        names = [names[index] for index in np.random.default_rng(0).permutation(len(names))[:count]]
        classes = sorted({name.split("/")[-2] for name in archive.namelist() if name.endswith(".jpg")})
        pixels = [np.asarray(Image.open(archive.open(name))) for name in names]
    labels = np.array([classes.index(name.split("/")[-2]) for name in names])
    return np.stack(pixels).astype(np.float32), labels


def test_a_saved_model_classifies_real_keywords(real_data, tmp_path):
    folder = real_data / "mlperf_tiny"
    with zipfile.ZipFile(folder / "kws01.zip") as archive:
        rows = [line.split(",") for line in read_text(archive, "y_labels.csv").splitlines()[:300]]
        raw = np.stack([np.frombuffer(read(archive, row[0]), np.int8).reshape(49, 10, 1) for row in rows])
    # The features come in the int8 scale of the reference model's input.
    into = default().open((folder / "kws_dscnn_int8.tflite").read_bytes()).inputs[0]
    x = (raw.astype(np.float32) - into.zero_point) * np.float32(into.scale)
    np.savez(tmp_path / "calibration.npz", x=x[:100])
    out = tmp_path / "kws.tflite"
    assert convert(folder / "kws_dscnn_saved_model", out, "--calibration", tmp_path / "calibration.npz") == 0
    labels = np.array([int(row[2]) for row in rows[100:]])
    assert accuracy(predict(TFLiteModel.from_file(out), x[100:]).real, labels) > 0.85


def read(archive, name):
    return archive.read(next(entry for entry in archive.namelist() if entry.endswith(name)))


def read_text(archive, name):
    return read(archive, name).decode()
