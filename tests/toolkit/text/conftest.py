"""Small text models with drawn weights, and sentences that need no download."""

import numpy as np
import pytest

from litesmith.converters.text.architecture import Architecture, Head, TextModel
from litesmith.converters.text.architecture_weights import weight_shapes

VOCABULARY, LENGTH, PAD = 40, 12, 0


@pytest.fixture(scope="session")
def make_text_model():
    """Makes an encoder of two layers with drawn weights, norms and biases included."""

    def make(seed=0, labels=("bad", "good"), **sizes):
        usual = {
            "family": "bert", "vocabulary": VOCABULARY, "positions": 16, "token_types": 2, "embedding": 24,
            "hidden": 24, "heads": (3, 3), "head_size": 8, "intermediate": (48, 48),
        }  # fmt: skip
        architecture = Architecture(**{**usual, **sizes})
        head = Head("sequence", labels, activation="tanh") if labels else Head("embedding")
        random = np.random.default_rng(seed)
        weights = {
            name: (random.normal(0, 0.3, shape) + name.endswith("gamma")).astype(np.float32)
            for name, shape in weight_shapes(architecture, head).items()
        }
        return TextModel(architecture, head, LENGTH, PAD, weights, "drawn")

    return make


@pytest.fixture(scope="session")
def make_ids():
    """Makes ids (N, 12) of different lengths with padding behind; the first is the longest there can be."""

    def make(count=20, seed=0, vocabulary=VOCABULARY):
        random = np.random.default_rng(seed)
        sizes = random.integers(2, LENGTH + 1, count)
        sizes[0] = LENGTH
        ids = random.integers(1, vocabulary, (count, LENGTH)).astype(np.int32)
        ids[np.arange(LENGTH) >= sizes[:, None]] = PAD
        return ids

    return make
