"""From a float file and samples to a proved integer file, with and without TensorFlow."""

import io
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.editing import ModelEditor
from litesmith.converters.label import truth_label
from litesmith.converters.post_training import quantize_float_model
from litesmith.converters.quantize import QuantizationSpec, exactly
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import CalibrationError, ConversionError

INT8 = QuantizationSpec()
SAMPLES = CalibrationSet.from_arrays(np.random.default_rng(2).uniform(0, 1, (24, 8, 8, 1)).astype(np.float32))


@pytest.fixture
def model(golden):
    return TFLiteModel.from_file(golden / "float32.tflite")


def top_1(model, images):
    interpreter = Interpreter(model_content=model.content, num_threads=1)
    interpreter.allocate_tensors()
    given, found = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
    classes = []
    for image in images:
        values = image[None]
        if given["dtype"] != np.float32:
            scale, zero_point = given["quantization"]
            values = np.clip(np.rint(values / scale) + zero_point, -128, 127).astype(given["dtype"])
        interpreter.set_tensor(given["index"], values)
        interpreter.invoke()
        classes.append(int(interpreter.get_tensor(found["index"]).argmax()))
    return np.array(classes)


@pytest.mark.parametrize("engine", ["mlir", "aeq"])
@pytest.mark.parametrize("name", ["float32", "dynamic_batch_float"])
def test_a_float_file_becomes_the_same_classifier_in_integers(golden, name, engine):
    source = TFLiteModel.from_file(golden / f"{name}.tflite")
    result = quantize_float_model(source, INT8, SAMPLES, engine=engine)
    assert truth_label(result.model) == "full-int8"
    assert not any(tensor.is_dynamic for tensor in result.model.main.tensors)
    assert result.engine == engine
    assert result.seconds.keys() == {"rewrite", "calibrate", "correct", "quantize"}
    images = SAMPLES.inputs["x"]
    assert np.mean(top_1(result.model, images) == top_1(source, images)) > 0.9


def test_ranges_are_of_the_rewritten_model_and_hold_what_was_seen(model):
    result = quantize_float_model(model, INT8, SAMPLES)
    source = result.rewritten.main.inputs[0]
    assert (result.ranges[source].low, result.ranges[source].high) == (
        SAMPLES.inputs["x"].min(), SAMPLES.inputs["x"].max()
    )  # fmt: skip
    assert len(result.ranges) == 1 + len(result.rewritten.main.operators)


def test_other_methods_leave_inputs_and_outputs_alone_unless_they_are_named(model):
    plain = quantize_float_model(model, INT8, SAMPLES, engine="aeq").ranges
    cut = quantize_float_model(model, INT8, SAMPLES, method="percentile", engine="aeq").ranges
    ends = {*model.main.inputs, *model.main.outputs}
    assert all(cut[index] == plain[index] for index in ends)
    assert any(cut[index].high < plain[index].high for index in plain.keys() - ends)
    logits = model.main.outputs[0]
    named = quantize_float_model(
        model, INT8, SAMPLES, methods={exactly(model.main.tensors[logits].name): "moving_average"}, engine="aeq"
    ).ranges
    assert named[logits].high - named[logits].low < plain[logits].high - plain[logits].low
    assert {index for index in plain if named[index] != plain[index]} == {logits}


@pytest.mark.parametrize("mode", ["dynamic", "float16"])
def test_weights_are_quantized_without_samples(model, mode):
    result = quantize_float_model(model, QuantizationSpec(mode), None)
    assert truth_label(result.model) == QuantizationSpec(mode).label
    assert result.ranges == {}


def test_integers_without_samples_are_refused(model):
    with pytest.raises(CalibrationError, match="needs representative samples"):
        quantize_float_model(model, INT8, None)


@pytest.mark.parametrize("name", ["int8", "float16", "dynamic_range", "int16x8", "mixed_float_island"])
def test_a_model_that_is_quantized_already_is_refused(golden, name):
    with pytest.raises(ConversionError, match=r"already; quantize the float32 file"):
        quantize_float_model(TFLiteModel.from_file(golden / f"{name}.tflite"), INT8, SAMPLES)


def test_a_custom_operator_is_refused_by_name(model):
    editor = ModelEditor(model.content)
    code = editor.model.operatorCodes[editor.graph.operators[1].opcodeIndex]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = "Secret"
    with pytest.raises(ConversionError, match=r"^Secret: it is a custom operator"):
        quantize_float_model(TFLiteModel(editor.to_bytes()), INT8, SAMPLES)


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_weights_that_are_not_finite_are_refused_by_name(model, value):
    editor = ModelEditor(model.content)
    weights = editor.graph.operators[0].inputs[1]
    values = editor.constant(weights)
    values.flat[3] = value
    editor.set_constant(weights, values)
    with pytest.raises(ConversionError, match="holds NaN or infinity") as caught:
        quantize_float_model(TFLiteModel(editor.to_bytes()), INT8, SAMPLES)
    assert editor.name(weights) in str(caught.value)


def test_control_flow_is_refused_where_tensors_need_ranges(model):
    editor = ModelEditor(model.content)
    editor.model.subgraphs.append(editor.graph)
    with pytest.raises(ConversionError, match="2 signatures"):
        quantize_float_model(TFLiteModel(editor.to_bytes()), INT8, SAMPLES)


def test_samples_that_do_not_fit_are_refused(model):
    wrong = CalibrationSet.from_arrays(np.random.default_rng(0).random((3, 8, 8, 3), np.float32))
    with pytest.raises(CalibrationError, match="shape"):
        quantize_float_model(model, INT8, wrong)


def test_one_sample_is_enough_for_integers_but_one_value_is_not(model):
    single = CalibrationSet.from_arrays(np.random.default_rng(0).random((1, 8, 8, 1), np.float32))
    assert truth_label(quantize_float_model(model, INT8, single).model) == "full-int8"
    flat = CalibrationSet.from_arrays(np.zeros((5, 8, 8, 1), np.float32))
    with pytest.raises(CalibrationError, match="the same, which says nothing of real input"):
        quantize_float_model(model, INT8, flat)


WITHOUT_TENSORFLOW = """
import sys
sys.modules["tensorflow"] = None
import numpy as np
from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.label import truth_label
from litesmith.converters.post_training import quantize_float_model
from litesmith.converters.quantize import QuantizationSpec, exactly
from litesmith.converters.tflite_model import TFLiteModel

samples = CalibrationSet.from_arrays(np.linspace(0, 1, 640, dtype=np.float32).reshape(10, 8, 8, 1))
result = quantize_float_model(TFLiteModel.from_file(sys.argv[1]), QuantizationSpec(), samples)
print(result.engine, truth_label(result.model))
"""


def test_one_shot_runs_where_tensorflow_cannot_be_imported(golden):
    command = [sys.executable, "-c", WITHOUT_TENSORFLOW, str(golden / "float32.tflite")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.stdout.strip() == "aeq full-int8", result.stderr


@pytest.fixture(scope="module")
def cifar(real_data):
    return {
        "calibration": images(real_data / "cifar10_jpeg" / "cifar10_train_0.zip", 100),
        "test": images(real_data / "cifar10_jpeg" / "cifar10_test.zip", 200),
    }


def images(path, count):
    image = pytest.importorskip("PIL.Image")
    with zipfile.ZipFile(path) as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
        chosen = np.random.default_rng(0).permutation(len(names))[:count]
        arrays = [np.asarray(image.open(io.BytesIO(archive.read(names[place])))) for place in chosen]
    return np.stack(arrays).astype(np.float32)


def test_both_engines_agree_with_the_float_resnet_and_with_each_other(real_data, cifar):
    source = TFLiteModel.from_file(real_data / "mlperf_tiny" / "ic_resnet8_float.tflite")
    expected = top_1(source, cifar["test"])
    samples = CalibrationSet.from_arrays(cifar["calibration"])
    results = {engine: quantize_float_model(source, INT8, samples, engine=engine) for engine in ("mlir", "aeq")}
    for result in results.values():
        assert result.applied == ("pool_to_mean",)
        assert np.mean(top_1(result.model, cifar["test"]) == expected) > 0.94
    mlir, aeq = (
        {tensor.name: tensor.quantization for tensor in result.model.main.tensors if tensor.quantization}
        for result in results.values()
    )
    shared = mlir.keys() & aeq.keys()
    assert len(shared) > 30
    for name in shared:
        assert mlir[name].scales == pytest.approx(aeq[name].scales, rel=1e-6)
        assert mlir[name].zero_points == aeq[name].zero_points
