"""Advice that fits the operator at hand, where a rule by itself can only give a general one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from litesmith.converters.graph import Subgraph
from litesmith.converters.unusual import CONTROL_FLOW
from litesmith.targets.advice_integer import EIGHT, MANY, OTHER_TYPE, activation_types, integer_advice, sixteen_bits
from litesmith.targets.compiled_model import COMPILED_OP
from litesmith.targets.op_view import OpView
from litesmith.targets.report import Finding
from litesmith.targets.tensor_rules import ungrouped_convolution

_CONVERSIONS = frozenset({"QUANTIZE", "DEQUANTIZE"})
_SHAPE_SOURCES = frozenset({"SHAPE", "RANK"})
_STATE = frozenset({"CALL_ONCE", "VAR_HANDLE", "READ_VARIABLE", "ASSIGN_VARIABLE"})
_TYPE_RULES = frozenset({"tensor_types", "type_pairs", "weight_types", "refused"})
_VERSION_RULES = frozenset({"op_version", "op_version_not", "runtime_version"})
_KERNELS = frozenset({"CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"})

FLOAT16 = "The weights are {dtype}, and all is computed in float: quantize the model to full integer (8 bits)."
BORDER = "Convert with integer inputs and outputs; the app then applies scale and zero point, and {name} goes away."
MIDDLE = "Quantize the operators around it too, so that nothing is converted in the middle of the model."
SHAPES = "Convert with a fixed batch and fixed sizes: then this is known beforehand, and no operator is left of it."
REPEATED = "Replace it by what the target takes: it stands throughout the model, which stays in pieces otherwise."
LOOPS = "Unroll the loop, compute both branches and select, or move loop and branch into the app."
COMPILED = "Check the file that edgetpu_compiler read; this operator runs on an Edge TPU alone."
STATE = "Make the state an input and an output of the model, and keep it in the app."


@dataclass(frozen=True, slots=True)
class Advice:
    """What is known of a graph beyond one operator.

    Attributes:
        graph: the main subgraph.
        shapes: the operators that only compute with shapes.
        types: of all activations.
        counts: how many operators there are of each kind.
    """

    graph: Subgraph
    shapes: frozenset[int]
    types: frozenset[str] = frozenset()
    counts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, graph: Subgraph) -> Advice:
        """Follow the shapes through the operators of `graph`, in the order of the file."""
        shapes: set[int] = set()
        computed: set[int] = set()
        for operator in graph.operators:
            read = [tensor for tensor in operator.inputs if tensor >= 0 and not graph.tensors[tensor].is_constant]
            if operator.op in _SHAPE_SOURCES or (read and computed.issuperset(read)):
                shapes.add(operator.index)
                computed.update(operator.outputs)
        return cls(graph, frozenset(shapes), activation_types(graph), Counter(one.op for one in graph.operators))

    def applied(self, finding: Finding, view: OpView) -> Finding:
        """The finding with the advice, and for a version with the cause, that the model itself shows."""
        if finding.rule == "unsupported_op":
            return replace(finding, fix=self._replacement(view) or finding.fix)
        if finding.rule != "static_shape" and view.operator.index in self.shapes:
            return replace(finding, fix=SHAPES)
        if finding.rule in _TYPE_RULES and (found := self._type(finding, view)):
            return replace(finding, fix=found)
        # a profile's own advice to quantize does not fit every type; other advice of its own does
        if finding.rule == "tensor_types" and finding.fix.startswith("Quantize") and not _could_be_quantized(view):
            return replace(finding, fix=OTHER_TYPE.format(name=view.operator.op))
        if finding.rule == "custom_op" and view.operator.op == COMPILED_OP:
            return replace(finding, fix=COMPILED)
        if finding.rule in _VERSION_RULES:
            cause, fix = sixteen_bits(view, self.types) or version_cause(view)
            if cause:
                return replace(finding, message=f"{finding.message} What raises it here: {cause}.", fix=fix)
        return finding

    def _replacement(self, view: OpView) -> str | None:
        """What to do about an operator that the target does not take; None where nothing better is known."""
        name = view.operator.op
        if name in _CONVERSIONS:
            return self._conversion(view)
        if view.operator.index in self.shapes:
            return SHAPES
        if name in _STATE:
            return STATE
        if name in CONTROL_FLOW:
            return LOOPS
        return REPEATED if self.counts.get(name, 0) >= MANY else None

    def _type(self, finding: Finding, view: OpView) -> str | None:
        """What to do about a type; None where the finding's own advice fits."""
        # A profile speaks of the softmax that ends a classifier; those of attention stand in the middle.
        if view.operator.op == "SOFTMAX" and "app" in finding.fix and not self._ends(view.operator.outputs):
            return EIGHT.format(name="SOFTMAX")
        return integer_advice(finding, view, self.types, self.counts.get(view.operator.op, 0))

    def _ends(self, tensors: tuple[int, ...]) -> bool:
        """Whether these are outputs of the model, or only converted before they are."""
        readers = [one for one in self.graph.operators if {*tensors} & {*one.inputs}]
        return all(one.op in _CONVERSIONS and {*one.outputs} <= {*self.graph.outputs} for one in readers)

    def _conversion(self, view: OpView) -> str:
        first, operator = view.operand(0), view.operator
        if first is not None and view.is_static(first):
            return FLOAT16.format(dtype=first.dtype)
        reads, writes = operator.op == "QUANTIZE", operator.op == "DEQUANTIZE"  # what float inputs and outputs need
        at_border = (reads and {*operator.inputs} & {*self.graph.inputs}) or (
            writes and {*operator.outputs} & {*self.graph.outputs}
        )
        return BORDER.format(name=operator.op) if at_border else MIDDLE


def version_cause(view: OpView) -> tuple[str, str]:
    """What raised the version of an operator, and how to do without it; empty where the model does not show it."""
    causes = (cause(view) for cause in _CAUSES)
    return next((found for found in causes if found), ("", ""))


def _could_be_quantized(view: OpView) -> bool:
    """Whether some tensor that is computed is float, or integer with 16 bits; others keep their type."""
    return any(tensor.is_float or tensor.dtype == "int16" for tensor in view.tensors("activations"))


def _grouped(view: OpView) -> tuple[str, str] | None:
    facts: Mapping[str, object] | None = ungrouped_convolution(view) if view.operator.op == "CONV_2D" else None
    if facts is None:
        return None
    told = f"the convolution is grouped ({facts['channels']} input channels, filters over {facts['depth']})"
    return told, "Use one convolution for each group and concatenate, or an ungrouped one."


def _per_channel_weights_of_float(view: OpView) -> tuple[str, str] | None:
    source, kernel = view.operand(0), view.operand(1)
    if view.operator.op not in _KERNELS or source is None or kernel is None or kernel.quantization is None:
        return None
    if not source.is_float or kernel.is_float or not kernel.quantization.per_channel:
        return None
    told = f"{kernel.dtype} weights with a scale for each channel, while the input is {source.dtype} (dynamic range)"
    return told, "Quantize the activations too (full integer), or keep the weights in floating point."


def _kept_dimensions(view: OpView) -> tuple[str, str] | None:
    if view.operator.op != "FULLY_CONNECTED" or not view.option("keep_num_dims"):
        return None
    return (
        "the dense layer keeps the dimensions of its input",
        "Flatten the input of the dense layer to two dimensions.",
    )


_CAUSES: tuple[Callable[[OpView], tuple[str, str] | None], ...] = (
    _grouped, _per_channel_weights_of_float, _kept_dimensions,
)  # fmt: skip
