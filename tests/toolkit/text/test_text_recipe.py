"""Which keys for text a recipe may have, and that recipes for images have none of them."""

from pathlib import Path

import pytest

from litesmith.errors import RecipeError
from litesmith.recipe import Recipe
from litesmith.recipe_toml import resolved

RECIPES = Path(__file__).resolve().parents[3] / "recipes"
TEXT = """
name = "text"
[data]
source = "train.tsv"
[data.text]
tokenizer = "hf:teacher"
length = 12
[teacher]
model = "hf:teacher"
train = { epochs = 1, warmup = 0.2, frozen = ["embeddings.word"] }
[student]
model = "teacher"
layers = [0, 2]
[distill]
hidden = 1.0
relations = 0.5
[prune]
heads = 0.5
train = { epochs = 1, clip = 2.0 }
"""


def read(tmp_path, *edits):
    text = TEXT
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    return Recipe.from_toml(path)


def test_keys_for_text_are_read_and_stand_in_the_lock(tmp_path):
    table = resolved(read(tmp_path))
    assert table["student"]["layers"] == [0, 2]
    assert table["teacher"]["train"]["frozen"] == ["embeddings.word"]
    assert table["data"]["text"]["column"] == "sentence"
    assert table["prune"]["heads"] == 0.5


def test_a_recipe_for_images_is_what_it_was():
    table = resolved(Recipe.from_toml(RECIPES / "digits.toml"))
    assert table["student"].keys() == {"model", "train"}
    assert table["student"]["train"].keys() == {"epochs", "learning_rate", "batch_size"}
    assert table["distill"].keys() == {"temperature", "alpha", "labels"}
    assert table["prune"].keys() == {
        "train", "sparsity", "schedule", "initial_sparsity", "begin", "end", "exclude",
    }  # fmt: skip
    assert "text" not in table["data"]


def test_the_recipe_for_reviews_is_valid():
    recipe = Recipe.from_toml(RECIPES / "sst2_minilm.toml")
    assert recipe.data.text is not None
    assert recipe.budget.max_bytes <= 23_081_216 / 5  # the fine-tuned teacher in integers, as it is written today


@pytest.mark.parametrize(
    ("edits", "key"),
    [
        ([("[data.text]", "[data.other]")], "data.other"),
        ([('[data.text]\ntokenizer = "hf:teacher"\nlength = 12\n', "")], "teacher.model"),
        ([('[teacher]\nmodel = "hf:teacher"', '[teacher]\nmodel = "teacher"')], "teacher.model"),
        ([("[teacher]\n", "[teacher]\nlayers = [0]\n")], "teacher.layers"),
        ([("layers = [0, 2]", "layers = []")], "student.layers"),
        ([("layers = [0, 2]", 'weights = "some"')], "student.weights"),
        ([('[student]\nmodel = "teacher"', '[student]\nmodel = "a.b:c"')], "student.layers"),
        ([('[student]\nmodel = "teacher"\nlayers = [0, 2]', '[student]\nmodel = "a.b:c"')], "distill.hidden"),
        ([("hidden = 1.0", "hidden = -1.0")], "distill.hidden"),
        ([("heads = 0.5", 'heads = 0.5\npattern = "2:4"')], "prune.pattern"),
        ([("heads = 0.5", "heads = 1.5")], "prune.heads"),
        ([("heads = 0.5", "sparsity = 0.5")], "prune.train.clip"),
        ([("warmup = 0.2", "warmup = 1.0")], "teacher.train.warmup"),
        ([("length = 12", "length = 2")], "data.text.length"),
        ([("[prune]", "[quantize]\nwide_rows = 13\n[prune]")], "quantize.wide_rows"),
        ([("[prune]", "[quantize]\nwide_rows = -1\n[prune]")], "quantize.wide_rows"),
        ([("[prune]", '[quantize]\nmode = "dynamic"\nwide_rows = 1\n[prune]')], "quantize.wide_rows"),
        ([("[prune]", '[quantize]\neffort = "high"\n[prune]')], "quantize"),
        ([("[prune]", '[quantize]\nio = "float32"\n[prune]')], "quantize"),
        ([('source = "train.tsv"', 'source = "train.tsv"\nresize = "area"')], "data.resize"),
    ],
)
def test_keys_that_do_not_go_together_are_refused_by_name(tmp_path, edits, key):
    with pytest.raises(RecipeError) as error:
        read(tmp_path, *edits)
    assert error.value.key == key


def test_a_text_student_may_be_trained_for_integers(tmp_path):
    recipe = read(tmp_path, ("[prune]", "[quantize.qat]\ntrain = { epochs = 1, warmup = 0.3 }\n[prune]"))
    assert recipe.quantize.qat.train.warmup == 0.3


def test_removing_heads_and_training_by_their_rules_is_for_text(tmp_path):
    base = 'name = "x"\n[data]\nsource = "digits"\n[student]\nmodel = "litesmith.zoo:digits_student"\n'
    for section, key in (
        ("[prune]\nheads = 0.5\ntrain = { epochs = 1 }\n", "prune.heads"),
        ("[prune]\ntrain = { epochs = 1, warmup = 0.1 }\n", "prune.train.warmup"),
        ("[quantize.qat]\ntrain = { epochs = 1, clip = 1.0 }\n", "quantize.qat.train.clip"),
        ("[quantize]\nwide_rows = 1\n", "quantize.wide_rows"),
    ):
        path = tmp_path / "images.toml"
        path.write_text(base + section)
        with pytest.raises(RecipeError) as error:
            Recipe.from_toml(path)
        assert error.value.key == key
