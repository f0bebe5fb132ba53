"""The collector against an interpreter that keeps every tensor, and its fallbacks on graphs that resist it."""

import io
import zipfile

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter, OpResolverType
from PIL import Image

from litesmith.calibration.collect import collect
from litesmith.calibration.observers import ChannelMoments, MinMax
from litesmith.calibration.ranges import RANGE_METHODS, make_observer, range_of
from litesmith.calibration.samples import CalibrationSet
from litesmith.converters.backend import tf_keras
from litesmith.converters.keras import convert
from litesmith.converters.quantize import QuantizationSpec
from litesmith.errors import CalibrationError

SHAPES = {"float32": (8, 8, 1), "float32_residual": (16, 16, 3), "dynamic_batch_float": (8, 8, 1)}


def min_max(index, shape):
    return MinMax()


def images(count, shape, seed=0):
    return np.random.default_rng(seed).normal(0.2, 1, (count, *shape)).astype(np.float32)


def limits(collected):
    return {index: (observer.low, observer.high) for index, observer in collected.observers.items()}


def reference_limits(content, samples, indices):
    """By the plain reference kernels, one sample at a time, every tensor in memory of its own."""
    interpreter = Interpreter(
        model_content=content,
        experimental_op_resolver_type=OpResolverType.BUILTIN_REF,
        experimental_preserve_all_tensors=True,
    )
    interpreter.allocate_tensors()
    seen = {index: [] for index in indices}
    for sample in samples:
        interpreter.set_tensor(interpreter.get_input_details()[0]["index"], sample[None])
        interpreter.invoke()
        for index, values in seen.items():
            values.append(interpreter.get_tensor(index))
    return {index: (np.min(values), np.max(values)) for index, values in seen.items()}


class Keeps:
    """Copies everything it sees, and remembers in which pieces."""

    def __init__(self, shape):
        self.shape, self.seen = shape, []

    def update(self, values):
        self.seen.append(values.copy())

    @property
    def values(self):
        return np.concatenate(self.seen)


def keeps(index, shape):
    return Keeps(shape)


@pytest.mark.parametrize("name", SHAPES)
def test_limits_are_those_of_the_reference_kernels(golden, name):
    content = (golden / f"{name}.tflite").read_bytes()
    samples = images(9, SHAPES[name])
    collected = collect(content, CalibrationSet.from_arrays(samples), min_max)
    found = limits(collected)
    expected = reference_limits(content, samples, found)
    for index, (low, high) in expected.items():
        size = max(abs(low), abs(high), 1)
        assert found[index] == pytest.approx((low, high), abs=1e-5 * size)
    assert (collected.samples, collected.batch, collected.method, collected.note) == (9, 4, "exposed", "")


@pytest.mark.parametrize("name", SHAPES)
def test_the_batch_does_not_change_the_limits(golden, name):
    content = (golden / f"{name}.tflite").read_bytes()
    samples = CalibrationSet.from_arrays(images(19, SHAPES[name]))
    one, four, eight = (collect(content, samples, min_max, batch=batch) for batch in (1, 4, 8))
    assert (one.batch, four.batch, eight.batch) == (1, 4, 8)
    assert limits(one).keys() == limits(four).keys() == limits(eight).keys()
    for index, expected in limits(one).items():
        assert limits(four)[index] == pytest.approx(expected, rel=1e-6, abs=1e-6)
        assert limits(eight)[index] == limits(four)[index]


def test_the_input_of_an_in_place_add_is_seen_before_it_is_overwritten(golden):
    content = (golden / "float32_residual.tflite").read_bytes()
    samples = images(5, SHAPES["float32_residual"])
    values = {
        index: one.values
        for index, one in collect(content, CalibrationSet.from_arrays(samples), keeps).observers.items()
    }
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    codes = [max(code.builtinCode, code.deprecatedBuiltinCode) for code in model.operatorCodes]
    (add,) = [op for op in model.subgraphs[0].operators if codes[op.opcodeIndex] == schema.BuiltinOperator.ADD]
    left, right = (values[int(index)] for index in add.inputs)
    np.testing.assert_allclose(values[int(add.outputs[0])], np.maximum(left + right, 0), rtol=0, atol=1e-5)


@pytest.mark.parametrize("method", RANGE_METHODS)
def test_every_range_method_works_on_what_was_collected(golden, method):
    content = (golden / "float32.tflite").read_bytes()
    samples = CalibrationSet.from_arrays(images(6, SHAPES["float32"]))
    collected = collect(content, samples, lambda index, shape: make_observer(method))
    full = limits(collect(content, samples, min_max))
    for index, observer in collected.observers.items():
        found = range_of(observer, method)
        assert min(full[index][0], 0) <= found.low <= found.high <= max(full[index][1], 0)


def test_observers_get_batches_of_the_shape_that_they_were_made_for(golden):
    content = (golden / "float32.tflite").read_bytes()
    found = collect(content, CalibrationSet.from_arrays(images(6, (8, 8, 1))), keeps).observers
    assert next(iter(found.values())).shape == (1, 8, 8, 1)
    for observer in found.values():
        assert [len(values) for values in observer.seen] == [4, 2]
        assert {(1, *values.shape[1:]) for values in observer.seen} == {observer.shape}


def test_only_some_tensors_can_be_observed(golden):
    content = (golden / "float32.tflite").read_bytes()
    samples = CalibrationSet.from_arrays(images(5, (8, 8, 1)))
    every = limits(collect(content, samples, min_max))
    for index, expected in every.items():
        assert limits(collect(content, samples, min_max, only=[index])) == {index: pytest.approx(expected, rel=1e-6)}


def two_inputs(builder):
    """ids -> rows of a table, plus a context."""
    ids = builder.tensor("serving_default_ids:0", (1, 3), dtype="INT32")
    context = builder.tensor("serving_default_context:0", (1, 3, 2))
    table = builder.tensor("table", (5, 2), np.arange(10, dtype=np.float32).reshape(5, 2))
    rows, added = builder.tensor("rows", (1, 3, 2)), builder.tensor("sum", (1, 3, 2))
    builder.op("GATHER", [table, ids], [rows], schema.GatherOptionsT())
    builder.op("ADD", [rows, context], [added], schema.AddOptionsT())
    return builder.ends([ids, context], [added]).content(), (context, rows, added)


@pytest.mark.parametrize("prefix", ["", "serving_default_"])
@pytest.mark.parametrize("dtype", [np.int32, np.int64, np.uint8])
def test_inputs_are_found_by_name_and_ids_pass_through(builder, prefix, dtype):
    content, (context, rows, added) = two_inputs(builder)
    ids = np.random.default_rng(0).integers(0, 5, (7, 3)).astype(dtype)
    floats = images(7, (3, 2))
    suffix = ":0" if prefix else ""
    samples = CalibrationSet.from_arrays({f"{prefix}context{suffix}": floats, f"{prefix}ids{suffix}": ids})
    found = collect(content, samples, keeps)
    assert list(found.observers) == [context, rows, added]
    table = np.arange(10, dtype=np.float32).reshape(5, 2)
    np.testing.assert_array_equal(found.observers[context].values, floats)
    np.testing.assert_array_equal(found.observers[rows].values, table[ids.astype(int)])
    np.testing.assert_array_equal(found.observers[added].values, table[ids.astype(int)] + floats)


def test_ids_out_of_the_vocabulary_are_refused(builder):
    content, _ = two_inputs(builder)
    ids = np.array([[0, 1, 2], [3, 4, 5]])
    samples = CalibrationSet.from_arrays({"ids": ids, "context": images(2, (3, 2))})
    with pytest.raises(CalibrationError, match=r"LiteRT cannot run .* ids are in the vocabulary"):
        collect(content, samples, min_max)


@pytest.mark.parametrize("ids", [np.array([[0, 1, 2**40]]), np.array([[0.0, 1.0, 2.0]])])
def test_ids_of_another_type_are_refused(builder, ids):
    content, _ = two_inputs(builder)
    samples = CalibrationSet.from_arrays({"ids": ids, "context": images(1, (3, 2))})
    with pytest.raises(CalibrationError, match=r"input 'ids' holds .* but the model takes int32"):
        collect(content, samples, min_max)


def test_bytes_for_a_float_image_are_refused(golden):
    samples = CalibrationSet.from_arrays(np.zeros((2, 8, 8, 1), np.uint8))
    with pytest.raises(CalibrationError, match="holds uint8 values but the model takes float32"):
        collect((golden / "float32.tflite").read_bytes(), samples, min_max)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [({"photo": images(2, (8, 8, 1))}, "the data have inputs photo but the model has image"),
     (images(2, (8, 8, 3)), r"samples of shape \(1, 8, 8, 3\)")],
)  # fmt: skip
def test_samples_that_do_not_fit_are_refused(golden, arrays, message):
    with pytest.raises(CalibrationError, match=message):
        collect((golden / "float32.tflite").read_bytes(), CalibrationSet.from_arrays(arrays), min_max)


def test_rows_of_one_sample_stay_together(builder):
    """A transformer's (1, tokens, channels) -> (tokens, channels): the first axis is batch x tokens."""
    x = builder.tensor("x", (1, 3, 4))
    shape = builder.tensor("shape", (2,), np.array([3, 4], np.int32), dtype="INT32")
    rows, out = builder.tensor("rows", (3, 4)), builder.tensor("out", (3, 4))
    builder.op("RESHAPE", [x, shape], [rows])
    builder.op("TANH", [rows], [out])
    values = images(6, (3, 4))
    found = collect(builder.ends([x], [out]).content(), CalibrationSet.from_arrays(values), keeps)
    assert (found.batch, found.note) == (4, "")
    np.testing.assert_allclose(found.observers[out].values.reshape(values.shape), np.tanh(values), atol=1e-4)
    moments = collect(builder.content(), CalibrationSet.from_arrays(values), lambda *_: ChannelMoments())
    np.testing.assert_allclose(moments.observers[rows].mean, values.mean(axis=(0, 1)), rtol=1e-5)


def across_samples(builder):
    """x - mean over the first axis: zero for one sample, not for several."""
    x = builder.tensor("x", (1, 4))
    axis = builder.tensor("axis", (1,), np.zeros(1, np.int32), dtype="INT32")
    mean, out = builder.tensor("mean", (1, 4)), builder.tensor("centred", (1, 4))
    builder.op("MEAN", [x, axis], [mean], schema.ReducerOptionsT(keepDims=True))
    builder.op("SUB", [x, mean], [out], schema.SubOptionsT())
    return builder.ends([x], [out]).content(), mean, out


def test_a_graph_that_mixes_samples_is_run_one_by_one(builder):
    content, mean, out = across_samples(builder)
    values = images(6, (4,))
    samples = CalibrationSet.from_arrays(values)
    found = collect(content, samples, keeps)
    assert found.batch == 1
    assert "'mean' does not follow the batch" in found.note
    np.testing.assert_array_equal(found.observers[mean].values, values)
    np.testing.assert_array_equal(found.observers[out].values, 0 * values)
    only = collect(content, samples, keeps, only=[out])
    assert "'centred' has other values in a batch" in only.note
    np.testing.assert_array_equal(only.observers[out].values, 0 * values)


def test_a_graph_that_cannot_be_resized_is_run_one_by_one(builder):
    x = builder.tensor("x", (1, 4))
    shape = builder.tensor("shape", (2,), np.array([1, 4], np.int32), dtype="INT32")
    begin = builder.tensor("begin", (2,), np.array([0, 0], np.int32), dtype="INT32")
    ones, out = builder.tensor("part", (1, 4)), builder.tensor("out", (1, 8))
    builder.op("SLICE", [x, begin, shape], [ones], schema.SliceOptionsT())
    builder.op("CONCATENATION", [ones, x], [out], schema.ConcatenationOptionsT(axis=1))
    values = images(5, (4,))
    found = collect(builder.ends([x], [out]).content(), CalibrationSet.from_arrays(values), keeps)
    assert (found.batch, found.note) == (
        1,
        "the model was run one sample at a time, because LiteRT cannot run it on 4 at once",
    )
    np.testing.assert_array_equal(found.observers[out].values, np.tile(values, 2))


def test_a_scalar_is_observed_sample_by_sample(builder):
    x, out = builder.tensor("x", (1, 4)), builder.tensor("total", ())
    axes = builder.tensor("axes", (2,), np.array([0, 1], np.int32), dtype="INT32")
    builder.op("SUM", [x, axes], [out], schema.ReducerOptionsT())
    values = images(5, (4,))
    found = collect(builder.ends([x], [out]).content(), CalibrationSet.from_arrays(values), keeps)
    np.testing.assert_allclose(found.observers[out].values, values.sum(axis=1), rtol=1e-5)


def test_state_starts_anew_for_every_sample(builder):
    """SVDF remembers: out = x + what it saw before."""
    x, out = builder.tensor("x", (1, 1)), builder.tensor("out", (1, 1))
    feature = builder.tensor("feature", (1, 1), np.ones((1, 1), np.float32))
    time = builder.tensor("time", (1, 3), np.ones((1, 3), np.float32))
    state = builder.tensor("state", (1, 3), variable=True)
    builder.op("SVDF", [x, feature, time, -1, state], [out], schema.SVDFOptionsT(rank=1))
    values = np.array([[1], [10], [100]], np.float32)
    found = collect(builder.ends([x], [out]).content(), CalibrationSet.from_arrays(values), keeps)
    assert found.batch == 1
    assert "keeps state in variable tensors" in found.note
    assert list(found.observers) == [x, out]
    np.testing.assert_array_equal(found.observers[out].values, values)


def keras_model(layer):
    """A recurrent layer over (6, 4), its outputs (6, 5) behind a dense one, and the float file."""
    keras = tf_keras()
    keras.utils.set_random_seed(2)
    inputs = keras.Input((6, 4), 1 if layer.stateful else None, name="frames")
    hidden = layer(inputs)
    model = keras.Model(inputs, [hidden, keras.layers.Dense(3)(hidden)])
    return model, convert(keras.Model(inputs, model.outputs[1]), QuantizationSpec("float32")).content


def shown(found, expected):
    """Whether one of the observed tensors had these values."""
    seen = (one.values for one in found.observers.values())
    return any(one.shape == expected.shape and np.abs(one - expected).max() < 1e-5 for one in seen)


@pytest.mark.parametrize(("kind", "reason"), [("LSTM", "keeps state in variable tensors"), ("GRU", "has control flow")])
def test_a_recurrent_layer_shows_what_keras_computes_for_every_sample_alone(kind, reason):
    model, content = keras_model(getattr(tf_keras().layers, kind)(5, return_sequences=True))
    values = images(7, (6, 4))
    found = collect(content, CalibrationSet.from_arrays(values), keeps)
    assert found.batch == 1
    assert reason in found.note
    for expected in model(values):
        assert shown(found, expected.numpy())


def test_variables_run_on_from_sample_to_sample_as_in_keras():
    model, content = keras_model(tf_keras().layers.GRU(5, return_sequences=True, stateful=True, unroll=True))
    values = images(7, (6, 4))
    found = collect(content, CalibrationSet.from_arrays(values), keeps)
    assert (found.batch, "run on from one sample to the next" in found.note) == (1, True)
    hidden, outputs = (np.concatenate(pieces) for pieces in zip(*(model(one[None]) for one in values), strict=True))
    assert shown(found, outputs)
    before = np.concatenate([np.zeros((1, 5), np.float32), hidden[:-1, -1]])
    assert shown(found, before)  # read from the variable


def test_control_flow_is_run_one_by_one(builder):
    x = builder.tensor("x", (1, 4))
    condition = builder.tensor("condition", (), np.array(True), dtype="BOOL")
    out = builder.tensor("out", (1, 4))
    builder.op("IF", [condition, x], [out], schema.IfOptionsT(thenSubgraphIndex=1, elseSubgraphIndex=2))
    builder.ends([x], [out])
    for name in ("RELU", "TANH"):
        builder.add_subgraph()
        inner, result = builder.tensor("inner", (1, 4)), builder.tensor("result", (1, 4))
        builder.op(name, [inner], [result])
        builder.ends([inner], [result])
    values = images(3, (4,))
    found = collect(builder.content(), CalibrationSet.from_arrays(values), keeps)
    assert (found.batch, "control flow" in found.note) == (1, True)
    np.testing.assert_array_equal(found.observers[out].values, np.maximum(values, 0))


def test_an_unknown_custom_operator_is_an_error_that_names_it(builder):
    x, out = builder.tensor("x", (1, 4)), builder.tensor("out", (1, 4))
    builder.op("CUSTOM", [x], [out], custom="Nonsense")
    content = builder.ends([x], [out]).content()
    with pytest.raises(CalibrationError, match=r"Nonsense.*replace operators that it does not know"):
        collect(content, CalibrationSet.from_arrays(images(2, (4,))), min_max)


def test_infinities_from_weights_name_the_tensor(builder):
    x, out = builder.tensor("x", (1, 4)), builder.tensor("blown_up", (1, 4))
    weights = builder.tensor("weights", (4,), np.array([1, np.inf, 1, 1], np.float32))
    builder.op("ADD", [x, weights], [out], schema.AddOptionsT())
    content = builder.ends([x], [out]).content()
    with pytest.raises(CalibrationError, match="tensor 'blown_up' holds NaN or infinity"):
        collect(content, CalibrationSet.from_arrays(images(5, (4,))), min_max)


@pytest.mark.parametrize("count", [1, 3])
def test_fewer_samples_than_a_batch_are_enough(golden, count):
    content = (golden / "float32.tflite").read_bytes()
    found = collect(content, CalibrationSet.from_arrays(images(count, (8, 8, 1))), min_max)
    assert (found.samples, found.batch, found.note) == (count, count, "")


@pytest.mark.parametrize("options", [{"batch": 0}, {"threads": 0}])
def test_impossible_settings_are_refused(golden, options):
    samples = CalibrationSet.from_arrays(images(1, (8, 8, 1)))
    with pytest.raises(CalibrationError, match="at least 1"):
        collect((golden / "float32.tflite").read_bytes(), samples, min_max, **options)


def cifar(folder, count):
    with zipfile.ZipFile(folder / "cifar10_jpeg" / "cifar10_train_0.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".jpg")]
        chosen = names[:: len(names) // count][:count]
        return np.stack([np.asarray(Image.open(io.BytesIO(archive.read(name))), np.float32) for name in chosen])


def test_a_real_residual_net_equals_the_reference(real_data):
    content = (real_data / "mlperf_tiny" / "ic_resnet8_float.tflite").read_bytes()
    samples = cifar(real_data, 10)
    found = limits(collect(content, CalibrationSet.from_arrays(samples), min_max))
    assert len(found) == 17
    for index, expected in reference_limits(content, samples, found).items():
        assert found[index] == pytest.approx(expected, rel=1e-4, abs=1e-4)
