"""Measures one `.tflite` file the way an app would see it: through the runtime, one sample at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.affine import dequantize, quantize
from litesmith.converters.label import truth_label
from litesmith.converters.metric import accuracy
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.ledger import Row
from litesmith.splits import Splits
from litesmith.targets.devices.host import HostDevice
from litesmith.targets.runtimes import default
from litesmith.targets.session import TensorSpec

__all__ = ["Outputs", "accuracy", "measure", "predict", "to_real", "to_tensor"]


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a file gave for N samples: `raw` in the file's type, `real` dequantized, both (N, classes) or (N, width)."""

    raw: npt.NDArray[Any]
    real: npt.NDArray[np.float32]


def predict(model: TFLiteModel, x: npt.NDArray[np.float32]) -> Outputs:
    """Run a single-input, single-output file of ours on samples (N, ...), quantizing as an app must.

    Raises:
        ModelError: the runtime cannot run the file.
    """
    session = default().open(model.content)
    (into,), (out,) = session.inputs, session.outputs
    inputs = to_tensor(x, into)
    raw = np.concatenate([session.run([inputs[index : index + 1]])[0] for index in range(len(x))])
    return Outputs(raw, to_real(raw, out))


def to_tensor(x: npt.NDArray[np.float32], spec: TensorSpec) -> npt.NDArray[Any]:
    """Real values as the tensor holds them."""
    if spec.scale is None or spec.zero_point is None:
        return x.astype(spec.dtype)
    return quantize(x, spec.scale, spec.zero_point, np.dtype(spec.dtype))


def to_real(raw: npt.NDArray[Any], spec: TensorSpec) -> npt.NDArray[np.float32]:
    """Inverse of `to_tensor`, up to rounding."""
    if spec.scale is None or spec.zero_point is None:
        return raw.astype(np.float32)
    return dequantize(raw, spec.scale, spec.zero_point)


def measure(model: TFLiteModel, splits: Splits, *, stage: str, parameters: int, seconds: float) -> Row:
    """The ledger row of a file: accuracy through the runtime, sizes, zeros, latency on this host."""
    test, validation = splits.test, splits.validation
    return Row(
        stage=stage,
        label=truth_label(model),
        measured_on="litert",
        accuracy=accuracy(predict(model, test.x).real, test.y),
        validation_accuracy=accuracy(predict(model, validation.x).real, validation.y),
        parameters=parameters,
        sparsity=model.weight_sparsity,
        seconds=round(seconds, 3),
        sha256=model.sha256,
        bytes=len(model.content),
        gzip_bytes=model.gzip_bytes,
        latency=HostDevice().measure(model.content).to_dict(),
    )
