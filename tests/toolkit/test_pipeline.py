"""The whole chain: what it leaves, that it can be killed and resumed, and what breaks it."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib

import numpy as np
import pytest

from litesmith.calibration.preprocess import Preprocess
from litesmith.converters.label import truth_label
from litesmith.converters.metadata import read_metadata
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.files import TEMPORARY

pytestmark = pytest.mark.xdist_group("run")

PATIENCE_S = 600  # for a stage, on a machine that others use too


@pytest.fixture
def again(small_run, tmp_path, run_command):
    """Resume a copy of the small run with an edited recipe."""

    def resume(*edits):
        out = tmp_path / "out"
        shutil.copytree(small_run.out, out)
        text = small_run.recipe.read_text(encoding="utf-8")
        for old, new in edits:
            assert old in text
            text = text.replace(old, new)
        recipe = tmp_path / "edited.toml"
        recipe.write_text(text, encoding="utf-8")
        return out, run_command("run", recipe, "--out", out, "--resume", "--json")

    return resume


def test_the_run_leaves_what_it_promises(small_run):
    names = {path.name for path in small_run.out.iterdir()}
    assert {"model.tflite", "ledger.json", "recipe.lock.toml", "targets", "bundle"} <= names
    assert {path.stem for path in (small_run.out / "targets").iterdir()} == {"arm_cpu", "edge_tpu", "nnapi"}
    assert not list(small_run.out.rglob(TEMPORARY))


def test_every_stage_has_a_row_that_matches_its_file(small_run):
    ledger = json.loads((small_run.out / "ledger.json").read_text())
    assert [row["stage"] for row in ledger["stages"]] == ["teacher", "student", "prune", "qat", "quantize"]
    for row in ledger["stages"]:
        file = small_run.out / "stages" / row["stage"] / "model.tflite"
        if row["stage"] == "qat":
            assert (row["measured_on"], row["bytes"]) == ("keras", None)
            continue
        model = TFLiteModel.from_file(file)
        assert (row["bytes"], row["gzip_bytes"]) == (len(model.content), model.gzip_bytes)
        assert (row["sha256"], row["label"]) == (model.sha256, truth_label(model))
        assert row["latency"]["p50_ms"] > 0
        assert 0.5 < row["accuracy"] <= 1


def test_the_deployed_file_is_integer_sparse_and_agrees_with_keras(small_run):
    model = TFLiteModel.from_file(small_run.out / "model.tflite")
    assert truth_label(model) == "full-int8"
    assert model.float_tensors == ()
    assert model.weight_sparsity > 0.55
    parity = json.loads((small_run.out / "ledger.json").read_text())["details"]["quantize"]["parity"]
    assert parity["argmax_agreement"] > 0.97
    assert parity["max_lsb"] < 5  # fake quantization and the integer kernels round apart by single steps


def test_the_deployed_file_holds_its_contract_and_labels(small_run):
    model = TFLiteModel.from_file(small_run.out / "bundle" / "model.tflite")
    assert model.content == (small_run.out / "model.tflite").read_bytes()
    found = read_metadata(model)
    assert found is not None
    assert found.files["labels.txt"].decode().split() == list("0123456789")
    assert Preprocess.from_dict(json.loads(found.files["preprocess.json"])).block == 4
    for name, inside in found.files.items():
        assert (small_run.out / "bundle" / name).read_bytes() == inside
    row = json.loads((small_run.out / "ledger.json").read_text())["stages"][-1]
    assert row["sha256"] == model.sha256


def test_pruning_reports_what_each_layer_reached(small_run):
    layers = json.loads((small_run.out / "ledger.json").read_text())["details"]["prune"]["layers"]
    assert {layer["layer"] for layer in layers} == {"conv0", "conv1", "conv2", "conv3", "logits"}
    assert all(abs(layer["reached"] - layer["asked"]) < 0.01 for layer in layers)


def test_the_lock_holds_every_default_and_version(small_run):
    lock = tomllib.loads((small_run.out / "recipe.lock.toml").read_text())
    assert lock["recipe"]["distill"] == {"temperature": 4.0, "alpha": 0.7, "labels": "data"}
    assert {"tensorflow", "ai-edge-litert", "numpy", "python"} <= set(lock["versions"])
    assert set(lock["digests"]) == {"recipe", "data", "teacher", "student"}


def test_json_is_the_only_thing_on_stdout(small_run):
    assert small_run.command.json["stages"][-1]["label"] == "full-int8"
    assert "teacher" in small_run.command.err


def test_teacher_logits_were_computed_once(small_run):
    assert len(list((small_run.out / "cache").glob("logits-*.npy"))) == 1


def test_a_broken_budget_fails_the_run_and_names_the_stage(again):
    out, command = again(("max_bytes = 20_000", "max_bytes = 9_000"))
    assert command.code == 1
    (unmet,) = command.json["unmet_budgets"]
    assert (unmet["budget"], unmet["stage"]) == ("max_bytes", "student")
    assert not (out / "bundle").exists()
    assert (out / "model.tflite").exists()


def test_an_edited_section_reruns_only_what_depends_on_it(again, small_run):
    out, command = again(("[quantize]\n", "[quantize]\nio = 'uint8'\n"))
    assert command.code == 0
    assert TFLiteModel.from_file(out / "model.tflite").inputs[0].dtype == "uint8"
    for stage in ("teacher", "student", "prune"):
        marker = f"stages/{stage}/done.json"
        assert (out / marker).read_bytes() == (small_run.out / marker).read_bytes()


def test_a_renamed_run_names_its_file_anew(again):
    out, command = again(('name = "small"', 'name = "renamed"'))
    assert command.code == 0
    assert read_metadata(TFLiteModel.from_file(out / "model.tflite")).facts.name == "renamed"


def test_a_required_target_that_is_unmet_fails_the_run(again):
    _, command = again(
        ("[quantize.qat]\ntrain = { epochs = 2, learning_rate = 5e-4 }\n", ""),
        ("[quantize]\n", "[quantize]\nmode = 'float32'\n"),
        ('"nnapi"]\n', '"nnapi"]\nrequire = ["edge_tpu"]\n'),
    )
    assert command.code == 1
    assert command.json["unmet_targets"] == ["edge_tpu"]


@pytest.mark.parametrize("stage", ["student", "qat"])
def test_a_killed_run_resumes_to_the_same_bytes(small_run, tmp_path, run_command, stage):
    out = tmp_path / "out"
    line = [sys.executable, "-m", "litesmith.cli", "run", str(small_run.recipe), "--out", str(out)]
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(out / "stages" / stage, process)
            time.sleep(0.3)
        finally:
            process.kill()
    assert not (out / "model.tflite").exists()
    assert not (out / "stages" / stage / "done.json").exists()
    refused = run_command("run", small_run.recipe, "--out", out)
    assert refused.code == 2 and "--resume" in refused.err
    resumed = run_command("run", small_run.recipe, "--out", out, "--resume")
    assert resumed.code == 0, resumed.err
    assert "(from the run before)" in resumed.err
    assert (out / "model.tflite").read_bytes() == (small_run.out / "model.tflite").read_bytes()
    assert not list(out.rglob(TEMPORARY))


def wait_for(path, process):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if path.exists():
            return
        assert process.poll() is None, "the run ended before it reached the stage"
        time.sleep(0.05)
    raise AssertionError(f"{path} did not appear")


def test_a_full_disk_is_one_clear_error_and_leaves_nothing_half_written(small_run, tmp_path, run_command):
    out = tmp_path / "out"
    limited = ("bash", "-c", 'ulimit -f 40; exec "$@"', "limited")  # no file may pass 40 KiB
    command = run_command("run", small_run.recipe, "--out", out, prefix=limited)
    assert command.code == 2
    assert re.search(r"weights\.npz: cannot be written \(File too large\); free space", command.err)
    assert "Traceback" not in command.err
    assert not list(out.rglob(TEMPORARY)) and not list(out.rglob("weights.npz"))


def dataset(tmp_path, **changes):
    random = np.random.default_rng(0)
    arrays = {"x": random.random((90, 8, 8, 1), np.float32), "y": np.arange(90) % 3, **changes}
    np.savez(tmp_path / "data.npz", **arrays)


def recipe_for(tmp_path, extra=""):
    path = tmp_path / "r.toml"
    path.write_text(
        'name = "r"\n[data]\nsource = "data.npz"\n[student]\nmodel = "litesmith.zoo:digits_student"\n'
        "train = { epochs = 1 }\n" + extra
    )
    return path


def infinite(x):
    x[5, 0, 0, 0] = np.inf
    return x


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": infinite(np.ones((90, 8, 8, 1), np.float32))}, "sample 5"),
        ({"x": np.ones((0, 8, 8, 1), np.float32), "y": np.arange(0)}, "empty"),
        (
            {"x": np.random.default_rng(0).random((90, 8), np.float32)},
            "failed for input_shape=.8,.*does the model fit the data",
        ),
        ({"y": np.full(90, -1)}, "label"),
        ({"y": np.arange(90) % 3 + 0.5}, "labels"),
        ({"y": np.arange(80) % 3}, "80 labels"),
        ({"class_names": np.array(["a", "b"])}, "label 2"),
    ],
)
def test_bad_data_is_one_clear_error(tmp_path, capsys, changes, message):
    from litesmith.cli import main

    dataset(tmp_path, **changes)
    assert main(["run", str(recipe_for(tmp_path)), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert re.search(message, error) and error.count("error:") == 1
    assert not list(tmp_path.rglob("*.tflite"))


def test_missing_data_names_the_path(tmp_path, capsys):
    from litesmith.cli import main

    assert main(["run", str(recipe_for(tmp_path)), "--out", str(tmp_path / "out")]) == 2
    assert "data.npz" in capsys.readouterr().err


def test_teacher_and_data_must_agree_on_classes_before_anything_is_trained(tmp_path, capsys):
    from litesmith.cli import main
    from litesmith.zoo import digits_teacher

    dataset(tmp_path)
    with pytest.warns(UserWarning):
        digits_teacher((8, 8, 1), 10).save(tmp_path / "teacher.h5")
    recipe = recipe_for(tmp_path, '[distill]\n[teacher]\nmodel = "teacher.h5"\n')
    assert main(["run", str(recipe), "--out", str(tmp_path / "out")]) == 2
    assert "outputs of shape (10,), but the data has 3 classes" in capsys.readouterr().err
    assert not (tmp_path / "out" / "stages").exists()


def test_a_student_from_a_file_is_quantized_without_further_training(tmp_path, capsys):
    from litesmith.cli import main
    from litesmith.converters.backend import tf_keras
    from litesmith.zoo import digits_student

    dataset(tmp_path)
    logits = digits_student((8, 8, 1), 3)
    with pytest.warns(UserWarning):
        tf_keras().Model(logits.inputs, tf_keras().layers.Softmax()(logits.output)).save(tmp_path / "student.h5")
    recipe = recipe_for(tmp_path)
    recipe.write_text(recipe.read_text().replace("litesmith.zoo:digits_student", "student.h5").replace("= 1", "= 0"))
    out = tmp_path / "out"
    assert main(["run", str(recipe), "--out", str(out), "--json"]) == 0
    assert [row["stage"] for row in json.loads(capsys.readouterr().out)["stages"]] == ["student", "quantize"]
    assert "SOFTMAX" not in TFLiteModel.from_file(out / "model.tflite").ops
    assert set(tomllib.loads((out / "recipe.lock.toml").read_text())["digests"]) == {"recipe", "data", "student"}


MODEL_CODE = """
from litesmith.converters.backend import tf_keras
def net(input_shape, num_classes):
    keras = tf_keras()
    inputs = keras.Input(input_shape)
    x = keras.layers.Flatten()(keras.layers.Conv2D(4, 3)(inputs))
    return keras.Model(inputs, keras.layers.Dense(num_classes)(x))
"""


@pytest.fixture
def own_model(tmp_path, run_command):
    """A run of a model that stands in a module beside the recipe."""
    dataset(tmp_path)
    (tmp_path / "own_net.py").write_text(MODEL_CODE)
    recipe = recipe_for(tmp_path)
    recipe.write_text(recipe.read_text().replace("litesmith.zoo:digits_student", "own_net:net"))

    def run(*flags):
        return run_command("run", recipe, "--out", tmp_path / "out", *flags)

    first = run()
    assert first.code == 0, first.err
    return run


def test_edited_model_code_is_another_run(own_model, tmp_path):
    before = (tmp_path / "out" / "model.tflite").read_bytes()
    (tmp_path / "own_net.py").write_text(MODEL_CODE.replace("Conv2D(4", "Conv2D(6"))
    os.utime(tmp_path / "own_net.py", (1, 1))  # not even Python's own cache may hide the edit
    again = own_model("--resume")
    assert again.code == 0 and "(from the run before)" not in again.err
    assert (tmp_path / "out" / "model.tflite").read_bytes() != before


def test_overwrite_deletes_only_what_a_run_made_and_only_when_the_new_one_can_start(own_model, tmp_path):
    out = tmp_path / "out"
    (out / "notes.txt").write_text("mine")
    (tmp_path / "own_net.py").write_text(MODEL_CODE.replace("def net", "def other"))
    refused = own_model("--overwrite")
    assert refused.code == 2 and "no function 'net'" in refused.err
    assert (out / "model.tflite").exists()
    (tmp_path / "own_net.py").write_text(MODEL_CODE)
    assert own_model("--overwrite").code == 0
    assert (out / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("[prune]\nexclude = ['conv9']\ntrain = { epochs = 1 }\n", "conv9.*conv0"),
        ("[quantize.qat]\ntrain = { epochs = 1 }\n", "LayerNormalization"),
        ("[quantize.precision]\nconv9 = 'int16'\n", "quantize.precision: no operator .* like 'conv9'; .*conv0"),
        ("[quantize.ranges]\nconv9 = 'mse'\n", "quantize.ranges: no tensor .* like 'conv9'"),
    ],
)
def test_what_a_late_stage_would_refuse_is_refused_at_the_start(tmp_path, capsys, section, message):
    from litesmith.cli import main

    dataset(tmp_path)
    code = MODEL_CODE.replace("Dense(num_classes)(x)", "Dense(num_classes)(keras.layers.LayerNormalization()(x))")
    code = code.replace("Conv2D(4, 3)", "Conv2D(4, 3, name='conv0')")
    (tmp_path / "late_net.py").write_text(code)
    recipe = recipe_for(tmp_path, section)
    recipe.write_text(recipe.read_text().replace("litesmith.zoo:digits_student", "late_net:net"))
    assert main(["run", str(recipe), "--out", str(tmp_path / "out")]) == 2
    assert re.search(message, capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


def test_a_lock_is_a_recipe(small_run, tmp_path, run_command):
    out = tmp_path / "out"
    shutil.copytree(small_run.out, out)
    command = run_command("run", out / "recipe.lock.toml", "--out", out, "--resume")
    assert command.code == 0
    assert command.err.count("(from the run before)") == 5


def test_the_ledger_says_what_the_data_are(small_run):
    data = json.loads((small_run.out / "ledger.json").read_text())["details"]["data"]
    assert sum(data[part] for part in ("train", "validation", "calibration", "test")) == 1797
    assert (data["duplicates"], data["conflicting_labels"]) == (0, 0)


def test_without_quantization_aware_training_int8_is_corrected_after_training(again):
    _, command = again(
        ("[quantize.qat]\ntrain = { epochs = 2, learning_rate = 5e-4 }\n", ""),
        ("[quantize]\n", "[quantize]\neffort = 'high'\n"),
    )
    assert command.code == 0, command.err
    details = command.json["details"]["quantize"]
    assert details["route"] in ("mlir", "aeq") and details["note"] == ""
    rows = {row["stage"]: row for row in command.json["stages"]}
    assert rows["quantize"]["label"] == "full-int8"
    assert rows["quantize"]["accuracy"] > rows["prune"]["accuracy"] - 0.02
