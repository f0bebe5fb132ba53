"""`litesmith calibrate`: the command on real digits and images, good and deliberately wrong."""

import argparse
import json

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from litesmith.calibration.preprocess import Preprocess
from litesmith.calibration.ranges import RANGE_METHODS
from litesmith.calibration.same_contract import stored_arrays
from litesmith.cli import main
from litesmith.commands.arguments import RANGE_METHODS as METHODS
from litesmith.commands.arguments import add_preprocess_arguments
from litesmith.commands.calibration_data import calibration_set, read_samples
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import CalibrationError
from litesmith.targets.runtimes import default

DIGITS = load_digits()
PIXELS = (DIGITS.images * 255 / 16).astype(np.uint8)[..., None]


@pytest.fixture
def model(golden):
    return golden / "float32.tflite"


@pytest.fixture
def data(tmp_path):
    """Digits as pixels and as the model takes them, apart from those of training and testing."""
    unit = PIXELS.astype(np.float32) / np.float32(255)
    np.savez(tmp_path / "pixels.npz", x=PIXELS[:120], y=DIGITS.target[:120])
    np.savez(tmp_path / "good.npz", image=unit[:120], y=DIGITS.target[:120])
    np.savez(tmp_path / "trained.npz", x=unit[300:600])
    np.savez(tmp_path / "test.npz", x=unit[600:700])
    np.savez(tmp_path / "seen.npz", x=unit[100:110])
    np.savez(tmp_path / "damaged.npz", image=np.where(unit[:120] > 0.99, np.nan, unit[:120]))
    (tmp_path / "broken.npz").write_bytes(b"PK\x03\x04 no archive")
    return tmp_path


def run(capsys, *arguments):
    """Exit code and JSON document."""
    code = main(["calibrate", *map(str, arguments), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_good_data_pass_and_what_was_not_looked_at_is_said(model, data, capsys):
    code, document = run(capsys, "audit", model, "--calibration", data / "good.npz")
    assert (code, document["fit"], document["findings"]) == (0, True, [])
    assert document["calibration"] == {"source": str(data / "good.npz"), "samples": 120}
    assert [words.split("(")[-1] for words in document["not_checked"]] == ["--trained-on)", "--test)"]
    assert main(["calibrate", "audit", str(model), "--calibration", str(data / "good.npz")]) == 0
    text = capsys.readouterr().out
    assert "nothing wrong was found" in text and "not checked" in text


def test_pixels_pass_once_they_are_scaled_as_in_training(model, data, capsys):
    against = ("--trained-on", data / "trained.npz")
    code, document = run(capsys, "audit", model, "--calibration", data / "pixels.npz", *against)
    assert code == 1 and {finding["check"] for finding in document["findings"]} == {"dtype", "scale"}
    advice = next(finding["fix"] for finding in document["findings"] if finding["check"] == "scale")
    options = advice[advice.index("--scale") :].rstrip(")").split()
    code, document = run(capsys, "audit", model, "--calibration", data / "pixels.npz", *against, *options)
    assert (code, document["findings"]) == (0, [])


def test_a_preprocessing_file_scales_too(model, data, capsys):
    contract = data / "preprocess.json"
    contract.write_text(json.dumps(Preprocess((8, 8, 1), "image", "none", 1 / 255).to_dict()))
    arguments = ("--calibration", data / "pixels.npz", "--preprocess", contract, "--trained-on", data / "pixels.npz")
    assert run(capsys, "audit", model, *arguments)[0] == 0


def test_training_samples_of_another_contract_are_refused(model, data, capsys):
    contract, other = (Preprocess((8, 8, 1), scale=scale) for scale in (1 / 255, 1 / 127.5))
    (data / "preprocess.json").write_text(contract.to_json())
    np.savez(data / "other.npz", **stored_arrays(other, other.apply_batch(PIXELS[:40].reshape(-1, 8, 8))))
    arguments = ["--calibration", data / "pixels.npz", "--preprocess", data / "preprocess.json"]
    code = main(["calibrate", "audit", *map(str, (model, *arguments, "--trained-on", data / "other.npz"))])
    message = capsys.readouterr().err
    assert code == 2
    assert contract.digest[:12] in message
    assert other.digest[:12] in message


def test_errors_are_readable_and_the_exit_code_says_so(model, data, capsys):
    arguments = ["--calibration", str(data / "damaged.npz"), "--test", str(data / "seen.npz")]
    assert main(["calibrate", "audit", str(model), *arguments]) == 1
    text = capsys.readouterr().out
    assert "error: finite" in text and "  fix: repair these samples" in text and "  evidence: input image" in text


def test_overlap_with_the_test_split_is_an_error(model, data, capsys):
    good = ("audit", model, "--calibration", data / "good.npz", "--test")
    assert run(capsys, *good, data / "test.npz")[0] == 0
    code, document = run(capsys, *good, data / "seen.npz")
    (finding,) = document["findings"]
    assert code == 1 and (finding["check"], finding["evidence"]["shared"]) == ("overlap", 10)


def test_warnings_alone_do_not_fail(model, data, capsys):
    np.savez(data / "few.npz", x=PIXELS[:40].astype(np.float32) / np.float32(255))
    code, document = run(capsys, "audit", model, "--calibration", data / "few.npz")
    assert code == 0 and {finding["severity"] for finding in document["findings"]} == {"warning"}


def test_folders_of_images_are_audited_by_class(golden, tmp_path, capsys):
    random = np.random.default_rng(0)
    for name in ("cat", "dog"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for index in range(30):
            pixels = random.integers(0, 256, (20, 24, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / "images" / name / f"{index}.png")
    arguments = ("audit", golden / "float32_residual.tflite", "--calibration", tmp_path / "images")
    code, document = run(capsys, *arguments, "--scale", 1 / 255)
    (finding,) = document["findings"]
    assert code == 0 and (finding["check"], finding["evidence"]) == ("classes", {"named": 2, "scores": 10})
    code, document = run(capsys, *arguments)
    assert code == 2 and "--scale" in document["error"]["message"]


@pytest.mark.parametrize(
    ("file", "arguments", "message"),
    [
        ("float32", ["--calibration", "absent.npz"], "absent.npz"),
        ("float32", ["--calibration", "DATA/broken.npz"], "damaged"),
        ("float32", ["--calibration", "DATA/good.npz", "--preprocess", "absent.json"], "preprocess.json"),
        ("absent", ["--calibration", "DATA/good.npz"], "absent.tflite"),
        ("int8", ["--calibration", "DATA/good.npz"], "before quantization"),
    ],
)
@pytest.mark.parametrize("action", ["audit", "ranges"])
def test_what_cannot_be_read_is_bad_input(golden, data, capsys, action, file, arguments, message):
    given = [str(argument).replace("DATA", str(data)) for argument in arguments]
    code, document = run(capsys, action, golden / f"{file}.tflite", *given)
    assert code == 2 and message in document["error"]["message"]


@pytest.mark.parametrize("option", ["--test", "--trained-on"])
def test_what_to_compare_with_must_be_readable_too(model, data, capsys, option):
    code, document = run(capsys, "audit", model, "--calibration", data / "good.npz", option, "absent.npz")
    assert code == 2 and "absent.npz" in document["error"]["message"]


def test_a_model_that_scales_its_input_itself_gets_what_it_expects(golden, data, capsys):
    arguments = ("audit", golden / "int8_float_io.tflite", "--calibration")
    assert run(capsys, *arguments, data / "good.npz")[0] == 0
    code, document = run(capsys, *arguments, data / "pixels.npz")
    assert code == 1 and any("quantizes it first" in finding["message"] for finding in document["findings"])


def test_ranges_hold_what_the_model_computes(model, data, capsys):
    out = data / "ranges.json"
    code, document = run(capsys, "ranges", model, "--calibration", data / "good.npz", "--out", out)
    assert code == 0 and json.loads(out.read_text(encoding="utf-8")) == document
    tensors = {tensor["index"]: tensor for tensor in document["tensors"]}
    parsed = TFLiteModel.from_file(model)
    runs = default().open(parsed.content)
    scores = np.concatenate([runs.run([sample[None]])[0] for sample in np.load(data / "good.npz")["image"]])
    output = tensors[parsed.main.outputs[0]]
    np.testing.assert_allclose((output["low"], output["high"]), (scores.min(), scores.max()), rtol=1e-4)
    assert (tensors[parsed.main.inputs[0]]["low"], tensors[parsed.main.inputs[0]]["high"]) == (0, 1)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_ranges_within_the_limits(model, data, capsys, method):
    arguments = ("ranges", model, "--calibration", data / "good.npz", "--method")
    limits, document = run(capsys, *arguments, "minmax")[1], run(capsys, *arguments, method)[1]
    assert document["method"] == method
    for found, whole in zip(document["tensors"], limits["tensors"], strict=True):
        # A search for the least error widens to hold zero.
        assert min(whole["low"], 0) - 1e-6 <= found["low"] <= found["high"] <= max(whole["high"], 0) + 1e-6


def test_the_table_starts_with_the_widest(model, data, capsys):
    assert main(["calibrate", "ranges", str(model), "--calibration", str(data / "good.npz")]) == 0
    text = capsys.readouterr().out
    rows = [line.split() for line in text.splitlines() if line[:5].strip().isdigit()]
    widths = [float(row[-1]) - float(row[-2]) for row in rows]
    assert len(widths) > 3 and widths == sorted(widths, reverse=True)
    assert "120 samples" in text and "4 samples at a time" in text


def test_the_methods_offered_are_those_there_are():
    assert METHODS == RANGE_METHODS


@pytest.fixture
def sentences(tmp_path, monkeypatch):
    """A table of texts, and a function that makes 8x8 pictures of them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    rows = [f"{'good' if index % 2 else 'bad'} film number {index}\t{index % 2}" for index in range(40)]
    (tmp_path / "films.tsv").write_text("\n".join(["sentence\tlabel", *rows]))
    (tmp_path / "letters_as_pixels.py").write_text(
        "import numpy as np\n"
        "def pixels(columns):\n"
        "    rows = [text.encode().ljust(64)[:64] for text in columns['sentence']]\n"
        "    return np.frombuffer(b''.join(rows), np.uint8).reshape(-1, 8, 8, 1)\n"
    )
    return ("--calibration", "films.tsv", "--encode", "letters_as_pixels:pixels", "--scale", 1 / 255)


@pytest.mark.parametrize("action", ["audit", "ranges"])
def test_text_is_encoded_and_refused_otherwise(model, sentences, capsys, action):
    code, document = run(capsys, action, model, *sentences)
    assert code in (0, 1) and document["calibration"]["samples"] == 40
    for arguments in (sentences[:2], (*sentences[:2], "--scale", 1)):
        code, document = run(capsys, action, model, *arguments)
        assert code == 2 and "'sentence' holds text" in document["error"]["message"]
        assert "--encode" in document["error"]["message"]


def test_what_a_model_was_trained_on_is_encoded_too(model, sentences, capsys):
    _, document = run(capsys, "audit", model, *sentences, "--trained-on", "films.tsv", "--test", "films.tsv")
    checks = {finding["check"]: finding for finding in document["findings"]}
    assert checks["overlap"]["evidence"]["shared"] == 40 and "trained_on" not in checks and "scale" not in checks


def parsed(*arguments, seed=0):
    parser = argparse.ArgumentParser()
    add_preprocess_arguments(parser)
    parser.set_defaults(seed=seed)
    return parser.parse_args([str(argument) for argument in arguments])


@pytest.mark.parametrize(("count", "limit", "drawn"), [(None, None, 40), (None, 11, 11), (None, 90, 40), (7, None, 7)])
def test_samples_are_drawn_by_class_before_they_are_encoded(sentences, count, limit, drawn):
    args, shape = parsed(*sentences[2:], seed=5), (8, 8, 1)
    samples = calibration_set(args, shape, "films.tsv", count, limit=limit)
    assert (len(samples), samples.seed, samples.source) == (drawn, 5, "films.tsv")
    assert np.ptp(np.bincount(samples.labels)) <= 1
    whole = calibration_set(args, shape, "films.tsv")
    assert samples.digest == whole.take(drawn, 5).digest
    assert whole.inputs["x"].max() < 1


@pytest.mark.parametrize("count", [0, 41])
def test_there_must_be_so_many(sentences, count):
    with pytest.raises(CalibrationError, match=f"cannot take {count} of 40"):
        calibration_set(parsed(*sentences[2:]), (8, 8, 1), "films.tsv", count)


def test_images_are_drawn_before_they_are_decoded(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / "images" / name).mkdir(parents=True)
        for index in range(6):
            Image.new("L", (9, 9), index).save(tmp_path / "images" / name / f"{index}.png")
    args, source = parsed("--scale", 1), str(tmp_path / "images")
    drawn = read_samples(args, (8, 8, 1), source, limit=4, seed=1)
    assert drawn.labels.tolist() == [0, 0, 1, 1]
    kept = drawn.x[:, 0, 0, 0]
    for place, name in enumerate(("cat", "dog")):
        for index in set(range(6)) - set(kept[2 * place : 2 * place + 2].tolist()):
            (tmp_path / "images" / name / f"{index}.png").write_bytes(b"no image")
    assert np.array_equal(read_samples(args, (8, 8, 1), source, limit=4, seed=1).x, drawn.x)
