"""Which models are more than a graph of activations, and which of them can become integer-only."""

from __future__ import annotations

from litesmith.converters.engines import describe
from litesmith.converters.graph import Operator
from litesmith.converters.lstm import LSTM, lstm_places, variant
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError

# Operators that run other subgraphs. Every known quantizer leaves what they read and write in float.
_CONTROL_FLOW = frozenset({"CALL", "IF", "STABLEHLO_CASE", "STABLEHLO_COMPOSITE", "STABLEHLO_WHILE", "WHILE"})
_LOOP_ADVICE = "build the recurrent layer with unroll=True and without masking (an LSTM without masking needs no loop)"
_VARIABLES = frozenset({"ASSIGN_VARIABLE", "READ_VARIABLE"})
_OTHERWISE = "take float16 or dynamic, which need no ranges (dynamic from the model's float .tflite)"


def needs_own_calibrator(model: TFLiteModel) -> str:
    """Why ranges of the activations are not enough to quantize a model; empty if they are."""
    for operator in model.main.operators:
        if operator.op in _CONTROL_FLOW:
            return f"{operator.op} runs other subgraphs, whose tensors are computed several times or not at all"
        if operator.op == LSTM:
            return f"{LSTM} keeps state and intermediate results, which are no activations"
        if operator.op in _VARIABLES or _keeps_state(model, operator):
            return f"{operator.op} keeps state from run to run"
    return f"it has {len(model.subgraphs)} signatures" if len(model.subgraphs) > 1 else ""


def refuse_unsupported(model: TFLiteModel, spec: QuantizationSpec) -> None:
    """Refuse a model with state or control flow that cannot become what `spec` asks for.

    Raises:
        ConversionError: with the operator, its layer, and what to do.
    """
    for operator in model.main.operators:
        if reason := _obstacle(model, operator):
            name = model.main.tensors[operator.outputs[0]].name.partition(";")[0]
            raise ConversionError(f"{name!r} {reason}, or {_OTHERWISE}", op=operator.op)
    started = {operator.options["init_subgraph_index"] for operator in _of_kind(model, "CALL_ONCE")}
    if set(range(1, len(model.subgraphs))) - started:
        raise ConversionError(
            f"{model.source} has {len(model.subgraphs)} signatures, but calibration samples are of one; "
            "export each as a model of its own"
        )
    if spec.mode != "int8" or spec.weight_bits != 8 or spec.precision:
        raise ConversionError(
            f"a model with state becomes int8 throughout, not {describe(spec)}; take int8, or {_OTHERWISE}",
            op=LSTM if lstm_places(model) else None,
        )


def _obstacle(model: TFLiteModel, operator: Operator) -> str:
    if operator.op in _CONTROL_FLOW:
        advice = _LOOP_ADVICE if operator.op == "WHILE" else "replace it by operators that always run"
        return f"stays in float, whatever quantizes the rest; {advice}"
    if operator.op == LSTM:
        found = variant(model, operator.index)
        return f"has {found}, which is not calibrated here; use a plain LSTM" if found else ""
    if _keeps_state(model, operator):
        return "keeps state that is not calibrated here; replace it by an LSTM or by convolutions over a window"
    return ""


def _keeps_state(model: TFLiteModel, operator: Operator) -> bool:
    return any(tensor is not None and tensor.is_variable for tensor in model.main.operands(operator))


def _of_kind(model: TFLiteModel, op: str) -> list[Operator]:
    return [operator for operator in model.main.operators if operator.op == op]
