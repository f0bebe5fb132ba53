"""Bundles of models that have an answer for each token."""

import json
from dataclasses import replace

import numpy as np
import pytest

from litesmith.bundle import MANIFEST_FILE, read_bundle
from litesmith.bundle_facts import bundle_facts
from litesmith.bundle_text import write_text_bundle
from litesmith.calibration.text.token_labels import labelled_words
from litesmith.cli import main
from litesmith.converters.metadata_text import with_text_metadata
from litesmith.converters.text.architecture import Head
from litesmith.errors import ModelError
from litesmith.golden import VECTORS_FILE, verify_golden
from litesmith.golden_vectors import GoldenVectors
from litesmith.measure import predict
from tests.toolkit.made_text_bundle import CONTRACT, LENGTH, TEXTS, float_of, integer_of, model_with

pytestmark = pytest.mark.xdist_group("bundle_text")

LABELS = ("O", "PER", "LOC")
HEAD = Head("token", LABELS)


@pytest.fixture(scope="module")
def tokens():
    return float_of(model_with(HEAD))


@pytest.fixture
def bundle(tokens, tmp_path):
    return read_bundle(write_text_bundle(tmp_path / "bundle", tokens, TEXTS, CONTRACT, name="names", labels=LABELS))


def golden_of(bundle):
    return GoldenVectors.from_json(bundle.contents[VECTORS_FILE].decode())


def changed(bundle, edit):
    """The bundle whose manifest someone edited."""
    manifest = json.loads(bundle.contents[MANIFEST_FILE])
    edit(manifest)
    return replace(bundle, manifest=manifest)


def test_the_whole_output_is_recorded(bundle, tokens):
    facts = bundle_facts(bundle)
    assert (facts.task, facts.labels, facts.output.shape) == ("token_classification", LABELS, (1, LENGTH, 3))
    assert bundle.manifest["task"] == "token_classification"
    assert bundle.manifest["outputs"][0]["holds"] == "token_logits"
    golden = golden_of(bundle)
    assert [vector.text for vector in golden.vectors] == list(TEXTS)
    expected = predict(tokens, CONTRACT.encode_all(TEXTS))
    for vector, raw in zip(golden.vectors, expected.raw, strict=True):
        assert vector.predicted is None and vector.output_raw.tobytes() == raw.tobytes()
    assert golden.to_json() == GoldenVectors.from_json(golden.to_json()).to_json()


def test_words_of_a_golden_text_get_labels(bundle):
    golden = golden_of(bundle)
    vector = golden.vectors[TEXTS.index("a bad film")]
    found = labelled_words(CONTRACT, vector.tensor[0], vector.output[0], LABELS)
    assert [word.text for word in found] == ["a", "bad", "film"]
    assert [word.label for word in found] == [LABELS[place] for place in vector.output[0, 1:4].argmax(axis=-1)]


@pytest.mark.parametrize("make", [float_of, integer_of])
def test_the_vectors_pass_again(make, tmp_path):
    file = make(model_with(HEAD))
    folder = write_text_bundle(tmp_path / "bundle", file, TEXTS, CONTRACT, name="names", labels=LABELS)
    bundle_facts(read_bundle(folder))
    result = verify_golden(folder)
    assert result.ok and result.vectors == len(TEXTS) and result.wrong_class is None
    assert result.values == len(TEXTS) * LENGTH * len(LABELS)


def test_one_token_that_differs_is_found(bundle):
    document = json.loads(bundle.contents[VECTORS_FILE])
    far = 10 * document["tolerance"]["step"]
    for key in ("output_raw", "output"):
        value = np.float32(document["vectors"][2][key][-1] + far)
        document["vectors"][2][key][-1] = float(value)
    (bundle.folder / VECTORS_FILE).write_text(json.dumps(document))
    result = verify_golden(bundle.folder)
    assert not result.ok and result.different == 1


def test_long_rows_of_many_labels_get_fewer_vectors(tokens, monkeypatch):
    from litesmith import golden_text

    monkeypatch.setattr(golden_text, "MOST_VALUES", 3 * LENGTH * len(LABELS) + 1)
    assert len(golden_text.golden_of_texts(tokens, CONTRACT, TEXTS, LABELS).vectors) == 3


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda manifest: manifest.update(task="classification"), "for classification and gives token_logits"),
        (lambda manifest: manifest["outputs"][0].update(holds="logits"), "token_classification and gives logits"),
        (lambda manifest: manifest.pop("task"), "names no task and gives token_logits"),
    ],
)
def test_a_manifest_that_names_another_task_is_refused(bundle, edit, said):
    with pytest.raises(ModelError, match=rf"{said}.* are those of token_classification"):
        bundle_facts(changed(bundle, edit))


def test_another_number_of_labels_is_refused(bundle):
    with pytest.raises(ModelError, match=r"names 2 classes, but the model gives \(1, 8, 3\)"):
        bundle_facts(replace(bundle, contents={**bundle.contents, "labels.txt": b"O\nPER\n"}))


def test_a_model_of_another_length_is_refused(tokens):
    from litesmith.golden_text import golden_of_texts

    with pytest.raises(ModelError, match="one row of 9 ids, and reads 3 logits for each of them"):
        golden_of_texts(tokens, replace(CONTRACT, length=9), TEXTS, LABELS)
    with pytest.raises(ModelError, match="reads 2 logits for each of them"):
        golden_of_texts(tokens, CONTRACT, TEXTS, LABELS[:2])


def test_the_command_puts_it_into_an_app(tokens, tmp_path, capsys):
    (tmp_path / "project/app/src").mkdir(parents=True)
    (tmp_path / "names.tflite").write_bytes(with_text_metadata(tokens, CONTRACT, HEAD, name="names").content)
    (tmp_path / "sentences.txt").write_text("a good film\na bad film\n")
    words = ["--sentences", tmp_path / "sentences.txt", "--out", tmp_path / "out", "--android", tmp_path / "project"]
    assert main(["bundle", *map(str, [tmp_path / "names.tflite", *words]), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["golden"]["values"] == 2 * LENGTH * 3 and document["golden"]["wrong_class"] is None
    source = next((tmp_path / "project").rglob("BundledModel.kt")).read_text(encoding="utf-8")
    assert "override val task: Task = Task.TOKEN_CLASSIFICATION" in source
    assert "for each of the 8 places one for each label" in source
    card = read_bundle(tmp_path / "out").contents["MODEL_CARD.md"].decode()
    assert "A word has the label of its first piece" in card
