"""The whole chain on sentences without labels: a small BERT's embeddings, learnt by one of its layers."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from litesmith.bundle import VECTORS_FILE, read_bundle
from litesmith.bundle_facts import bundle_facts
from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.tokenizer_folder import contract_from_folder
from litesmith.converters.huggingface import load_text_model
from litesmith.converters.text.encoder import build_encoder
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.data_spec import DataSpec
from litesmith.errors import RecipeError
from litesmith.golden import verify_golden
from litesmith.golden_vectors import read_golden
from litesmith.measure import predict
from litesmith.recipe import Recipe
from litesmith.recipe_data import load_samples
from litesmith.text.spec import TextSpec
from tests.toolkit.text.test_text_run import sentences, write_table, write_teacher

pytestmark = pytest.mark.xdist_group("text_embedding_run")

RECIPES = Path(__file__).resolve().parents[3] / "recipes"
WIDTH = 32
PRUNE = """
[prune]
heads = 0.5
intermediate = 0.5
train = { epochs = 3, learning_rate = 3e-3, batch_size = 16 }
"""
RECIPE = f"""
name = "small_embedding"
task = "embedding"
seed = 3
[data]
source = "train.txt"
validation = 0.15
calibration = 0.1
[data.text]
tokenizer = "hf:teacher"
length = 12
test = "dev.tsv"
vocabulary = 74
[teacher]
model = "hf:teacher"
[student]
model = "teacher"
layers = [1]
train = {{ epochs = 8, learning_rate = 4e-3, batch_size = 16 }}
[distill]
relations = 0.1
{PRUNE}
[budget]
min_accuracy = 0.99
"""


def texts(count, seed):
    return [text for text, _ in sentences(count, seed)]


def edited(recipe, *edits):
    for old, new in edits:
        assert old in recipe
        recipe = recipe.replace(old, new)
    return recipe


def teachers_vectors(folder, given):
    """What a float teacher gives for texts, by the Keras graph rather than by what trains."""
    keras = build_encoder(load_text_model(folder / "teacher", length=12))
    return keras.predict(contract_from_folder(folder / "teacher", 12).encode_all(given), verbose=0)


def run(run_command, folder, recipe, out="out"):
    (folder / "recipe.toml").write_text(recipe)
    return run_command("run", folder / "recipe.toml", "--out", folder / out, "--json")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A folder with a teacher and sentences; nothing in it is changed."""
    folder = tmp_path_factory.mktemp("embedding")
    write_teacher(folder / "teacher")
    (folder / "train.txt").write_text("\n".join(texts(260, 1)) + "\n")
    write_table(folder / "dev.tsv", sentences(60, 2))
    return folder


@pytest.fixture(scope="module")
def embedding_run(inputs, run_command):
    """The recipe, run once by the command line: its folder, its ledger and what it said."""
    command = run(run_command, inputs, RECIPE)
    assert command.code == 0, command.err
    return inputs, json.loads((inputs / "out" / "ledger.json").read_text()), command.err


def test_the_student_learns_and_becomes_integers(embedding_run):
    folder, ledger, _ = embedding_run
    rows = {row["stage"]: row for row in ledger["stages"]}
    assert list(rows) == ["teacher", "student", "prune", "quantize"]
    assert rows["teacher"]["accuracy"] == pytest.approx(1, abs=1e-6)
    assert all(row["accuracy"] > 0.99 for row in rows.values()), {name: row["accuracy"] for name, row in rows.items()}
    assert TFLiteModel.from_file(folder / "out" / "model.tflite").float_tensors == ()
    assert ledger["details"]["prune"]["heads"] == [2]
    assert ledger["details"]["student"]["aligned_samples"] > 100


def test_the_figure_is_the_cosine_to_the_float_teacher_and_is_called_so(embedding_run):
    folder, ledger, said = embedding_run
    given = texts(60, 2)
    model = TFLiteModel.from_file(folder / "out" / "model.tflite")
    files = {path.name: path.read_bytes() for path in (folder / "out" / "text").iterdir()}
    assert "labels.txt" not in files
    found = predict(model, TextContract.from_files(files).encode_all(given)).real
    wanted = teachers_vectors(folder, given)
    cosine = (found * wanted).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(wanted, axis=1)
    assert ledger["stages"][-1]["accuracy"] == pytest.approx(cosine.mean(), abs=1e-5)
    assert ledger["metric"] == "cosine"
    (tried,) = ledger["details"]["quantize"]["tries"]
    assert (tried["metric"], tried["agreement"]) == ("cosine", None)
    parity = ledger["details"]["quantize"]["parity"]
    assert parity["argmax_agreement"] is None and parity["cosine"] > 0.99
    assert "cosine" in said and "accuracy" not in said and "%" not in said


def test_the_bundle_is_one_of_an_embedding_and_its_vectors_pass(embedding_run):
    folder, ledger, _ = embedding_run
    bundle = read_bundle(folder / "out")
    facts = bundle_facts(bundle)
    assert (facts.labels, facts.output.shape) == ((), (1, WIDTH))
    manifest = bundle.manifest
    assert (manifest["task"], manifest["outputs"][0]["holds"]) == ("embedding", "embedding")
    assert manifest["measured"]["metric"] == "cosine"
    assert manifest["distillation"] == {"relations": 0.1}
    golden = read_golden(bundle.folder / VECTORS_FILE)
    assert [vector.text for vector in golden.vectors] == list(dict.fromkeys(texts(60, 2)))[:32]
    assert verify_golden(bundle.folder).ok
    card = bundle.contents["MODEL_CARD.md"].decode()
    assert f"a mean cosine of {ledger['stages'][-1]['accuracy']:.4f} to the teacher's vectors on 60 test texts" in card
    for words in ("accuracy", "class", "logit", "Wilson", "temperature"):
        assert words not in card


def test_a_finished_run_is_resumed_without_training(embedding_run, run_command):
    folder, ledger, _ = embedding_run
    again = run_command("run", folder / "recipe.toml", "--out", folder / "out", "--resume", "--json")
    assert again.code == 0, again.err
    assert again.err.count("from the run before") == 4
    assert [row["sha256"] for row in again.json["stages"]] == [row["sha256"] for row in ledger["stages"]]


def test_a_cosine_below_the_budget_is_reported_and_nothing_ships(inputs, run_command, tmp_path):
    """Of a student that was not trained before half of its weights became zeros."""
    for name in ("teacher", "train.txt", "dev.tsv"):
        (tmp_path / name).symlink_to(inputs / name)
    zeros = "[prune]\ntrain = { epochs = 4, learning_rate = 2e-3, batch_size = 16 }\n"
    edits = (("epochs = 8", "epochs = 0"), (PRUNE, zeros), ("relations = 0.1", ""), ("0.99", "0.9999"))
    command = run(run_command, tmp_path, edited(RECIPE, *edits))
    assert command.code == 1, command.err
    rows = {row["stage"]: row for row in command.json["stages"]}
    assert rows["student"]["accuracy"] < 0.95 < rows["prune"]["accuracy"]
    assert rows["prune"]["sparsity"] == pytest.approx(0.5, abs=0.02)
    (violation,) = command.json["unmet_budgets"]
    assert (violation["budget"], violation["stage"]) == ("min_accuracy", "student")
    assert violation["found"] == rows["quantize"]["accuracy"]
    (tried,) = command.json["details"]["quantize"]["tries"]
    (unmet,) = tried["inaccurate"]
    assert unmet.startswith("cosine 0.9") and unmet.endswith(" is below 0.9999")
    assert not (tmp_path / "out" / "bundle").exists()


def test_a_table_and_a_file_with_a_sentence_a_line_are_the_same_samples(inputs, tmp_path):
    (tmp_path / "teacher").symlink_to(inputs / "teacher")
    write_table(tmp_path / "train.tsv", sentences(260, 1))
    (tmp_path / "train.txt").write_text("\n\n".join(texts(260, 1)))
    loaded = [
        load_samples(DataSpec(name, text=TextSpec("hf:teacher", 12)), base=tmp_path, seed=1, task="embedding")
        for name in ("train.tsv", "train.txt")
    ]
    assert loaded[0].digest == loaded[1].digest
    parts = loaded[0].splits.parts
    assert [part.y.shape for part in parts] == [(len(part), 0) for part in parts]
    rows = [{row.tobytes() for row in part.x} for part in parts]
    assert len(set().union(*rows)) == sum(map(len, rows))


@pytest.mark.parametrize(
    ("edits", "key", "message"),
    [
        ([('model = "hf:teacher"\n[student]', 'model = "hf:teacher"\ntrain = { epochs = 1 }\n[student]')],
         "teacher.train.epochs", "must be 0"),
        ([("length = 12", 'length = 12\nlabel = "class"')], "data.text.label", "is for classes"),
        ([("length = 12", 'length = 12\nclasses = ["a", "b"]')], "data.text.classes", "is for classes"),
        ([("relations = 0.1", "temperature = 2.0")], "distill.temperature", "is for classes"),
        ([("relations = 0.1", 'labels = "teacher"')], "distill.labels", "is for classes"),
        ([("layers = [1]", "layers = [1]\nhidden = 16")], "student.hidden", "another width"),
        ([('[student]\nmodel = "teacher"\nlayers = [1]', '[student]\nmodel = "a.b:c"'), (PRUNE, "")],
         "distill.relations", "is for text encoders"),
        ([('[teacher]\nmodel = "hf:teacher"\n', ""), ('model = "teacher"', 'model = "hf:teacher"'),
          ("[distill]\nrelations = 0.1\n", "")], "teacher", "is needed"),
        ([('[student]\nmodel = "teacher"\nlayers = [1]', '[student]\nmodel = "a.b:c"'), (PRUNE, ""),
          ("relations = 0.1", "")],
         "student.model", "must be a text encoder"),
        ([('task = "embedding"', 'task = "embeddings"')], "task", "is not one of classification, embedding"),
    ],
)  # fmt: skip
def test_keys_that_an_embedding_cannot_have_are_refused_by_name(tmp_path, edits, key, message):
    path = tmp_path / "recipe.toml"
    path.write_text(edited(RECIPE, *edits))
    with pytest.raises(RecipeError, match=message) as error:
        Recipe.from_toml(path)
    assert error.value.key == key


def test_the_recipe_for_minilm_is_valid():
    recipe = Recipe.from_toml(RECIPES / "embeddings_minilm.toml")
    assert (recipe.task, recipe.student.layers) == ("embedding", (0, 2, 5))


def test_a_teacher_of_classes_gives_no_embedding(inputs, run_command, tmp_path):
    rewritten(inputs / "teacher", tmp_path / "teacher", lambda name, array: array, with_classes=True)
    error = refused(inputs, run_command, tmp_path, RECIPE)
    assert "teacher.model: hf:teacher has a head of kind sequence, which gives no embedding" in error


def test_vectors_of_two_widths_are_not_compared(inputs, run_command, tmp_path):
    (tmp_path / "teacher").symlink_to(inputs / "teacher")

    def half(name, array):
        return array[tuple(slice(WIDTH // 2) if size == WIDTH else slice(None) for size in array.shape)]

    rewritten(inputs / "teacher", tmp_path / "narrow", half, hidden_size=WIDTH // 2, num_attention_heads=2)
    recipe = edited(RECIPE, ('[student]\nmodel = "teacher"', '[student]\nmodel = "hf:narrow"'))
    error = refused(inputs, run_command, tmp_path, recipe)
    assert "student.model: gives vectors of width 16, the teacher those of width 32" in error


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("train.txt", "\n \n\n", "train.txt: has no sentence; give one a line"),
        ("train.tsv", "sentence\ta\ngood film\t1\n\t2\n", "train.tsv, line 3: 'sentence' is empty"),
        ("train.tsv", "words\ngood film\nbad film\n", "train.tsv: has no column 'sentence'"),
        (
            "train.txt",
            "good film\nbad film\ndull cast\n",
            "validation = 0.15 is 0 of 3 distinct samples, but at least 1",
        ),
        ("none.txt", None, "none.txt: there is no such file"),
    ],
)
def test_sentences_that_are_missing_are_said(inputs, run_command, tmp_path, name, content, message):
    (tmp_path / "teacher").symlink_to(inputs / "teacher")
    if content is not None:
        (tmp_path / name).write_text(content)
    assert message in refused(inputs, run_command, tmp_path, edited(RECIPE, ("train.txt", name)))


def refused(inputs, run_command, folder, recipe):
    """What a run says that is refused before it leaves anything."""
    for name in ("train.txt", "dev.tsv"):
        if not (folder / name).exists():
            (folder / name).symlink_to(inputs / name)
    command = run(run_command, folder, recipe)
    assert command.code == 2
    assert not (folder / "out").exists()
    return command.err


def rewritten(source, folder, change, *, with_classes=False, **config):
    """A checkpoint whose weights went through `change`, perhaps with a head of two classes."""
    from safetensors.numpy import load_file, save_file

    shutil.copytree(source, folder)
    weights = {
        name: np.ascontiguousarray(change(name, one)) for name, one in load_file(source / "model.safetensors").items()
    }
    document = json.loads((source / "config.json").read_text()) | config
    if with_classes:
        weights = {f"bert.{name}": one for name, one in weights.items()}
        weights |= {"classifier.weight": np.ones((2, WIDTH), np.float32), "classifier.bias": np.zeros(2, np.float32)}
        document["architectures"] = ["BertForSequenceClassification"]
    save_file(weights, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(document))
