"""Finds the teacher and student that a recipe names, and makes both answer in logits."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from litesmith.calibration.entry_point import load_entry_point
from litesmith.converters.backend import tf_keras
from litesmith.converters.load import load_keras_model
from litesmith.errors import RecipeError


def build_model(
    reference: str,
    *,
    base: Path,
    input_shape: tuple[int, ...],
    num_classes: int,
    allow_code: bool = False,
) -> Any:
    """Build or load one classifier, strip a final softmax, and check that it fits the data.

    Args:
        reference: `package.module:function`, or a path relative to `base`.
        base: folder of the recipe.
        input_shape: (H, W, C) of one sample.
        num_classes: number of classes in the data.
        allow_code: whether files that hold Python code may be loaded.

    Raises:
        RecipeError: the model is not functional, or its shapes are not those of the data.
        ModelError: a file cannot be loaded, or holds code.
    """
    path = base / reference
    if not path.exists() and ":" in reference:
        model = _call(reference, base, input_shape, num_classes)
    else:
        model = load_keras_model(path, allow_code=allow_code)
    _check_shapes(model, reference, input_shape, num_classes)
    return strip_softmax(model)


def _call(reference: str, base: Path, input_shape: tuple[int, ...], num_classes: int) -> Any:
    function = load_entry_point(reference, base=base)
    try:
        return function(input_shape=input_shape, num_classes=num_classes)
    except (Exception, SystemExit) as error:  # whatever the user's function does
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise RecipeError(
            f"{reference} failed for input_shape={input_shape}, num_classes={num_classes} ({first}); "
            "does the model fit the data?"
        ) from error


def strip_softmax(model: Any) -> Any:
    """The same model without a final softmax: distillation and quantization work on logits."""
    keras = tf_keras()
    last = model.layers[-1]
    if isinstance(last, keras.layers.Softmax) or (_is_softmax(last) and isinstance(last, keras.layers.Activation)):
        return keras.Model(model.inputs, last.input, name=model.name)
    if not _is_softmax(last):
        return model

    def linear_last(layer: Any) -> Any:
        config = layer.get_config()
        if layer is last:
            config["activation"] = "linear"
        return layer.__class__.from_config(config)

    stripped = keras.models.clone_model(model, clone_function=linear_last)
    stripped.set_weights(model.get_weights())
    return stripped


def copy_model(model: Any, wrap: Callable[[Any], Any] = lambda layer: layer) -> Any:
    """The same architecture and weights in new layers, which share nothing with those of `model`.

    Args:
        model: functional or sequential.
        wrap: what to put in the place of each new layer; it must keep the layer's weights, in order.
    """

    def cloned(layer: Any) -> Any:
        return wrap(layer.__class__.from_config(layer.get_config()))

    copy = tf_keras().models.clone_model(model, clone_function=cloned)
    copy.set_weights(model.get_weights())
    return copy


def weights_digest(model: Any) -> str:
    """sha256 over architecture and weights: two models with the same digest give the same logits."""
    digest = hashlib.sha256(model.to_json().encode())
    for weight in model.get_weights():
        digest.update(np.ascontiguousarray(weight).tobytes())
    return digest.hexdigest()


def _is_softmax(layer: Any) -> bool:
    return getattr(getattr(layer, "activation", None), "__name__", "") == "softmax"


def _check_shapes(model: Any, reference: str, input_shape: tuple[int, ...], num_classes: int) -> None:
    keras = tf_keras()
    if not isinstance(model, keras.Model) or not getattr(model, "_is_graph_network", False):
        raise RecipeError(f"{reference} is not a functional or sequential tf_keras model; build it with tf_keras.Model")
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise RecipeError(
            f"{reference} has {len(model.inputs)} inputs and {len(model.outputs)} outputs; needs one each"
        )
    expected, found = (None, *input_shape), tuple(model.inputs[0].shape)
    if any(size not in (None, wanted) for size, wanted in zip(found[1:], input_shape, strict=False)) or len(
        found
    ) != len(expected):
        raise RecipeError(f"{reference} takes inputs {found[1:]}, but the data has {input_shape}")
    if None in found[1:]:
        raise RecipeError(f"{reference} leaves dimensions of its input open {found[1:]}; fix them to {input_shape}")
    ending = getattr(getattr(model.layers[-1], "activation", None), "__name__", "linear")
    if ending not in ("linear", "softmax"):
        raise RecipeError(f"{reference} ends in {ending}; a classifier must end in logits or in softmax")
    classes = tuple(model.outputs[0].shape)[1:]
    if classes != (num_classes,):
        raise RecipeError(
            f"{reference} gives outputs of shape {classes}, but the data has {num_classes} classes; "
            "teacher, student and data must agree"
        )
