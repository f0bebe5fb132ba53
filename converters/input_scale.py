"""What scale a model takes its input to have, where its own first operators tell."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.audit_finding import Expected
from litesmith.converters.graph import Operator, Tensor
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ModelError

Doubles = npt.NDArray[np.float64]

# Rescaling and Normalization layers become at most these many operators.
_STEPS = 4
_ARITHMETIC = frozenset({"MUL", "ADD", "SUB", "DIV"})
_INTEGERS = {"int8": (-128, 127), "uint8": (0, 255), "int16": (-32768, 32767)}


def expected_scale(model: TFLiteModel, tensor: Tensor) -> Expected | None:
    """Read the scale of a float input from the QUANTIZE or the arithmetic with constants that it goes through first.

    Values that such arithmetic brings to -1..1 are taken as what the model was trained on; the range of a QUANTIZE
    is what it was calibrated with. None where the model does not tell.
    """
    slope, shift = np.ones(1), np.zeros(1)
    passed: list[str] = []
    for _ in range(_STEPS):
        readers = [op for op in model.main.operators if tensor.index in op.inputs]
        if len(readers) != 1 or len(readers[0].outputs) != 1 or readers[0].outputs[0] < 0:
            break
        operator = readers[0]
        following = model.main.tensors[operator.outputs[0]]
        if operator.op == "QUANTIZE" and not passed:
            return _calibrated(following)
        step = _step(model, operator, tensor)
        if step is None:
            break
        slope, shift, tensor = slope * step[0], shift * step[0] + step[1], following
        passed.append(operator.op)
    return _expected(slope, shift, passed) if passed else None


def _calibrated(quantized: Tensor) -> Expected | None:
    if quantized.quantization is None or quantized.dtype not in _INTEGERS:
        return None
    scale, zero_point = quantized.quantization.scales[0], quantized.quantization.zero_points[0]
    low, high = ((limit - zero_point) * scale for limit in _INTEGERS[quantized.dtype])
    if high <= low:
        return None
    return Expected(((low + high) / 2,), ((high - low) / 2,), "the model quantizes it first")


def _step(model: TFLiteModel, operator: Operator, tensor: Tensor) -> tuple[Any, Any] | None:
    """`(a, b)` of an operator that computes `a * x + b`, with one value or one for each channel."""
    if operator.op not in _ARITHMETIC or len(operator.inputs) != 2:
        return None
    is_first = operator.inputs[0] == tensor.index
    constant = _constant(model, operator.inputs[1 if is_first else 0], tensor)
    if constant is None or (operator.op == "DIV" and (not is_first or not constant.all())):
        return None
    if operator.op in ("MUL", "DIV"):
        return (constant if operator.op == "MUL" else 1 / constant), 0.0
    sign = -1.0 if operator.op == "SUB" else 1.0
    return (1.0, sign * constant) if is_first else (sign, constant)


def _constant(model: TFLiteModel, index: int, tensor: Tensor) -> Doubles | None:
    if index < 0 or not model.main.tensors[index].is_constant:
        return None
    try:
        values = model.data(model.main.tensors[index]).astype(np.float64).ravel()
    except ModelError:  # packed or sparse: then the model does not tell
        return None
    return values if values.size in (1, tensor.shape[-1] if tensor.shape else 1) else None


def _expected(slope: Doubles, shift: Doubles, passed: list[str]) -> Expected | None:
    slope, shift = np.broadcast_arrays(slope, shift)
    if not (slope != 0).all() or not np.isfinite(slope).all() or not np.isfinite(shift).all():
        return None
    because = f"the model starts with its own scaling ({', '.join(passed)})"
    return Expected(tuple((-shift / slope).tolist()), tuple((1 / np.abs(slope)).tolist()), because)
