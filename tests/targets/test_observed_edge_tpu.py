"""Placements read from compiled files: real ones, and ones written for a chosen placement."""

import json
from collections.abc import Set
from pathlib import Path

import flatbuffers
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given
from hypothesis import strategies as st

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import ModelError
from litesmith.targets.check import check
from litesmith.targets.compiler_log import MAPPED, CompilerLog, LogRow
from litesmith.targets.observed_edge_tpu import observe, read_compiled
from litesmith.targets.partition import partition
from litesmith.targets.profile import TargetProfile
from litesmith.targets.report import Difference

GOLDEN = Path(__file__).parents[1] / "golden"
MODELS = {path.stem: TFLiteModel.from_file(path) for path in sorted(GOLDEN.glob("*.tflite"))}
PROFILE = TargetProfile.load("edge_tpu")
SPLIT = MODELS["gather_nd_int8"]  # CONV_2D, RESHAPE, GATHER_ND, RESHAPE, CONV_2D
ONE_SUBGRAPH = "More than one subgraph is not supported"


@st.composite
def placements(draw: st.DrawFn) -> tuple[str, frozenset[int]]:
    name = draw(st.sampled_from(sorted(MODELS)))
    return name, draw(st.frozensets(st.integers(0, len(MODELS[name].main.operators) - 1), min_size=1))


def words(model: TFLiteModel, on_tpu: frozenset[int]) -> tuple[str, ...]:
    return tuple("edge_tpu" if op.index in on_tpu else "cpu" for op in model.main.operators)


def test_real_compiled_files_are_read_as_they_are(real_data):
    folder = real_data / "edgetpu_pairs"
    pairs = json.loads((folder / "placement.json").read_text())
    assert len(pairs) == 21
    for pair in pairs:
        model, compiled = (TFLiteModel.from_file(folder / pair[key]) for key in ("model", "compiled"))
        report = observe(model, PROFILE, check(model, PROFILE), compiled=compiled)
        truth = [(op, {"tpu": "edge_tpu"}.get(where, where)) for op, where in pair["placement"]]
        assert [(op.op, op.placement) for op in report.ops] == truth, pair["model"]
        assert report.segments == 1


def test_real_compiled_files_of_other_models_are_refused(real_data):
    folder = real_data / "edgetpu_pairs"
    model = TFLiteModel.from_file(folder / "test_data__deeplabv3_mnv2_dm05_pascal_quant.tflite")
    other = TFLiteModel.from_file(folder / "edgetpu__deeplabv3_mnv2_dm05_pascal_quant_edgetpu.tflite")
    with pytest.raises(ModelError, match=r"does not come from .*operator 65 \(QUANTIZE\) is missing in it"):
        read_compiled(model, other)


@given(placements())
def test_any_placement_is_found_again(case):
    model, on_tpu = MODELS[case[0]], case[1]
    assert read_compiled(model, TFLiteModel(compiled_bytes(model, on_tpu))).placements == words(model, on_tpu)


@given(placements())
def test_renamed_tensors_never_lead_to_a_wrong_placement(case):
    model, on_tpu = MODELS[case[0]], case[1]
    try:
        read = read_compiled(model, TFLiteModel(compiled_bytes(model, on_tpu, rename=True)))
    except ModelError:
        return  # an operator between two segments cannot be told without its name
    assert read.placements == words(model, on_tpu)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_one_segment_is_found_without_names(name):
    model = MODELS[name]
    last = len(model.main.operators) - 1
    for on_tpu in filter(None, (frozenset(range(last)), frozenset(range(1, last + 1)), frozenset(range(1, last)))):
        compiled = TFLiteModel(compiled_bytes(model, on_tpu, rename=True))
        assert read_compiled(model, compiled).placements == words(model, on_tpu)


@pytest.mark.parametrize("rename", [False, True])
def test_an_inserted_conversion_is_no_operator_of_the_model(rename):
    on_tpu = frozenset({0, 1})
    compiled = TFLiteModel(compiled_bytes(SPLIT, on_tpu, rename=rename, quantize=True))
    read = read_compiled(SPLIT, compiled)
    assert (read.placements, read.segments, read.inserted) == (words(SPLIT, on_tpu), 1, 1)
    report = observe(SPLIT, PROFILE, check(SPLIT, PROFILE), compiled=compiled)
    assert ["inserted an operator that converts" in finding.message for finding in report.findings] == [True]


def test_files_that_do_not_belong_together_are_refused():
    residual, plain = MODELS["int8_residual"], MODELS["int8"]
    whole = TFLiteModel(compiled_bytes(plain, frozenset(range(6))), "x_edgetpu.tflite")
    with pytest.raises(ModelError, match=r"x_edgetpu\.tflite: does not come from .*compile that file"):
        read_compiled(residual, whole)
    with pytest.raises(ModelError, match="is itself compiled"):
        read_compiled(whole, whole)


def test_what_differs_from_the_prediction_is_told_op_by_op():
    predicted = check(SPLIT, PROFILE)
    assert [op.placement for op in predicted.ops] == ["edge_tpu", "edge_tpu", "cpu", "cpu", "cpu"]
    compiled = TFLiteModel(compiled_bytes(SPLIT, frozenset({0, 4})), "s_edgetpu.tflite")
    report = observe(SPLIT, PROFILE, predicted, compiled=compiled)
    assert (report.basis, report.mapped, report.segments, report.first_break) == ("observed", 2, 2, 1)
    assert report.observed_in == "compiled file s_edgetpu.tflite"
    assert report.differences == (
        Difference(1, "RESHAPE", "edge_tpu", "cpu"),
        Difference(4, "CONV_2D", "cpu", "edge_tpu"),
    )
    assert {(op.rule, bool(op.reason)) for op in report.ops if op.placement == "cpu"} == {(None, True)}


def test_compiled_file_and_log_together_give_places_with_reasons():
    rows = [("CONV_2D", 1, MAPPED), ("CONV_2D", 1, ONE_SUBGRAPH), ("RESHAPE", 1, MAPPED), ("RESHAPE", 1, ONE_SUBGRAPH)]
    rows.append(("GATHER_ND", 1, "Operation not supported"))
    log = CompilerLog("m.log", None, None, tuple(LogRow(*row) for row in rows), 1, 2, 3)
    compiled = TFLiteModel(compiled_bytes(SPLIT, frozenset({0, 1})), "m_edgetpu.tflite")
    report = observe(SPLIT, PROFILE, check(SPLIT, PROFILE), compiled=compiled, log=log)
    assert [op.placement for op in report.ops] == ["edge_tpu", "edge_tpu", "cpu", "cpu", "cpu"]
    assert report.ops[2].reason == "Operation not supported"
    assert ONE_SUBGRAPH in (report.ops[4].reason or "")
    sums = CompilerLog("m.log", None, None, (), 1, 2, 3)
    assert observe(SPLIT, PROFILE, check(SPLIT, PROFILE), compiled=compiled, log=sums).mapped == 2


@pytest.mark.parametrize("on_tpu", [frozenset({0}), frozenset({0, 1, 4})])
@pytest.mark.parametrize("table", [True, False])
def test_a_file_and_a_log_of_two_runs_are_refused(on_tpu, table):
    rows = [("CONV_2D", 1, MAPPED), ("CONV_2D", 1, ONE_SUBGRAPH), ("RESHAPE", 1, MAPPED), ("RESHAPE", 1, ONE_SUBGRAPH)]
    rows.append(("GATHER_ND", 1, "Operation not supported"))
    log = CompilerLog("m.log", None, None, tuple(LogRow(*row) for row in rows) if table else (), 1, 2, 3)
    compiled = TFLiteModel(compiled_bytes(SPLIT, on_tpu), "m_edgetpu.tflite")
    with pytest.raises(ModelError, match="one run of the compiler"):
        observe(SPLIT, PROFILE, check(SPLIT, PROFILE), compiled=compiled, log=log)


def test_a_file_that_is_not_compiled_is_no_compiled_file():
    with pytest.raises(ModelError, match=r"m\.tflite: holds no edgetpu-custom-op; is it the compiler's output\?"):
        read_compiled(SPLIT, TFLiteModel(SPLIT.content, "m.tflite"))


def test_inputs_that_differ_are_told_with_both_files():
    whole = TFLiteModel(compiled_bytes(MODELS["int8"], frozenset(range(6))), "x_edgetpu.tflite")
    with pytest.raises(
        ModelError, match=r"its inputs are serving.* int8 .*, those of float32\.tflite serving.* float32 "
    ):
        read_compiled(MODELS["float32"], whole)


def test_a_compiled_file_beside_a_log_of_a_failure_is_refused():
    log = CompilerLog("m.log", None, None, (), None, None, None, "Internal compiler error. Aborting!")
    compiled = TFLiteModel(compiled_bytes(SPLIT, {0, 1}), "m_edgetpu.tflite")
    with pytest.raises(ModelError, match=r"m_edgetpu\.tflite: was compiled, but the log says .*one run"):
        observe(SPLIT, PROFILE, check(SPLIT, PROFILE), compiled=compiled, log=log)


def test_something_has_to_be_observed():
    with pytest.raises(ValueError, match="neither"):
        observe(SPLIT, PROFILE, check(SPLIT, PROFILE))


def compiled_bytes(model: TFLiteModel, on_tpu: Set[int], *, rename: bool = False, quantize: bool = False) -> bytes:
    """`model` with each segment of the operators `on_tpu` replaced by one `edgetpu-custom-op`.

    Args:
        model: the file to compile.
        on_tpu: places of the operators that the compiler takes.
        rename: give every tensor that operators write, but for the model's outputs, another name.
        quantize: convert the first result of the first segment by an inserted QUANTIZE.
    """
    file = schema.ModelT.InitFromObj(schema.Model.GetRootAs(model.content, 0))
    graph = file.subgraphs[0]
    old, code = list(graph.operators), len(file.operatorCodes)
    file.operatorCodes += [_code(schema.BuiltinOperator.CUSTOM, b"edgetpu-custom-op")]
    graph.operators = []
    for segment in partition(model.main, on_tpu):
        if segment.delegated:
            graph.operators.append(_custom(graph, [old[place] for place in segment.ops], old, code))
        else:
            graph.operators += [old[place] for place in segment.ops]
    if quantize:
        _insert_quantize(file, graph, code)
    written = {tensor for op in graph.operators for tensor in op.outputs} - set(graph.outputs)
    for tensor in written if rename else ():
        graph.tensors[tensor].name = f"renamed_{tensor}"
    builder = flatbuffers.Builder(1024)
    builder.Finish(file.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def _custom(
    graph: schema.SubGraphT, taken: list[schema.OperatorT], everything: list[schema.OperatorT], code: int
) -> schema.OperatorT:
    """One operator that reads what `taken` read from outside, and writes what others read of theirs."""
    inner = [tensor for op in taken for tensor in op.outputs]
    read = [tensor for op in taken for tensor in op.inputs if tensor >= 0 and tensor not in inner]
    used = {tensor for op in everything if op not in taken for tensor in op.inputs} | set(graph.outputs)
    operator = schema.OperatorT()
    operator.opcodeIndex = code
    operator.inputs = list(dict.fromkeys(read))
    operator.outputs = [tensor for tensor in inner if tensor in used]
    return operator


def _insert_quantize(file: schema.ModelT, graph: schema.SubGraphT, code: int) -> None:
    """The custom operator writes a new tensor, and a QUANTIZE makes of it the one that the others read."""
    custom = next(op for op in graph.operators if op.opcodeIndex == code)
    new, target = schema.TensorT(), graph.tensors[custom.outputs[0]]
    new.name, new.type, new.shape, new.quantization = "before", target.type, target.shape, target.quantization
    graph.tensors.append(new)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(file.operatorCodes)
    file.operatorCodes.append(_code(schema.BuiltinOperator.QUANTIZE, None))
    operator.inputs, operator.outputs = [len(graph.tensors) - 1], [custom.outputs[0]]
    custom.outputs = [len(graph.tensors) - 1, *custom.outputs[1:]]
    graph.operators.insert(graph.operators.index(custom) + 1, operator)


def _code(builtin: int, custom: bytes | None) -> schema.OperatorCodeT:
    code = schema.OperatorCodeT()
    code.builtinCode, code.deprecatedBuiltinCode, code.version, code.customCode = builtin, min(builtin, 127), 1, custom
    return code
