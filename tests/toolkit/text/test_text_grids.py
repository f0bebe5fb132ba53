"""What quantization-aware training computes is what the integer file computes, tensor by tensor."""

import numpy as np
import pytest

from litesmith.calibration.text.tokenizer_folder import contract_from_folder
from litesmith.converters.backend import tensorflow
from litesmith.converters.huggingface import load_text_model
from litesmith.converters.text.integer.integers import Steps, kernel_integers
from litesmith.converters.text.integer.quantize import quantize_text
from litesmith.converters.text.integer.run_integers import IntegerRun
from litesmith.text.file_grids import grids_of
from litesmith.text.forward import encode
from litesmith.text.grids import EXACT, Grid, Grids, Layer
from litesmith.text.predict import predict
from litesmith.text.student import with_layers
from tests.converters.text.integer.small_text_models import HEADS, Running, cosines, drawn, texts

SIZES = [
    {},
    {"norm": "pre"},
    {"embedding": 16, "activation": "gelu_tanh"},
    {"norm": "pre", "embedding": 16, "token_types": 0},
    {"activation": "relu", "heads": (2, 2)},
    {"activation": "silu"},
]


class Recording(Grids):
    """Grids that keep in which integers, less the zero point, every tensor of one text is."""

    found: dict = {}  # noqa: RUF012

    def value(self, name, x):
        result = super().value(name, x)
        if grid := self.values.get(name):
            held = (np.asarray(result) - grid.offset) / grid.factor / grid.steps.scale
            self.found[name] = held[0]
        return result


def compared(model, made, ids):
    """Mean difference between the file's integers and the grids', for each tensor that both have, of one text."""
    grids = grids_of(model, made)
    recording = Recording(grids.values, grids.layers)
    recording.found.clear()
    encode(model.weights, model.architecture, model.pad_id, ids[None], grids=recording)
    run = IntegerRun(made.content, inner=True)
    run.answer(ids)
    tokens = int((ids != model.pad_id).sum())
    apart = {}
    for name, ours in recording.found.items():
        tensor = next((one for one in (name, name.replace(".fed", ".read.all")) if run.has(one)), None)
        if tensor is None or ours.ndim != 2 or name.endswith((".context", ".shares")):
            continue
        theirs = run.tensor(tensor) / recording.values[name].steps.scale
        first = len(ours) - len(theirs)  # wide rows are a tensor of their own
        apart[name] = float(np.abs(ours[first:tokens] - theirs[: tokens - first]).mean())
    return apart


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_every_tensor_is_that_of_the_file(sizes):
    model = drawn(HEADS["sequence_tanh"], hidden=24, **{"head_size": 6, **sizes})
    ids = texts(model, 40)
    made = quantize_text(model, ids)
    apart = compared(model, made, ids[0])
    assert {"embeddings.sum", "layers.0.attention.key", "layers.1.feed_forward.up", "layers.1.feed_forward.sum"} <= set(
        apart
    )
    assert apart["embeddings.word"] < 0.01
    assert apart["embeddings.sum"] < 0.3
    # Roundings that differ by one step add up from layer to layer.
    assert max(apart.values()) < 3, apart


@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("head", ["mean", "sequence_tanh", "sequence"])
def test_its_error_is_that_of_the_file(head, sizes):
    model = drawn(HEADS[head], **sizes)
    made, ids = quantize_text(model, texts(model, 64)), texts(model, 48, seed=7)
    exact = predict(model, ids)
    file = Running(made.content)(ids).reshape(len(ids), -1) - exact
    ours = predict(model, ids, grids_of(model, made)) - exact
    assert 0.6 < np.linalg.norm(ours) / np.linalg.norm(file) < 1.6
    # Independent errors of this many values would have a correlation below 0.2.
    assert cosines(ours.ravel(), file.ravel()) > 0.2


def test_minilm_on_grids_is_as_its_file(minilm, real_data):
    contract = contract_from_folder(minilm, 40)
    lines = (real_data / "sst2" / "train.tsv").read_text(encoding="utf-8").splitlines()[1:]
    sentences = [line.rsplit("\t", 1)[0] for line in lines if len(line) > 40][:96]
    ids = np.asarray(contract.encode_all(sentences), np.int32)
    model = with_layers(load_text_model(f"hf:{minilm}", length=40), (0, 1))
    made = quantize_text(model, ids[:64])
    assert made.rows[0].wide  # its first row is massive
    found = (predict(model, ids[64:], grids) for grids in (EXACT, grids_of(model, made)))
    exact, ours = (vectors / np.linalg.norm(vectors, axis=-1, keepdims=True) for vectors in found)
    file = Running(made.content)(ids[64:]).reshape(len(exact), -1)
    assert 0.6 < (1 - cosines(ours, exact).mean()) / (1 - cosines(file, exact).mean()) < 1.2
    assert cosines((ours - exact).ravel(), (file - exact).ravel()) > 0.4
    apart = compared(model, made, ids[70])
    assert np.median(list(apart.values())) < 1
    assert max(apart.values()) < 4, apart


def test_without_grids_nothing_is_rounded(make_text_model, make_ids):
    model, ids = make_text_model(), make_ids()
    assert np.array_equal(predict(model, ids), predict(model, ids, EXACT))
    assert not np.allclose(predict(model, ids), predict(model, ids, grids_of(model, quantize_text(model, ids))))


def test_gradients_pass_through_rounding_and_end_where_integers_end():
    tf = tensorflow()
    grid = Grid(Steps(0.1, -28), np.float32([1, 2]), np.float32([0, 1]))
    x = tf.Variable([[0.33, 1.45], [-11.0, 40.0], [0.04, -19.0]])
    with tf.GradientTape() as tape:
        rounded = grid.rounded(x)
    np.testing.assert_allclose(rounded, [[0.3, 1.4], [-10.0, 32.0], [0.0, -19.0]], atol=1e-5)
    assert tape.gradient(rounded, x).numpy().tolist() == [[1, 1], [0, 0], [1, 1]]


def test_values_with_columns_of_their_own_do_not_end():
    grid = Grid(Steps(0.1, -28), beyond=np.float32([1, 0]))
    np.testing.assert_allclose(grid.rounded(np.float32([[20.0, 20.0]])), [[20.0, 15.5]], atol=1e-5)


def test_rows_in_int16_are_taken_as_exact():
    x = np.full((1, 3, 1), 0.33, np.float32)
    np.testing.assert_allclose(Grid(Steps(0.1, 0), exact_rows=1).rounded(x)[0, :, 0], [0.33, 0.3, 0.3], atol=1e-6)


def test_a_kernel_is_that_of_the_file_and_learns():
    tf = tensorflow()
    random = np.random.default_rng(0)
    kernel, factor, offset = (random.normal(size=shape).astype(np.float32) for shape in ((6, 4), 6, 6))
    layer, variable = Layer(np.abs(factor), offset), tf.Variable(kernel)
    integers, scales = kernel_integers(kernel * np.abs(factor)[:, None])
    expected = integers.T * scales / np.abs(factor)[:, None]
    with tf.GradientTape() as tape:
        found = layer.kernel(variable)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert np.array_equal(tape.gradient(found, variable), np.ones((6, 4)))
    # What is taken out of the inputs goes through the kernel as it was.
    np.testing.assert_allclose(layer.output(offset[None], variable, 0.0)[0], offset @ kernel, atol=1e-5)
