"""Small teachers and students to start from; a recipe names them as `litesmith.zoo:<function>`."""

from __future__ import annotations

from typing import Any

from litesmith.converters.backend import tf_keras

# On a few thousand samples the stock momentum of .99 leaves the moving statistics far behind the weights.
_BN_MOMENTUM = 0.9


def digits_teacher(input_shape: tuple[int, ...], num_classes: int) -> Any:
    """A convolutional net of about 100,000 parameters; logits out."""
    return _convnet("digits_teacher", input_shape, num_classes, (32, 32, 64, 64), hidden=128)


def digits_student(input_shape: tuple[int, ...], num_classes: int) -> Any:
    """The same shape with 10 to 20 channels, about 8,500 parameters; logits out."""
    return _convnet("digits_student", input_shape, num_classes, (10, 14, 20, 20), hidden=0)


def _convnet(name: str, input_shape: tuple[int, ...], num_classes: int, channels: tuple[int, ...], hidden: int) -> Any:
    """3x3 convolutions, each with batch normalization and ReLU, halving the image after every second one."""
    keras = tf_keras()
    layers = keras.layers
    x = inputs = layers.Input(input_shape, name="image")
    for index, width in enumerate(channels):
        x = layers.Conv2D(width, 3, padding="same", use_bias=False, name=f"conv{index}")(x)
        x = layers.BatchNormalization(momentum=_BN_MOMENTUM, name=f"bn{index}")(x)
        x = layers.ReLU(name=f"relu{index}")(x)
        if index % 2:
            x = layers.MaxPooling2D(name=f"pool{index}")(x)
    x = layers.Flatten(name="flatten")(x)
    if hidden:
        x = layers.Dense(hidden, activation="relu", name="hidden")(x)
    return keras.Model(inputs, layers.Dense(num_classes, name="logits")(x), name=name)
