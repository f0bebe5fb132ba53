"""The Keras encoder computes what its definition says, trains, converts, and gives its weights back."""

from dataclasses import replace
from math import erf

import numpy as np
import pytest

from litesmith.calibration.native import quiet_native
from litesmith.calibration.text.encoding import PairTypes
from litesmith.converters import convert as conversion
from litesmith.converters import keras
from litesmith.converters.backend import tensorflow, tf_keras
from litesmith.converters.huggingface import load_text_model
from litesmith.converters.label import truth_label
from litesmith.converters.load import load_keras_model
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.text.architecture import Architecture, Head, TextModel
from litesmith.converters.text.architecture_weights import weight_shapes
from litesmith.converters.text.encoder import build_encoder, read_encoder
from litesmith.errors import ModelError
from litesmith.targets.runtimes import default
from tests.golden.make_text_checkpoints import LENGTH, Case, at_tokens, sample_ids, write_checkpoint

END = 5  # the token that ends a text
FORMULAS = {
    "gelu": np.vectorize(lambda x: x * (1 + erf(x / 2**0.5)) / 2),
    "gelu_tanh": lambda x: x * (1 + np.tanh((2 / np.pi) ** 0.5 * (x + 0.044715 * x**3))) / 2,
    "relu": lambda x: np.maximum(x, 0),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "tanh": np.tanh,
}


def drawn(head, **changes):
    """A text model of random weights, whose layers differ in heads and units."""
    sizes = {"vocabulary": 40, "positions": 12, "token_types": 2, "embedding": 10, "hidden": 12, "head_size": 3}
    architecture = Architecture(**{"family": "bert", **sizes, "heads": (4, 1), "intermediate": (20, 7), **changes})
    random = np.random.default_rng(8)
    weights = {
        name: (random.normal(size=shape) / (shape[0] ** 0.5 if len(shape) > 1 else 3)).astype(np.float32)
        for name, shape in weight_shapes(architecture, head).items()
    }
    return TextModel(architecture, head, 10, 0, weights, "drawn", pair_types=PairTypes(END, 1, 1))


def dense(weights, name, x):
    return x @ weights[f"{name}.kernel"] + weights[f"{name}.bias"]


def normalized(weights, name, x, epsilon):
    centred = x - x.mean(-1, keepdims=True)
    scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + epsilon)
    return scaled * weights[f"{name}.gamma"] + weights[f"{name}.beta"]


def attended(weights, name, x, valid, heads):
    q, k, v = (np.stack(np.split(dense(weights, f"{name}.{part}", x), heads, -1)) for part in ("query", "key", "value"))
    scores = q @ k.transpose(0, 2, 1) / q.shape[-1] ** 0.5
    shares = np.exp(scores) * valid
    return dense(weights, f"{name}.output", np.concatenate(shares / shares.sum(-1, keepdims=True) @ v, -1))


def by_definition(text_model, ids, types):
    """One text (L,) and its token types by the formulas, in float64."""
    a, w = text_model.architecture, {name: values.astype(np.float64) for name, values in text_model.weights.items()}
    x = w["embeddings.word"][ids] + w["embeddings.position"][: len(ids)] + w["embeddings.type"][types]
    x = dense(w, "embeddings.projection", normalized(w, "embeddings.norm", x, a.epsilon))
    for layer in range(a.layers):
        blocks = {
            "attention": lambda y, layer=layer: attended(w, f"layers.{layer}.attention", y, ids != 0, a.heads[layer]),
            "feed_forward": lambda y, name=f"layers.{layer}.feed_forward": dense(
                w, f"{name}.output", FORMULAS[a.activation](dense(w, f"{name}.intermediate", y))
            ),
        }
        for block, compute in blocks.items():
            norm = f"layers.{layer}.{block}.norm"
            before = a.norm == "pre"
            x = x + compute(normalized(w, norm, x, a.epsilon) if before else x)
            x = x if before else normalized(w, norm, x, a.epsilon)
    x = normalized(w, "final_norm", x, a.epsilon) if a.norm == "pre" else x
    return dense(w, "head.output", x)


@pytest.mark.parametrize("activation", FORMULAS)
@pytest.mark.parametrize("norm", ["post", "pre"])
def test_the_model_computes_its_definition(activation, norm):
    text_model = drawn(Head("token", ("a", "b", "c")), activation=activation, norm=norm)
    ids = np.array([3, 17, 17, 39, 1, 5, 22, 0, 0, 0], np.int32)
    found = build_encoder(text_model)(ids[None]).numpy()[0]
    np.testing.assert_allclose(found[ids != 0], by_definition(text_model, ids, 0)[ids != 0], atol=1e-5)


@pytest.mark.parametrize("ends", [1, 2])
def test_the_second_text_of_a_pair_has_the_second_type(ends):
    told = replace(drawn(Head("answer")), pair_types=PairTypes(END, ends, 1))
    ids = np.array([3, 17, END, END, 39, 1, 22, END, 0, 0], np.int32)
    types = np.array([0, 0, 0, ends == 1, 1, 1, 1, 1, 0, 0])
    found = build_encoder(told)(ids[None]).numpy()[0]
    np.testing.assert_allclose(found[ids != 0], by_definition(told, ids, types)[ids != 0], atol=1e-5)
    single = np.where(np.arange(10) > 2, 0, ids).astype(np.int32)
    found = build_encoder(told)(single[None]).numpy()[0]
    np.testing.assert_allclose(found[:3], by_definition(told, single, 0)[:3], atol=1e-5)


def test_a_tokenizer_that_has_one_type_for_both_texts_leaves_all_at_the_first():
    told = replace(drawn(Head("answer")), pair_types=PairTypes(END, 1, 0))
    ids = np.array([3, 17, END, 39, 1, 22, END, 0, 0, 0], np.int32)
    found = build_encoder(told)(ids[None]).numpy()[0]
    np.testing.assert_allclose(found[ids != 0], by_definition(told, ids, 0)[ids != 0], atol=1e-5)


@pytest.mark.parametrize("case", [Case("bert", "answer"), Case("mobilebert", "token")], ids=lambda case: case.id)
def test_the_float_file_says_the_same_in_litert(case, tmp_path):
    text_model = load_text_model(write_checkpoint(tmp_path / "checkpoint", case), length=LENGTH)
    model = build_encoder(text_model)
    ids = sample_ids(case)
    ids[:3, 3] = text_model.pair_types.end if text_model.pair_types else 7
    expected = at_tokens(case, model(ids).numpy())
    session = default().open(keras.convert(model, QuantizationSpec("float32")).content)
    assert len(session.inputs) == 1
    found = np.concatenate([session.run([row[None]])[0] for row in ids])
    assert np.abs(at_tokens(case, found) - expected).max() < 1e-5


def test_the_quantizers_for_weights_alone_take_it():
    sizes = {"embedding": 40, "hidden": 40, "heads": (4,), "head_size": 10, "intermediate": (64,)}
    model = build_encoder(drawn(Head("embedding", normalize=True), **sizes))
    ids = np.array([[3, 4, 5, 6, 7, 8, 9, 0, 0, 0]], np.int32)
    expected = model(ids).numpy()[0]
    converted = conversion.convert(model, QuantizationSpec("dynamic")).model
    after = conversion.convert(keras.convert(model, QuantizationSpec("float32")), QuantizationSpec("dynamic")).model
    for file in (converted, after):
        assert truth_label(file) == "dynamic-range"
        assert default().open(file.content).run([ids])[0][0] @ expected > 0.99


@pytest.mark.parametrize("pooling", ["mean", "first", "max"])
def test_padding_alone_gives_no_nan_and_no_gradient_that_is_none(pooling):
    tf = tensorflow()
    model = build_encoder(drawn(Head("embedding", pooling=pooling, normalize=True)))
    ids = np.array([[3, 4, 5, 6, 7, 8, 0, 0, 0, 0], [0] * 10], np.int32)
    with tf.GradientTape() as tape:
        vectors = model(ids, training=True)
        loss = tf.reduce_sum(vectors * tf.random.normal(vectors.shape, seed=3))
    assert vectors.numpy()[1].tolist() == [0] * 12
    for variable, gradient in zip(
        model.trainable_variables, tape.gradient(loss, model.trainable_variables), strict=True
    ):
        values = tf.convert_to_tensor(gradient).numpy()
        assert np.isfinite(values).all(), variable.name


@pytest.mark.parametrize("pooling", ["mean", "first", "max"])
def test_what_stands_in_the_padding_changes_nothing(pooling):
    text_model = drawn(Head("embedding", pooling=pooling))
    short = TextModel(text_model.architecture, text_model.head, 6, 0, text_model.weights, "drawn")
    ids = np.array([[3, 4, 5, 6, 7, 8, 0, 0, 0, 0]], np.int32)
    longer, shorter = build_encoder(text_model)(ids), build_encoder(short)(ids[:, :6])
    np.testing.assert_allclose(longer, shorter, atol=1e-5)


def test_it_learns_and_gives_back_what_it_learnt():
    library = tf_keras()
    library.utils.set_random_seed(1)
    text_model = drawn(Head("sequence", ("no", "yes"), activation="tanh"))
    ids = np.random.default_rng(2).integers(1, 40, (256, 10)).astype(np.int32)
    ids[::3, 6:] = 0
    labels = (ids == 7).any(axis=1).astype(np.int32)
    model = build_encoder(text_model, dropout=0.05)
    loss = library.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(library.optimizers.Adam(3e-3), loss, metrics=["accuracy"])
    model.fit(ids, labels, epochs=25, batch_size=32, verbose=0)
    assert model.evaluate(ids, labels, verbose=0)[1] > 0.95
    learnt = read_encoder(model, text_model)
    assert any((learnt.weights[name] != values).any() for name, values in text_model.weights.items())
    np.testing.assert_array_equal(build_encoder(learnt)(ids).numpy(), model(ids).numpy())


def test_weights_of_another_model_are_not_read():
    model = build_encoder(drawn(Head("embedding")))
    with pytest.raises(ModelError, match=r"not built from this text model: head\.output"):
        read_encoder(model, drawn(Head("token", ("a", "b"))))


def test_dropout_acts_while_training_only():
    text_model = drawn(Head("embedding"))
    ids = np.full((1, 10), 3, np.int32)
    model = build_encoder(text_model, dropout=0.5)
    np.testing.assert_array_equal(model(ids).numpy(), build_encoder(text_model)(ids).numpy())
    assert (model(ids, training=True).numpy() != model(ids).numpy()).any()


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_a_saved_model_loads_without_code(tmp_path):
    model = build_encoder(drawn(Head("answer"), norm="affine", activation="gelu_tanh"))
    with quiet_native():
        model.save(tmp_path / "encoder.h5")
    ids = np.arange(10, dtype=np.int32)[None]
    np.testing.assert_array_equal(load_keras_model(tmp_path / "encoder.h5")(ids).numpy(), model(ids).numpy())
