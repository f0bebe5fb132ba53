"""A name on the hub, asked for over HTTP from a small hub on this machine, by the command line in its own process."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from litesmith.converters.metadata import read_metadata
from litesmith.converters.tflite_model import TFLiteModel
from tests.golden.make_text_checkpoints import LENGTH, Case, write_checkpoint
from tests.hub_server import MAIN, OLDER, Repository, files_of, running_hub

UNWANTED = (
    *("pytorch_model.bin", "tf_model.h5", "flax_model.msgpack", "onnx/model.onnx", "onnx/config.json", "README.md"),
    *("training_args.bin", "model.fp16.safetensors", "openvino/model.safetensors", "data_config.json", "modeling.py"),
)
WANTED = [
    "1_Pooling/config.json",
    "config.json",
    "model.safetensors",
    "modules.json",
    "tokenizer_config.json",
    "vocab.txt",
]


@pytest.fixture(scope="module")
def sentences(tmp_path_factory):
    """40 different texts."""
    path = tmp_path_factory.mktemp("sentences") / "lines.txt"
    path.write_text("".join(f"{chr(97 + i % 20)} {chr(98 + i % 7)} {i}\n" for i in range(40)))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A checkpoint with all that a repository has beside it."""
    place = write_checkpoint(tmp_path_factory.mktemp("repository") / "checkpoint", Case("bert", "embedding"))
    modules = [{"type": f"x.{kind}", "path": path} for kind, path in (("Transformer", ""), ("Pooling", "1_Pooling"))]
    (place / "modules.json").write_text(json.dumps(modules))
    files = dict.fromkeys(UNWANTED, "{}") | {"1_Pooling/config.json": '{"pooling_mode_cls_token": true}'}
    for name, content in files.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(content)
    return place


@pytest.fixture
def hub():
    with running_hub() as running:
        yield running


@pytest.fixture
def convert(hub, sentences, tmp_path):
    """Runs the command with a cache that is empty at first; its JSON, and what it wrote to stderr."""

    def command(name, *arguments, code=0, **environment):
        hub.log.clear()
        line = [
            sys.executable,
            "-m",
            "litesmith.cli",
            "convert",
            f"hf:{name}",
            "--calibration",
            str(sentences),
            "--json",
        ]
        line += ["--length", str(LENGTH), "--out", str(tmp_path / "m.tflite"), *arguments]
        environment = hub.environment(tmp_path / "home", **environment)
        done = subprocess.run(line, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout), done.stderr

    return command


@pytest.fixture
def refused(convert, tmp_path):
    """Runs the command, which has to refuse in one line and write nothing."""

    def command(name, message, *arguments, **environment):
        document, said = convert(name, *arguments, code=2, **environment)
        assert document["error"]["type"] == "ModelError"
        assert message in document["error"]["message"]
        assert [line for line in said.splitlines() if line.startswith("litesmith: error: ")]
        assert "Traceback" not in said
        assert not (tmp_path / "m.tflite").exists()

    return command


def test_a_name_brings_only_what_is_read_and_works_offline_after_that(hub, convert, folder, tmp_path):
    hub.repositories["someone/small"] = Repository.of(folder)
    first, _ = convert("someone/small")
    assert hub.fetched == WANTED
    assert first["origin"] == f"someone/small@{MAIN}"
    facts = read_metadata(TFLiteModel.from_file(tmp_path / "m.tflite")).facts
    assert facts.name == "small"
    assert f"hf:someone/small@{MAIN}" in facts.description
    again, _ = convert("someone/small", HF_HUB_OFFLINE="1")
    assert hub.log == []
    assert again["sha256"] == first["sha256"]
    hub.close()
    unreachable, _ = convert("someone/small")
    assert unreachable["sha256"] == first["sha256"]


def test_the_name_of_a_folder_is_not_in_the_file(convert, folder, tmp_path):
    document, _ = convert(str(folder))
    assert document["origin"] is None
    facts = read_metadata(TFLiteModel.from_file(tmp_path / "m.tflite")).facts
    assert "hf:" not in facts.description


@pytest.mark.parametrize(("revision", "by_option"), [(OLDER, True), ("v1", False)], ids=["commit", "tag in the name"])
def test_a_revision_is_pinned(revision, by_option, hub, convert, folder, tmp_path):
    older = write_checkpoint(tmp_path / "older", Case("bert", "embedding", {"num_hidden_layers": 1}))
    commits = {MAIN: files_of(folder), OLDER: files_of(older)}
    hub.repositories["someone/small"] = Repository(commits, {"main": MAIN, "v1": OLDER})
    name, more = ("someone/small", ("--revision", revision)) if by_option else (f"someone/small@{revision}", ())
    document, _ = convert(name, *more)
    assert document["origin"] == f"someone/small@{OLDER}"
    assert not any(MAIN in path for _, path, _ in hub.log)
    assert convert(name, *more, HF_HUB_OFFLINE="1")[0]["sha256"] == document["sha256"]
    assert convert("someone/small")[0]["sha256"] != document["sha256"]


def test_shards_come_with_their_index(hub, convert, tmp_path):
    hub.repositories["someone/big"] = Repository.of(
        write_checkpoint(tmp_path / "big", Case("bert", "embedding"), sharded=True)
    )
    convert("someone/big")
    weights = [name for name in hub.fetched if name.startswith("model")]
    assert weights == [*(f"model-0000{i}-of-00002.safetensors" for i in (1, 2)), "model.safetensors.index.json"]


def test_what_the_hub_does_not_give_is_said_with_what_to_do(hub, refused, folder):
    good = Repository.of(folder)
    hub.repositories |= {"someone/small": good, "someone/gated": replace(good, gated=True)}
    refused("nobody/nothing", "has no such repository; check the name")
    refused("someone/small", "the hub has no revision 'v9' of it; check", "--revision", "v9")
    refused("someone/gated", f"accept them at {hub.address}/someone/gated, then log in with: hf auth login")
    refused("someone/a..b", "no name that the hub can have; write ORGANISATION/NAME")
    refused("someone/small", "the cache of the hub does not hold all of it; run once without", HF_HUB_OFFLINE="1")
    refused("someone/small@v1", "'v2' is a second one", "--revision", "v2")
    refused(str(folder), "it is a folder, which has no revision", "--revision", "v1")


def test_a_repository_without_safetensors_is_not_downloaded(hub, refused, folder):
    files = {name: content for name, content in files_of(folder).items() if not name.endswith(".safetensors")}
    hub.repositories["someone/pickled"] = Repository({MAIN: files})
    refused("someone/pickled", "its weights are a pickle (pytorch_model.bin)")
    hub.repositories["someone/onnx"] = Repository({MAIN: {n: c for n, c in files.items() if not n.endswith(".bin")}})
    refused(
        "someone/onnx", "it holds no model.safetensors; name one that has safetensors: the hub's converter may have"
    )
    assert not any(name.endswith((".bin", ".onnx", ".msgpack", ".h5")) for name in hub.fetched)


def test_an_encoder_of_another_kind_is_refused_before_its_weights_come(hub, refused, folder):
    files = {**files_of(folder), "config.json": b'{"model_type": "gpt2"}'}
    hub.repositories["someone/decoder"] = Repository({MAIN: files})
    refused("someone/decoder", "architecture 'gpt2'")
    assert "model.safetensors" not in hub.fetched


def settings_changed(files, **settings):
    return {**files, "config.json": json.dumps({**json.loads(files["config.json"]), **settings}).encode()}


def without(files, name):
    return {other: content for other, content in files.items() if other != name}


BEFORE_WEIGHTS = {
    "no tokenizer": (lambda files: without(files, "vocab.txt"), [], "it has no tokenizer"),
    "a tokenizer elsewhere": (None, ["--tokenizer", "nope"], "nope: no such folder; --tokenizer takes a folder"),
    "a tokenizer on the hub": (None, ["--tokenizer", "hf:org/ner"], "hf:org/ner: no such folder; --tokenizer takes"),
    "length": (None, ["--length", "1000"], "length 1000 does not fit the table of 24 positions"),
    "sentences": (None, ["--calibration", "missing.txt"], "missing.txt: there is no such file"),
    "few sentences": (None, ["--calibration", "few.txt"], "2 different texts are too few"),
    "column": (None, ["--calibration", "two.tsv"], "two.tsv"),
    "pairs": (
        lambda files: settings_changed(files, architectures=["BertForQuestionAnswering"]),
        [],
        "a model that answers questions takes pairs",
    ),
    "vocabulary": (lambda files: settings_changed(files, vocab_size=7), [], "but the table of tokens has 7 rows"),
    "padding": (lambda files: settings_changed(files, pad_token_id=7), [], "config.json says 7"),
}


def test_options_that_do_not_go_together_are_refused_before_the_hub_is_asked(hub, convert, folder):
    hub.repositories["someone/small"] = Repository.of(folder)
    for arguments in (("--quantize", "int8", "--wide-rows", "1"), ("--quantize", "int8", "--io", "int16")):
        assert convert("someone/small", *arguments, code=2)[0]["error"]["type"] == "ConversionError"
        assert hub.log == []


@pytest.mark.parametrize("case", BEFORE_WEIGHTS)
def test_what_can_be_told_without_weights_is_refused_before_they_come(case, hub, folder, sentences, tmp_path):
    change, arguments, message = BEFORE_WEIGHTS[case]
    files = files_of(folder)
    hub.repositories["someone/small"] = Repository({MAIN: change(files) if change else files})
    (tmp_path / "two.tsv").write_text("first\tsecond\n" + "a\tb\n" * 40)
    (tmp_path / "few.txt").write_text("a\nb\n")
    line = [sys.executable, "-m", "litesmith.cli", "convert", "hf:someone/small", "--out", "m.tflite"]
    line += ["--length", str(LENGTH), "--calibration", str(sentences), *arguments]
    environment = hub.environment(tmp_path / "home")
    done = subprocess.run(line, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert message in done.stderr
    assert "config.json" in hub.fetched
    assert "model.safetensors" not in hub.fetched


def test_a_connection_that_breaks_once_is_taken_up_again(hub, convert, folder):
    hub.repositories["someone/small"] = Repository.of(folder)
    hub.breaks["model.safetensors"] = [5000]
    broken, _ = convert("someone/small")
    assert hub.fetched.count("model.safetensors") == 2
    assert broken["origin"] == f"someone/small@{MAIN}"


def test_half_a_file_is_never_believed(hub, convert, refused, folder, tmp_path):
    hub.repositories["someone/small"] = Repository.of(folder)
    hub.breaks["model.safetensors"] = [5000] * 20
    refused("someone/small", "broke off (peer closed connection")
    refused("someone/small", "does not hold all of it", HF_HUB_OFFLINE="1")
    assert not list((tmp_path / "home").rglob("snapshots/*/model.safetensors"))
    del hub.breaks["model.safetensors"]
    convert("someone/small")
    assert hub.fetched == ["model.safetensors"]


def test_a_pinned_revision_that_cannot_be_had_is_named(hub, convert, refused, folder):
    hub.repositories["someone/small"] = Repository.of(folder)
    Path(convert("someone/small")[0]["out"]).unlink()
    absent = "someone/small@v9: no such folder, and "
    refused("someone/small@v9", f"{absent}the cache of the hub does not hold all of it; run", HF_HUB_OFFLINE="1")
    hub.close()
    for name, arguments in (("someone/small@v9", ()), ("someone/small", ("--revision", "v9"))):
        refused(name, f"{absent}{hub.address} gave no checkpoint of that name", *arguments)


def test_a_hub_that_is_not_there(hub, refused):
    hub.close()
    refused(
        "someone/small", f"{hub.address} gave no checkpoint of that name ([Errno 111] Connection refused); check the"
    )


RECIPE = """
name = "small"
task = "embedding"
[data]
source = "train.txt"
validation = 0.2
calibration = 0.2
test = 0.2
[data.text]
tokenizer = "hf:someone/small@v1"
length = 16
[teacher]
model = "hf:someone/small@v1"
[student]
model = "teacher"
[distill]
"""
BUILD = """
import sys
from pathlib import Path
from litesmith.preflight import source_digests
from litesmith.recipe import Recipe
from litesmith.recipe_data import load_samples
from litesmith.text.models import checkpoint
path = Path(sys.argv[1])
recipe = Recipe.from_toml(path)
samples = load_samples(recipe.data, base=path.parent, seed=0, task=recipe.task)
print(source_digests(recipe, path.parent)["teacher"])
print(checkpoint(recipe.teacher, samples.splits.train, base=path.parent, key="teacher", seed=0).origin)
"""


def test_a_recipe_names_a_revision_and_its_lock_the_commit(hub, folder, sentences, tmp_path):
    hub.repositories["someone/small"] = Repository({OLDER: files_of(folder)}, {"v1": OLDER})
    (tmp_path / "recipe.toml").write_text(RECIPE)
    (tmp_path / "train.txt").write_text(sentences.read_text())
    line = [sys.executable, "-c", BUILD, str(tmp_path / "recipe.toml")]
    done = subprocess.run(line, capture_output=True, text=True, env=hub.environment(tmp_path / "home"), check=False)
    assert done.stdout.split() == [f"someone/small@{OLDER}"] * 2, done.stderr
    assert hub.fetched == WANTED
    assert [path for _, path, _ in hub.log if path.endswith("/v1")] == ["/api/models/someone/small/revision/v1"]
