"""Do two processors compute the same? Outputs of the same file on the same inputs, compared value by value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.converters.label import truth_label
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ModelError
from litesmith.golden_tolerance import AWARE, TEXT, TOKENS
from litesmith.tasks import AXES_OF_TOKENS

Array = npt.NDArray[Any]
Outputs = Sequence[Sequence[Array]]

# Measured on random inputs: at most 2 with the kernels for a Cortex-A76, up to 9 with XNNPACK's own for a Cortex-A53.
LSB_LEGACY_UINT8 = 2
# Measured: tflite-runtime 2.14 on armv7 against LiteRT 2.3 on x86-64.
LSB_INT16 = 1
# Measured: at most 5e-7 of the largest output, because sums are added up in another order.
SHARE_FLOAT = 1e-5
# A float rounding can move an int8 activation inside the model by a step, and each step is 1/127 of the largest.
SHARE_MIXED = 2 / 127
# int8 operators whose kernels on x86-64 and 64-bit ARM are a step apart, each measured alone with LiteRT 2.3.0: SOFTMAX
# is looked up in a table on ARM, XNNPACK's MUL is rounded otherwise there. Equal were ADD, SUB, MEAN, AVERAGE_POOL_2D,
# QUANTIZE, BATCH_MATMUL, TANH, LOGISTIC, LEAKY_RELU and GELU, in int16 ADD and MUL, and files of convolutions and dense
# layers.
ROUNDED_APART = frozenset({"SOFTMAX", "MUL", "HARD_SWISH"})
_CARRIES_ON = frozenset({"QUANTIZE", "DEQUANTIZE", "RESHAPE"})
_LARGEST = float(np.finfo(np.float64).max)


@dataclass(frozen=True, slots=True)
class ParityTolerance:
    """How far outputs may be apart: integer ones by `lsb`, float ones by `share` of the largest; 0 is bit for bit."""

    lsb: int
    share: float
    reason: str

    @classmethod
    def of(cls, model: TFLiteModel, max_lsb: int | None = None) -> ParityTolerance:
        """What holds for a file, by what it is made of; `max_lsb` where a user allows another figure."""
        found = cls._by_kernels(model)
        if max_lsb is None:
            return found
        return cls(max_lsb, found.share, f"{max_lsb} LSB as asked for, {found.lsb} otherwise: {found.reason}")

    @classmethod
    def _by_kernels(cls, model: TFLiteModel) -> ParityTolerance:
        label = truth_label(model)
        if any(tensor.dtype == "uint8" for tensor in model.kernels()):
            return cls(LSB_LEGACY_UINT8, SHARE_MIXED, "uint8 kernels with one scale a tensor are rounded differently")
        if label in ("full-int8", "int8-float-io", "full-int8-int16"):
            return cls._by_operators(model)
        if label == "int16x8":
            return cls(LSB_INT16, SHARE_MIXED, "int16 kernels of different releases round differently")
        if label in ("float32", "float16"):
            return cls(0, SHARE_FLOAT, "float sums are added up in another order")
        return cls(1, SHARE_MIXED, "a float rounding can move an integer activation by a step")

    @classmethod
    def _by_operators(cls, model: TFLiteModel) -> ParityTolerance:
        """Of a file without float inside: what its operators allow."""
        operators = model.main.operators
        apart = [op for op in operators if op.op in ROUNDED_APART]
        if not apart:
            return cls(0, 0.0, "its int8 kernels compute the same bits on every processor")
        reason = f"{', '.join(sorted({op.op for op in apart}))} of int8 differs by a step from processor to processor"
        if all(op.op in _CARRIES_ON for op in operators[apart[0].index + 1 :]):
            return cls(1, SHARE_MIXED, reason)
        kind = AWARE
        if "BATCH_MATMUL" in model.ops:
            kind = TOKENS if any(len(tensor.shape) == AXES_OF_TOKENS for tensor in model.outputs) else TEXT
        return cls(kind.steps, SHARE_MIXED, f"{reason}, and layers after it take that further")


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not equal: which input set, which output, where in it, and both values."""

    vector: int
    output: int
    index: tuple[int, ...]
    here: float
    there: float

    def __str__(self) -> str:
        return (
            f"vector {self.vector}, output {self.output}, index {list(self.index)}: "
            f"{self.here:.9g} here, {self.there:.9g} there"
        )


@dataclass(frozen=True, slots=True)
class Parity:
    """What a comparison found.

    Attributes:
        vectors: sets of inputs; `equal_vectors` of them gave equal outputs, bit for bit.
        values: of all outputs; `different` of them are not equal.
        max_lsb: largest difference in an integer output.
        max_share: largest difference in a float output, as a share of the largest value of that output.
        first: the first difference beyond the tolerance, else the first one, None if there is none.
        ok: whether all are within the tolerance.
    """

    vectors: int
    equal_vectors: int
    values: int
    different: int
    max_lsb: float
    max_share: float
    first: Difference | None
    ok: bool

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def compare(here: Outputs, there: Outputs, tolerance: ParityTolerance) -> Parity:
    """Compare the outputs for each set of inputs, computed on this machine and on another processor.

    Raises:
        ModelError: an output has another shape or type there.
    """
    apart = [
        [_apart(place, out, *pair) for out, pair in enumerate(zip(*sets, strict=True))]
        for place, sets in enumerate(zip(here, there, strict=True))
    ]
    flat = [(place, out, found) for place, row in enumerate(apart) for out, found in enumerate(row)]
    whole = [found for place, out, found in flat if here[place][out].dtype.kind != "f"]
    floats = [found for place, out, found in flat if here[place][out].dtype.kind == "f"]
    beyond = [(place, out, found > _limit(here[place][out], tolerance)) for place, out, found in flat]
    unequal = [(place, out, found > 0) for place, out, found in flat]
    first = _first(beyond) or _first(unequal)
    return Parity(
        vectors=len(apart),
        equal_vectors=sum(not any(found.any() for found in row) for row in apart),
        values=sum(found.size for _, _, found in flat),
        different=sum(int(np.count_nonzero(found)) for _, _, found in flat),
        max_lsb=max((float(found.max(initial=0)) for found in whole), default=0.0),
        max_share=max((float(found.max(initial=0)) for found in floats), default=0.0),
        first=None if first is None else _difference(first, here, there),
        ok=_first(beyond) is None,
    )


def _apart(place: int, out: int, here: Array, there: Array) -> npt.NDArray[np.float64]:
    """How far values are apart: in LSB, or as a share of the largest that was computed here."""
    if (here.shape, here.dtype) != (there.shape, there.dtype):
        raise ModelError(
            f"output {out} of vector {place} is {here.dtype}{list(here.shape)} here and "
            f"{there.dtype}{list(there.shape)} there; fix the shapes of the model"
        )
    equal = (here == there) | ((here != here) & (there != there))  # NaN is not equal to itself
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(np.subtract(here, there, dtype=np.float64))
        if here.dtype.kind == "f":
            finite = np.abs(here[np.isfinite(here)])
            apart = apart / (float(finite.max(initial=0)) or 1.0)
    apart = np.nan_to_num(apart, nan=_LARGEST, posinf=_LARGEST)
    found: npt.NDArray[np.float64] = np.where(equal, 0.0, apart)
    return found


def _limit(output: Array, tolerance: ParityTolerance) -> float:
    return tolerance.share if output.dtype.kind == "f" else tolerance.lsb


def _first(marked: Sequence[tuple[int, int, npt.NDArray[np.bool_]]]) -> tuple[int, int, tuple[int, ...]] | None:
    for place, out, mask in marked:
        if mask.any():
            return place, out, tuple(int(index) for index in np.argwhere(mask)[0])
    return None


def _difference(where: tuple[int, int, tuple[int, ...]], here: Outputs, there: Outputs) -> Difference:
    place, out, index = where
    values = (np.nan_to_num(float(outputs[place][out][index])) for outputs in (here, there))
    return Difference(place, out, index, *(float(value) for value in values))
