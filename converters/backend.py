"""The one place where TensorFlow and tf_keras are imported, late and with the settings they need."""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

from litesmith.calibration.native import quiet_native
from litesmith.errors import ConversionError

# Read by TensorFlow once, at import: tf.keras has to mean Keras 2, which TFMOT and the converter work with.
_ENVIRONMENT = {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}


def tensorflow() -> Any:
    """The tensorflow module, with tf.keras bound to Keras 2.

    Raises:
        ConversionError: TensorFlow or tf_keras is not installed.
    """
    return _load("tensorflow")


def tf_keras() -> Any:
    """The tf_keras module (Keras 2), whatever `keras` is installed.

    Raises:
        ConversionError: TensorFlow or tf_keras is not installed.
    """
    _load("tensorflow")
    return _load("tf_keras")


def _load(name: str) -> Any:
    if name in sys.modules:
        return sys.modules[name]
    for key, value in _ENVIRONMENT.items():
        os.environ.setdefault(key, value)
    try:
        with quiet_native():
            module = importlib.import_module(name)
    except ImportError as error:
        raise ConversionError(
            f"this step needs {name}, which cannot be imported ({error}); run: "
            "pip install 'litesmith[train]' (in a checkout: pip install '.[train]')"
        ) from error
    if name == "tensorflow":
        module.get_logger().setLevel("ERROR")
    return module
