"""Training, pruning and quantization-aware training on a small real problem."""

import numpy as np
import pytest

from litesmith import prune, qat
from litesmith.converters.backend import tf_keras
from litesmith.distill import cross_entropy
from litesmith.errors import CompressionError
from litesmith.events import EpochFinished
from litesmith.train import fit, seed_everything
from litesmith.training_specs import PruneSpec, TrainSpec

X = np.random.default_rng(1).normal(size=(256, 8, 8, 1)).astype(np.float32)
Y = (X.mean(axis=(1, 2, 3)) > 0).astype(np.int64)


def small_model():
    keras = tf_keras()
    seed_everything(5)
    layers = keras.layers
    inputs = keras.Input((8, 8, 1), name="image")
    x = layers.Conv2D(8, 3, name="conv", use_bias=False)(inputs)
    x = layers.BatchNormalization(name="bn", momentum=0.9)(x)
    x = layers.ReLU(name="relu")(x)
    x = layers.Flatten(name="flatten")(x)
    return keras.Model(inputs, layers.Dense(2, name="logits")(x))


def train(model, epochs=2, learning_rate=1e-2, events=None):
    spec = TrainSpec(epochs, learning_rate)
    collect = (lambda _: None) if events is None else events.append
    fit(model, X, Y, cross_entropy, spec, stage="student", on_event=collect)
    return model


@pytest.fixture(scope="module")
def trained():
    return train(small_model())


def test_training_reports_every_epoch_and_lowers_the_loss():
    events = []
    train(small_model(), epochs=4, events=events)
    assert [event.epoch for event in events] == [1, 2, 3, 4]
    assert all(isinstance(event, EpochFinished) for event in events)
    assert events[-1].loss < events[0].loss


def test_the_same_seed_gives_the_same_weights():
    first, second = (train(small_model()).get_weights() for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_loss_that_is_not_finite_stops_the_stage():
    def explode(labels, logits):
        return cross_entropy(labels, logits) * float("nan")

    with pytest.raises(CompressionError, match="student: loss or weights are no longer finite; lower learning_rate"):
        fit(small_model(), X, Y, explode, TrainSpec(1), stage="student", on_event=lambda _: None)


@pytest.mark.parametrize("schedule", ["constant", "polynomial"])
def test_pruning_reaches_what_was_asked_and_leaves_its_input_alone(trained, schedule):
    before = [weight.copy() for weight in trained.get_weights()]
    spec = PruneSpec(TrainSpec(3, 1e-3), sparsity=0.7, schedule=schedule)
    pruned, layers = prune.prune(trained, X, Y, cross_entropy, spec, on_event=lambda _: None)
    assert {layer.layer for layer in layers} == {"conv", "logits"}
    for layer in layers:
        kernel = pruned.get_layer(layer.layer).kernel.numpy()
        assert layer.reached == np.mean(kernel == 0) == pytest.approx(0.7, abs=0.02)
    assert all(np.array_equal(a, b) for a, b in zip(before, trained.get_weights(), strict=True))
    assert [type(layer) for layer in pruned.layers] == [type(layer) for layer in trained.layers]


def test_excluded_layers_stay_dense(trained):
    spec = PruneSpec(TrainSpec(2, 1e-3), sparsity=0.5, exclude=("logits",))
    pruned, layers = prune.prune(trained, X, Y, cross_entropy, spec, on_event=lambda _: None)
    assert [layer.layer for layer in layers] == ["conv"]
    assert np.all(pruned.get_layer("logits").kernel.numpy() != 0)


def test_an_excluded_layer_must_exist(trained):
    spec = PruneSpec(TrainSpec(1), exclude=("convv",))
    with pytest.raises(CompressionError, match="convv"):
        prune.prune(trained, X, Y, cross_entropy, spec, on_event=lambda _: None)


def test_a_model_with_nothing_to_prune_is_refused():
    keras = tf_keras()
    inputs = keras.Input((8, 8, 1))
    model = keras.Model(inputs, keras.layers.DepthwiseConv2D(3)(inputs))
    with pytest.raises(CompressionError, match="no Conv2D or Dense layer is left"):
        prune.prune(model, X, Y, cross_entropy, PruneSpec(TrainSpec(1)), on_event=lambda _: None)


def test_quantization_aware_training_starts_from_observed_ranges(trained):
    model = qat.quantization_aware(trained, preserve_sparsity=False)
    qat.observe_ranges(model, trained, X)
    ranges = {v.name.split(":")[0]: float(v) for v in model.variables if v.shape.rank == 0 and "post_act" in v.name}
    logits = trained(X).numpy()
    assert ranges["quant_logits/post_activation_min"] == pytest.approx(min(0, logits.min()), rel=1e-4)
    assert ranges["quant_logits/post_activation_max"] == pytest.approx(max(0, logits.max()), rel=1e-4)
    fit(model, X, Y, cross_entropy, TrainSpec(1, 1e-6), stage="qat", on_event=lambda _: None)
    assert np.mean(model(X, training=False).numpy().argmax(1) == logits.argmax(1)) > 0.9


def test_zeros_survive_prune_preserving_training(trained):
    spec = PruneSpec(TrainSpec(3, 1e-3), sparsity=0.7)
    pruned, _ = prune.prune(trained, X, Y, cross_entropy, spec, on_event=lambda _: None)
    model = qat.quantization_aware(pruned, preserve_sparsity=True)
    qat.observe_ranges(model, pruned, X)
    fit(model, X, Y, cross_entropy, TrainSpec(2, 1e-3), stage="qat", on_event=lambda _: None)
    assert qat.kernel_sparsity(model) == pytest.approx(0.7, abs=0.02)


def test_layers_that_tfmot_cannot_quantize_are_named():
    keras = tf_keras()
    inputs = keras.Input((4, 8))
    model = keras.Model(inputs, keras.layers.LayerNormalization()(inputs))
    with pytest.raises(CompressionError, match=r"qat: .*LayerNormalization.*quantize after training"):
        qat.quantization_aware(model, preserve_sparsity=False)
