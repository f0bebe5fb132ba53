"""Quantization-aware training of text: the written file gets better, and a whole recipe takes the better one."""

import json
from dataclasses import replace

import numpy as np
import pytest

from litesmith.converters.text.integer.quantize import quantize_text
from litesmith.converters.text.integer.retrained import with_weights
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.text.embedding import from_embeddings
from litesmith.text.file_grids import grids_of
from litesmith.text.fit import fit
from litesmith.text.predict import predict
from litesmith.text.signal import from_labels
from litesmith.training_specs import TrainSpec
from tests.converters.text.integer.small_text_models import HEADS, Running, drawn, texts
from tests.toolkit.text.test_text_run import sentences, write_table, write_teacher

pytestmark = pytest.mark.xdist_group("text_qat")

RECIPE = """
name = "trained_text"
seed = 3
[data]
source = "train.tsv"
[data.text]
tokenizer = "hf:teacher"
length = 12
[teacher]
model = "hf:teacher"
train = { epochs = 5, learning_rate = 2e-3, batch_size = 16 }
[student]
model = "teacher"
layers = [1]
train = { epochs = 3, learning_rate = 3e-3, batch_size = 16 }
[distill]
[quantize.qat]
train = { epochs = 1, learning_rate = 2e-4, batch_size = 16 }
"""


def harsh():
    """An encoder whose kernels have a row of large weights, for a channel that hardly has values."""
    model = drawn(HEADS["mean"], hidden=16, embedding=16, head_size=8, heads=(2,), intermediate=(32,))
    weights = {name: array.copy() for name, array in model.weights.items()}
    for norm in ("embeddings.norm", "layers.0.attention.norm"):
        weights[f"{norm}.gamma"][0] /= 60
        weights[f"{norm}.beta"][0] = 0
    for name in ("attention.query", "attention.key", "attention.value", "feed_forward.intermediate"):
        kernel = weights[f"layers.0.{name}.kernel"]
        kernel[0] = 15 * np.sign(kernel[0])
    return replace(model, weights=weights)


def trained(model, ids, objective, spec, **options):
    return fit(model, ids, objective, spec, stage="qat", seed=0, on_event=lambda _: None, **options)


def test_training_on_the_grids_makes_the_file_better():
    model = harsh()
    calibration, train, test = (texts(model, count, seed=seed) for count, seed in ((96, 1), (512, 9), (96, 7)))
    made = quantize_text(model, calibration, without=("smooth_inputs",))
    objective = from_embeddings(predict(model, train), 16)
    learnt = trained(model, train, objective, TrainSpec(10, 3e-3, 32), grids=grids_of(model, made))
    exact = predict(model, test)

    def error(content):
        found = Running(content)(test).reshape(exact.shape)
        return np.square(found - exact).mean() / np.square(exact).mean()

    before, after = error(made.content), error(with_weights(made, model, learnt).content)
    assert before > 0.02  # it is bad without
    assert after < 0.6 * before
    # Rewrites that are fitted again round otherwise.
    assert after < error(quantize_text(learnt, calibration, without=("smooth_inputs",)).content)


@pytest.mark.parametrize(
    ("head", "sizes"),
    [("mean", {}), ("sequence_tanh", {"norm": "pre", "embedding": 16}), ("sequence", {"activation": "relu"})],
)
def test_trained_weights_are_written_on_the_same_grids(head, sizes):
    model = drawn(HEADS[head], **sizes)
    ids = texts(model, 48)
    made = quantize_text(model, ids)
    assert with_weights(made, model, model).content == made.content
    random = np.random.default_rng(0)
    moved = {
        name: array if name.endswith(("gamma", "beta")) else array + random.normal(0, 0.02, array.shape)
        for name, array in model.weights.items()
    }
    other = replace(model, weights={name: array.astype(np.float32) for name, array in moved.items()})
    again = with_weights(made, model, other)
    expected, found = predict(other, ids), Running(again.content)(ids).reshape(len(ids), -1)
    apart = np.linalg.norm(expected - predict(model, ids))
    assert np.linalg.norm(found - expected) < 0.5 * apart
    file = Running(made.content)(ids).reshape(len(ids), -1) - predict(model, ids)
    assert np.linalg.norm(found - expected) < 2 * np.linalg.norm(file)


def test_norms_stay_and_zeros_are_kept_where_asked_for(make_text_model, make_ids):
    model, ids = make_text_model(), make_ids(64)
    y = (ids[:, 1] > 20).astype(np.int64)
    name, norms = "layers.0.feed_forward.intermediate.kernel", ("gamma", "beta")
    kernel = model.weights[name] * (np.arange(48) % 2)
    model = replace(model, weights={**model.weights, name: kernel.astype(np.float32)})
    grids = grids_of(model, quantize_text(model, ids))
    kept, free = (
        trained(model, ids, from_labels(y), TrainSpec(1, 1e-3, 16), grids=grids, keep_zeros=keep)
        for keep in (True, False)
    )
    assert np.array_equal(kept.weights[name] == 0, kernel == 0)
    assert (free.weights[name] != 0).mean() > 0.9
    moved = {one for one, array in kept.weights.items() if not np.array_equal(array, model.weights[one])}
    assert {name, "embeddings.word", "head.dense.kernel"} <= moved
    assert not any(one.endswith(norms) for one in moved)


@pytest.fixture(scope="module")
def qat_run(tmp_path_factory, run_command):
    """The recipe above, run once by the command line: its folder and its ledger."""
    folder = tmp_path_factory.mktemp("text_qat")
    write_teacher(folder / "teacher")
    write_table(folder / "train.tsv", sentences(300, 1))
    (folder / "recipe.toml").write_text(RECIPE)
    command = run_command("run", folder / "recipe.toml", "--out", folder / "out", "--json")
    assert command.code == 0, command.err
    return folder, json.loads((folder / "out" / "ledger.json").read_text())


def test_a_recipe_trains_a_text_student_for_integers(qat_run):
    folder, ledger = qat_run
    rows = {row["stage"]: row for row in ledger["stages"]}
    assert list(rows) == ["teacher", "student", "qat", "quantize"]
    assert (rows["qat"]["label"], rows["qat"]["measured_on"], rows["qat"]["bytes"]) == (
        "training graph", "tensorflow", None,
    )  # fmt: skip
    assert rows["qat"]["parameters"] == rows["student"]["parameters"]
    assert min(rows["qat"]["accuracy"], rows["quantize"]["accuracy"]) > 0.85
    assert TFLiteModel.from_file(folder / "out" / "model.tflite").float_tensors == ()


def test_the_better_of_both_files_ships(qat_run):
    folder, ledger = qat_run
    details = ledger["details"]["quantize"]
    assert [tried["remedy"] for tried in details["tries"]] == ["quantization-aware training", "rewrites for integers"]
    scores = [
        (tried["accuracy"], tried["agreement"], tried["snr_db"], not place)
        for place, tried in enumerate(details["tries"])
    ]
    assert [tried["taken"] for tried in details["tries"]] == [score == max(scores) for score in scores]
    taken = details["tries"][0]["taken"]
    assert details["steps"] == ["student", *(["qat"] if taken else [])]
    card = (folder / "out" / "bundle" / "MODEL_CARD.md").read_text()
    assert f"By {'quantization-aware training' if taken else 'rewrites for integers'}." in card


def test_it_is_resumed_without_training_and_trained_anew_after_an_edit(qat_run, run_command):
    folder, ledger = qat_run
    line = ("run", folder / "recipe.toml", "--out", folder / "out", "--resume", "--json")
    again = run_command(*line)
    assert again.err.count("from the run before") == 4
    assert [row["sha256"] for row in again.json["stages"]] == [row["sha256"] for row in ledger["stages"]]
    (folder / "recipe.toml").write_text(RECIPE.replace("2e-4", "3e-4"))
    other = run_command(*line)
    assert other.code == 0, other.err
    assert other.err.count("from the run before") == 2
    assert other.json["stages"][2]["sha256"] != ledger["stages"][2]["sha256"]
