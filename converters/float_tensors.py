"""Where a `.tflite` computes in floating point, and the proof that it does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from litesmith.converters.graph import Operator, Subgraph, Tensor
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError

BRIDGES = frozenset({"QUANTIZE", "DEQUANTIZE"})
_SHOWN = 5
_NAME_LENGTH = 60  # the converter joins the names of all layers that it fused


@dataclass(frozen=True, slots=True)
class FloatTensor:
    """One floating-point tensor, with the operator that writes it and those that read it."""

    tensor: Tensor
    producer: Operator | None
    consumers: tuple[Operator, ...]
    is_input: bool
    is_output: bool

    @property
    def is_interface(self) -> bool:
        """Whether it only carries the app's numbers: an input straight to QUANTIZE, an output from DEQUANTIZE."""
        if self.is_input:
            return not self.is_output and all(op.op == "QUANTIZE" for op in self.consumers)
        written = self.producer is not None and self.producer.op == "DEQUANTIZE"
        return self.is_output and written and not self.consumers

    def __str__(self) -> str:
        source = "constant" if self.tensor.is_constant else "graph input" if self.is_input else "nothing"
        if self.producer is not None:
            source = _place(self.producer)
        readers = [_place(op) for op in self.consumers[:_SHOWN]] + ["graph output"] * self.is_output
        if len(self.consumers) > _SHOWN:
            readers.append(f"and {len(self.consumers) - _SHOWN} more operators")
        name = self.tensor.name if len(self.tensor.name) <= _NAME_LENGTH else self.tensor.name[:_NAME_LENGTH] + "..."
        return f"{name!r} ({self.tensor.dtype}): {source} -> {', '.join(readers) or 'nothing'}"


def float_islands(model: TFLiteModel, *, allow_float_io: bool = False) -> tuple[FloatTensor, ...]:
    """Every floating-point tensor of every subgraph, constants included.

    With `allow_float_io`, float inputs that only QUANTIZE reads and float outputs that DEQUANTIZE writes are
    left out.
    """
    found = (tensor for graph in model.subgraphs for tensor in _floats(graph))
    return tuple(tensor for tensor in found if not (allow_float_io and tensor.is_interface))


def prove_integer_only(model: TFLiteModel, *, allow_float_io: bool) -> None:
    """Read every tensor of the file and find none in floating point.

    Raises:
        ConversionError: there are some; the message names them and says what to do.
    """
    islands = float_islands(model, allow_float_io=allow_float_io)
    if not islands:
        return
    names = "; ".join(shortened(islands))
    raise ConversionError(
        f"{model.source} is not integer-only, {len(islands)} of its tensors are float: {names}. "
        f"An integer-only accelerator refuses them and a CPU runs them in float; {_advice(model, islands)}"
    )


def float_ops(tensors: tuple[FloatTensor, ...]) -> tuple[str, ...]:
    """Names of the operators that compute with `tensors`, those left out that only quantize or dequantize."""
    touching = {op.op for tensor in tensors for op in (tensor.producer, *tensor.consumers) if op is not None}
    return tuple(sorted(touching - BRIDGES))


def shortened(tensors: tuple[FloatTensor, ...], shown: int = _SHOWN) -> list[str]:
    """The first few as text, then how many more there are."""
    more = [f"and {len(tensors) - shown} more"] if len(tensors) > shown else []
    return [str(tensor) for tensor in tensors[:shown]] + more


def _floats(graph: Subgraph) -> Iterator[FloatTensor]:
    producers, consumers = graph.producers(), graph.consumers()
    inputs, outputs = frozenset(graph.inputs), frozenset(graph.outputs)
    for tensor in graph.tensors:
        if tensor.is_float and tensor.elements:  # placeholders of an LSTM's results hold nothing
            yield FloatTensor(
                tensor=tensor,
                producer=graph.operators[producers[tensor.index]] if tensor.index in producers else None,
                consumers=tuple(graph.operators[place] for place in consumers.get(tensor.index, ())),
                is_input=tensor.index in inputs,
                is_output=tensor.index in outputs,
            )


def _advice(model: TFLiteModel, islands: tuple[FloatTensor, ...]) -> str:
    inner = tuple(island for island in islands if not island.is_interface)
    if not inner:
        return "ask for int8 or uint8 inputs and outputs, or allow float ones"
    computed = (tensor for graph in model.subgraphs for tensor in graph.tensors if not tensor.is_constant)
    if not any(tensor.quantization for tensor in computed):
        return "no activation was quantized: pass calibration data with at least one sample and convert again"
    names = ", ".join(float_ops(inner)) or "what stands between DEQUANTIZE and QUANTIZE"
    return f"replace {names} by operators that have an integer kernel and convert again"


def _place(operator: Operator) -> str:
    return f"{operator.op} #{operator.index}"
