"""Sentences of tables as splits of ids, and the paths that a recipe may give."""

import json
from dataclasses import replace

import numpy as np
import pytest

from litesmith.data_spec import DataSpec
from litesmith.errors import DataError, RecipeError
from litesmith.recipe_data import load_samples
from litesmith.recipe_paths import expanded, model_folder, model_source
from litesmith.text.spec import TextSpec

WORDS = [
    "a", "film", "is", "good", "bad", "very", "not", "great", "dull", "and", "fun", "the", "plot", "acting", "cast",
]  # fmt: skip
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
LETTERS = sorted({letter for word in WORDS for letter in word})


@pytest.fixture
def folder(tmp_path):
    """A recipe's folder: a tokenizer of a few words and their letters, and two tables."""
    tokenizer = tmp_path / "tokenizer"
    tokenizer.mkdir()
    tokens = list(dict.fromkeys([*VOCABULARY, *LETTERS, *(f"##{letter}" for letter in LETTERS)]))
    (tokenizer / "vocab.txt").write_text("\n".join(tokens) + "\n", encoding="utf-8")
    config = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": 64}
    (tokenizer / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")
    (tokenizer / "config.json").write_text(json.dumps({"model_type": "bert"}), encoding="utf-8")
    random = np.random.default_rng(0)
    rows = list(dict.fromkeys(" ".join(random.choice(WORDS[:11], 5)) for _ in range(400)))
    table(tmp_path / "train.tsv", rows[:300])
    table(tmp_path / "dev.tsv", [*rows[300:340], *rows[:5]])
    return tmp_path


def table(path, rows):
    lines = ["sentence\tlabel", *(f"{row}\t{int('good' in row)}" for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def load(folder, **text):
    spec = TextSpec(**{"tokenizer": "hf:tokenizer", "length": 10, **text})
    data = DataSpec("train.tsv", validation=0.1, calibration=0.1, text=spec)
    return load_samples(data, base=folder, seed=1)


def rows_of(part):
    return {row.tobytes() for row in part.x}


def test_sentences_become_ids_in_disjoint_parts(folder):
    splits = load(folder, classes=("bad", "good")).splits
    parts = [splits.train, splits.validation, splits.calibration, splits.test]
    assert sum(map(len, parts)) == 300
    assert [part.x.dtype for part in parts] == [np.int32] * 4
    assert splits.train.x.shape[1:] == (10,)
    assert splits.train.class_names == ("bad", "good")
    found = [rows_of(part) for part in parts]
    assert len(set().union(*found)) == sum(map(len, found))
    good = splits.train.preprocess.vocabulary.index("good")
    assert np.array_equal((splits.train.x == good).any(axis=1), splits.train.y == 1)


def test_a_table_to_test_with_is_whole_and_none_of_it_is_trained_on(folder):
    splits = load(folder, test="dev.tsv").splits
    assert len(splits.test) == 45
    others = set().union(*(rows_of(part) for part in (splits.train, splits.validation, splits.calibration)))
    assert not others & rows_of(splits.test)
    assert len(others) == 295


def test_a_drawn_part_depends_on_the_seed_alone(folder):
    one, same = load(folder, samples=100), load(folder, samples=100)
    assert one.digest == same.digest != load(folder, samples=101).digest
    assert sum(len(getattr(one.splits, part)) for part in ("train", "validation", "calibration", "test")) == 100


def test_the_student_sees_a_smaller_vocabulary_and_the_teacher_the_whole(folder):
    samples = load(folder, vocabulary=59)
    student, teacher = samples.splits.train, samples.teacher.train
    small, whole = student.preprocess.vocabulary, teacher.preprocess.vocabulary
    assert len(small) < len(whole)
    assert "acting" not in small
    assert [whole[old] for old in samples.kept_ids] == list(small)
    assert np.array_equal(samples.kept_ids[student.x], teacher.x), "each word of the training split is kept"
    assert np.array_equal(student.y, teacher.y)
    assert load(folder).kept_ids is None


def test_sentences_without_labels_are_in_no_other_part(folder):
    table(folder / "more.tsv", ["the plot is dull", "very very dull", "the plot is dull"])
    (folder / "more.txt").write_text("the plot is dull\n\nvery very dull\n", encoding="utf-8")
    more = load(folder, unlabelled="more.tsv", vocabulary=45).unlabelled
    assert more.x.shape == more.teacher_x.shape == (2, 10)
    assert np.array_equal(load(folder, unlabelled="more.txt", vocabulary=45).unlabelled.x, more.x)
    with pytest.raises(DataError, match="every sentence is in another part"):
        load(folder, unlabelled="train.tsv")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"column": "review"}, "no column 'review'"),
        ({"label": "stars"}, "no column 'stars'|has no column"),
        ({"classes": ("one",)}, "label 1, but the classes are one"),
        ({"test": "missing.tsv"}, "no such file"),
        ({"tokenizer": "hf:no/where/"}, "data.text.tokenizer: no/where/: no such folder; check the path"),
        ({"vocabulary": 12}, "no place for them"),
        ({"vocabulary": 9_000_000}, "data.text.vocabulary: 9,000,000 is more than the [0-9]+ tokens of hf:tokenizer"),
    ],
)
def test_what_does_not_fit_is_said(folder, changes, message):
    if "label" in changes:
        lines = (folder / "train.tsv").read_text().replace("label", "score", 1)
        (folder / "train.tsv").write_text(lines.replace("score", "points", 1))
    with pytest.raises((DataError, RecipeError), match=message):
        load(folder, **changes)


def test_an_empty_sentence_is_refused(folder):
    with (folder / "train.tsv").open("a", encoding="utf-8") as file:
        file.write(" \t1\n")
    with pytest.raises(DataError, match="text 300 is empty"):
        load(folder)


class TestPaths:
    def test_variables_of_the_environment(self, monkeypatch):
        monkeypatch.setenv("SOME_DATA", "/there")
        assert expanded("${SOME_DATA}/a.tsv", "data.source") == "/there/a.tsv"
        assert expanded("plain$.tsv", "data.source") == "plain$.tsv"
        monkeypatch.delenv("SOME_DATA")
        with pytest.raises(RecipeError, match="SOME_DATA, which is not set") as error:
            expanded("${SOME_DATA}/a.tsv", "data.source")
        assert error.value.key == "data.source"

    def test_a_folder_a_package_and_a_name(self, tmp_path):
        (tmp_path / "mine").mkdir()
        assert model_source("hf:mine", base=tmp_path, key="k") == f"hf:{tmp_path / 'mine'}"
        assert model_source("hf:some/name", base=tmp_path, key="k") == "hf:some/name"
        assert model_folder("hf:mine", base=tmp_path, key="k") == tmp_path / "mine"
        inside = model_folder("hf:package:litesmith/text", base=tmp_path, key="k")
        assert (inside / "forward.py").is_file()
        for name, message in (("nopackage/x", "is not installed"), ("litesmith/nothing", "has no folder")):
            with pytest.raises(RecipeError, match=message):
                model_folder(f"hf:package:{name}", base=tmp_path, key="k")


def test_images_take_no_text_and_text_no_images():
    text = TextSpec("hf:x", 10)
    for changes, key in (
        ({"scale": 0.5}, "scale"),
        ({"views": 2, "shift_pixels": 1}, "shift_pixels"),
        ({"test": 0.3, "text": replace(text, test="dev.tsv")}, "test"),
    ):
        with pytest.raises(RecipeError) as error:
            DataSpec("a.tsv", **{"text": text, **changes})
        assert error.value.key == key
    with pytest.raises(RecipeError, match="too few"):
        TextSpec("hf:x", 10, vocabulary=3)
