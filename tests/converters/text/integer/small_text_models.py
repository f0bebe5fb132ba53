"""Small text models of random weights, texts for them, and what their integer files answer."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from hypothesis import strategies as st

from litesmith.calibration.text.encoding import PairTypes
from litesmith.converters.text.architecture import ACTIVATIONS, Architecture, Head, TextModel
from litesmith.converters.text.architecture_weights import weight_shapes
from litesmith.converters.text.integer.calibrate import run_float
from litesmith.converters.text.integer.massive import parts
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets.runtimes import default

END = 3  # the token that ends a text
HEADS = {
    "mean": Head("embedding"),
    "unit": Head("embedding", normalize=True),
    "first": Head("embedding", pooling="first"),
    "first_unit": Head("embedding", pooling="first", normalize=True),
    "sequence": Head("sequence", labels=("no", "yes", "maybe")),
    "sequence_tanh": Head("sequence", labels=("no", "yes"), activation="tanh"),
    "sequence_gelu": Head("sequence", labels=("no", "yes"), activation="gelu"),
    "sequence_relu": Head("sequence", labels=("no", "yes"), activation="relu"),
    "token": Head("token", labels=("other", "name", "place")),
    "answer": Head("answer"),
    "pairs": Head("embedding", pairs=True),
}


def drawn(head=HEADS["mean"], *, seed=0, length=12, pad_id=0, **changes):
    """A model of random weights; `changes` are of its architecture."""
    sizes = {"vocabulary": 60, "positions": 16, "token_types": 2, "embedding": 24, "hidden": 24, "head_size": 6}
    arrangement = {"family": "bert", **sizes, "heads": (4, 2), "intermediate": (48, 30), **changes}
    if "hidden" in changes and "embedding" not in changes:
        arrangement["embedding"] = changes["hidden"]
    architecture = Architecture(**arrangement)
    random = np.random.default_rng(seed)
    weights = {name: _values(random, name, shape) for name, shape in weight_shapes(architecture, head).items()}
    return TextModel(architecture, head, length, pad_id, weights, "drawn", pair_types=PairTypes(END, 1, 1))


def mobile(head=HEADS["mean"], **changes):
    """A model in MobileBERT's arrangement. Its norms keep sums from growing, as trained ones do."""
    sizes = {"embedding": 10, "bottleneck": 12, "heads": (2, 2), "intermediate": (20, 20), "stacked": 2}
    model = drawn(head, **{"norm": "affine", "activation": "relu", "trigram": True, **sizes, **changes})
    return kept_small(model)


def kept_small(model):
    """The model with norms in its layers that only scale, where it has such, turned down."""
    factor = np.float32(0.6 if model.architecture.norm == "affine" else 1)
    named = {name: factor * values for name, values in model.weights.items() if name.endswith("gamma")}
    return replace(model, weights={**model.weights, **named})


# The weights that give the stream between the layers of `mobile`, with those added to it, and the kernels that read it.
_GIVES = (
    "projection.kernel", "projection.bias", "position", "type", "embeddings.norm.beta", "bottleneck.output.kernel",
    "bottleneck.output.bias", "bottleneck.output_norm.beta",
)  # fmt: skip
_READS = ("bottleneck.input.kernel", "bottleneck.shared.kernel", "value.kernel", "head.output.kernel")


def with_large_channels(model, factors):
    """A `mobile` with the same answers and some channels between its layers larger, as trained encoders have them."""
    factors = factors.astype(np.float32)
    given = {name: values * factors for name, values in model.weights.items() if name.endswith(_GIVES)}
    read = {name: values / factors[:, None] for name, values in model.weights.items() if name.endswith(_READS)}
    return replace(model, weights={**model.weights, **given, **read})


def _values(random, name, shape):
    values = random.normal(size=shape)
    if name.endswith("gamma"):
        values = 1 + 0.2 * values
    elif len(shape) == 1:
        values = 0.2 * values
    elif name.endswith("kernel"):
        values = 1.3 * values / shape[0] ** 0.5
    return values.astype(np.float32)


def with_weights(model, **changes):
    """The model with some weights changed; a dot in a name is written as two underscores."""
    named = {name.replace("__", "."): values.astype(np.float32) for name, values in changes.items()}
    return replace(model, weights={**model.weights, **named})


def texts(model, count=24, seed=1, longest=None):
    """Ids (N, L) of one token up to the whole length, padded; the first text has the whole length.

    Where texts of a pair are told apart, the first one ends in the middle of the row.
    """
    random = np.random.default_rng(seed)
    vocabulary = [token for token in range(model.architecture.vocabulary) if token != model.pad_id]
    ids = random.choice(vocabulary, (count, model.length)).astype(np.int32)
    ids[:, 0] = vocabulary[0]
    if model.told_apart:
        ids[:, model.length // 2] = END
    longest = longest or model.length
    for text in range(count):
        ids[text, longest if text == 0 else random.integers(1, longest + 1) :] = model.pad_id
    return ids


def in_float(network, ids, rows=None):
    """Answers (N, rows, C) of a network."""
    return run_float(network, rows or parts(0, network.length), ids)


def at_tokens(model, ids, answers):
    """The rows of tokens (M, C), or of the texts: what a model says of padding is of no meaning."""
    if model.head.kind in ("token", "answer"):
        return answers[(ids != model.pad_id)[:, : answers.shape[1]]]
    return answers.reshape(len(ids), -1)


@dataclass
class Running:
    """An integer file in LiteRT."""

    content: bytes
    delegate: str = "xnnpack"
    opened: object = field(init=False)

    def __post_init__(self):
        self.opened = default().open(self.content, delegate=self.delegate)

    @cached_property
    def steps(self):
        (output,) = TFLiteModel(self.content).outputs
        return np.float32(output.quantization.scales[0]), int(output.quantization.zero_points[0])

    def integers(self, ids):
        """Answers of every text, as the file has them."""
        answers = [self.opened.run([ids[place : place + 1]])[0] for place in range(len(ids))]
        return np.stack(answers).reshape(len(ids), *answers[0].shape[-2:])

    def __call__(self, ids):
        """Answers of every text as real numbers."""
        scale, zero_point = self.steps
        return (self.integers(ids).astype(np.float32) - zero_point) * scale


def cosines(a, b):
    """Of the rows of two arrays."""
    return (a * b).sum(-1) / np.maximum(np.linalg.norm(a, axis=-1) * np.linalg.norm(b, axis=-1), 1e-12)


@st.composite
def models(draw):
    """Encoders of any small size and arrangement that the integer rewrites know, with any head."""
    layers = draw(st.integers(1, 3))
    sizes = st.integers(1, 3)
    hidden = draw(st.integers(4, 20))
    norm = draw(st.sampled_from(["post", "pre", "affine"]))
    model = drawn(
        HEADS[draw(st.sampled_from(sorted(HEADS)))],
        seed=draw(st.integers(0, 1000)),
        length=draw(st.integers(2, 14)),
        pad_id=draw(st.integers(0, 2)),
        hidden=hidden,
        embedding=draw(st.sampled_from([hidden, 5])),
        token_types=draw(st.integers(0, 2)),
        heads=tuple(draw(sizes) for _ in range(layers)),
        head_size=draw(st.integers(1, 5)),
        intermediate=tuple(draw(st.integers(1, 20)) for _ in range(layers)),
        activation=draw(st.sampled_from(ACTIVATIONS)),
        norm=norm,
        bottleneck=0 if norm == "pre" else draw(st.sampled_from([0, 4, 9])),
        bottleneck_attention=draw(st.booleans()),
        stacked=draw(st.integers(0, 2)),
        trigram=draw(st.booleans()),
    )
    return kept_small(model)
