"""What converting a text model refuses: to write over what it reads, weights that compute nothing, arguments that cannot be."""

import random
import shutil

import pytest

import litesmith
from litesmith.cli import main
from litesmith.errors import OutputError
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
