"""Which models need more than ranges of activations, and which are refused."""

import pytest
from ai_edge_litert import schema_py_generated as schema

from litesmith.converters.editing import ModelEditor
from litesmith.converters.lstm import LSTM
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.stateful import needs_own_calibrator, refuse_unsupported
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ConversionError

# The models that these files share are made once.
pytestmark = pytest.mark.xdist_group("recurrent")

INT8 = QuantizationSpec()
PLAIN = ("float32", "float32_residual", "two_inputs_int8", "dynamic_batch_float")


@pytest.mark.parametrize("name", PLAIN)
def test_a_graph_of_activations_needs_nothing_else(golden, name):
    model = TFLiteModel.from_file(golden / f"{name}.tflite")
    assert needs_own_calibrator(model) == ""
    refuse_unsupported(model, INT8)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("lstm", f"{LSTM} keeps state and intermediate results"), ("gru", "WHILE runs other subgraphs"),
     ("gru-unroll-stateful", "READ_VARIABLE keeps state from run to run"), ("gru-unroll", "")],
)  # fmt: skip
def test_the_reason_names_the_operator(recurrent, kind, reason):
    found = needs_own_calibrator(recurrent(kind).float_file)
    assert found.startswith(reason) and bool(found) == bool(reason)


@pytest.mark.parametrize("kind", ["lstm", "gru-unroll", "gru-unroll-stateful"])
def test_what_becomes_integers_is_let_through(recurrent, kind):
    refuse_unsupported(recurrent(kind).float_file, INT8)


def with_first_operator(model, op, options):
    editor = ModelEditor(model.content)
    operator = editor.graph.operators[0]
    operator.opcodeIndex = editor.op_code(op)
    operator.builtinOptions, operator.builtinOptionsType = (
        options,
        getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T")),
    )
    return TFLiteModel(editor.to_bytes())


def test_branches_are_refused_by_name(golden):
    model = with_first_operator(TFLiteModel.from_file(golden / "float32.tflite"), "IF", schema.IfOptionsT())
    assert needs_own_calibrator(model).startswith("IF runs other subgraphs")
    with pytest.raises(ConversionError, match=r"^IF: .*replace it by operators that always run"):
        refuse_unsupported(model, INT8)


def test_state_of_other_operators_is_refused_by_name(golden):
    model = with_first_operator(TFLiteModel.from_file(golden / "float32.tflite"), "SVDF", schema.SVDFOptionsT())
    editor = ModelEditor(model.content)
    weights = editor.tensor(int(editor.graph.operators[0].inputs[1]))
    weights.isVariable, weights.buffer = True, 0
    model = TFLiteModel(editor.to_bytes())
    assert needs_own_calibrator(model) == "SVDF keeps state from run to run"
    with pytest.raises(ConversionError, match=r"^SVDF: .*keeps state that is not calibrated here"):
        refuse_unsupported(model, INT8)


def test_several_signatures_are_refused(golden):
    editor = ModelEditor((golden / "float32.tflite").read_bytes())
    editor.model.subgraphs.append(editor.graph)
    model = TFLiteModel(editor.to_bytes())
    assert needs_own_calibrator(model) == "it has 2 signatures"
    with pytest.raises(ConversionError, match="2 signatures, but calibration samples are of one"):
        refuse_unsupported(model, INT8)


def test_a_variant_of_lstm_is_refused(recurrent):
    editor = ModelEditor(recurrent("lstm").float_file.content)
    operator = next(one for one in editor.graph.operators if editor.op_name(one) == LSTM)
    operator.inputs = [*operator.inputs[:16], operator.inputs[5], *operator.inputs[17:]]
    with pytest.raises(ConversionError, match=f"^{LSTM}: .*has a projection, which is not calibrated"):
        refuse_unsupported(TFLiteModel(editor.to_bytes()), INT8)


@pytest.mark.parametrize("spec", [QuantizationSpec("int16x8"), QuantizationSpec(weight_bits=4)])
def test_modes_without_kernels_are_refused(recurrent, spec):
    with pytest.raises(ConversionError, match="take int8, or take float16 or dynamic"):
        refuse_unsupported(recurrent("lstm").float_file, spec)
