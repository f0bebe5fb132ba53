"""Recipes are checked whole before anything runs."""

import tomllib
from pathlib import Path

import pytest
import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from litesmith.converters.calibrated import Treatment
from litesmith.converters.quantize import QuantizationSpec
from litesmith.errors import RecipeError
from litesmith.recipe import Recipe
from litesmith.recipe_toml import read_recipe, recipe_digest, resolved

DIGITS = Path(__file__).resolve().parents[2] / "recipes" / "digits.toml"
MINIMAL = 'name = "m"\n[data]\nsource = "digits"\n[student]\nmodel = "litesmith.zoo:digits_student"\n'


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_shipped_recipe_is_valid_and_round_trips():
    recipe = Recipe.from_toml(DIGITS)
    assert recipe.prune is not None and recipe.prune.sparsity == 0.6
    assert recipe.quantize.conversion.label == "full-int8"
    assert tomllib.loads(tomli_w.dumps(resolved(recipe)))["distill"]["temperature"] == 4.0


def test_a_resolved_recipe_reads_back_as_the_same_recipe(tmp_path):
    recipe = Recipe.from_toml(DIGITS)
    again = read_recipe(write(tmp_path, tomli_w.dumps(resolved(recipe))))
    assert again == recipe
    assert recipe_digest(again) == recipe_digest(recipe)


def test_sections_left_out_leave_stages_out(tmp_path):
    recipe = read_recipe(write(tmp_path, MINIMAL))
    assert (recipe.teacher, recipe.distill, recipe.prune, recipe.quantize.qat) == (None, None, None, None)


def test_choices_of_quantization_are_those_of_the_converters(tmp_path):
    choices = (
        "symmetric = true\nper_channel = 'all'\nmethod = 'mse'\neffort = 'high'\nrescue = false\nallow_float = true\n"
    )
    tables = "[quantize.precision]\nconv1 = 'int16'\n[quantize.ranges]\n'^stem' = 'entropy'\n"
    spec = read_recipe(write(tmp_path, f"{MINIMAL}[quantize]\nio = 'uint8'\n{choices}{tables}")).quantize
    assert spec.conversion == QuantizationSpec("int8", "uint8", 8, "all", True, {"conv1": "int16"})
    assert spec.treatment == Treatment("high", "mse", {"^stem": "entropy"})
    assert (spec.rescue, spec.allow_float) == (False, True)
    plain = read_recipe(write(tmp_path, MINIMAL)).quantize
    assert (plain.conversion, plain.treatment, plain.rescue, plain.allow_float) == (
        QuantizationSpec(), Treatment(), True, False
    )  # fmt: skip


def test_the_contract_of_images_is_a_choice_of_the_data(tmp_path):
    keys = (
        "[data]\nimage_shape = [6, 4, 3]\nresize = 'bilinear'\nantialias = true\ncrop = 0.875\nfit = 'letterbox'\n"
        "fill = 114\nlayout = 'nchw'\nscale = [1, 0.5, 2]\noffset = [0.0, -1, 3]"
    )
    recipe = read_recipe(write(tmp_path, MINIMAL.replace("[data]", keys)))
    assert recipe.data.steps == {
        "resize": "bilinear", "antialias": True, "crop": 0.875, "fit": "letterbox", "fill": 114, "layout": "nchw",
    }  # fmt: skip
    assert (recipe.data.scale, recipe.data.offset) == ((1.0, 0.5, 2.0), (0.0, -1.0, 3.0))
    assert read_recipe(write(tmp_path, tomli_w.dumps(resolved(recipe)))) == recipe
    assert read_recipe(write(tmp_path, MINIMAL)).data.steps == {}


@pytest.mark.parametrize(
    ("addition", "key", "message"),
    [
        ("[prun]\nsparsity = 0.5", "prun", "did you mean 'prune'"),
        ("[budget]\nmax_byte = 3", "budget.max_byte", "did you mean 'max_bytes'"),
        ("[quantize]\nmode = 'int4'", "quantize.mode", "choose one of"),
        ("[quantize]\nmode = 'int8'\nio = 'int16'", "quantize.mode", "cannot have 'int16'"),
        ("[quantize]\nmode = 'int16x8'\n[quantize.qat]\ntrain = {epochs = 1}", "quantize.qat", "trains for int8"),
        ("[quantize]\nweight_bits = 5", "quantize.mode", "weights cannot have 5 bits; use 8 or 4"),
        ("[quantize]\nper_channel = 'some'", "quantize.mode", "is not one of none, conv, all"),
        ("[quantize]\nsymmetric = 'yes'", "quantize.symmetric", "must be true or false"),
        ("[quantize]\nmode = 'int16x8'\nsymmetric = true", "quantize.mode", "a choice of int8"),
        ("[quantize]\nsymmetric = true\n[quantize.qat]\ntrain = {epochs = 1}", "quantize.qat", "or weight_bits"),
        ("[quantize]\nrescue = 1", "quantize.rescue", "must be true or false"),
        ("[quantize]\nallow_float = 'no'", "quantize.allow_float", "must be true or false"),
        ("[quantize]\nprecision = 'int16'", "quantize.precision", "must be a section [quantize.precision]"),
        ("[quantize.precision]\nconv = 16", "quantize.precision.conv", "must be text"),
        ("[quantize.precision]\nconv = 'int4'", "quantize.mode", "choose int8 or int16 or float32"),
        ("[quantize.ranges]\nconv = 'median'", "quantize.ranges", "'median' is no range method"),
        ("[quantize.ranges]\n'(' = 'mse'", "quantize.ranges", "no regular expression"),
        ("[prune]\nsparsity = 1.5\ntrain = {epochs = 1}", "prune.sparsity", "not between 0 and 1"),
        ("[prune]\nsparsity = 'half'\ntrain = {epochs = 1}", "prune.sparsity", "must be a number"),
        ("[prune]\nsparsity = 0.5", "prune.train", "[prune] needs it"),
        (
            "[quantize]\neffort = 'high'\n[quantize.qat]\ntrain = { epochs = 1 }",
            "quantize.effort",
            "training; remove them, or [quantize.qat]",
        ),
        ("[quantize]\nmode = 'int16x8'\neffort = 'high'", "quantize.effort", "are for int8 without"),
        ("[prune]\ntrain = {epochs = 0}", "prune.train.epochs", "at least one epoch"),
        ("[teacher]\nmodel = 'a:b'", "teacher", "of no use without [distill]"),
        ("[prune]\nend = 0.1\nbegin = 0.2\ntrain = {epochs = 1}", "prune.end", "0 <= begin < end"),
        ("[distill]\nalpha = 0.5", "distill", "needs a [teacher]"),
        ("[targets]\ncheck = ['edgetpu']", "targets", "edge_tpu"),
        ("[targets]\nrequire = ['nnapi']", "targets.require", "must be in check"),
        ("[targets]\ncheck = ['nnapi']\nrequire = ['edge_tpu=0.5']", "targets.require", "must be in check"),
        ("[budget]\nmin_accuracy = 98", "budget.min_accuracy", "not a share"),
        ("[data]\ncrop = 1.5", "data.crop", "is not a share above 0 and at most 1"),
        ("[data]\nfit = 'cover'", "data.fit", "stretch, center_crop, letterbox"),
        ("[data]\nfit = 'letterbox'\nresize = 'none'", "data.fit", "needs a resize"),
        ("[data]\nfill = 3", "data.fill", "is for fit 'letterbox'"),
        ("[data]\nresize = 'lanczos'", "data.resize", "none, nearest, bilinear, area"),
        ("[data]\nresize = 'area'\nantialias = true", "data.antialias", "goes with resize 'bilinear'"),
        ("[data]\nblock = 4\nimage_shape = [8, 8, 3]", "data.block", "counted in gray images"),
        ("[data]\nlayout = 'chw'", "data.layout", "nhwc, nchw"),
        ("[data]\nlayout = 'nchw'\nviews = 2\nshift_pixels = 1", "data.layout", "cannot be shifted"),
        ("[data]\nscale = [1.0, 2.0]\nimage_shape = [8, 8, 3]", "data.scale", "2 numbers for 3 channels"),
        ("[data]\nscale = ['a']", "data.scale", "must be a number"),
        ("[data]\nscale = 'a'", "data.scale", "must be a number"),
        ("[data]\nimage_shape = [20000, 8, 3]", "data.image_shape", "too large"),
        ("budget = 3", "budget", "must be a section"),
        ("[targets]\ncheck = 'arm_cpu'", "targets.check", "must be a list"),
    ],
)
def test_a_wrong_recipe_names_file_key_and_what_would_be_right(tmp_path, addition, key, message):
    text = f"{addition}\n{MINIMAL}" if addition.startswith("budget") else f"{MINIMAL}{addition}"
    if addition.startswith("[data]"):
        text = MINIMAL.replace("[data]", addition)
    path = write(tmp_path, text)
    with pytest.raises(RecipeError) as caught:
        read_recipe(path)
    assert str(path) in str(caught.value)
    assert message in str(caught.value)
    assert f": {key}: " in str(caught.value)


@pytest.mark.parametrize("text", ["name = ", "\x00", "[data]\nsource='digits'"])
def test_text_that_is_no_recipe(tmp_path, text):
    with pytest.raises(RecipeError, match=r"recipe\.toml"):
        read_recipe(write(tmp_path, text))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RecipeError, match="No such file"):
        read_recipe(tmp_path / "absent.toml")


@given(
    st.dictionaries(
        st.sampled_from(["name", "seed", "task", "data", "student", "prune", "x"]), st.integers() | st.text()
    )
)
def test_any_table_is_a_recipe_or_a_recipe_error(tmp_path_factory, table):
    path = write(tmp_path_factory.mktemp("any"), tomli_w.dumps(table))
    with pytest.raises(RecipeError):
        read_recipe(path)
