"""SavedModels that hold no Keras model: what `model.export()` or `tf.saved_model.save` write."""

from __future__ import annotations

from pathlib import Path

from litesmith.calibration.native import quiet_native
from litesmith.converters.backend import tensorflow
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ModelError

# What Keras writes beside the graph, so that layers can be restored.
KERAS_METADATA = "keras_metadata.pb"


def holds_keras_model(folder: Path) -> bool:
    """Whether Keras wrote the folder with `model.save`, so that layers can be restored from it."""
    return (folder / KERAS_METADATA).is_file()


def require_saved_model(folder: Path) -> None:
    """Refuse any other folder.

    Raises:
        ModelError: it holds no saved_model.pb.
    """
    if not (folder / "saved_model.pb").is_file():
        raise ModelError("this folder is not a SavedModel (it has no saved_model.pb)", file=folder)


def float_file(folder: Path) -> TFLiteModel:
    """The serving signature of a SavedModel as a float32 `.tflite`; an open batch stays open.

    The graph is translated, not run.

    Raises:
        ModelError: it is no SavedModel, has no signature, or the converter refuses it.
    """
    require_saved_model(folder)
    tf = tensorflow()
    try:
        with quiet_native():
            content = tf.lite.TFLiteConverter.from_saved_model(str(folder)).convert()
    except Exception as error:  # the loader's and the converter's errors share no base class
        first = (str(error).strip().splitlines() or [type(error).__name__])[0][:300]
        raise ModelError(
            f"TensorFlow cannot convert its serving signature ({first}); export it again", file=folder
        ) from error
    return TFLiteModel(bytes(content), str(folder))
