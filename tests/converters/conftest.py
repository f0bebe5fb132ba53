"""Small recurrent Keras models with their float files and samples, each made once a session."""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest

from litesmith.calibration.samples import CalibrationSet
from litesmith.converters import keras
from litesmith.converters.backend import tf_keras
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.tflite_model import TFLiteModel

STEPS, FEATURES, UNITS, CLASSES = 8, 5, 12, 3


@dataclass(frozen=True)
class Recurrent:
    """A Keras model, its float file, samples, and what it says to them one after the other: (N, ...)."""

    keras: Any
    float_file: TFLiteModel
    samples: CalibrationSet
    outputs: Any


def layers_of(kind, layers):
    name, *options = kind.split("-")
    if name in ("lstm", "gru", "rnn"):
        layer = {"lstm": layers.LSTM, "gru": layers.GRU, "rnn": layers.SimpleRNN}[name]
        return [layer(UNITS, **dict.fromkeys(options, True))]
    return {
        "stack": lambda: [layers.LSTM(UNITS, return_sequences=True), layers.LSTM(UNITS)],
        "both_ways": lambda: [layers.Bidirectional(layers.LSTM(UNITS, return_sequences=True))],
        "after_convolution": lambda: [layers.Conv1D(6, 3, activation="relu"), layers.LSTM(UNITS)],
        "of_ids": lambda: [layers.Embedding(20, FEATURES), layers.LSTM(UNITS)],
        "largest": lambda: [layers.LSTM(UNITS, return_sequences=True), layers.GlobalMaxPooling1D()],
        "masked": lambda: [layers.Masking(), layers.LSTM(UNITS)],
    }[name]()


@cache
def make(kind):
    library = tf_keras()
    library.utils.set_random_seed(5)
    random = np.random.default_rng(6)
    ids = kind == "of_ids"
    values = random.integers(0, 20, (48, STEPS)) if ids else random.uniform(-1.5, 1.5, (48, STEPS, FEATURES))
    values = values.astype(np.int32 if ids else np.float32)
    inputs = library.Input(values.shape[1:], 1 if "stateful" in kind else None, name="frames", dtype=values.dtype)
    x = inputs
    for layer in (*layers_of(kind, library.layers), library.layers.Dense(CLASSES)):
        x = layer(x)
    model = library.Model(inputs, x)
    # As training leaves them: biases differ and gates move.
    model.set_weights([w + random.normal(0, 0.2, w.shape) for w in model.get_weights()])
    float_file = keras.convert(model, QuantizationSpec("float32"))
    outputs = np.concatenate([model(value[None]).numpy() for value in values])
    return Recurrent(model, float_file, CalibrationSet.from_arrays({"frames": values}), outputs)


@pytest.fixture(scope="session")
def recurrent():
    """Kinds: lstm, gru or rnn, then -unroll, -stateful, -return_sequences; or one of `layers_of`."""
    return make
