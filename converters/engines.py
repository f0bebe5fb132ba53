"""The two quantizers behind one interface: they turn a float file and the ranges of its tensors into integers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

import numpy as np

from litesmith.converters.graph import Tensor
from litesmith.converters.label import prove_integer_only, truth_label
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError

if TYPE_CHECKING:
    from litesmith.calibration.ranges import Range

ENGINES = ("mlir", "aeq")
# Operators that are stored as int4 where the spec asks for it.
INT4_OPS = ("CONV_2D", "FULLY_CONNECTED")
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
    return f"{spec.mode} with int4 weights" if spec.weight_bits == 4 else spec.mode


def activations(model: TFLiteModel) -> Iterator[Tensor]:
    """The float tensors of the main subgraph that are fed or computed: each needs a range."""
    graph = model.main
    computed = (index for operator in graph.operators for index in operator.outputs if index >= 0)
    for index in dict.fromkeys((*graph.inputs, *computed)):
        tensor = graph.tensors[index]
        if tensor.dtype == "float32" and not tensor.is_variable:
            yield tensor


def limits(model: TFLiteModel, ranges: Mapping[int, Range]) -> dict[int, tuple[float, float]]:
    """Lowest and highest real value of every activation, zero included and never equal.

    Raises:
        ConversionError: an activation has no range; a quantizer would leave it in float without a word.
    """
    missing = [tensor.name for tensor in activations(model) if tensor.index not in ranges]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise ConversionError(f"tensor {missing[0]!r}{more} has no range; calibrate every activation of the model")
    return {tensor.index: _widened(ranges[tensor.index]) for tensor in activations(model)}


def _widened(found: Range) -> tuple[float, float]:
    low, high = float(np.float32(min(found.low, 0.0))), float(np.float32(max(found.high, 0.0)))
    return (low, high) if high - low >= _SMALLEST_WIDTH else (0.0, 1.0)


def prove(source: TFLiteModel, quantized: TFLiteModel, spec: QuantizationSpec) -> None:
    """Read every tensor of what an engine wrote.

    Raises:
        ConversionError: it is not what `spec` asks for.
    """
    if spec.needs_calibration:
        prove_integer_only(quantized, allow_float_io=spec.io == "float32")
    label = truth_label(quantized)
    if label != spec.label:
        raise ConversionError(f"asked for {describe(spec)}, but the engine wrote a file that is {label}")
    before, after = (*source.inputs, *source.outputs), (*quantized.inputs, *quantized.outputs)
    for old, new in zip(before, after, strict=True):
        if old.dtype == "float32" and new.dtype != spec.io:
            raise ConversionError(
                f"asked for {spec.io} inputs and outputs, but the engine left {new.name!r} {new.dtype}"
            )
    if spec.weight_bits == 4:
        _prove_int4(quantized)


def _prove_int4(model: TFLiteModel) -> None:
    operators = [operator for operator in model.main.operators if operator.op in INT4_OPS]
    if not operators:
        raise ConversionError(f"no operator takes int4 weights; the model has no {' or '.join(INT4_OPS)}")
    for operator in operators:
        weights = model.main.tensors[operator.inputs[1]]
        if weights.is_constant and weights.dtype != "int4":
            raise ConversionError(f"the engine left the weights {weights.name!r} {weights.dtype}", op=operator.op)
