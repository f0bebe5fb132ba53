import pytest

from litesmith.bundle_facts import bundle_facts
from litesmith.bundle_promise import PROMISE, check_promise, promise_of
from litesmith.converters.label import truth_label
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ModelError
from tests.toolkit.made_bundle import bundle_of, changed


def wanted(mode="int8", io="int8", **others):
    return {"quantize": {"mode": mode, "io": io, "allow_float": False, "precision": {}, **others}}


def promised(model: TFLiteModel, recipe) -> dict:
    return {"label": truth_label(model), PROMISE: promise_of(recipe)}


def test_a_recipe_promises_what_it_asks_for():
    assert promise_of(wanted()) == {"mode": "int8", "io": "int8", "float_operators": False}
    assert promise_of(wanted(allow_float=True))["float_operators"]
    assert promise_of(wanted(precision={"head": "float32"}))["float_operators"]
    assert not promise_of(wanted(precision={"head": "int16"}))["float_operators"]
    assert promise_of({}) is None


@pytest.mark.parametrize(
    ("file", "mode", "io"),
    [("int8", "int8", "int8"), ("int8_uint8_io", "int8", "uint8"), ("int8_float_io", "int8", "float32"),
     ("int16x8", "int16x8", "int16"), ("int16x8_float_io", "int16x8", "float32"), ("float32", "float32", "float32"),
     ("float16", "float16", "float32"), ("dynamic_range", "dynamic", "float32")],
)  # fmt: skip
def test_a_kept_promise_passes(golden, file, mode, io):
    model = TFLiteModel.from_file(golden / f"{file}.tflite")
    check_promise(promised(model, wanted(mode, io)), model)


@pytest.mark.parametrize("file", ["float32", "float16", "dynamic_range"])
@pytest.mark.parametrize("mode", ["int8", "int16x8"])
def test_a_float_model_where_integers_were_promised_is_refused(golden, file, mode):
    model = TFLiteModel.from_file(golden / f"{file}.tflite")
    with pytest.raises(ModelError, match=rf"the recipe promised {mode}, but it is .* is not integer-only"):
        check_promise(promised(model, wanted(mode, "float32")), model)


def test_an_operator_in_float_needs_the_recipes_leave(golden):
    model = TFLiteModel.from_file(golden / "mixed_float_island.tflite")
    io = model.inputs[0].dtype
    with pytest.raises(ModelError, match="the recipe promised int8"):
        check_promise(promised(model, wanted(io=io)), model)
    check_promise(promised(model, wanted(io=io, allow_float=True)), model)


@pytest.mark.parametrize(("file", "io"), [("int8", "uint8"), ("int8_uint8_io", "int8"), ("int8_float_io", "int8")])
def test_other_inputs_and_outputs_than_promised_are_refused(golden, file, io):
    model = TFLiteModel.from_file(golden / f"{file}.tflite")
    with pytest.raises(ModelError, match=f"but the recipe promised {io}"):
        check_promise(promised(model, wanted(io=io)), model)


def test_a_bundle_without_a_promise_has_its_label_checked(golden):
    model = TFLiteModel.from_file(golden / "int8.tflite")
    check_promise({"label": "full-int8"}, model)
    with pytest.raises(ModelError, match="is full-int8, but the manifest promises float32"):
        check_promise({"label": "float32"}, model)


def test_a_bundle_is_not_written_of_a_float_model_where_int8_was_asked_for(golden, tmp_path, quantize_details):
    with pytest.raises(ModelError, match="float32, but the recipe promised int8"):
        bundle_of(golden / "float32.tflite", tmp_path, quantize_details, **wanted())
    assert not list(tmp_path.iterdir())


def test_a_float_model_with_a_manifest_of_its_own_breaks_the_promise(golden, tmp_path, quantize_details):
    made = bundle_of(golden / "float32.tflite", tmp_path, quantize_details, **wanted("float32", "float32"))
    bundle_facts(made)
    with pytest.raises(ModelError, match="the recipe promised int8, but it is float32"):
        bundle_facts(changed(made, {PROMISE: promise_of(wanted(io="float32"))}))
