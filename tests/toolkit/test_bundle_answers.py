"""Bundles of models that answer questions by a place in a passage."""

import json
import re
from dataclasses import replace

import pytest

from litesmith.bundle import MANIFEST_FILE, read_bundle
from litesmith.bundle_facts import bundle_facts
from litesmith.bundle_text import write_text_bundle
from litesmith.cli import main
from litesmith.converters.metadata_text import with_text_metadata
from litesmith.converters.text.architecture import Head
from litesmith.errors import DataError, ModelError
from litesmith.golden import VECTORS_FILE, verify_golden
from litesmith.golden_vectors import GoldenVectors
from tests.toolkit.made_text_bundle import CONTRACT, LENGTH, TEXTS, float_of, integer_of, model_with

pytestmark = pytest.mark.xdist_group("bundle_text")

HEAD = Head("answer")
PAIRS = [("good film!", "a bad film"), ("a", "film film film film film film"), ("a bad film", "")]


@pytest.fixture(scope="module")
def answers():
    return float_of(model_with(HEAD))


@pytest.fixture
def bundle(answers, tmp_path):
    return read_bundle(write_text_bundle(tmp_path / "bundle", answers, PAIRS, CONTRACT, name="questions"))


def golden_of(bundle):
    return GoldenVectors.from_json(bundle.contents[VECTORS_FILE].decode())


def test_a_pair_becomes_one_row(bundle):
    facts = bundle_facts(bundle)
    assert (facts.task, facts.labels, facts.output.shape) == ("question_answering", (), (1, LENGTH, 2))
    assert bundle.manifest["task"] == "question_answering"
    assert bundle.manifest["outputs"][0]["holds"] == "answer_logits"
    golden = golden_of(bundle)
    assert [(vector.text, vector.pair) for vector in golden.vectors] == PAIRS
    for vector in golden.vectors:
        assert vector.tensor[0].tolist() == CONTRACT.encode(vector.text, vector.pair).ids.tolist()
        assert vector.predicted is None and vector.output.shape == (1, LENGTH, 2)
    assert golden.to_json() == GoldenVectors.from_json(golden.to_json()).to_json()


@pytest.mark.parametrize("make", [float_of, integer_of])
def test_the_vectors_pass_again(make, tmp_path):
    folder = write_text_bundle(tmp_path / "bundle", make(model_with(HEAD)), PAIRS, CONTRACT, name="questions")
    bundle_facts(read_bundle(folder))
    result = verify_golden(folder)
    assert result.ok and result.wrong_class is None and result.values == len(PAIRS) * LENGTH * 2


@pytest.mark.parametrize("pair", [None, "a good film"])
def test_another_passage_is_refused(bundle, pair):
    document = json.loads(bundle.contents[VECTORS_FILE])
    document["vectors"][0]["pair"] = pair
    other = replace(bundle, contents={**bundle.contents, VECTORS_FILE: json.dumps(document).encode()})
    with pytest.raises(ModelError, match="sample 0: its text does not become its ids"):
        bundle_facts(other)


@pytest.mark.parametrize("key", ["text", "pair"])
@pytest.mark.parametrize("value", [5, ["a"], True])
def test_what_is_no_text_is_refused_with_its_sample(bundle, key, value):
    document = json.loads(bundle.contents[VECTORS_FILE])
    document["vectors"][1][key] = value
    content = json.dumps(document)
    message = rf"vectors\.json: holds no golden vectors \(sample 1: {key} is {re.escape(json.dumps(value))}; expected a"
    with pytest.raises(ModelError, match=message):
        bundle_facts(replace(bundle, contents={**bundle.contents, VECTORS_FILE: content.encode()}))
    (bundle.folder / VECTORS_FILE).write_text(content)
    with pytest.raises(ModelError, match=message):
        verify_golden(bundle.folder)


@pytest.mark.parametrize(
    ("task", "holds", "message"),
    [
        ("question_answering", "embedding", "is for question_answering and gives embedding, but"),
        ("question_answering", "logits", "is for question_answering and gives logits, but"),
        ("question_answering", 5, "is for question_answering and gives 5, but"),
        ("question_answering", None, "is for question_answering and does not say what it gives (holds), but"),
        ("embedding", "answer_logits", "is for embedding and gives answer_logits, but"),
        ("embedding", "embedding", "is for embedding and gives embedding, but"),
        ("classification", "logits", "is for classification and gives logits, but"),
        ("token_classification", "token_logits", "is for token_classification and gives token_logits, but"),
        (["embedding"], "answer_logits", "is for ['embedding'] and gives answer_logits, but"),
        (None, "answer_logits", "names no task and gives answer_logits, but"),
    ],
)
def test_a_manifest_that_names_another_task_is_refused(bundle, task, holds, message):
    manifest = json.loads(bundle.contents[MANIFEST_FILE])
    manifest["task"], manifest["outputs"][0]["holds"] = task, holds
    expected = (
        rf"manifest\.json: .*{re.escape(message)} its output \(1, 8, 2\) and no labels\.txt are those of "
        "question_answering, which gives answer_logits; write the bundle again"
    )
    with pytest.raises(ModelError, match=expected):
        bundle_facts(replace(bundle, manifest=manifest))


@pytest.mark.parametrize("key", ["task", "holds"])
def test_a_manifest_without_task_or_what_it_gives_is_refused(bundle, key):
    manifest = json.loads(bundle.contents[MANIFEST_FILE])
    del (manifest if key == "task" else manifest["outputs"][0])[key]
    with pytest.raises(ModelError, match=r"manifest\.json: .*(names no task|does not say what it gives)"):
        bundle_facts(replace(bundle, manifest=manifest))


def test_questions_need_passages_and_texts_none(answers, tmp_path):
    with pytest.raises(DataError, match=r"by pairs of question and passage.*--column question --column context"):
        write_text_bundle(tmp_path / "bundle", answers, TEXTS, CONTRACT, name="x")
    tokens = float_of(model_with(Head("token", ("O", "PER", "LOC"))))
    with pytest.raises(DataError, match="only a model that answers questions is proved by pairs; give one column"):
        write_text_bundle(tmp_path / "bundle", tokens, PAIRS, CONTRACT, name="x", labels=("O", "PER", "LOC"))


def test_pairs_with_labels_are_refused_by_the_labels(answers, tmp_path):
    with pytest.raises(DataError, match="such a model has no labels: leave out a and b, or give one column"):
        write_text_bundle(tmp_path / "bundle", answers, PAIRS, CONTRACT, name="x", labels=("a", "b"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (("a", "b", "c"), "is a tuple of 3; give a text, or a question and its passage"),
        (("a",), "is a tuple of 1; give"),
        (("a", 5), "a text must be a str, not int"),
        (["a", "b"], "a text must be a str, not list; a pair is a tuple"),
        (None, "a text must be a str, not NoneType"),
    ],
)
@pytest.mark.parametrize("place", [1, 40])
def test_what_is_neither_text_nor_pair_is_refused_with_its_number(answers, tmp_path, place, text, message):
    texts = [("a", "b")] * place + [text]
    with pytest.raises(DataError, match=f"text {place}: {message}"):
        write_text_bundle(tmp_path / "bundle", answers, texts, CONTRACT, name="x")


def test_three_numbers_a_token_without_labels_are_no_answer(tmp_path):
    tokens = float_of(model_with(Head("token", ("O", "PER", "LOC"))))
    with pytest.raises(ModelError, match="for each of them two logits, that an answer starts and ends there"):
        write_text_bundle(tmp_path / "bundle", tokens, PAIRS, CONTRACT, name="x")


@pytest.fixture
def given(answers, tmp_path):
    """A folder with the model, a table of pairs, and an app's project."""
    (tmp_path / "project/app/src").mkdir(parents=True)
    (tmp_path / "model.tflite").write_bytes(with_text_metadata(answers, CONTRACT, HEAD, name="questions").content)
    rows = [f"{question}\t{passage}" for question, passage in PAIRS[:2]]
    (tmp_path / "pairs.tsv").write_text("\n".join(["question\tcontext", *rows]) + "\n")
    return tmp_path


def command(folder, *further):
    words = ["bundle", folder / "model.tflite", "--sentences", folder / "pairs.tsv", "--out", folder / "out", *further]
    return main([str(word) for word in words])


def test_the_command_takes_the_columns_of_a_table(given, capsys):
    columns = ["--column", "question", "--column", "context"]
    assert command(given, *columns, "--android", given / "project", "--json") == 0
    assert json.loads(capsys.readouterr().out)["golden"]["vectors"] == 2
    bundle = read_bundle(given / "out")
    assert [(vector.text, vector.pair) for vector in golden_of(bundle).vectors] == PAIRS[:2]
    source = next((given / "project").rglob("BundledModel.kt")).read_text(encoding="utf-8")
    assert "override val task: Task = Task.QUESTION_ANSWERING" in source
    assert "for each of the 8 places that an answer starts and that it ends there" in source
    card = bundle.contents["MODEL_CARD.md"].decode()
    assert "`[CLS]`, the question, `[SEP]`, the passage, `[SEP]`" in card
    assert "does not say whether the passage answers" in card


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        (
            [],
            "pairs.tsv: a model that answers questions is proved by pairs of question and passage; name two columns "
            "of question, context, that of the questions first: --column question --column context",
        ),
        (["question"], "name two columns of question, context, that of the questions first"),
        (["question", "answer"], "has no column 'answer'"),
        (["question", "context", "question"], "3 columns of texts (question, context, question)"),
    ],
)
def test_other_columns_are_refused(given, capsys, columns, message):
    assert command(given, *(word for name in columns for word in ("--column", name))) == 2
    assert message in capsys.readouterr().err
    assert not (given / "out").exists()


def test_lines_of_text_are_no_pairs(given, capsys):
    (given / "lines.txt").write_text("a good film\n")
    assert command(given, "--sentences", given / "lines.txt") == 2
    assert "lines.txt: a model that answers questions" in (said := capsys.readouterr().err)
    assert "name two columns of a .tsv or .csv" in said
    assert command(given, "--sentences", given / "none.tsv") == 2
    assert "there is no such file" in capsys.readouterr().err
