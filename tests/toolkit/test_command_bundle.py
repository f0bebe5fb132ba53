import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from litesmith.bundle import FILES, Provenance, read_bundle, write_bundle
from litesmith.calibration.preprocess import Preprocess
from litesmith.cli import main
from litesmith.commands import bundle as command
from litesmith.commands.answer import Answer
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.dataset import Dataset
from litesmith.errors import ModelError, OutputError
from litesmith.files import sha256_file, write_json
from litesmith.golden import MODEL_FILE, VECTORS_FILE
from litesmith.ledger import Ledger, Row
from litesmith.splits import Splits


def exchange(bundle: Path, name: str, content: bytes) -> None:
    """Put in another file and make the manifest agree, as someone could who does not run the vectors."""
    (bundle / name).write_bytes(content)
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["files"][name]["sha256"] = sha256_file(bundle / name)
    write_json(bundle / "manifest.json", manifest)


@pytest.fixture(scope="module")
def made(golden, tmp_path_factory, quantize_details) -> Path:
    """The folder of a run, as far as this command looks at it."""
    model = TFLiteModel.from_file(golden / "int8.tflite")
    x = np.random.default_rng(0).random((10, 8, 8, 1), np.float32)
    part = Dataset(x, np.arange(10), tuple("abcdefghij"), Preprocess((8, 8, 1)), "noise")
    row = Row("student", "full-int8", "litert", 0.5, 0.5, 10, 0.0, 1.0, model.sha256, 8_624, 5_827)
    parity = {"samples": 10, "max_difference": 0.0, "mean_difference": 0.0, "max_lsb": None, "argmax_agreement": 1.0}
    locked = {"recipe": {"name": "noise", "task": "classification"}, "versions": {"litesmith": "0.1.0"},
              "digests": {"recipe": "r", "data": "d"}}  # fmt: skip
    provenance = Provenance(
        locked, Ledger((row,)), {"quantize": quantize_details(steps=["student"], parity=parity)}, {}
    )
    run = tmp_path_factory.mktemp("run")
    bundle = write_bundle(run / "bundle", model, Splits(part, part, part, part), provenance)
    vectors = json.loads((bundle / VECTORS_FILE).read_text())
    vectors["vectors"] = vectors["vectors"][:2]  # each costs a child process
    exchange(bundle, VECTORS_FILE, json.dumps(vectors).encode())
    return run


@pytest.fixture
def run(made, tmp_path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "run"))


@pytest.fixture
def app(tmp_path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    return folder


def execute(*arguments: Path | str) -> Answer:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    return command.execute(parser.parse_args([str(argument) for argument in arguments]))


def test_without_an_app_it_only_verifies(run):
    before = sorted(run.rglob("*"))
    answer = execute(run)
    document = json.loads(json.dumps(answer.document))
    assert answer.exit_code == 0
    assert document["ok"]
    assert document["name"] == "noise"
    assert document["bundle"] == str(run / "bundle")
    assert set(document["files"]) == set(FILES)
    assert document["golden"]["vectors"] == 2
    assert document["golden"]["different"] == 0
    assert document["installed"] is None
    assert sorted(run.rglob("*")) == before
    assert "0 of 20 values differ" in answer.text
    assert "installed" not in answer.text


def test_the_app_gets_the_bundle_and_nothing_else(run, app):
    (run / "bundle" / "notes.txt").write_text("not for the app")
    answer = execute(run / "bundle", "--android", app)
    place = app / "app" / "src" / "main" / "assets" / "litesmith"
    assert answer.document["installed"] == str(place)
    assert f"installed: {place}" in answer.text
    found = {str(path.relative_to(place)) for path in place.rglob("*") if path.is_file()}
    assert found == {*FILES, "manifest.json"}
    assert read_bundle(place).contents == read_bundle(run).contents
    assert [path.name for path in place.parent.iterdir()] == ["litesmith"]


def test_the_app_gets_a_class_and_test_vectors(run, app):
    answer = execute(run, "--android", app)
    source, vectors = (Path(place) for place in answer.document["generated"])
    assert source == app / "app/src/main/kotlin/dev/litesmith/generated/BundledModel.kt"
    assert "object BundledModel" in source.read_text(encoding="utf-8")
    assert vectors.read_bytes() == (run / "bundle" / VECTORS_FILE).read_bytes()
    assert f"generated: {source}" in answer.text


def test_what_the_app_cannot_do_changes_nothing(run, app):
    (app / "gradle").mkdir()
    (app / "gradle" / "libs.versions.toml").write_text('[versions]\ntensorflow-lite = "1.0.0"\n')
    before = sorted(app.rglob("*"))
    with pytest.raises(ModelError, match="but the app has 1"):
        execute(run, "--android", app)
    assert sorted(app.rglob("*")) == before


def test_a_bundle_in_the_app_is_replaced(run, app):
    first = execute(run, "--android", app)
    second = execute(run, "--android", app)
    assert first.document == second.document


def test_a_model_that_computes_something_else_is_exit_1_and_not_installed(run, app, golden):
    exchange(run / "bundle", MODEL_FILE, (golden / "int8_half_zeros.tflite").read_bytes())
    answer = execute(run, "--android", app)
    assert answer.exit_code == 1
    assert not answer.document["ok"]
    assert answer.document["installed"] is None
    assert "computes something else" in answer.text
    assert not list(app.iterdir())


def test_a_changed_file_is_exit_2_and_not_installed(run, app):
    labels = run / "bundle" / "labels.txt"
    labels.write_text("light\ndark\n")
    with pytest.raises(ModelError, match=r"labels\.txt: was changed") as caught:
        execute(run, "--android", app)
    assert caught.value.exit_code == 2
    assert not list(app.iterdir())


def test_a_model_that_cannot_be_run_is_an_error(run):
    exchange(run / "bundle", MODEL_FILE, b"\x1c\0\0\0TFL3" + b"\0" * 40)
    with pytest.raises(ModelError, match=r"model\.tflite"):
        execute(run)


def test_the_app_must_exist(run, tmp_path):
    for place in (tmp_path / "nowhere", run / "bundle" / "labels.txt"):
        with pytest.raises(OutputError, match=f"{place.name}: is no folder"):
            execute(run, "--android", place)


def test_what_the_app_has_there_already_is_kept(run, app):
    place = app / command.ASSETS
    place.mkdir(parents=True)
    (place / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds files that are no bundle"):
        execute(run, "--android", app)
    assert [path.name for path in place.iterdir()] == ["mine.txt"]


def test_the_command_line_prints_one_json_document(run, tmp_path, capsys):
    assert main(["bundle", str(run), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["ok"]
    assert main(["bundle", str(tmp_path), "--json"]) == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"]["type"] == "ModelError"
    assert "is no bundle" in captured.err
