"""Makes the golden models: small, real `.tflite` files that TensorFlow's converter wrote.

Weights and calibration samples come from fixed seeds and every layer has a name of its own, so one version of
TensorFlow writes the same bytes every time.

    python tests/golden/make_models.py [--only NAME ...] [--out FOLDER]
"""

import argparse
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import numpy as np
import tensorflow as tf
import tf_keras
from tf_keras import layers

SAMPLES = 32
INT8 = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
INT16X8 = [tf.lite.OpsSet.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8]
FLOAT = [tf.lite.OpsSet.TFLITE_BUILTINS]


def classifier() -> tf_keras.Model:
    """An 8x8 grey image to 10 classes, with the usual ops of a small convolutional network."""
    image = layers.Input((8, 8, 1), name="image")
    x = layers.Conv2D(8, 3, padding="same", activation="relu", name="stem")(image)
    x = layers.DepthwiseConv2D(3, padding="same", activation="relu", name="depthwise")(x)
    x = layers.MaxPool2D(2, name="pool")(x)
    x = layers.Conv2D(16, 3, padding="same", activation="relu6", name="conv")(x)
    x = layers.Flatten(name="flatten")(x)
    return tf_keras.Model(image, layers.Dense(10, name="logits")(x), name="classifier")


def residual() -> tf_keras.Model:
    """A 16x16 colour image to 10 classes: ADD, MEAN and SOFTMAX."""
    image = layers.Input((16, 16, 3), name="image")
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="stem")(image)
    y = layers.Conv2D(8, 3, padding="same", activation="relu", name="branch")(x)
    x = layers.ReLU(name="relu")(layers.Add(name="add")([x, y]))
    x = layers.GlobalAveragePooling2D(name="mean")(x)
    x = layers.Dense(10, activation="softmax", name="probabilities")(x)
    return tf_keras.Model(image, x, name="residual")


def dense_only() -> tf_keras.Model:
    """64 numbers to 10 through one hidden layer."""
    features = layers.Input((64,), name="features")
    x = layers.Dense(32, activation="relu", name="hidden")(features)
    return tf_keras.Model(features, layers.Dense(10, name="logits")(x), name="dense_only")


def two_inputs() -> tf_keras.Model:
    """An 8x8 image and four numbers of another range, joined by CONCATENATION."""
    image = layers.Input((8, 8, 1), name="image")
    context = layers.Input((4,), name="context")
    x = layers.Conv2D(4, 3, strides=2, activation="relu", name="stem")(image)
    x = layers.Concatenate(name="join")([layers.Flatten(name="flatten")(x), context])
    return tf_keras.Model([image, context], layers.Dense(3, name="logits")(x), name="two_inputs")


def with_op(function: Callable[[tf.Tensor], tf.Tensor]) -> tf_keras.Model:
    """A convolution, then `function`, then a convolution."""
    image = layers.Input((8, 8, 1), name="image")
    x = layers.Conv2D(4, 3, padding="same", name="before")(image)
    x = layers.Lambda(function, name="op")(x)
    return tf_keras.Model(image, layers.Conv2D(2, 3, name="after")(x), name="with_op")


def corners(x: tf.Tensor) -> tf.Tensor:
    """Four 4x4 quadrants gathered in another order; no accelerator takes GATHER_ND."""
    rows = tf.reshape(x, (8, 8, 4))
    return tf.reshape(tf.gather_nd(rows, tf.constant([[7], [5], [3], [1]], tf.int32)), (1, 4, 8, 4))


def fill(model: tf_keras.Model, zeros: float = 0.0, seed: int = 7) -> tf_keras.Model:
    """He-scaled weights, none close to zero except the share `zeros` of each kernel, which is exactly zero."""
    random = np.random.default_rng(seed)
    for weight in model.weights:
        shape = tuple(weight.shape)
        size = int(np.prod(shape))
        scale = np.sqrt(6 / max(size // shape[-1], 1)) if len(shape) > 1 else 0.1
        values = scale * random.uniform(0.1, 1, size) * random.choice((-1, 1), size)
        if len(shape) > 1:
            values[random.permutation(size)[: round(size * zeros)]] = 0
        weight.assign(values.reshape(shape))
    return model


def samples(model: tf_keras.Model, seed: int = 11) -> Iterator[dict[str, np.ndarray]]:
    """Calibration samples by input name: images in [0, 1], other inputs in [-2, 2]."""
    random = np.random.default_rng(seed)
    for _ in range(SAMPLES):
        # By name, because the converter sorts inputs and a list would meet the wrong ones.
        yield {tensor.name: sample(random, tensor.shape[1:]) for tensor in model.inputs}


def sample(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    low, high = (0, 1) if len(shape) == 3 else (-2, 2)
    return random.uniform(low, high, (1, *shape)).astype(np.float32)


def fixed_batch(model: tf_keras.Model) -> tf.lite.TFLiteConverter:
    """A converter for batch 1; `from_keras_model` would leave the batch open."""
    specs = [tf.TensorSpec((1, *tensor.shape[1:]), tensor.dtype, name=tensor.name) for tensor in model.inputs]
    function = tf.function(lambda *values: model(values[0] if len(values) == 1 else list(values)))
    return tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function(*specs)], model)


def plain(network: Callable[[], tf_keras.Model], types: tuple[tf.DType, ...] = (), optimize: bool = False) -> bytes:
    """Conversion without calibration: float32, float16 or dynamic range."""
    converter = fixed_batch(fill(network()))
    converter.optimizations = [tf.lite.Optimize.DEFAULT] if optimize else []
    converter.target_spec.supported_types = list(types)
    return bytes(converter.convert())


def quantized(
    network: Callable[[], tf_keras.Model],
    io: tf.DType = tf.int8,
    ops: list[tf.lite.OpsSet] = INT8,
    zeros: float = 0.0,
) -> bytes:
    """Conversion with calibration, `io` at inputs and outputs."""
    model = fill(network(), zeros)
    converter = fixed_batch(model)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = partial(samples, model)
    converter.target_spec.supported_ops = ops
    converter.inference_input_type = converter.inference_output_type = io
    return bytes(converter.convert())


def dynamic_batch() -> bytes:
    """A float model whose batch is only known at run time."""
    return bytes(tf.lite.TFLiteConverter.from_keras_model(fill(classifier())).convert())


MODELS: dict[str, Callable[[], bytes]] = {
    "float32": partial(plain, classifier),
    "float32_residual": partial(plain, residual),
    "float16": partial(plain, classifier, types=(tf.float16,), optimize=True),
    "dynamic_range": partial(plain, classifier, optimize=True),
    "dynamic_batch_float": dynamic_batch,
    "int8": partial(quantized, classifier),
    "int8_uint8_io": partial(quantized, classifier, io=tf.uint8),
    "int8_float_io": partial(quantized, classifier, io=tf.float32),
    "int8_half_zeros": partial(quantized, classifier, zeros=0.5),
    "int8_residual": partial(quantized, residual),
    "int8_dense_only": partial(quantized, dense_only),
    "int16x8": partial(quantized, classifier, io=tf.int16, ops=INT16X8),
    "int16x8_float_io": partial(quantized, classifier, io=tf.float32, ops=INT16X8),
    "two_inputs_int8": partial(quantized, two_inputs),
    "gather_nd_int8": partial(quantized, partial(with_op, corners)),
    "mixed_float_island": partial(quantized, partial(with_op, tf.sin), io=tf.float32, ops=FLOAT),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--only", action="append", choices=MODELS, metavar="NAME", help="make this one; may be repeated"
    )
    parser.add_argument("--out", type=Path, default=Path(__file__).parent)
    args = parser.parse_args()
    for name in args.only or MODELS:
        tf_keras.backend.clear_session()
        (args.out / f"{name}.tflite").write_bytes(MODELS[name]())


if __name__ == "__main__":
    main()
