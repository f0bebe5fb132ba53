"""Random inputs of a file that has no golden vectors."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from litesmith.converters.graph import Tensor
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ModelError
from litesmith.targets.devices.arm_process import Inputs
from litesmith.targets.session import TensorSpec, sample_inputs

_FED = frozenset({"float32", "float16", "int8", "uint8", "int16", "int32", "int64", "bool"})


def random_inputs(model: TFLiteModel, count: int) -> Inputs:
    """Sets of inputs by seed, for a model whose runtime may not be started in this process.

    Whole numbers of 32 bits and more are 0, which any model takes, unless the file shows that they are rows of a
    table: then they are drawn from those that it has, so that a text is not padding alone.

    Raises:
        ModelError: an input holds what is no number.
    """
    specs = []
    for tensor in model.inputs:
        if tensor.dtype not in _FED:
            raise ModelError(f"input {tensor.name!r} holds {tensor.dtype}; only numbers can be fed", file=model.source)
        specs.append(TensorSpec(tensor.name, tensor.shape, tensor.dtype, None, None))
    rows = [_rows(model, tensor) for tensor in model.inputs]
    sets = [sample_inputs(specs, seed) for seed in range(count)]
    return [
        [given if last is None else _drawn(given, last, seed) for given, last in zip(values, rows, strict=True)]
        for seed, values in enumerate(sets)
    ]


def _rows(model: TFLiteModel, ids: Tensor) -> int | None:
    """How many rows have all tables that an input chooses from; None where it is no index of rows."""
    tables = []
    for op in model.main.operators:
        operands = model.main.operands(op)
        if op.op == "GATHER" and operands[1] == ids and operands[0] is not None:
            tables.append(operands[0].shape[0])
    return min(tables) if tables and ids.dtype in ("int32", "int64") else None


def _drawn(like: npt.NDArray[np.generic], rows: int, seed: int) -> npt.NDArray[np.generic]:
    return np.random.default_rng(seed).integers(0, rows, like.shape).astype(like.dtype)
