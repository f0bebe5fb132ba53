"""Post-training int8 of a depthwise-separable network, beside TensorFlow's converter and ai-edge-quantizer.

A MobileNetV1 of a quarter of the width is trained on the 50,000 CIFAR-10 JPEGs; the 10,000 test images take no part in
training or calibration. `ptq_table.py` says what the columns are.

Usage: LITESMITH_DATA=FOLDER python benchmarks/depthwise.py [--model out/depthwise.h5] [--epochs 16] [--rate 0.1]

The model is read from `--model` where that file exists; otherwise it is trained and written there.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from ptq_table import Array, compare, images

from litesmith.converters.backend import tensorflow, tf_keras
from litesmith.converters.load import load_keras_model

WIDTH = 0.25
# Filters and stride of each depthwise-separable block of MobileNetV1 (https://arxiv.org/abs/1704.04861, table 1); the
# first convolution keeps the resolution, because images are 32 x 32 here.
BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *[(512, 1)] * 5, (1024, 2), (1024, 1))
BATCH = 128


def main() -> None:
    """Train the model where it is missing, and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model", type=Path, default=Path("out/depthwise.h5"), help="the trained model (out/depthwise.h5)"
    )
    parser.add_argument("--epochs", type=int, default=16, help="epochs of training (16)")
    parser.add_argument("--rate", type=float, default=0.1, help="learning rate that training starts with (0.1)")
    args = parser.parse_args()
    if "LITESMITH_DATA" not in os.environ:
        sys.exit("set LITESMITH_DATA to the folder that holds cifar10_jpeg/")
    cifar = Path(os.environ["LITESMITH_DATA"]) / "cifar10_jpeg"
    training = cifar / "cifar10_train_0.zip", cifar / "cifar10_train_1.zip"
    if not args.model.exists():
        args.model.parent.mkdir(parents=True, exist_ok=True)
        train(*images(*training), args.epochs, args.rate).save(args.model, include_optimizer=False)
    samples, _ = images(*training, count=100)
    x, y = images(cifar / "cifar10_test.zip")
    compare("MobileNetV1-0.25", load_keras_model(args.model), scaled(samples), scaled(x), y, bits=(8,))


def train(x: Array, y: Array, epochs: int, rate: float) -> Any:
    """A model trained on pixels (N, 32, 32, 3) float32 0..255 and labels (N,)."""
    keras = tf_keras()
    keras.utils.set_random_seed(0)
    model = network(keras)
    schedule = keras.optimizers.schedules.CosineDecay(rate, len(x) // BATCH * epochs)
    optimizer = keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer, loss, metrics=["accuracy"])
    model.fit(batches(x, y), epochs=epochs, verbose=2)
    return model


def network(keras: Any) -> Any:
    """MobileNetV1 for images (N, 32, 32, 3) in -1..1 and logits (N, 10), with its paper's weight decay."""
    layers, decay = keras.layers, keras.regularizers.L2(4e-5)

    def activated(x: Any) -> Any:
        return layers.ReLU(6)(layers.BatchNormalization()(x))

    def pointwise(x: Any, filters: int, size: int = 1) -> Any:
        layer = layers.Conv2D(int(WIDTH * filters), size, padding="same", use_bias=False, kernel_regularizer=decay)
        return activated(layer(x))

    pixels = layers.Input((32, 32, 3))
    x = pointwise(pixels, 32, size=3)
    for filters, stride in BLOCKS:
        # "it was important to put very little or no weight decay (l2 regularization) on the depthwise filters" (3.1)
        x = activated(layers.DepthwiseConv2D(3, strides=stride, padding="same", use_bias=False)(x))
        x = pointwise(x, filters)
    logits = layers.Dense(10, kernel_regularizer=decay)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(pixels, logits)


def batches(x: Array, y: Array) -> Any:
    """Shuffled batches of images shifted by up to 4 pixels and mirrored."""
    tf = tensorflow()

    def augment(image: Any, label: Any) -> tuple[Any, Any]:
        padded = tf.pad(image, [[4, 4], [4, 4], [0, 0]], constant_values=128)
        moved = tf.image.random_flip_left_right(tf.image.random_crop(padded, image.shape))
        return scaled(tf.cast(moved, tf.float32)), label

    # The shuffle holds all images: bytes take a quarter of what floats would.
    data = tf.data.Dataset.from_tensor_slices((x.astype("uint8"), y)).shuffle(len(x)).map(augment)
    return data.batch(BATCH, drop_remainder=True).prefetch(2)


def scaled(pixels: Any) -> Any:
    """0..255 to -1..1."""
    return pixels / 127.5 - 1


if __name__ == "__main__":
    main()
