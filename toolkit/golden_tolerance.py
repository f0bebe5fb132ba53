"""How far other kernels may be off from what golden vectors recorded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.golden_vectors import Tolerance

# Of the largest output: float32 kernels differ by less than 1e-6 of it, float16 has a resolution of 5e-4.
FLOAT_STEP = 1e-3


@dataclass(frozen=True, slots=True)
class Kind:
    """Quantized files of which it was measured by how many `steps` kernels differ, and what they are called."""

    steps: int
    files: str


# Measured, XNNPACK against the plain kernels of LiteRT 2.3 on x86-64: at most 1 LSB on files quantized after
# training, up to 5 on files trained quantization-aware, up to 9 on full-integer MiniLM, whose norms and softmax take a
# difference further.
AFTER_TRAINING = Kind(1, "files quantized after training")
AWARE = Kind(5, "files trained quantization-aware")
TEXT = Kind(16, "full-integer text models")
# Measured likewise on full-integer MiniLM with drawn heads for 64 and 128 tokens: up to 14 LSB at the pieces of a text,
# and 27 at padding, whose rows nothing was trained for.
TOKENS = Kind(48, "full-integer text models, token by token")


def tolerance_of(model: TFLiteModel, outputs: npt.NDArray[np.float32], kind: Kind) -> Tolerance:
    """The tolerance of a file, of which `outputs` are what it gave."""
    (out,) = model.outputs
    producer = model.main.producers().get(out.index)
    last = model.main.operators[producer] if producer is not None else None
    inner = model.main.operands(last)[0] if last is not None and last.op == "DEQUANTIZE" else None
    quantization = out.quantization or (inner.quantization if inner else None)
    if quantization is None:
        step = FLOAT_STEP * float(np.abs(outputs).max() or 1)
        return Tolerance(
            step, 1, f"x {step:.3g}", f"float kernels round differently; {FLOAT_STEP:g} of the largest output"
        )
    step = quantization.scales[0]
    unit = "LSB" if out.quantization else f"LSB ({step:.3g}) of the tensor behind the float output"
    return Tolerance(step, kind.steps, unit, f"kernel sets differ by at most {kind.steps} LSB on {kind.files}")
