import hashlib
import json
import re
from dataclasses import replace

import numpy as np
import pytest

from litesmith.bundle import MANIFEST_FILE, Provenance, read_bundle, write_bundle
from litesmith.bundle_facts import bundle_facts
from litesmith.bundle_text import write_text_bundle
from litesmith.calibration.text.contract import TextContract
from litesmith.cli import main
from litesmith.commands.bundle import ASSETS
from litesmith.converters.backend import tf_keras
from litesmith.converters.keras import convert
from litesmith.converters.metadata_text import with_text_metadata
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.text.architecture import Head
from litesmith.converters.text.encoder import build_encoder
from litesmith.dataset import Dataset
from litesmith.errors import DataError, ModelError
from litesmith.golden import VECTORS_FILE, verify_golden
from litesmith.golden_text import golden_of_texts
from litesmith.golden_vectors import GoldenVectors
from litesmith.ledger import Ledger, Row
from litesmith.measure import predict
from litesmith.splits import Splits
from tests.toolkit.made_text_bundle import (
    CONTRACT,
    HIDDEN,
    LABELS,
    TEXTS,
    float_file,
    integer_file,
    integer_of,
    model_with,
    text_bundle,
    with_length,
)

pytestmark = pytest.mark.xdist_group("bundle_text")


@pytest.fixture(scope="module")
def classes():
    return float_file(LABELS)


@pytest.fixture(scope="module")
def embedding():
    return float_file(())


@pytest.fixture
def bundle(classes, tmp_path):
    return text_bundle(tmp_path, classes, LABELS)


def test_a_text_becomes_ids_and_those_the_recorded_output(bundle, classes):
    facts = bundle_facts(bundle)
    assert (facts.name, facts.labels, facts.preprocess) == ("small text", LABELS, CONTRACT)
    golden = GoldenVectors.from_json(bundle.contents[VECTORS_FILE].decode())
    assert [vector.text for vector in golden.vectors] == list(TEXTS)
    ids = CONTRACT.encode_all(TEXTS)
    expected = predict(classes, ids)
    for place, vector in enumerate(golden.vectors):
        assert vector.tensor.dtype == np.int32 and vector.tensor.tolist() == [ids[place].tolist()]
        assert vector.output_raw.tobytes() == expected.raw[place].tobytes()
        assert vector.predicted == expected.real[place].argmax()
        assert vector.label is None
    assert GoldenVectors.from_json(golden.to_json()).to_json() == golden.to_json()
    assert TextContract.from_files(bundle.contents) == CONTRACT


@pytest.mark.parametrize("make", [float_file, integer_file])
def test_the_vectors_pass_again(make, tmp_path):
    result = verify_golden(text_bundle(tmp_path, make(LABELS), LABELS).folder)
    assert result.ok and result.vectors == len(TEXTS)


def test_a_recipes_bundle_holds_the_texts_of_the_test_split(classes, tmp_path, quantize_details):
    part = Dataset(CONTRACT.encode_all(TEXTS), np.arange(len(TEXTS)) % 2, LABELS, CONTRACT, "made up")
    row = Row("student", "float32", "litert", 0.5, 0.5, 10, 0.0, 1.0, classes.sha256, 8_624, 5_827)
    parity = {"samples": 6, "max_difference": 0.0, "mean_difference": 0.0, "max_lsb": None, "argmax_agreement": 1.0}
    locked = {"recipe": {"name": "films", "task": "classification"}, "versions": {"litesmith": "0.1.0"},
              "digests": {"recipe": "r", "data": "d"}}  # fmt: skip
    details = {"quantize": quantize_details(steps=["student"], parity=parity)}
    provenance = Provenance(locked, Ledger((row,)), details, {})
    splits = Splits(part, part, part, part)
    bundle = read_bundle(write_bundle(tmp_path / "bundle", classes, splits, provenance, texts=TEXTS))
    assert bundle_facts(bundle).preprocess == CONTRACT
    golden = GoldenVectors.from_json(bundle.contents[VECTORS_FILE].decode())
    assert {vector.sample: vector.text for vector in golden.vectors} == dict(enumerate(TEXTS))
    assert {vector.label for vector in golden.vectors} == {0, 1}
    card = bundle.contents["MODEL_CARD.md"].decode()
    assert "WordPiece (control characters go and every space becomes U+0020; lower case;" in card
    assert "Feed the ids as they are." in card
    without = read_bundle(write_bundle(tmp_path / "without", classes, splits, provenance))
    with pytest.raises(ModelError, match="its text does not become its ids"):
        bundle_facts(without)


def test_an_embedding_has_no_classes(embedding, tmp_path):
    bundle = text_bundle(tmp_path, embedding, ())
    assert bundle.manifest["outputs"][0]["holds"] == "embedding"
    facts = bundle_facts(bundle)
    assert facts.labels == () and facts.output.shape == (1, HIDDEN)
    golden = GoldenVectors.from_json(bundle.contents[VECTORS_FILE].decode())
    assert {vector.predicted for vector in golden.vectors} == {None}
    result = verify_golden(bundle.folder)
    assert result.ok and result.wrong_class is None
    card = bundle.contents["MODEL_CARD.md"].decode()
    assert "the embedding of the text" in card and "No accuracy stands here" in card


def test_an_embedding_has_no_file_of_labels_and_an_empty_one_of_before_is_read(embedding, tmp_path):
    bundle = text_bundle(tmp_path, embedding, ())
    assert "labels.txt" not in bundle.contents
    assert not (bundle.folder / "labels.txt").exists()
    manifest = json.loads((bundle.folder / MANIFEST_FILE).read_text())
    assert "labels.txt" not in manifest["files"]
    manifest["files"]["labels.txt"] = {"sha256": hashlib.sha256(b"").hexdigest(), "bytes": 0}
    (bundle.folder / MANIFEST_FILE).write_text(json.dumps(manifest))
    (bundle.folder / "labels.txt").write_bytes(b"")
    before = read_bundle(bundle.folder)
    assert before.contents["labels.txt"] == b""
    assert bundle_facts(before).labels == bundle_facts(bundle).labels == ()


def test_a_classifier_needs_its_file_of_labels(bundle):
    manifest = json.loads((bundle.folder / MANIFEST_FILE).read_text())
    del manifest["files"]["labels.txt"]
    (bundle.folder / MANIFEST_FILE).write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match=r"manifest\.json: .* is for classification .* and no labels\.txt are"):
        bundle_facts(read_bundle(bundle.folder))


def test_labels_inside_an_embeddings_file_are_refused(classes, embedding, tmp_path):
    labelled = with_text_metadata(classes, CONTRACT, Head("sequence", LABELS, activation="tanh"), name="x")
    with pytest.raises(DataError, match=r"the labels\.txt inside it is not that of the data"):
        text_bundle(tmp_path, labelled, ())


def test_an_embedding_that_differs_is_found(embedding, tmp_path):
    bundle = text_bundle(tmp_path, embedding, ())
    document = json.loads(bundle.contents[VECTORS_FILE])
    vector = document["vectors"][0]
    for key in ("output_raw", "output"):
        vector[key] = [-value for value in vector[key]]
    (bundle.folder / VECTORS_FILE).write_text(json.dumps(document))
    assert not verify_golden(bundle.folder).ok


def test_the_contract_and_the_labels_inside_the_file_are_enough(classes, tmp_path):
    described = with_text_metadata(classes, CONTRACT, Head("sequence", LABELS, activation="tanh"), name="described")
    facts = bundle_facts(read_bundle(write_text_bundle(tmp_path / "bundle", described, TEXTS, name="described")))
    assert (facts.labels, facts.preprocess) == (LABELS, CONTRACT)
    with pytest.raises(DataError, match=r"the text\.json inside it is not that"):
        write_text_bundle(tmp_path / "other", described, TEXTS, replace(CONTRACT, lowercase=False), name="x")
    with pytest.raises(DataError, match=r"the labels\.txt inside it is not that"):
        write_text_bundle(tmp_path / "other", described, TEXTS, name="x", labels=("yes", "no"))


def test_a_file_without_a_contract_needs_one(classes, tmp_path):
    with pytest.raises(DataError, match=r"text\.json is missing"):
        write_text_bundle(tmp_path / "bundle", classes, TEXTS, name="x")


def test_what_does_not_fit_is_refused(classes):
    with pytest.raises(DataError, match="at least one sentence"):
        golden_of_texts(classes, CONTRACT, [], LABELS)
    with pytest.raises(ModelError, match="an app feeds one row of 9 ids"):
        golden_of_texts(classes, with_length(9), TEXTS, LABELS)
    with pytest.raises(ModelError, match="reads 3 logits"):
        golden_of_texts(classes, CONTRACT, TEXTS, ("a", "b", "c"))


def test_at_most_32_different_texts_are_taken(classes):
    texts = [f"a {'good ' * (place % 40)}film {place % 40}" for place in range(100)]
    golden = golden_of_texts(classes, CONTRACT, texts, LABELS)
    assert [vector.text for vector in golden.vectors] == texts[:32]


def test_texts_that_are_not_their_ids_are_refused(bundle):
    document = json.loads(bundle.contents[VECTORS_FILE])
    document["vectors"][1]["text"] = "a good film"
    other = replace(bundle, contents={**bundle.contents, VECTORS_FILE: json.dumps(document).encode()})
    with pytest.raises(ModelError, match="sample 1: its text does not become its ids"):
        bundle_facts(other)


def test_another_vocabulary_is_refused(bundle):
    contents = {**bundle.contents, "vocabulary.txt": bundle.contents["vocabulary.txt"].replace(b"good", b"gold")}
    with pytest.raises(ModelError, match=r"text\.json: vocabulary\.txt: is not the file"):
        bundle_facts(replace(bundle, contents=contents))


def test_another_length_is_refused(bundle):
    with pytest.raises(ModelError, match=r"gives \(9,\), but the model takes \(8,\)"):
        bundle_facts(replace(bundle, contents={**bundle.contents, **with_length(9).to_files()}))


def test_logits_without_labels_are_refused(bundle):
    contents = {**bundle.contents, "labels.txt": b""}
    with pytest.raises(ModelError, match="names 0 classes"):
        bundle_facts(replace(bundle, contents=contents))


def test_both_contracts_at_once_are_no_bundle(bundle):
    manifest = json.loads((bundle.folder / MANIFEST_FILE).read_text())
    manifest["files"]["preprocess.json"] = manifest["files"]["text.json"]
    (bundle.folder / MANIFEST_FILE).write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="nor the files of a text contract"):
        read_bundle(bundle.folder)


def test_the_command_makes_a_bundle_of_a_converted_file(classes, tmp_path, capsys):
    described = with_text_metadata(classes, CONTRACT, Head("sequence", LABELS, activation="tanh"), name="described")
    file, sentences, out = tmp_path / "small.tflite", tmp_path / "sentences.txt", tmp_path / "bundle"
    file.write_bytes(described.content)
    sentences.write_text("a good film\na bad film\n")
    (tmp_path / "project" / "app" / "src").mkdir(parents=True)
    assert main(["bundle", str(file)]) == 2
    assert "pass --sentences FILE" in capsys.readouterr().err
    assert main(["bundle", str(file), "--sentences", str(sentences)]) == 2
    assert "with --out FOLDER" in capsys.readouterr().err
    words = ["bundle", file, "--sentences", sentences, "--out", out, "--android", tmp_path / "project", "--json"]
    assert main([str(word) for word in words]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["name"], document["golden"]["vectors"], document["bundle"]) == ("small", 2, str(out))
    assert read_bundle(tmp_path / "project" / ASSETS).contents == read_bundle(out).contents


@pytest.fixture
def given(classes, embedding, tmp_path):
    """A folder with a classifier's and an embedding's file, sentences, and an app's project."""
    for name, model, head in (
        ("classes", classes, Head("sequence", LABELS, activation="tanh")),
        ("vectors", embedding, Head("embedding")),
    ):
        described = with_text_metadata(model, CONTRACT, head, name=name)
        (tmp_path / f"{name}.tflite").write_bytes(described.content)
    (tmp_path / "sentences.txt").write_text("a good film\na bad film\n")
    (tmp_path / "project/app/src").mkdir(parents=True)
    return tmp_path


def bundle_command(folder, file, *further):
    words = ["bundle", folder / file, "--sentences", folder / "sentences.txt", "--out", folder / "out", *further]
    return main([str(word) for word in words])


def gradle(folder):
    (folder / "project/app/build.gradle").write_text("implementation 'org.tensorflow:tensorflow-lite:1.0.0'\n")
    return folder / "project"


def other_files(folder):
    (folder / "project" / ASSETS).mkdir(parents=True)
    (folder / "project" / ASSETS / "mine.txt").write_text("mine")
    return folder / "project"


def no_project(folder):
    (folder / "bad" / "app").mkdir(parents=True)
    return folder / "bad"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (no_project, "is no Android project"),
        (other_files, "holds files that are no bundle"),
        (gradle, "but the app has"),
    ],
)
def test_an_app_that_cannot_take_it_leaves_no_bundle(given, capsys, make, message):
    assert bundle_command(given, "classes.tflite", "--android", make(given)) == 2
    assert message in capsys.readouterr().err
    assert not (given / "out").exists()


def test_options_for_a_file_are_refused_for_a_folder(given, capsys):
    assert bundle_command(given, "classes.tflite") == 0
    before = (given / "out" / MANIFEST_FILE).read_bytes()
    capsys.readouterr()
    for words in (["--sentences", str(given / "sentences.txt")], ["--out", str(given / "other")], ["--column", "x"]):
        assert main(["bundle", str(given / "out"), *words]) == 2
        assert "give that file, or leave them out" in capsys.readouterr().err
    assert not (given / "other").exists()
    assert (given / "out" / MANIFEST_FILE).read_bytes() == before


def test_a_file_that_is_not_there_is_said_to_be_missing(given, capsys):
    assert bundle_command(given, "nothere.tflite") == 2
    assert "nothere.tflite: does not exist; check the path" in capsys.readouterr().err


def test_an_embedding_has_no_class_to_count_and_what_it_replaced_is_named(given, capsys):
    assert bundle_command(given, "classes.tflite") == 0
    found = capsys.readouterr().out
    assert "0 give another class" in found and "replaced" not in found
    assert bundle_command(given, "vectors.tflite") == 0
    found = capsys.readouterr().out
    assert "another class" not in found
    assert "replaced: classes, whose bundle was there" in found
    assert main(["verify", str(given / "out")]) == 0
    assert "another class" not in capsys.readouterr().out
    assert bundle_command(given, "vectors.tflite", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["golden"]["wrong_class"] is None
    assert document["bundle_replaced"] == "vectors"


def two_inputs():
    keras = tf_keras()
    ids, types = (keras.Input((CONTRACT.length,), dtype="int32", name=name) for name in ("ids", "token_types"))
    words = keras.layers.Embedding(len(CONTRACT.vocabulary), HIDDEN)(ids) + keras.layers.Embedding(2, HIDDEN)(types)
    answer = keras.layers.Dense(len(LABELS))(keras.layers.GlobalAveragePooling1D()(words))
    return keras.Model([ids, types], answer)


PAIRS = Head("sequence", LABELS, activation="tanh", pairs=True)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (two_inputs, r"has 2 inputs, .*token_types.*; bundles take models with one input"),
        (lambda: build_encoder(model_with(PAIRS)), "judges pairs of texts; bundles take answers to questions"),
    ],
)
def test_what_an_app_cannot_feed_is_refused_by_what_it_is(given, capsys, make, message):
    other = convert(make(), QuantizationSpec("float32"))
    (given / "other.tflite").write_bytes(with_text_metadata(other, CONTRACT, PAIRS, name="other").content)
    assert bundle_command(given, "other.tflite") == 2
    found = capsys.readouterr().err
    assert re.search(message, found)
    assert "docs/text_contract.md" in found
    assert not (given / "out").exists()


def test_integers_that_judge_pairs_are_refused_too(given, capsys):
    pairs = with_text_metadata(integer_of(model_with(PAIRS)), CONTRACT, PAIRS, name="pairs")
    (given / "pairs.tflite").write_bytes(pairs.content)
    assert bundle_command(given, "pairs.tflite") == 2
    assert "judges pairs of texts" in capsys.readouterr().err
