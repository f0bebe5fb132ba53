"""Litesmith: from a Keras or Hugging Face teacher to a verified, full-integer `.tflite` inside the app.

Attributes are resolved on first use, so that `import litesmith` loads neither TensorFlow nor numpy.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_EXPORTS = {
    "TFLiteModel": "litesmith.converters.tflite_model",
    "CalibrationSet": "litesmith.calibration.samples",
    "Preprocess": "litesmith.calibration.preprocess",
    "QuantizationSpec": "litesmith.converters.quantize",
    "convert": "litesmith.converters.keras",
    "convert_text": "litesmith.convert_text_model",
    "TargetProfile": "litesmith.targets.profile",
    "TargetReport": "litesmith.targets.report",
    "check": "litesmith.targets.check",
    "Recipe": "litesmith.recipe",
    "run_recipe": "litesmith.pipeline",
}

__all__ = ["__version__", *sorted(_EXPORTS)]


def __getattr__(name: str) -> Any:
    if name not in _EXPORTS:
        raise AttributeError(f"module 'litesmith' has no attribute {name!r}")
    return getattr(importlib.import_module(_EXPORTS[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_EXPORTS])
