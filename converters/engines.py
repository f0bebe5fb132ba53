"""The two quantizers behind one interface: they turn a float file and the ranges of its tensors into integers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

import numpy as np

from litesmith.converters.graph import Tensor
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError

if TYPE_CHECKING:
    from litesmith.calibration.ranges import Range

ENGINES = ("mlir", "aeq")
# A tensor that was always zero gets a range all the same: quantizers divide by its width.
_SMALLEST_WIDTH = 1e-9


class Engine(Protocol):
    """A quantizer.

    Convolutions get one weight scale a channel, FULLY_CONNECTED one in all unless the spec says otherwise.
    """

    @property
    def name(self) -> str:
        """One of `ENGINES`."""

    def supports(self, spec: QuantizationSpec) -> bool:
        """Whether it can write what `spec` asks for."""

    def load(self) -> None:
        """Import the quantizer: seconds that should not count as those of the first file.

        Raises:
            ConversionError: it is not installed, or broken.
        """

    def quantize(self, model: TFLiteModel, ranges: Mapping[int, Range], spec: QuantizationSpec) -> TFLiteModel:
        """Quantize and prove that the result is what `spec` asks for.

        Args:
            model: float32, every shape fixed.
            ranges: by tensor index in the main subgraph; unused where only weights are quantized.
            spec: mode and I/O type.

        Raises:
            ConversionError: a range is missing, the quantizer refused the model, or it left tensors in float.
        """


def choose_engine(spec: QuantizationSpec, preferred: str | None = None) -> Engine:
    """The engine for a spec: TensorFlow's for int8 where TensorFlow is installed, else ai-edge-quantizer.

    Raises:
        ConversionError: none is installed that supports `spec`, or `preferred` is not one that does.
    """
    from litesmith.converters.engine_aeq import AeqEngine
    from litesmith.converters.engine_mlir import MlirEngine

    engines: dict[str, Engine] = {"mlir": MlirEngine(), "aeq": AeqEngine()}
    packages = {"mlir": ("tensorflow", "train"), "aeq": ("ai_edge_quantizer", "quantizer")}
    if preferred is not None and preferred not in engines:
        raise ConversionError(f"unknown engine {preferred!r}; choose one of {', '.join(ENGINES)}")
    names = [name for name in ENGINES if preferred in (None, name) and engines[name].supports(spec)]
    if not names:
        which = f"the {preferred} engine" if preferred else "an engine"
        raise ConversionError(f"{which} does not write {describe(spec)}; choose another mode or engine")
    for name in names:
        if find_spec(packages[name][0]) is not None:
            return engines[name]
    missing = " or ".join(f"{packages[name][0]} (pip install 'litesmith[{packages[name][1]}]')" for name in names)
    raise ConversionError(f"quantizing to {describe(spec)} needs {missing}")


def describe(spec: QuantizationSpec) -> str:
    """A spec in words."""
    others = " and ".join(dict.fromkeys(spec.precision.values()))
    extras = ["int4 weights"] * (spec.weight_bits == 4) + [f"some operators in {others}"] * bool(others)
    return f"{spec.mode} with {' and '.join(extras)}" if extras else spec.mode


def activations(model: TFLiteModel) -> Iterator[Tensor]:
    """The float tensors of the main subgraph that are fed or computed: each needs a range."""
    graph = model.main
    computed = (index for operator in graph.operators for index in operator.outputs if index >= 0)
    for index in dict.fromkeys((*graph.inputs, *computed)):
        tensor = graph.tensors[index]
        if tensor.dtype == "float32" and not tensor.is_variable:
            yield tensor


def limits(model: TFLiteModel, ranges: Mapping[int, Range], spec: QuantizationSpec) -> dict[int, tuple[float, float]]:
    """Lowest and highest real value of every activation, zero included and never equal.

    Where the spec asks for symmetric ones they are -128 and 127 steps of the scale that holds the range, so that the
    zero point is 0.

    Raises:
        ConversionError: an activation has no range; a quantizer would leave it in float without a word.
    """
    missing = [tensor.name for tensor in activations(model) if tensor.index not in ranges]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ConversionError(f"tensor {missing[0]!r}{more} has no range; calibrate every activation of the model")
    return {tensor.index: _widened(ranges[tensor.index], spec.symmetric) for tensor in activations(model)}


def _widened(found: Range, symmetric: bool) -> tuple[float, float]:
    low, high = min(found.low, 0.0), max(found.high, 0.0)
    if high - low < _SMALLEST_WIDTH:
        low, high = 0.0, 1.0
    if symmetric:
        step = max(-low, high) / 127
        low, high = -128 * step, 127 * step
    return float(np.float32(low)), float(np.float32(high))
