import itertools
import json
import resource
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from litesmith.bundle import (
    FILES,
    MANIFEST_FILE,
    Provenance,
    read_bundle,
    replace_folder,
    write_bundle,
)
from litesmith.calibration.preprocess import Preprocess
from litesmith.converters.metadata import read_metadata, with_metadata
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.converters.verify import compare_outputs
from litesmith.data import load_dataset, split
from litesmith.dataset import Dataset
from litesmith.errors import DataError, ModelError, OutputError
from litesmith.files import sha256_file
from litesmith.ledger import Ledger, Row
from litesmith.measure import accuracy, predict
from litesmith.recipe import Recipe
from litesmith.recipe_toml import lock
from litesmith.splits import Splits
from litesmith.targets.check import check

RECIPE = Path(__file__).resolve().parents[2] / "recipes" / "digits.toml"


@pytest.fixture(scope="module")
def splits() -> Splits:
    dataset = load_dataset("digits", base=Path(), image_shape=None, scale=None, offset=None)
    return split(dataset, seed=7, validation=0.08, calibration=0.07, test=0.25)


@pytest.fixture(scope="module")
def model(golden) -> TFLiteModel:
    return TFLiteModel.from_file(golden / "int8.tflite")


@pytest.fixture(scope="module")
def provenance(golden, model, splits, quantize_details) -> Provenance:
    def row(stage: str, label: str, file: TFLiteModel) -> Row:
        shares = [accuracy(predict(file, part.x).real, part.y) for part in (splits.test, splits.validation)]
        sizes = {"bytes": len(file.content), "gzip_bytes": file.gzip_bytes}
        return Row(stage, label, "litert", *shares, 2_834, file.weight_sparsity, 1.5, file.sha256, **sizes)

    source = TFLiteModel.from_file(golden / "float32.tflite")
    outputs = [predict(file, splits.test.x).real for file in (source, model)]
    parity = compare_outputs(*outputs, model.outputs[0].quantization)
    return Provenance(
        locked=lock(Recipe.from_toml(RECIPE), data_digest="d" * 64, files={}),
        ledger=Ledger((row("student", "float32", source), row("quantize", "full-int8", model))),
        details={"quantize": quantize_details(steps=["student", "prune"], parity=parity.to_dict())},
        reports={name: check(model, name) for name in ("nnapi", "edge_tpu")},
    )


@pytest.fixture
def bundle(tmp_path, model, splits, provenance) -> Path:
    return write_bundle(tmp_path / "out" / "bundle", model, splits, provenance)


def test_the_contract_inside_the_file_must_be_that_of_the_data(tmp_path, model, splits, provenance):
    def with_file(file: TFLiteModel) -> Provenance:
        last = replace(provenance.ledger.rows[-1], sha256=file.sha256, bytes=len(file.content))
        return replace(provenance, ledger=Ledger((*provenance.ledger.rows[:-1], last)))

    data = splits.test
    described = with_metadata(model, data.preprocess, data.class_names, name="digits")
    folder = write_bundle(tmp_path / "good", described, splits, with_file(described))
    stored = read_metadata(TFLiteModel.from_file(folder / "model.tflite"))
    assert stored is not None
    for name, inside in stored.files.items():
        assert (folder / name).read_bytes() == inside
    other = with_metadata(model, replace(data.preprocess, scale=1.0), data.class_names, name="digits")
    with pytest.raises(DataError, match=r"the preprocess\.json inside it is not that of the data"):
        write_bundle(tmp_path / "bad", other, splits, with_file(other))
    assert not (tmp_path / "bad").exists()


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_holds_the_file_and_what_feeds_it(bundle, model, splits):
    assert set(content(bundle)) == {*FILES, MANIFEST_FILE}
    assert (bundle / "model.tflite").read_bytes() == model.content
    assert (bundle / "labels.txt").read_text(encoding="utf-8").splitlines() == list(splits.test.class_names)
    stored = json.loads((bundle / "preprocess.json").read_text(encoding="utf-8"))
    assert Preprocess.from_dict(stored) == splits.test.preprocess
    assert [path.name for path in bundle.parent.iterdir()] == ["bundle"]


def test_the_manifest_says_what_the_file_is_and_where_it_came_from(bundle, model, splits, provenance):
    manifest = read_bundle(bundle).manifest
    assert manifest["files"] == {
        name: {"sha256": sha256_file(bundle / name), "bytes": (bundle / name).stat().st_size} for name in FILES
    }
    assert (manifest["name"], manifest["task"], manifest["label"]) == ("digits", "classification", "full-int8")
    assert manifest["promised"] == {"mode": "int8", "io": "int8", "float_operators": False}
    (into,), (out,) = manifest["inputs"], manifest["outputs"]
    for found, tensor in ((into, model.inputs[0]), (out, model.outputs[0])):
        assert (found["name"], tuple(found["shape"]), found["dtype"]) == (tensor.name, tensor.shape, tensor.dtype)
        assert (found["scale"], found["zero_point"]) == (
            tensor.quantization.scales[0],
            tensor.quantization.zero_points[0],
        )
    assert out["holds"] == "logits"
    assert manifest["steps"] == ["student", "prune"]
    distill, data = provenance.locked["recipe"]["distill"], provenance.locked["recipe"]["data"]
    assert manifest["distillation"] == distill
    assert {"temperature", "alpha", "labels"} == set(distill)
    assert manifest["shifted_views"] == {"views": data["views"], "shift_pixels": data["shift_pixels"]}
    assert data["views"] > 1
    assert manifest["measured"]["accuracy"] == provenance.ledger.deployed.accuracy
    assert manifest["measured"]["bytes"] == len(model.content)
    assert manifest["measured"]["test_samples"] == len(splits.test)
    assert manifest["targets"]["edge_tpu"]["basis"] == "predicted"
    assert manifest["targets"]["nnapi"]["total"] == len(model.main.operators)
    assert manifest["digests"] == provenance.locked["digests"]
    assert manifest["created_by"]["ai-edge-litert"] == provenance.locked["versions"]["ai-edge-litert"]


def test_what_was_timed_changes_no_byte(bundle, tmp_path, model, splits, provenance):
    slower = tuple(replace(row, seconds=99.0, latency={"p50_ms": 123.0}) for row in provenance.ledger.rows)
    again = write_bundle(tmp_path / "again", model, splits, replace(provenance, ledger=Ledger(slower)))
    assert content(again) == content(bundle)


def test_training_quantization_aware_widens_the_tolerance(tmp_path, model, splits, provenance):
    aware = {"quantize": {**provenance.details["quantize"], "steps": ["student", "qat"]}}
    folder = write_bundle(tmp_path / "bundle", model, splits, replace(provenance, details=aware))
    assert json.loads((folder / "golden" / "vectors.json").read_text())["tolerance"]["steps"] == 5


def test_the_oldest_runtime_follows_from_types_too(golden, tmp_path, splits, provenance):
    file = TFLiteModel.from_file(golden / "int16x8.tflite")
    row = replace(provenance.ledger.deployed, sha256=file.sha256)
    recipe = provenance.locked["recipe"]
    wanted = {**recipe, "quantize": {**recipe["quantize"], "mode": "int16x8", "io": "int16"}}
    asked = replace(provenance, ledger=Ledger((row,)), locked={**provenance.locked, "recipe": wanted})
    folder = write_bundle(tmp_path / "bundle", file, splits, asked)
    assert read_bundle(folder).manifest["oldest_runtime"] == "2.10.0"
    assert "TFLite runtime that can run it is 2.10.0." in (folder / "MODEL_CARD.md").read_text(encoding="utf-8")


def test_labels_may_be_in_any_script_but_not_on_two_lines(tmp_path, model, splits, provenance):
    def named(*names: str) -> Splits:
        parts = (splits.train, splits.validation, splits.calibration, splits.test)
        return Splits(*(Dataset(part.x, part.y, names, part.preprocess, part.name) for part in parts))

    names = ("нуль", "один", "два", "三", "四", "五", "six", "sept", " acht", "नौ")
    folder = write_bundle(tmp_path / "bundle", model, named(*names), provenance)
    assert (folder / "labels.txt").read_bytes().decode() == "".join(f"{name}\n" for name in names)
    with pytest.raises(DataError, match="one line"):
        write_bundle(tmp_path / "other", model, named("two\u2028lines", *names[1:]), provenance)
    assert not (tmp_path / "other").exists()


def test_another_file_than_the_ledgers_is_refused(golden, tmp_path, splits, provenance):
    other = TFLiteModel.from_file(golden / "int8_half_zeros.tflite")
    with pytest.raises(ModelError, match=r"int8_half_zeros\.tflite: is not the file of the ledger"):
        write_bundle(tmp_path / "bundle", other, splits, provenance)
    assert not list(tmp_path.iterdir())


def test_a_bundle_replaces_a_bundle_whole(bundle, model, splits, provenance):
    before = content(bundle)
    (bundle / "left over").write_text("from another version")
    write_bundle(bundle, model, splits, provenance)
    assert content(bundle) == before


def test_what_is_no_bundle_is_not_replaced(tmp_path, bundle):
    contents = read_bundle(bundle).contents
    photos, file, empty = tmp_path / "photos", tmp_path / "file", tmp_path / "empty"
    photos.mkdir()
    (photos / "holiday.jpg").write_bytes(b"dear")
    file.write_bytes(b"dear")
    empty.mkdir()
    with pytest.raises(OutputError, match="holds files that are no bundle"):
        replace_folder(photos, contents)
    with pytest.raises(OutputError, match="is a file"):
        replace_folder(file, contents)
    replace_folder(empty, contents)
    assert content(photos) == {"holiday.jpg": b"dear"}
    assert content(empty) == contents


def test_a_link_to_a_folder_stays_a_link(tmp_path, bundle):
    link, there = tmp_path / "link", tmp_path / "there"
    there.mkdir()
    link.symlink_to(there, target_is_directory=True)
    replace_folder(link, read_bundle(bundle).contents)
    assert link.is_symlink()
    assert content(there) == content(bundle)


def test_a_full_disk_leaves_the_old_bundle(bundle, model, splits, provenance):
    before = content(bundle)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OutputError, match=r"bundle.*cannot be written"):
            write_bundle(bundle, model, splits, provenance)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert content(bundle) == before
    assert [path.name for path in bundle.parent.iterdir()] == ["bundle"]


def test_a_full_disk_leaves_no_empty_folders(tmp_path, bundle):
    contents = read_bundle(bundle).contents
    (tmp_path / "app").mkdir()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OutputError, match="cannot be written"):
            replace_folder(tmp_path / "app" / "src" / "main" / "assets" / "litesmith", contents)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list((tmp_path / "app").iterdir()) == []


def test_a_killed_writer_leaves_no_mixture(tmp_path):
    script = (
        "import itertools, sys; from pathlib import Path; from litesmith.bundle import replace_folder\n"
        "for turn in itertools.count():\n"
        "    text = str(turn).encode()\n"
        "    replace_folder(Path(sys.argv[1]), {'manifest.json': text, 'golden/vectors.json': text})\n"
    )
    for delay_s in (0.01, 0.05, 0.1):
        folder = tmp_path / str(delay_s) / "bundle"
        child = subprocess.Popen([sys.executable, "-c", script, str(folder)])
        deadline = time.monotonic() + 30
        while not folder.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(delay_s)
        child.send_signal(signal.SIGKILL)
        assert child.wait() == -signal.SIGKILL
        assert any(folder.parent.iterdir()), "the child never got to writing"
        found = content(folder) if folder.exists() else {}
        assert len(set(found.values())) <= 1
        assert set(found) in ({"manifest.json", "golden/vectors.json"}, set())


def test_a_runs_folder_is_read_as_its_bundle(bundle):
    assert read_bundle(bundle.parent).folder == bundle
    assert read_bundle(bundle).contents == content(bundle)


def test_a_folder_without_a_bundle_is_named(tmp_path):
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(ModelError, match=f"{place.name}: is no bundle"):
            read_bundle(place)


@pytest.mark.parametrize("name", FILES)
def test_a_changed_or_missing_file_is_named(bundle, name):
    original = (bundle / name).read_bytes()
    (bundle / name).write_bytes(original[:-1] + bytes([original[-1] ^ 1]))
    with pytest.raises(ModelError, match=f"{name}: was changed"):
        read_bundle(bundle)
    (bundle / name).unlink()
    with pytest.raises(ModelError, match=rf"{name}: cannot be read \(No such file"):
        read_bundle(bundle)


MANIFESTS = {
    "no JSON": (b"{", "is no manifest"),
    "no text": (b"\xff\xff", "is no manifest"),
    "a list": (b"[]", "is no manifest"),
    "another program's": (b'{"manifest_version": 3, "name": "extension"}', "is no manifest"),
    "files as a list": (b'{"format": "litesmith-bundle", "version": 1, "name": "x", "files": ["a"]}', "is no manifest"),
    "no name": (b'{"format": "litesmith-bundle", "version": 1, "files": {}}', "is no manifest"),
    "a later format": (b'{"format": "litesmith-bundle", "version": 2, "name": "x", "files": {}}', "update litesmith"),
    "no files": (b'{"format": "litesmith-bundle", "version": 1, "name": "x", "files": {}}', "lists no file"),
}


@pytest.mark.parametrize(("manifest", "message"), MANIFESTS.values(), ids=MANIFESTS)
def test_other_manifests_are_refused(tmp_path, manifest, message):
    (tmp_path / MANIFEST_FILE).write_bytes(manifest)
    with pytest.raises(ModelError, match=f"manifest.json: .*{message}"):
        read_bundle(tmp_path)


def test_a_manifest_cannot_reach_out_of_its_folder(bundle, tmp_path):
    (tmp_path / "secret").write_bytes(b"secret")
    manifest = json.loads((bundle / MANIFEST_FILE).read_text())
    manifest["files"]["../../secret"] = {"sha256": sha256_file(tmp_path / "secret"), "bytes": 6}
    (bundle / MANIFEST_FILE).write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match=r"lists \.\./\.\./secret"):
        read_bundle(bundle)


def test_no_path_and_no_time_is_in_a_bundle(bundle, tmp_path):
    forbidden = (str(tmp_path), str(Path.cwd()), "p50", "seconds", time.strftime("%Y-%m-%d"))
    texts = {name: text.decode() for name, text in content(bundle).items() if not name.endswith(".tflite")}
    for (name, text), word in itertools.product(texts.items(), forbidden):
        assert word not in text, name
