"""The whole chain on sentences: a small BERT as teacher, and a student made of one of its layers."""

import json
import re
import shutil

import numpy as np
import pytest

from litesmith.calibration.text.contract import TextContract
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.data_spec import DataSpec
from litesmith.errors import RecipeError
from litesmith.measure import predict
from litesmith.recipe import Recipe
from litesmith.recipe_data import load_samples
from litesmith.text.models import checkpoint
from litesmith.text.spec import TextSpec
from litesmith.training_specs import ModelSpec

pytestmark = pytest.mark.xdist_group("text_run")

GOOD, BAD = ["good", "great", "fun", "warm"], ["bad", "dull", "cold", "weak"]
OTHERS = [
    "the", "a", "film", "plot", "cast", "is", "was", "very", "and", "with", "this", "story", "of", "music", "end", "it",
    "long", "short",
]  # fmt: skip
LABELS = ("bad", "good")
RECIPE = """
name = "small_text"
seed = 3
[data]
source = "train.tsv"
validation = 0.15
calibration = 0.1
[data.text]
tokenizer = "hf:teacher"
length = 12
classes = ["bad", "good"]
test = "${TEXT_TABLES}/dev.tsv"
unlabelled = "more.txt"
vocabulary = 74
[teacher]
model = "hf:teacher"
train = { epochs = 6, learning_rate = 2e-3, batch_size = 16 }
[student]
model = "teacher"
layers = [1]
train = { epochs = 4, learning_rate = 3e-3, batch_size = 16 }
[distill]
temperature = 2.0
hidden = 0.5
relations = 0.5
cache_bytes = 1_000_000
[prune]
heads = 0.5
intermediate = 0.5
train = { epochs = 2, learning_rate = 2e-3, batch_size = 16 }
[quantize]
mode = "int8"
wide_rows = 3
"""


def sentences(count, seed):
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        label = int(random.integers(2))
        words = [*random.choice(OTHERS, random.integers(2, 7)), random.choice(GOOD if label else BAD)]
        rows.append((" ".join(random.permutation(words)), label))
    return rows


def write_table(path, rows):
    path.write_text("\n".join(["sentence\tlabel", *(f"{text}\t{label}" for text, label in rows)]) + "\n")


def write_teacher(folder):
    """A BERT of two layers in the form of a Hugging Face checkpoint, with drawn weights."""
    from safetensors.numpy import save_file

    folder.mkdir()
    letters = sorted(set("".join([*OTHERS, *GOOD, *BAD])))
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *OTHERS, *GOOD, *BAD, *letters]
    tokens = list(dict.fromkeys([*words, *(f"##{letter}" for letter in letters)]))
    (folder / "vocab.txt").write_text("\n".join(tokens) + "\n")
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 16}
    (folder / "tokenizer_config.json").write_text(json.dumps(settings))
    config = {
        "model_type": "bert", "vocab_size": len(tokens), "hidden_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 4, "intermediate_size": 64, "hidden_act": "gelu", "max_position_embeddings": 16,
        "type_vocab_size": 2, "layer_norm_eps": 1e-12, "pad_token_id": 0,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    random, weights = np.random.default_rng(0), {}

    def dense(name, inputs, outputs):
        weights[f"{name}.weight"] = random.normal(0, 0.1, (outputs, inputs)).astype(np.float32)
        weights[f"{name}.bias"] = np.zeros(outputs, np.float32)

    def norm(name):
        weights[f"{name}.weight"], weights[f"{name}.bias"] = np.ones(32, np.float32), np.zeros(32, np.float32)

    for name, rows in (("word", len(tokens)), ("position", 16), ("token_type", 2)):
        weights[f"embeddings.{name}_embeddings.weight"] = random.normal(0, 0.1, (rows, 32)).astype(np.float32)
    norm("embeddings.LayerNorm")
    for layer in range(2):
        prefix = f"encoder.layer.{layer}"
        for part in ("self.query", "self.key", "self.value", "output.dense"):
            dense(f"{prefix}.attention.{part}", 32, 32)
        dense(f"{prefix}.intermediate.dense", 32, 64)
        dense(f"{prefix}.output.dense", 64, 32)
        norm(f"{prefix}.attention.output.LayerNorm")
        norm(f"{prefix}.output.LayerNorm")
    dense("pooler.dense", 32, 32)
    save_file(weights, folder / "model.safetensors")


@pytest.fixture(scope="module")
def text_run(tmp_path_factory, run_command):
    """The small recipe, run once by the command line: its folder and its ledger."""
    folder = tmp_path_factory.mktemp("text")
    write_teacher(folder / "teacher")
    write_table(folder / "train.tsv", sentences(400, 1))
    write_table(folder / "dev.tsv", sentences(100, 2))
    (folder / "more.txt").write_text("\n".join(text for text, _ in sentences(60, 4)) + "\n")
    (folder / "recipe.toml").write_text(RECIPE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TEXT_TABLES", str(folder))
        command = run_command("run", folder / "recipe.toml", "--out", folder / "out", "--json")
        assert command.code == 0, command.err
        yield folder, json.loads((folder / "out" / "ledger.json").read_text())


def test_every_stage_learns_and_is_smaller(text_run):
    folder, ledger = text_run
    rows = {row["stage"]: row for row in ledger["stages"]}
    assert list(rows) == ["teacher", "student", "prune", "quantize"]
    assert all(row["accuracy"] > 0.85 for row in rows.values()), {name: row["accuracy"] for name, row in rows.items()}
    assert TFLiteModel.from_file(folder / "out" / "model.tflite").float_tensors == ()
    sizes = [row["bytes"] for row in ledger["stages"]]
    assert sizes == sorted(sizes, reverse=True)


def test_the_ledger_says_what_was_learnt_and_kept(text_run):
    details = text_run[1]["details"]
    student, pruned = details["student"], details["prune"]
    assert (student["heads"], student["intermediate"], student["vocabulary"]) == ([4], [64], 74)
    assert student["learns_from_layers"] == [1]
    assert student["unlabelled"] == 60
    assert student["aligned_samples"] > 200
    assert student["cached_samples"] > 0
    assert (pruned["heads"], pruned["intermediate"]) == ([2], [32])


def test_as_many_rows_are_wide_as_the_recipe_says(text_run):
    model = TFLiteModel.from_file(text_run[0] / "out" / "model.tflite")
    tensors = model.main.tensors
    sums = {tensor.name: (tensor.dtype, tensor.shape[0]) for tensor in tensors if tensor.name.endswith("sum")}
    assert sums["embeddings.wide.sum"] == ("int16", 3)
    assert sums["embeddings.sum"] == ("int8", 9)


def test_the_contract_stands_beside_the_file_and_fits_it(text_run):
    folder, ledger = text_run
    files = {path.name: path.read_bytes() for path in (folder / "out" / "text").iterdir()}
    contract = TextContract.from_files(files)
    assert len(contract.vocabulary) == 74
    assert files["labels.txt"].decode().split() == list(LABELS)
    texts, labels = zip(*sentences(100, 2), strict=True)
    model = TFLiteModel.from_file(folder / "out" / "model.tflite")
    found = predict(model, contract.encode_all(texts)).real.argmax(axis=1)
    assert np.mean(found == np.array(labels)) == pytest.approx(ledger["stages"][-1]["accuracy"])


def test_a_finished_run_is_resumed_without_training(text_run, run_command, monkeypatch):
    folder, ledger = text_run
    monkeypatch.setenv("TEXT_TABLES", str(folder))
    again = run_command("run", folder / "recipe.toml", "--out", folder / "out", "--resume", "--json")
    assert again.code == 0, again.err
    assert again.err.count("from the run before") == 4
    assert [row["sha256"] for row in again.json["stages"]] == [row["sha256"] for row in ledger["stages"]]


def test_a_variable_that_is_not_set_is_said_before_anything_runs(text_run, run_command, tmp_path, monkeypatch):
    folder = text_run[0]
    monkeypatch.delenv("TEXT_TABLES")
    command = run_command("run", folder / "recipe.toml", "--out", tmp_path / "out")
    assert command.code == 2
    assert "TEXT_TABLES, which is not set" in command.err
    assert not (tmp_path / "out").exists()


def test_the_data_depend_on_the_recipe_alone(text_run, monkeypatch):
    folder, ledger = text_run
    monkeypatch.setenv("TEXT_TABLES", str(folder))
    recipe = Recipe.from_toml(folder / "recipe.toml")
    assert load_samples(recipe.data, base=folder, seed=recipe.seed).digest == ledger["digests"]["data"]


@pytest.fixture
def untrained(tmp_path):
    """The recipe's folder before a run, and a second tokenizer in it, of which some tokens are left out."""
    write_teacher(tmp_path / "teacher")
    shutil.copytree(tmp_path / "teacher", tmp_path / "other")
    tokens = (tmp_path / "teacher" / "vocab.txt").read_text().splitlines()
    (tmp_path / "other" / "vocab.txt").write_text("\n".join(one for one in tokens if one != "music") + "\n")
    write_table(tmp_path / "train.tsv", sentences(200, 1))
    return tmp_path


def built(folder):
    text = TextSpec("hf:other", 12, classes=LABELS)
    samples = load_samples(DataSpec("train.tsv", text=text), base=folder, seed=3)
    return checkpoint(ModelSpec("hf:teacher"), samples.teacher.train, base=folder, key="teacher", seed=3)


def test_the_tokenizer_of_another_model_is_refused_before_any_training(untrained, run_command):
    (untrained / "more.txt").write_text("the story was very long and the music was fun\n")
    write_table(untrained / "dev.tsv", sentences(40, 2))
    recipe = RECIPE.replace("${TEXT_TABLES}/", "").replace('tokenizer = "hf:teacher"', 'tokenizer = "hf:other"')
    (untrained / "recipe.toml").write_text(recipe.replace("vocabulary = 74", "vocabulary = 73"))
    command = run_command("run", untrained / "recipe.toml", "--out", untrained / "out")
    assert command.code == 2
    assert re.search(
        r"data\.text\.tokenizer: has \d+ tokens that are not the \d+ of the tokenizer in hf:teacher", command.err
    )
    assert not list((untrained / "out").rglob("weights*"))


def test_a_checkpoint_whose_tokenizer_no_contract_can_say_takes_another_that_fits(untrained):
    with pytest.raises(RecipeError, match="are not the"):
        built(untrained)
    config = untrained / "teacher" / "tokenizer_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "padding_side": "left"}))
    assert built(untrained).architecture.vocabulary == 74
