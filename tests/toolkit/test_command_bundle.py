import argparse
import json
import shutil
from pathlib import Path

import pytest

from litesmith.bundle import FILES, read_bundle
from litesmith.cli import main
from litesmith.commands import bundle as command
from litesmith.commands.answer import Answer
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ModelError, OutputError
from litesmith.files import sha256_file, write_json
from litesmith.golden import MODEL_FILE, VECTORS_FILE
from tests.toolkit.made_bundle import bundle_of


def exchange(bundle: Path, name: str, content: bytes) -> None:
    """Put in another file and make the manifest agree, as someone could who does not run the vectors."""
    (bundle / name).write_bytes(content)
    manifest = json.loads((bundle / "manifest.json").read_text())
    manifest["files"][name]["sha256"] = sha256_file(bundle / name)
    write_json(bundle / "manifest.json", manifest)


def other_weights(path: Path) -> bytes:
    """The same graph with the last layer's weights turned round: nothing but running it shows the difference."""
    model = TFLiteModel.from_file(path)
    layer = next(op for op in reversed(model.main.operators) if op.op == "FULLY_CONNECTED")
    weights = model.data(model.main.tensors[layer.inputs[1]])
    assert model.content.count(weights.tobytes()) == 1
    return model.content.replace(weights.tobytes(), weights[::-1].tobytes())


@pytest.fixture(scope="module")
def made(golden, tmp_path_factory, quantize_details) -> Path:
    """The folder of a run, as far as this command looks at it."""
    run = tmp_path_factory.mktemp("run")
    bundle = bundle_of(golden / "int8.tflite", run, quantize_details).folder
    vectors = json.loads((bundle / VECTORS_FILE).read_text())
    vectors["vectors"] = vectors["vectors"][:2]  # each costs a child process
    exchange(bundle, VECTORS_FILE, json.dumps(vectors).encode())
    return run


@pytest.fixture
def run(made, tmp_path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "run"))


@pytest.fixture
def app(tmp_path) -> Path:
    """The least that counts as an app: a project with its module."""
    folder = tmp_path / "project"
    (folder / "app" / "src").mkdir(parents=True)
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
    (app / "app" / "build.gradle").write_text("implementation 'org.tensorflow:tensorflow-lite:1.0.0'\n")
    before = sorted(app.rglob("*"))
    with pytest.raises(ModelError, match=r"but the app has org\.tensorflow:tensorflow-lite:1\.0\.0"):
        execute(run, "--android", app)
    assert sorted(app.rglob("*")) == before


def test_a_bundle_in_the_app_is_replaced(run, app):
    first = execute(run, "--android", app)
    second = execute(run, "--android", app)
    assert second.document == {**first.document, "replaced": "noise"}
    assert "replaced" not in second.text


def test_another_model_that_was_there_is_named(run, app):
    execute(run, "--android", app)
    manifest = app / command.ASSETS / "manifest.json"
    write_json(manifest, {**json.loads(manifest.read_text()), "name": "letters"})
    answer = execute(run, "--android", app)
    assert "replaced: letters, which was there; an app of this kind holds one model" in answer.text
    assert answer.document["replaced"] == "letters"


def test_the_runtime_is_compared_or_said_not_to_be(run, app):
    assert "runtime: 2.10.0 or newer; not checked" in execute(run, "--android", app).text
    (app / "app" / "build.gradle").write_text("implementation 'org.tensorflow:tensorflow-lite:2.16.1'\n")
    answer = execute(run, "--android", app)
    assert "runtime: 2.10.0 or newer; the app has org.tensorflow:tensorflow-lite:2.16.1" in answer.text
    assert answer.document["app_runtimes"] == ("org.tensorflow:tensorflow-lite:2.16.1",)


def test_a_model_that_its_manifest_contradicts_is_refused_without_an_app_too(run, golden):
    exchange(run / "bundle", MODEL_FILE, (golden / "float32.tflite").read_bytes())
    with pytest.raises(ModelError, match=r"model\.tflite: is float32, but the manifest promises full-int8"):
        execute(run)


def test_a_model_that_computes_something_else_is_exit_1_and_not_installed(run, app, golden):
    exchange(run / "bundle", MODEL_FILE, other_weights(golden / "int8.tflite"))
    answer = execute(run, "--android", app)
    assert answer.exit_code == 1
    assert not answer.document["ok"]
    assert answer.document["installed"] is None
    assert "computes something else" in answer.text
    assert not list((app / "app" / "src").iterdir())


def test_a_changed_file_is_exit_2_and_not_installed(run, app):
    labels = run / "bundle" / "labels.txt"
    labels.write_text("light\ndark\n")
    with pytest.raises(ModelError, match=r"labels\.txt: was changed") as caught:
        execute(run, "--android", app)
    assert caught.value.exit_code == 2
    assert not list((app / "app" / "src").iterdir())


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
