"""The one place where the TensorFlow Model Optimization Toolkit is imported."""

from __future__ import annotations

import importlib
from typing import Any

from litesmith.calibration.native import quiet_native
from litesmith.converters.backend import tensorflow
from litesmith.errors import ConversionError


def model_optimization() -> Any:
    """The tensorflow_model_optimization module.

    Raises:
        ConversionError: it is not installed.
    """
    tensorflow()
    try:
        with quiet_native():
            return importlib.import_module("tensorflow_model_optimization")
    except ImportError as error:
        raise ConversionError(
            f"pruning and quantization-aware training need TFMOT ({error}); run: "
            "pip install 'litesmith[train]' (in a checkout: pip install '.[train]')"
        ) from error


def prune_preserving_scheme() -> Any:
    """TFMOT's 8-bit scheme that keeps pruned weights at zero."""
    model_optimization()
    module = importlib.import_module(
        "tensorflow_model_optimization.python.core.quantization.keras.collab_opts.prune_preserve"
        ".default_8bit_prune_preserve_quantize_scheme"
    )
    return module.Default8BitPrunePreserveQuantizeScheme()
