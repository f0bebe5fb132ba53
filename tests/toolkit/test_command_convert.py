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


def test_samples_of_two_contracts_are_refused(keras_file, tmp_path, capsys):
    from litesmith.calibration.preprocess import Preprocess
    from litesmith.calibration.same_contract import stored_arrays

    raw = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 3), np.uint8)
    contracts = {
        "half": Preprocess((8, 8, 3), scale=1 / 127.5, offset=-1.0),
        "whole": Preprocess((8, 8, 3), scale=1 / 255),
    }
    for name, contract in contracts.items():
        half = raw[:12] if name == "half" else raw[12:]
        np.savez(tmp_path / f"{name}.npz", **stored_arrays(contract, contract.apply_batch(half)))
        (tmp_path / f"{name}.json").write_text(contract.to_json())
    half, whole, out = tmp_path / "half.npz", tmp_path / "whole.npz", tmp_path / "m.tflite"
    for arguments in (["--evaluate", whole], ["--preprocess", tmp_path / "whole.json"]):
        assert convert(keras_file, out, "--calibration", half, *arguments) == 2
        message = capsys.readouterr().err
        assert all(contract.digest[:12] in message for contract in contracts.values())
        assert "offset -1.0 and 0.0" in message
        assert not out.exists()
    assert convert(keras_file, out, "--calibration", half, "--preprocess", tmp_path / "half.json") == 0


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


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    """Files of random 8x8 images: `many` to draw from, `few`, `others` to judge with, `labelled` and `broken`."""
    folder = tmp_path_factory.mktemp("samples")
    random = np.random.default_rng(0)
    x, y = random.random((150, 8, 8, 1), np.float32), np.arange(150) % 10
    np.savez(folder / "many.npz", x=x)
    np.savez(folder / "few.npz", x=x[:20])
    np.savez(folder / "one.npz", x=x[:1])
    np.savez(folder / "others.npz", x=random.random((30, 8, 8, 1), np.float32))
    np.savez(folder / "labelled.npz", x=x, y=y)
    return folder


@pytest.fixture
def quantize(golden, samples, tmp_path, capsys):
    """Convert the golden classifier: exit code, what `--json` says, and the file or None."""

    def run(calibration, *arguments):
        out = tmp_path / "m.tflite"
        places = {name: samples / f"{name}.npz" for name in ("many", "others")}
        line = [places.get(argument, argument) for argument in arguments]
        model = golden / "float32.tflite"
        code = convert(model, out, "--calibration", samples / f"{calibration}.npz", *line, "--json")
        document = json.loads(capsys.readouterr().out)
        return code, document, TFLiteModel.from_file(out) if out.exists() else None

    return run


def remedies(document):
    return [tried["remedy"] for tried in document["tries"]]


def taken(document):
    (tried,) = [tried for tried in document["tries"] if tried["taken"]]
    return tried


def test_a_file_is_judged_with_what_it_was_not_calibrated_with(quantize):
    code, document, model = quantize("many", "--samples", 100)
    assert (code, document["unmet"], document["diagnosis"], document["note"]) == (0, [], None, "")
    assert remedies(document) == ["effort none", "effort fast"] and taken(document)["remedy"] == "effort fast"
    assert (document["calibration"]["samples"], document["evaluation"]["samples"]) == (100, 50)
    assert document["calibration"]["digest"] != document["evaluation"]["digest"]
    assert taken(document)["bytes"] == document["bytes"] == len(model.content)
    assert taken(document)["choice"] == {"effort": "fast", "method": "minmax", "methods": {}, "precision": {}}
    assert {"remedy", "holds", "refused", "seconds", "snr_db", "agreement", "accuracy", "inaccurate", "unfit"} <= set(
        taken(document)
    )
    assert 0 < taken(document)["agreement"] <= 1 and taken(document)["accuracy"] is None


def test_other_samples_to_judge_with_are_used_whole(quantize):
    _, document, _ = quantize("many", "--evaluate", "others")
    assert (document["calibration"]["samples"], document["evaluation"]["samples"]) == (150, 30)
    assert document["evaluation"]["source"].endswith("others.npz")


def test_samples_to_judge_with_that_are_calibrated_with_are_refused(quantize):
    code, document, model = quantize("few", "--evaluate", "many")
    assert (code, model) == (2, None)
    assert "20 of its samples are among those to calibrate with; judge with others" in document["error"]["message"]


@pytest.mark.parametrize(
    ("calibration", "notes"),
    [
        ("few", ["judged with the samples that it was calibrated with"]),
        ("one", ["one sample says little of real input", "judged with the samples that it was calibrated with"]),
    ],
)
def test_too_few_samples_are_said_to_be(golden, samples, quantize, tmp_path, capsys, calibration, notes):
    code, document, _ = quantize(calibration)
    assert code == 0 and all(note in document["note"] for note in notes)
    assert document["calibration"] == document["evaluation"]
    path = samples / f"{calibration}.npz"
    assert convert(golden / "float32.tflite", tmp_path / "m.tflite", "--calibration", path) == 0
    shown = "".join(line for line in capsys.readouterr().out.splitlines() if line.startswith("note "))
    assert all(note in shown for note in notes)


def test_a_limit_that_a_remedy_keeps_is_kept_by_it(quantize):
    _, before, _ = quantize("many", "--io", "float32")
    limit = taken(before)["snr_db"] + 2
    code, document, model = quantize("many", "--io", "float32", "--min-snr", limit)
    assert code == 0 and document["unmet"] == [] and taken(document)["snr_db"] >= limit
    assert taken(document)["remedy"].startswith("int16 for ") and taken(document)["holds"]
    assert any(tensor.dtype == "int16" for tensor in model.main.tensors)
    assert document["diagnosis"]["paragraph"].startswith("On 64 samples the quantized file")
    assert document["diagnosis"]["fidelity"]["snr_db"] == pytest.approx(document["tries"][1]["snr_db"], abs=1)


def test_a_limit_that_nothing_keeps_is_exit_1_with_the_best_file_and_all_tries(golden, samples, tmp_path, capsys):
    out = tmp_path / "m.tflite"
    arguments = ("--calibration", samples / "many.npz", "--min-snr", 90)
    assert convert(golden / "float32.tflite", out, *arguments) == 1
    captured = capsys.readouterr()
    assert truth_label(TFLiteModel.from_file(out)) in ("mixed", "full-int8")
    text = captured.out
    assert "effort high" in captured.err and "effort high" in text  # as it comes, and in the table
    assert "dB is below 90.0 dB" in text.rpartition("unmet: ")[2] and "taken" in text
    assert "On 64 samples the quantized file gives" in text
    assert "float32 for" not in text


def test_without_leave_only_what_was_asked_for_is_made(quantize):
    code, document, model = quantize("many", "--min-snr", 90, "--no-rescue")
    assert (code, remedies(document)) == (1, ["effort none", "effort fast"])
    assert document["unmet"] == [f"SNR {taken(document)['snr_db']:.1f} dB is below 90.0 dB"]
    assert document["diagnosis"] is None and model is not None


def test_operators_stay_in_float_with_leave(quantize):
    code, document, model = quantize("few", "--io", "float32", "--min-snr", 90, "--allow-float")
    assert code == 0 and taken(document)["remedy"].startswith("float32 for ")
    assert document["label"] == truth_label(model) == "float32"  # all of them: nothing else has 90 dB
    assert taken(document)["snr_db"] is None  # infinite


def test_size_and_targets_are_limits_too(quantize):
    code, document, model = quantize("many", "--max-bytes", 1000, "--require", "edge_tpu", "--require", "arm_cpu")
    assert (code, remedies(document)) == (1, ["effort none", "effort fast"])
    assert document["unmet"] == [f"{len(model.content):,} bytes are more than 1,000"]
    code, document, _ = quantize("many", "--quantize", "int16x8", "--require", "edge_tpu")
    assert (code, document["unmet"]) == (1, ["edge_tpu: None of the 6 operators runs on edge_tpu."])


def test_limits_on_classes(quantize):
    code, document, _ = quantize("labelled", "--min-agreement", 0.5, "--max-accuracy-drop", 0.5)
    assert (code, document["unmet"]) == (0, []) and 0 <= taken(document)["accuracy"] <= 1
    code, document, _ = quantize("labelled", "--min-accuracy", 0.99)
    assert code == 1 and len(document["tries"]) == 2
    assert document["note"].startswith("no remedy was tried, because the float model itself misses it: accuracy")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--min-accuracy", "0.9"], "has no labels, which a limit on accuracy needs"),
        (["--min-agreement", "98"], "min_agreement is 98.0, not a share between 0 and 1"),
        (["--min-snr", "nan"], "min_snr_db is nan"),
        (["--require", "edge_gpu"], "edge_gpu"),
        (["--precision", "logits"], "write PATTERN=CHOICE"),
        (["--precision", "=int16"], "write PATTERN=CHOICE"),
        (["--precision", "logits=int4"], "cannot be 'int4'; choose int8 or int16 or float32"),
        (["--precision", "logits=int8"], "is int8 anyway"),
        (["--precision", "conv9=int16"], "no operator of the model has a name like 'conv9'"),
        (["--precision", "(=int16"], "no regular expression"),
        (["--range", "logits=median"], "'median' is no range method"),
        (["--range", "conv9=mse"], "no tensor of the model has a name like 'conv9'"),
        (["--symmetric", "--quantize", "int16x8"], "symmetric is a choice of int8"),
        (["--per-channel", "none", "--weight-bits", "4"], "int4 weights need a scale for each channel"),
        (["--engine", "mlir", "--precision", "stem=int16"], "the mlir engine does not write int8 with some operators"),
    ],
)
def test_a_wrong_limit_or_choice_is_one_clear_error_and_no_file(quantize, arguments, message):
    code, document, model = quantize("many", *arguments)
    assert (code, model) == (2, None)
    assert message in document["error"]["message"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--quantize", "float32", "--max-bytes", "10"], "--max-bytes: the file must be judged for that; a file"),
        (
            ["--quantize", "float32", "--require", "edge_tpu", "--min-snr", "9", "--evaluate", "others"],
            "--min-snr, --require: the file must be judged for that; a file by way of 'nothing to quantize' is not",
        ),
    ],
)
def test_a_limit_that_nothing_is_measured_for_is_refused(quantize, arguments, message):
    code, document, model = quantize("many", *arguments)
    assert (code, model) == (2, None)
    assert message in document["error"]["message"]


def test_other_modes_are_judged_where_there_are_samples_to_judge_with(quantize):
    code, document, _ = quantize("many", "--quantize", "dynamic", "--evaluate", "others", "--max-bytes", 10)
    assert (code, remedies(document)) == (1, ["dynamic"])
    assert document["calibration"] is None and document["evaluation"]["samples"] == 30
    code, document, _ = quantize("many", "--quantize", "dynamic")
    assert (code, remedies(document)) == (0, ["dynamic"])  # DATA is of no other use there
    assert document["calibration"] is None and document["evaluation"]["samples"] == 150


def test_choices_reach_the_file(quantize):
    operators = ("--precision", "stem=int16", "--range", "depthwise=mse", "--range", "conv/=percentile")
    _, document, model = quantize("many", "--symmetric", "--per-channel", "none", *operators, "--effort", "none")
    assert {tensor.quantization.zero_points for tensor in (*model.inputs, *model.outputs)} == {(0,)}
    assert {len(t.quantization.scales) for t in model.main.tensors if t.quantization} == {1}
    convolutions = [operator for operator in model.main.operators if operator.op == "CONV_2D"]
    assert [model.main.tensors[operator.outputs[0]].dtype for operator in convolutions] == ["int16", "int8"]
    assert remedies(document) == ["effort none"]
    choice = {"depthwise": "mse", "conv/": "percentile"}, {"stem": "int16"}
    assert (taken(document)["choice"]["methods"], taken(document)["choice"]["precision"]) == choice


def test_a_pattern_may_hold_an_equals_sign(quantize):
    _, document, model = quantize("many", "--precision", "(?=classifier/stem)=int16", "--effort", "none")
    assert taken(document)["choice"]["precision"] == {"(?=classifier/stem)": "int16"}
    assert any(tensor.dtype == "int16" for tensor in model.main.tensors)
