"""The last stage of a run: which file is made of a trained student, and what helps where int8 is not good enough."""

import contextlib
import io
import json
import shutil
from dataclasses import dataclass
from functools import cache

import pytest

from litesmith.cli import main
from litesmith.converters.label import truth_label
from litesmith.converters.tflite_model import TFLiteModel

pytestmark = pytest.mark.xdist_group("quantization")

EFFORTS = ["effort none", "effort fast", "effort standard", "effort high"]
TRAINING = "quantization-aware training of the worst layers"
# A constant is added and taken away again: NEAR is too far for 8 bits, FAR for 16 as well.
NETS = """
from litesmith.converters.backend import tf_keras

def through(offset):
    def net(input_shape, num_classes):
        layers = tf_keras().layers
        def fixed(bias, name):
            starts = {"kernel_initializer": "identity", "bias_initializer": tf_keras().initializers.Constant(bias)}
            return layers.Dense(24, "relu", name=name, trainable=False, **starts)
        inputs = layers.Input(input_shape, name="image")
        x = layers.Dense(24, "relu", name="hidden")(layers.Flatten(name="flatten")(inputs))
        x = fixed(-offset, "down")(fixed(offset, "up")(x))
        return tf_keras().Model(inputs, layers.Dense(num_classes, name="logits")(x), name="net")
    return net

near, far = through(300.0), through(5e4)
"""
RECIPE = """
name = "r"
[data]
source = "digits"
[student]
model = "{net}"
train = {{ epochs = 4, learning_rate = 4e-3 }}
"""
QAT = "[quantize.qat]\ntrain = { epochs = 1, learning_rate = 1e-4 }\n"
TIGHT = "[budget]\nmax_accuracy_drop = 0.03\n"


@dataclass(frozen=True)
class Quantized:
    """What a run says with `--json`, and its file."""

    code: int
    document: dict
    error: str
    model: TFLiteModel | None

    @property
    def details(self):
        return self.document["details"]["quantize"]

    @property
    def tries(self):
        return self.details["tries"]

    @property
    def remedies(self):
        return [tried["remedy"] for tried in self.tries]

    @property
    def taken(self):
        (tried,) = [tried for tried in self.tries if tried["taken"]]
        return tried


@pytest.fixture(scope="module")
def quantized(tmp_path_factory):
    """Runs a recipe: `near` or `far`, other sections, and whose stages to take over if they are the same."""
    folder = tmp_path_factory.mktemp("nets")
    (folder / "offset_nets.py").write_text(NETS)

    @cache
    def run(net, *sections, after=None, again=0):
        name = f"{net}{len(list(folder.iterdir()))}"
        out, recipe = folder / name, folder / f"{name}.toml"
        recipe.write_text(RECIPE.format(net=f"offset_nets:{net}") + "".join(sections))
        if (net, *sections) != (after := after or (net,)):
            run(*after)
            shutil.copytree(outs[after], out)
        outs.setdefault((net, *sections), out)
        said, told = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(told):
            code = main(["run", str(recipe), "--out", str(out), "--resume", "--json"])
        model = TFLiteModel.from_file(out / "model.tflite") if (out / "model.tflite").exists() else None
        return Quantized(code, json.loads(said.getvalue()), told.getvalue(), model)

    outs = {}
    return run


def test_without_a_budget_what_was_asked_for_is_judged_on_the_validation_split(quantized):
    done = quantized("near")
    assert (done.code, done.remedies, done.taken["remedy"]) == (0, EFFORTS[:2], "effort fast")
    assert (
        done.details["judged_on"]
        == f"the {done.document['details']['data']['validation']} samples of the validation split"
    )
    assert done.details["diagnosis"] is None and done.details["steps"] == ["student"]
    assert done.taken["accuracy"] == done.document["stages"][-1]["validation_accuracy"]


def test_a_budget_that_int8_misses_is_kept_with_16_bits_for_few(quantized):
    done = quantized("near", TIGHT)
    assert done.code == 0 and done.remedies[:4] == EFFORTS
    assert done.taken is done.tries[-1] and done.taken["remedy"].startswith("int16 for 2 of ")
    assert truth_label(done.model) == done.document["stages"][-1]["label"] == "mixed"
    assert done.model.float_tensors == ()
    assert done.details["diagnosis"]["paragraph"] and done.details["steps"] == ["student"]
    assert done.document["unmet_budgets"] == []
    assert f"{done.taken['remedy']}: agreement " in done.error


def test_a_budget_that_nothing_keeps_is_unmet_and_every_try_is_in_the_ledger(quantized):
    done = quantized("far", TIGHT)
    assert done.code == 1
    assert done.remedies[:4] == EFFORTS and done.remedies[-1] == TRAINING
    assert any(remedy.startswith("int16 for ") for remedy in done.remedies)
    for tried in done.tries:
        assert tried["refused"] or (0 <= tried["accuracy"] <= 1 and tried["bytes"] > 0)
        assert tried["seconds"] > 0 and not tried["holds"]
    training = done.tries[-1]
    assert training["refused"] == "" and training["inaccurate"] and training["choice"] == {}
    takes_the_nearest(done)
    (unmet,) = done.document["unmet_budgets"]
    assert (unmet["budget"], unmet["stage"]) == ("max_accuracy_drop", "quantize")


def takes_the_nearest(done):
    made = [tried for tried in done.tries if not tried["refused"]]
    assert done.taken["shortfall"] == min(tried["shortfall"] for tried in made)
    assert done.taken["bytes"] == len(done.model.content)


def test_without_leave_nothing_is_tried(quantized):
    done = quantized("near", "[quantize]\nrescue = false\n", TIGHT)
    assert (done.code, done.remedies, done.taken["remedy"]) == (1, EFFORTS[:2], "effort fast")


@pytest.mark.slow
def test_operators_stay_in_float_only_with_leave(quantized):
    done = quantized("far", "[quantize]\nallow_float = true\n", TIGHT)
    assert done.code == 0 and done.taken["remedy"].startswith("float32 for ")
    assert done.document["stages"][-1]["label"] == "mixed" and done.model.float_tensors
    assert TRAINING not in done.remedies


def test_quantization_aware_training_that_keeps_the_budget_is_not_questioned(quantized):
    done = quantized("near", QAT)
    assert (done.code, done.remedies) == (0, ["quantization-aware training"])
    assert done.details["steps"] == ["student", "qat"]


def test_where_quantization_aware_training_misses_the_budget_it_is_left_out(quantized):
    done = quantized("near", QAT, TIGHT, after=("near", QAT))
    assert done.code == 0
    assert done.remedies[:5] == ["quantization-aware training", *EFFORTS]
    first = done.tries[0]
    assert first["inaccurate"] and first["choice"] == {} and not first["taken"]
    assert done.taken["remedy"].startswith("int16 for 2 of ")
    assert done.details["steps"] == ["student"] and done.details["diagnosis"]
    # Both are of the student before training: parity is with what the file was made from.
    assert done.details["parity"] == quantized("near", TIGHT).details["parity"]
    assert done.model.content == quantized("near", TIGHT).model.content


@pytest.mark.slow
def test_where_nothing_keeps_the_budget_the_best_of_all_is_taken_trained_or_not(quantized):
    done = quantized("far", QAT, TIGHT)
    assert done.code == 1
    assert done.remedies[:5] == ["quantization-aware training", *EFFORTS] and TRAINING not in done.remedies
    takes_the_nearest(done)
    assert done.details["steps"] == ["student", *(["qat"] if done.tries[0]["taken"] else [])]


def test_the_choices_of_a_recipe_reach_the_file(quantized):
    choices = "[quantize]\nsymmetric = true\nper_channel = 'all'\nmethod = 'percentile'\neffort = 'none'\n"
    tables = "[quantize.ranges]\nhidden = 'mse'\n[quantize.precision]\n'/(up|down)/' = 'int16'\n"
    done = quantized("near", choices, tables)
    model = done.model
    assert {tensor.quantization.zero_points for tensor in (*model.inputs, *model.outputs)} == {(0,)}
    assert max(len(tensor.quantization.scales) for tensor in constants(model, "int8")) > 1
    assert len([tensor for tensor in model.main.tensors if tensor.dtype == "int16"]) >= 2
    assert done.taken["choice"] == {
        "effort": "none",
        "method": "percentile",
        "methods": {"hidden": "mse"},
        "precision": {"/(up|down)/": "int16"},
    }
    assert constants(quantized("near", "[quantize]\nweight_bits = 4\n").model, "int4")


def constants(model, dtype):
    return [tensor for tensor in model.main.tensors if tensor.is_constant and tensor.dtype == dtype]


def test_the_choice_of_a_rescue_makes_the_same_file_without_one(quantized):
    rescued = quantized("near", TIGHT)
    choice = rescued.taken["choice"]
    lines = [f"[quantize]\nrescue = false\neffort = '{choice['effort']}'\nmethod = '{choice['method']}'\n"]
    for name, table in (("precision", choice["precision"]), ("ranges", choice["methods"])):
        lines += [f"[quantize.{name}]\n", *(f"{json.dumps(key)} = '{value}'\n" for key, value in table.items())]
    again = quantized("near", *lines, TIGHT)
    assert again.model.content == rescued.model.content and again.code == 0


@pytest.mark.slow
def test_training_the_worst_layers_is_refused_where_it_would_not_give_what_was_asked_for(quantized):
    done = quantized("far", "[quantize]\nsymmetric = true\n", TIGHT)
    last = done.tries[-1]
    assert (done.code, last["remedy"]) == (1, TRAINING)
    assert last["refused"].startswith("qat: trains for int8 weights per channel throughout")
    assert {tensor.quantization.zero_points for tensor in done.model.inputs} == {(0,)}


@pytest.mark.parametrize("section", ["precision", "ranges"])
def test_a_pattern_that_fits_nothing_is_one_clear_error(quantized, section):
    choice = {"precision": "int16", "ranges": "mse"}[section]
    done = quantized("near", f"[quantize.{section}]\nconv9 = '{choice}'\n")
    assert done.code == 2
    assert "of the model has a name like 'conv9'" in done.document["error"]["message"]


@pytest.mark.slow
def test_the_same_recipe_gives_the_same_tries_and_bytes(quantized):
    first, second = quantized("far", TIGHT), quantized("far", TIGHT, again=1)
    assert first.model.content == second.model.content
    timeless = [[{**tried, "seconds": None} for tried in done.tries] for done in (first, second)]
    assert timeless[0] == timeless[1]
