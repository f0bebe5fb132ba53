"""A diagnosis finds what was put into a model to spoil it, and says so."""

import io
import json
import math
import tracemalloc
import zipfile

import numpy as np
import pytest

from litesmith.calibration.collect import collect
from litesmith.calibration.ranges import Range, make_observer, range_of
from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.diagnosis import diagnose
from litesmith.converters.editing import ModelEditor
from litesmith.converters.engines import choose_engine
from litesmith.converters.fidelity import compare, outputs
from litesmith.converters.post_training import operator_names, quantize_float_model
from litesmith.converters.quantize import QuantizationSpec, exactly
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import CalibrationError, ConversionError

INT8, INT4 = QuantizationSpec(), QuantizationSpec(weight_bits=4)
STEM, DEPTHWISE, CONV = 0, 1, 3  # operators of the golden classifier


@pytest.fixture(scope="module")
def model(golden):
    return TFLiteModel.from_file(golden / "float32.tflite")


def samples(shape, count=32, seed=0):
    return CalibrationSet.from_arrays(np.random.default_rng(seed).random((count, *shape), np.float32))


@pytest.fixture(scope="module")
def test_set():
    return samples((8, 8, 1))


@pytest.fixture(scope="module")
def calibrated(model):
    return quantize_float_model(model, INT8, samples((8, 8, 1), 64, seed=1), engine="aeq")


def with_range(calibrated, operator, change, spec=INT8):
    """The file with another range for what an operator gives."""
    index = calibrated.rewritten.main.operators[operator].outputs[0]
    old = calibrated.ranges[index]
    ranges = {**calibrated.ranges, index: Range(change * old.low, change * old.high)}
    return choose_engine(spec, "aeq").quantize(calibrated.rewritten, ranges, spec)


@pytest.mark.parametrize("engine", ["mlir", "aeq"])
@pytest.mark.parametrize("io", ["int8", "uint8", "float32"])
@pytest.mark.parametrize("name", ["float32", "float32_residual", "dynamic_batch_float"])
def test_a_sound_file_is_compared_whole(golden, name, io, engine):
    source = TFLiteModel.from_file(golden / f"{name}.tflite")
    shape = source.inputs[0].shape[1:]
    made = quantize_float_model(source, QuantizationSpec(io=io), samples(shape, 64, seed=1), engine=engine)
    found = diagnose(made.rewritten, made.model, samples(shape))
    assert found.unmatched == () and len(found.inputs) == 1
    assert [loss.index for loss in found.operators] == list(range(len(made.rewritten.main.operators)))
    assert [loss.tensor for loss in found.operators] == operator_names(made.rewritten)
    assert min(loss.worst_db for loss in found.operators) > 25
    assert found.fidelity == compare(outputs(made.rewritten, samples(shape)), outputs(made.model, samples(shape)))
    assert found.fidelity.snr_db > 25 and found.weights_only.snr_db > found.fidelity.snr_db - 3


def test_own_loss_is_that_of_one_operator_and_total_loss_adds_up(calibrated, test_set):
    found = diagnose(calibrated.rewritten, calibrated.model, test_set)
    pool, reshape = (next(loss for loss in found.operators if loss.op == op) for op in ("MAX_POOL_2D", "RESHAPE"))
    assert pool.own_snr_db == reshape.own_snr_db == math.inf  # they copy integers
    assert 20 < pool.snr_db < 60 and 20 < reshape.snr_db < 60
    assert found.operators[STEM].snr_db == pytest.approx(found.operators[STEM].own_snr_db, abs=3)
    assert {found.worst(6)[-2], found.worst(6)[-1]} == {pool.index, reshape.index}


@pytest.mark.parametrize("operator", [STEM, DEPTHWISE, CONV])
def test_a_range_that_is_too_narrow_is_found_and_named(calibrated, test_set, operator):
    found = diagnose(calibrated.rewritten, with_range(calibrated, operator, 0.2), test_set)
    assert found.worst(1) == (operator,)
    loss = found.operators[operator]
    assert loss.cause == "clipping" and loss.activation.clipped > 0.05 and loss.activation.at_highest > 0.05
    assert all(other.cause != "clipping" for other in found.worst_operators(6)[1:] if other.worst_db < 30)
    assert found.weight_share < 0.1
    assert "Activations cost most" in found.paragraph and 'method "minmax"' in found.paragraph
    name = loss.tensor.split(";")[0]
    first = found.paragraph.split("by themselves: ")[1]
    assert first.startswith(f"{loss.op} '{name}'") and "of its values clipped to 0 to" in first


@pytest.mark.parametrize("operator", [STEM, DEPTHWISE, CONV])
def test_a_range_that_is_too_wide_is_found_and_named(calibrated, test_set, operator):
    found = diagnose(calibrated.rewritten, with_range(calibrated, operator, 40), test_set)
    assert found.worst(1) == (operator,)
    loss = found.operators[operator]
    assert loss.cause == "range" and loss.activation.clipped == 0 and loss.activation.used < 0.05
    assert loss.own_snr_db < 25
    assert "times as wide as its values" in found.paragraph and "calibrate again" in found.paragraph


def test_weights_are_told_from_activations(model, calibrated, test_set):
    coarse = quantize_float_model(model, INT4, samples((8, 8, 1), 64, seed=1), engine="aeq")
    found = diagnose(coarse.rewritten, coarse.model, test_set)
    assert found.weight_share > 0.8
    assert found.weights_only.snr_db == pytest.approx(found.fidelity.snr_db, abs=1.5)
    assert all(loss.cause == "weights" and loss.weights.bits == 4 for loss in found.worst_operators(2))
    assert "Rounding the weights costs most" in found.paragraph and "4-bit weights" in found.paragraph
    assert 'effort "high"' in found.paragraph
    both = diagnose(coarse.rewritten, with_range(calibrated, DEPTHWISE, 0.1, INT4), test_set)
    assert both.weight_share < 0.5


def test_inputs_that_were_not_calibrated_for_are_named(calibrated, test_set):
    bright = CalibrationSet.from_arrays(3 * test_set.inputs["x"])
    found = diagnose(calibrated.rewritten, calibrated.model, bright)
    assert found.inputs[0].activation.clipped == pytest.approx(2 / 3, abs=0.05)
    assert "of the values of input 'serving_default_image:0' lie outside 0 to 1" in found.paragraph
    assert "calibrate with samples like these" in found.paragraph


@pytest.fixture(scope="module")
def uneven():
    """Depthwise channels of which one is 1,000 times as large, and a layer behind that makes up for it."""
    from litesmith.converters.backend import tf_keras
    from litesmith.converters.keras import convert

    keras = tf_keras()
    keras.utils.set_random_seed(0)
    layers = keras.layers
    depthwise = layers.DepthwiseConv2D(3, padding="same", activation="relu", name="uneven")
    pointwise = layers.Conv2D(16, 1, activation="relu", name="even")
    image = layers.Input((8, 8, 1), name="image")
    x = pointwise(depthwise(layers.Conv2D(16, 3, padding="same", activation="relu", name="stem")(image)))
    built = keras.Model(image, layers.Dense(6, name="logits")(layers.Flatten()(x)))
    for layer, factor in ((depthwise, 1000), (pointwise, 1 / 1000)):
        weights, bias = layer.get_weights()
        weights[:, :, 3] *= factor
        layer.set_weights([weights, bias])
    return convert(built, QuantizationSpec("float32"))


def test_channels_of_different_size_are_found_where_the_tensor_as_a_whole_looks_well(uneven, test_set):
    made = quantize_float_model(uneven, INT8, samples((8, 8, 1), 64, seed=1), engine="aeq")
    found = diagnose(made.rewritten, made.model, test_set)
    assert found.worst(1) == (1,)
    loss = found.operators[1]
    assert loss.op == "DEPTHWISE_CONV_2D" and loss.own_snr_db > 35 and loss.channel_snr_db < 10
    assert loss.cause == "channels" and loss.activation.channel_ratio > 300
    assert "times the middle one, and one scale serves both" in found.paragraph
    # What the paragraph advises is what helps: 16 bits for the operator and for the one that reads it.
    assert 'those that read them with 16 bits (precision "int16")' in found.paragraph
    names = operator_names(made.rewritten)
    wider = QuantizationSpec(precision={exactly(names[place]): "int16" for place in (1, 2)})
    better = quantize_float_model(uneven, wider, samples((8, 8, 1), 64, seed=1), engine="aeq")
    gained = diagnose(better.rewritten, better.model, test_set)
    assert gained.fidelity.snr_db > found.fidelity.snr_db + 8
    assert gained.operators[1].channel_snr_db > loss.channel_snr_db + 15


def test_weights_of_one_scale_that_differ_are_named_with_the_remedy(model, test_set):
    editor = ModelEditor(model.content)
    dense = model.main.operators[-1].inputs[1]
    values = editor.constant(dense)
    values[3] *= 300
    editor.set_constant(dense, values)
    spoiled = TFLiteModel(editor.to_bytes())
    made = quantize_float_model(spoiled, INT8, samples((8, 8, 1), 64, seed=1), effort="none", engine="aeq")
    found = diagnose(made.rewritten, made.model, test_set)
    loss = found.operators[-1]
    assert found.worst(1) == (loss.index,) and loss.cause == "weights" and loss.weights.channel_ratio > 200
    assert "one scale serves channels of weights that differ by up to" in found.paragraph


def test_predictions_that_collapse_are_told(model, test_set):
    """A bias of the logits that is lost, as by an overflow."""
    made = quantize_float_model(model, INT8, samples((8, 8, 1), 64, seed=1), engine="aeq")
    editor = ModelEditor(made.model.content)
    bias = made.model.main.operators[-1].inputs[2]
    values = editor.constant(bias)
    values[7] += 2**30 // 1000
    editor.set_constant(bias, values)
    found = diagnose(made.rewritten, TFLiteModel(editor.to_bytes()), test_set)
    expected = found.fidelity.float_classes[7] / 32
    assert found.fidelity.quantized_classes[7] == 32 and expected < 0.8
    assert f"It predicts class 7 for 100% of them, the float model for {100 * expected:.0f}%." in found.paragraph


def test_operators_that_were_not_found_are_counted(calibrated, test_set):
    editor = ModelEditor(calibrated.model.content)
    for operator in editor.graph.operators[:-1]:
        editor.tensor(operator.outputs[0]).name = b"anonymous"
    found = diagnose(calibrated.rewritten, TFLiteModel(editor.to_bytes()), test_set)
    assert [loss.index for loss in found.operators] == [5]
    assert found.unmatched == tuple(operator_names(calibrated.rewritten)[:-1])
    assert "Not found in the file, and not judged: 5 outputs of operators." in found.paragraph


@pytest.mark.parametrize("mode", ["float16", "dynamic"])
def test_files_of_float_activations_get_figures_but_no_remedy_of_integers(model, test_set, mode):
    made = quantize_float_model(model, QuantizationSpec(mode), None)
    found = diagnose(made.rewritten, made.model, test_set)
    assert found.inputs == () and all(loss.activation is None for loss in found.operators)
    assert found.fidelity.snr_db > 25 and "What fits" not in found.paragraph


def test_the_float_model_itself_loses_nothing(model, test_set):
    found = diagnose(model, model, test_set)
    assert found.fidelity.snr_db == math.inf and found.weight_share == 0
    assert found.paragraph == "On 32 samples the outputs are exactly those of the float model."
    json.dumps(found.to_dict(), allow_nan=False)


def test_json_holds_every_figure(calibrated, test_set):
    found = diagnose(calibrated.rewritten, calibrated.model, test_set)
    document = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert document["paragraph"] == found.paragraph and "\n" not in found.paragraph
    assert document["fidelity"]["agreement"] == found.fidelity.agreement
    assert [row["index"] for row in document["operators"]] == list(range(6))
    assert document["operators"][2]["own_snr_db"] is None  # MAX_POOL_2D loses nothing
    assert document["operators"][0]["activation"]["high"] == found.operators[0].activation.high


def test_several_inputs_are_matched_by_name():
    from litesmith.converters.backend import tf_keras
    from litesmith.converters.keras import convert

    keras = tf_keras()
    keras.utils.set_random_seed(2)
    layers = keras.layers
    image, context = layers.Input((4, 4, 1), name="image"), layers.Input((3,), name="context")
    x = layers.Concatenate()([layers.Flatten()(layers.Conv2D(2, 3)(image)), context])
    built = convert(keras.Model([image, context], layers.Dense(4)(x)), QuantizationSpec("float32"))
    random = np.random.default_rng(0)
    given = {"context": random.normal(size=(32, 3)), "image": random.random((32, 4, 4, 1))}
    made = quantize_float_model(built, INT8, CalibrationSet.from_arrays(given), engine="aeq")
    found = diagnose(made.rewritten, made.model, CalibrationSet.from_arrays(given))
    assert len(found.inputs) == 2 and found.unmatched == ()
    assert found.fidelity.snr_db > 25 and min(loss.worst_db for loss in found.operators) > 20


def test_a_file_of_another_model_is_refused(golden, model, test_set):
    other = TFLiteModel.from_file(golden / "int8_residual.tflite")
    with pytest.raises(ConversionError, match="was not made from"):
        diagnose(model, other, test_set)
    with pytest.raises(CalibrationError, match="shape"):
        diagnose(model, model, samples((8, 8, 3)))


def test_memory_does_not_grow_with_the_samples(calibrated):
    few, many = (samples((8, 8, 1), count) for count in (4, 200))
    peaks = []
    for given in (few, few, many):
        tracemalloc.start()
        diagnose(calibrated.rewritten, calibrated.model, given)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # The outputs of 200 samples are kept, 40 bytes each, three times; activations would be 10 kB each.
    assert peaks[2] < peaks[1] + 200_000


@pytest.fixture(scope="module")
def resnet(real_data):
    return TFLiteModel.from_file(real_data / "mlperf_tiny" / "ic_resnet8_float.tflite")


@pytest.fixture(scope="module")
def cifar(real_data):
    """100 images to calibrate with and 32 to test with, pixels 0..255."""
    image = pytest.importorskip("PIL.Image")
    found = []
    for name, count in (("cifar10_train_0.zip", 100), ("cifar10_test.zip", 32)):
        with zipfile.ZipFile(real_data / "cifar10_jpeg" / name) as archive:
            names = sorted(name for name in archive.namelist() if name.endswith(".jpg"))
            chosen = np.random.default_rng(0).permutation(len(names))[:count]
            pixels = [np.asarray(image.open(io.BytesIO(archive.read(names[place])))) for place in chosen]
        found.append(CalibrationSet.from_arrays(np.stack(pixels).astype(np.float32)))
    return found


def test_resnet_in_int8_loses_a_little_everywhere(resnet, cifar):
    made = quantize_float_model(resnet, INT8, cifar[0], engine="aeq")
    found = diagnose(made.rewritten, made.model, cifar[1])
    assert found.unmatched == () and found.fidelity.agreement > 0.9 and found.weight_share < 0.5
    assert "No operator stands out" in found.paragraph


def test_resnet_in_int4_loses_by_its_weights(resnet, cifar):
    made = quantize_float_model(resnet, INT4, cifar[0], engine="aeq")
    found = diagnose(made.rewritten, made.model, cifar[1])
    assert found.fidelity.agreement < 0.9 and found.weight_share > 0.9
    assert {loss.cause for loss in found.worst_operators(3)} == {"weights"}


def test_resnet_with_ranges_cut_to_90_percent_is_clipped(resnet, cifar):
    made = quantize_float_model(resnet, INT8, cifar[0], method="percentile", engine="aeq")
    model = made.rewritten
    ends = {*model.main.inputs, *model.main.outputs}
    seen = collect(model.content, cifar[0], lambda *_: make_observer("percentile")).observers
    cut = {index: range_of(one, "percentile", percentile=100.0 if index in ends else 90.0)
           for index, one in seen.items()}  # fmt: skip
    found = diagnose(model, choose_engine(INT8, "aeq").quantize(model, cut, INT8), cifar[1])
    assert found.fidelity.agreement < 0.7 and found.weight_share < 0.1
    for loss in found.worst_operators(3):
        assert loss.cause == "clipping" and loss.activation.clipped == pytest.approx(0.1, abs=0.03)
