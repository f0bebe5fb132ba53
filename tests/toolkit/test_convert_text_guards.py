"""What converting a text model guards against: writing over what it reads, weights that compute nothing, silence."""

import json
import random
import shutil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import litesmith
from litesmith.cli import main
from litesmith.errors import CalibrationError, ModelError, OutputError
from tests.golden.make_text_checkpoints import LENGTH, Case, write_checkpoint


@pytest.fixture
def checkpoint(tmp_path):
    """A small checkpoint that the test may spoil."""
    return write_checkpoint(tmp_path / "ck", Case("bert", "embedding"))


@pytest.fixture
def sentences(tmp_path):
    draw = random.Random(0)
    lines = [" ".join("".join(draw.choices("abcdefgh", k=2)) for _ in range(draw.randint(1, 6))) for _ in range(80)]
    file = tmp_path / "lines.txt"
    file.write_text("\n".join(lines) + "\n")
    return file


def convert(folder, out, sentences, *arguments):
    line = ["convert", f"hf:{folder}", "--out", out, "--calibration", sentences, "--length", LENGTH, *arguments]
    return main([str(text) for text in line])


def change(folder, part, values):
    """Change the weights of a checkpoint that are called so."""
    tensors = load_file(folder / "model.safetensors")
    changed = {name: values(array) for name, array in tensors.items() if part in name}
    assert changed
    save_file({**tensors, **changed}, folder / "model.safetensors", metadata={"format": "pt"})


def contents(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir()}


@pytest.mark.parametrize("name", ["model.safetensors", "vocab.txt", "config.json"])
def test_the_checkpoint_is_not_written_over(name, checkpoint, sentences, capsys):
    before = contents(checkpoint)
    assert convert(checkpoint, checkpoint / name, sentences) == 2
    assert f"is a file of {checkpoint}, which is read here; choose another --out" in capsys.readouterr().err
    assert contents(checkpoint) == before


def test_nor_is_the_tokenizer_or_what_the_cache_links_to(checkpoint, sentences, tmp_path, capsys):
    tokenizer = shutil.copytree(checkpoint, tmp_path / "tokenizer")
    weights = (checkpoint / "model.safetensors").rename(tmp_path / "blob")
    (checkpoint / "model.safetensors").symlink_to(weights)
    for out in (tokenizer / "vocab.txt", checkpoint / "model.safetensors"):
        assert convert(checkpoint, out, sentences, "--tokenizer", tokenizer) == 2
        assert "which is read here" in capsys.readouterr().err
    assert (checkpoint / "model.safetensors").is_symlink()


def test_the_python_call_refuses_it_too(checkpoint, sentences):
    for out in (checkpoint / "model.safetensors", sentences):
        before = out.read_bytes()
        with pytest.raises(OutputError, match="read here; choose another --out"):
            litesmith.convert_text(checkpoint, sentences, out=str(out), length=LENGTH)
        assert out.read_bytes() == before


def test_a_tflite_beside_the_checkpoint_may_be_new_or_replaced(checkpoint, sentences):
    out = checkpoint / "model.tflite"
    assert convert(checkpoint, out, sentences) == 0
    first = out.read_bytes()
    out.write_bytes(b"before")
    assert convert(checkpoint, out, sentences) == 0
    assert out.read_bytes() == first


def test_integers_that_do_not_hold_say_so_unless_a_limit_was_given(sentences, tmp_path, capsys):
    checkpoint, out = write_checkpoint(tmp_path / "classes", Case("bert", "sequence")), tmp_path / "m.tflite"
    # Two logits near 1000 are the same in steps of int8 that reach down to 0.
    change(checkpoint, "classifier.bias", lambda bias: np.array([1000, 1000, 0], np.float32))
    assert convert(checkpoint, out, sentences, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["agreement"]["same"] < 0.97
    assert document["why"].startswith("it does not hold: same answers 0.")
    assert convert(checkpoint, out, sentences) == 0
    assert document["why"] in capsys.readouterr().out
    assert convert(checkpoint, out, sentences, "--min-agreement", 0.1) == 0
    assert "it does not hold" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("weights", "value", "mode", "words"),
    [
        ("", 0.0, "int", "for the calibration texts (first in embeddings"),
        ("layer.0.attention.self.query.weight", 1e38, "int", "for the calibration texts (first in layers.0.attention"),
        ("word_embeddings", 3e38, "int", "for the calibration texts (first in embeddings"),
        ("word_embeddings", 3e38, "compare", "for the texts to judge with"),
    ],
)
@pytest.mark.filterwarnings("error:.*encountered in:RuntimeWarning")
def test_weights_that_compute_nothing_are_named_and_nothing_is_written(
    weights, value, mode, words, checkpoint, sentences, tmp_path, capsys
):
    change(checkpoint, weights, lambda array: np.full_like(array, value))
    assert convert(checkpoint, tmp_path / "m.tflite", sentences, "--quantize", mode) == 2
    said = capsys.readouterr().err
    assert f"ck: the network computes NaN or infinity {words}" in said
    assert "check the weights" in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "m.tflite").exists()


def test_too_few_texts_are_of_a_file_and_a_column(checkpoint, tmp_path, capsys):
    table, lines = tmp_path / "few.tsv", tmp_path / "few.txt"
    table.write_text("Text\tother\n" + "a\tb\nb\tc\n" * 30)
    lines.write_text("a\nb\n" * 30)
    few = "are too few: 16 are needed to calibrate with"
    for file, columns, words in (
        (table, [], f"{table}: 2 different texts in 'Text' {few}"),
        (table, ["--column", "other"], f"{table}: 2 different texts in 'other' {few}"),
        (lines, [], f"{lines}: 2 different texts {few}"),
    ):
        assert convert(checkpoint, tmp_path / "m.tflite", file, *columns) == 2
        assert words in capsys.readouterr().err
    with pytest.raises(CalibrationError, match=r"^0 different texts are too few"):
        litesmith.convert_text(checkpoint, [], length=LENGTH)


def test_a_name_that_is_missing_is_asked_for(checkpoint, sentences, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(checkpoint)  # which would be taken otherwise
    assert main(["convert", "hf:", "--out", str(tmp_path / "m.tflite"), "--calibration", str(sentences)]) == 2
    assert "hf: names no checkpoint; put its folder" in capsys.readouterr().err
    with pytest.raises(ModelError, match="hf: names no checkpoint"):
        litesmith.convert_text("hf:", sentences, length=LENGTH)


def test_a_folder_of_sentences_is_called_one(checkpoint, tmp_path, capsys):
    assert convert(checkpoint, tmp_path / "m.tflite", tmp_path) == 2
    assert f"{tmp_path}: is a folder; give a text file" in capsys.readouterr().err


def test_hf_may_be_left_out_before_a_folder_and_help_says_so(checkpoint, sentences, tmp_path, capsys):
    line = ["--calibration", str(sentences), "--length", str(LENGTH)]
    files = [tmp_path / "a.tflite", tmp_path / "b.tflite"]
    for source, out in zip((str(checkpoint), f"hf:{checkpoint}"), files, strict=True):
        assert main(["convert", source, "--out", str(out), *line]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    capsys.readouterr()
    with pytest.raises(SystemExit):
        main(["convert", "--help"])
    assert "a folder with config.json needs no hf:" in " ".join(capsys.readouterr().out.split())
