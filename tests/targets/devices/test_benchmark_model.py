"""The command line and the logs of benchmark_model."""

from __future__ import annotations

import flatbuffers
import pytest
from ai_edge_litert import schema_py_generated as schema
from hypothesis import given
from hypothesis import strategies as st

from litesmith.errors import DeviceError, LitesmithError, ModelError
from litesmith.targets.block import Block, OpTime
from litesmith.targets.devices.benchmark_model import arguments, is_emulated, read_block
from litesmith.targets.devices.benchmark_profile import read_profile
from litesmith.targets.devices.device import Configuration, Demand
from tests.targets.devices import benchmark_logs as logs

UNKNOWN_OP = """INFO: STARTING!
INFO: Loaded model /data/local/tmp/a.tflite
ERROR: Didn't find op for builtin opcode 'FULLY_CONNECTED' version '12'. An older version of this builtin might be \
supported. Are you using an old TFLite binary with a newer model?
ERROR: Registration failed.
ERROR: Failed to initialize the interpreter
ERROR: Benchmarking failed.
"""


def read(
    log: str, exit_code: int = 0, *, delegate: str = "xnnpack", profile: bool = False, content: bytes = b""
) -> Block:
    demand = Demand(runs=20, profile=profile)
    return read_block(log, exit_code, content, Configuration(delegate), demand, "benchmark_model /x (sha256 0)")


def flags(configuration: Configuration, demand: Demand) -> dict[str, str]:
    words = arguments("/data/x.tflite", configuration, demand)
    return dict(word.removeprefix("--").split("=", 1) for word in words)


def test_runs_are_exactly_those_that_were_asked_for():
    given = flags(Configuration("xnnpack", threads=4), Demand(runs=20, timeout_s=30))
    # Without min_secs the tool would go on for a second.
    assert (given["num_runs"], given["min_secs"], given["max_secs"]) == ("20", "0", "30")
    assert (given["graph"], given["num_threads"]) == ("/data/x.tflite", "4")
    assert "enable_op_profiling" not in given  # LiteRT's tool does not know it


def test_seconds_are_a_lower_limit_and_warm_up_is_no_longer_than_the_block():
    given = flags(Configuration(), Demand(seconds=0.1, profile=True))
    assert (given["num_runs"], given["min_secs"], given["warmup_min_secs"]) == ("1", "0.1", "0.1")
    assert given["enable_op_profiling"] == "true"


@pytest.mark.parametrize(
    ("delegate", "flag"),
    [
        ("xnnpack", "use_xnnpack=true"),
        ("none", "use_xnnpack=false"),
        ("cpu", "use_xnnpack=false"),
        ("nnapi", "use_nnapi=true"),
        ("gpu", "use_gpu=true"),
    ],
)
def test_each_delegate_has_its_flag(delegate: str, flag: str):
    words = arguments("x", Configuration(delegate), Demand())
    assert [word for word in words if word.startswith("--use_")] == [f"--{flag}"]


def test_a_delegate_that_the_tool_does_not_have_is_refused():
    with pytest.raises(DeviceError, match="no delegate 'reference'; choose one of xnnpack, none, cpu, nnapi, gpu"):
        arguments("x", Configuration("reference"), Demand())


def test_the_newest_form_is_read_with_its_median_and_large_numbers():
    block = read(logs.NEW)
    assert (block.count, block.mean_ms, block.min_ms, block.max_ms) == (20, 1032.15, 1000.0, 1310.0)
    assert (block.median_ms, block.init_ms, block.first_ms, block.warmup_runs) == (1021.0, 2.25, 1200.0, 9)
    assert (block.delegate, block.delegated_nodes, block.nodes) == ("xnnpack", 5, 6)
    assert block.times_ms == ()


def test_the_oldest_form_is_read_and_gives_no_median():
    block = read(logs.OLDEST)
    assert (block.count, block.mean_ms, block.min_ms, block.max_ms) == (50, 8.1045, 7.9, 9.4)
    assert (block.median_ms, block.init_ms, block.first_ms, block.warmup_runs) == (None, 3.25, 9.12, 1)
    assert (block.delegate, block.delegated_nodes) == ("none", None)


def test_litert_s_own_tool_is_read():
    block = read(logs.LITERT)
    assert (block.count, block.mean_ms, block.init_ms, block.delegate) == (20, pytest.approx(1.0349), 10.25, "xnnpack")


def test_runs_of_equal_time_have_only_one_value():
    same = logs.OLDEST.replace("count=50 first=8011 curr=8200 min=7900 max=9400 avg=8104.5 std=120",
                               "count=50 curr=8104 (all same)")  # fmt: skip
    block = read(same.replace("no stats: 8104.5", "no stats: 8104"))
    assert (block.count, block.mean_ms, block.min_ms, block.max_ms) == (50, 8.104, 8.104, 8.104)


def test_a_driver_that_refuses_the_model_did_not_run_it():
    block = read(logs.REFUSED, delegate="nnapi")
    assert (block.delegate, block.delegated_nodes, block.nodes) == ("xnnpack", 5, 6)


def test_a_delegate_that_takes_the_whole_graph():
    block = read(logs.COMPLETE_GPU, delegate="gpu")
    assert (block.delegate, block.delegated_nodes, block.nodes) == ("gpu", 6, 6)


def test_xnnpack_that_takes_nothing_is_not_what_ran():
    took = (
        "INFO: Explicitly applied XNNPACK delegate, and the model graph will be partially executed by the delegate w/ 1"
    )
    refused = (
        "INFO: Though XNNPACK delegate is explicitly applied, the model graph will not be executed by the delegate."
    )
    assert read(logs.NEW.replace(took, refused)).delegate == "none"
    assert read(logs.PLAIN, delegate="none").delegate == "none"


def test_nodes_of_several_subgraphs_are_added():
    line = next(line for line in logs.NEW.splitlines(keepends=True) if "Replacing" in line)
    block = read(
        logs.NEW.replace(line, line + line.replace("5 out of 6", "2 out of 3").replace("subgraph 0", "subgraph 1"))
    )
    assert (block.delegated_nodes, block.nodes) == (7, 9)


def test_the_profile_is_that_of_the_runs_and_of_the_main_graph():
    assert read(logs.PROFILED, profile=True).profile == (
        OpTime("TfLiteXNNPackDelegate", "net/pool", 7, 910.0, 1),
        OpTime("TFLite_Detection_PostProcess", "Call:3, Call:2, Call:1", 5, 61.0, 2),
    )
    assert read(logs.PROFILED).profile == ()


def test_the_old_table_with_its_start_column_is_read():
    assert read_profile(logs.OLD) == (
        OpTime("CONV_2D", "conv 1/Relu6;b", None, 0.300, 1),
        OpTime("SOFTMAX", "output", None, 0.188, 1),
    )


def test_kinds_with_blanks_and_numbers_are_kept_whole():
    internal = logs.PROFILED[logs.PROFILED.index("Delegate internal") :]
    assert read_profile(internal) == (
        OpTime("Convolution (NHWC, QC8) IGEMM", "Delegate/Convolution (NHWC, QC8) IGEMM", 0, 0.4, 1),
    )


def test_a_profile_that_is_not_there_is_an_error():
    with pytest.raises(DeviceError, match="no times of operators"):
        read(logs.NEW, profile=True)


def test_a_line_of_the_table_that_is_not_understood_is_an_error():
    with pytest.raises(DeviceError, match="has the line 'ADD"):
        read(logs.PROFILED.replace("TFLite_Detection_PostProcess\t 60.1", "ADD\t sixty"), profile=True)


def test_flags_that_the_tool_ignored_are_an_error_and_not_a_wrong_result():
    with pytest.raises(DeviceError, match="does not know --use_nnapi=true, "):
        read("WARN: Unconsumed cmdline flags: --use_nnapi=true\n" + logs.PLAIN, delegate="nnapi")


def test_an_operator_that_is_too_new_names_the_runtime_that_the_whole_file_needs():
    with pytest.raises(ModelError, match=r"FULLY_CONNECTED version 12 is unknown .* needs TensorFlow Lite 2\.17\.0"):
        read(UNKNOWN_OP, 1, content=_one_op("FULLY_CONNECTED", 12))


def test_a_custom_operator_is_named():
    log = "ERROR: Encountered unresolved custom op: edgetpu-custom-op.\nSee docs\nERROR: Failed to allocate tensors!"
    with pytest.raises(ModelError, match="custom operator edgetpu-custom-op is unknown to the runner"):
        read(log, 1)


@pytest.mark.parametrize(
    "line", ["ERROR: Failed to apply GPU delegate.", "WARN: GPU acceleration is unsupported on this platform."]
)
@pytest.mark.parametrize("exit_code", [0, 1])
def test_a_delegate_that_is_not_there_is_an_error(line: str, exit_code: int):
    with pytest.raises(DeviceError, match="the delegate gpu is not available"):
        read(f"{line}\n{logs.PLAIN}", exit_code, delegate="gpu")
    assert read(f"{line}\n{logs.PLAIN}").count == 20  # who did not ask for it does not miss it


@pytest.mark.parametrize(
    ("exit_code", "error", "words"),
    [
        (139, ModelError, "aborted by this file \\(SIGSEGV"),
        (134, ModelError, "SIGABRT"),
        (137, DeviceError, "lack of memory"),
        (132, DeviceError, "instructions that this processor does not have"),
        (126, DeviceError, "cannot be started on the device"),
        (127, DeviceError, "cannot be started on the device"),
        (1, DeviceError, "failed with exit code 1"),
    ],
)
def test_an_exit_code_that_is_not_zero_is_never_a_result(exit_code: int, error: type[Exception], words: str):
    with pytest.raises(error, match=words):
        read(logs.NEW, exit_code)


@pytest.mark.parametrize(
    "line", ["Failed to load model", "Failed to allocate tensors!", "Op builtin_code out of range: 206"]
)
def test_a_file_that_cannot_be_loaded_is_a_fault_of_the_model(line: str):
    with pytest.raises(ModelError, match=f"cannot load this file .*{line}"):
        read(f"INFO: STARTING!\nERROR: {line}\nERROR: Benchmarking failed.\n", 1)


@pytest.mark.parametrize("name", logs.LOGS)
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_log_that_ends_early_is_an_error(name: str, share: float):
    log = logs.LOGS[name]
    end = max(log.rfind("Inference timings"), log.rfind("Average inference"), log.rfind("Inference (avg)"))
    with pytest.raises(DeviceError, match="not that of benchmark_model"):
        read(log[: int(end * share)])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("max=9400", "max=8000"),
        ("no stats: 8104.5", "no stats: 8204.5"),
        ("count=50 first", "count=0 first"),
        ("min=7900 ", ""),
        ("min=7900", "min=0"),
        ("avg=8104.5", "avg=1e400"),
    ],
)
def test_figures_that_contradict_each_other_are_an_error(old: str, new: str):
    assert old in logs.OLDEST
    with pytest.raises(DeviceError):
        read(logs.OLDEST.replace(old, new))


def test_a_runner_that_says_it_is_emulated_is_believed():
    assert is_emulated("INFO: STARTING!\r\nLITESMITH_EMULATED=1\r\n" + logs.NEW)
    assert not is_emulated("INFO: Graph: [LITESMITH_EMULATED=1]\n" + logs.NEW)


LINES = sorted({line for log in logs.LOGS.values() for line in log.splitlines()})


@given(st.lists(st.sampled_from(LINES) | st.text(max_size=60), max_size=30), st.integers(0, 200), st.booleans())
def test_whatever_a_runner_prints_only_our_errors_come(lines: list[str], exit_code: int, profile: bool):
    try:
        read("\n".join(lines), exit_code, profile=profile)
    except LitesmithError as error:
        assert str(error)


@given(st.sampled_from(sorted(logs.LOGS)), st.integers(0), st.text(min_size=1, max_size=8))
def test_a_log_with_a_damaged_place_gives_a_block_or_our_error(name: str, place: int, text: str):
    log = logs.LOGS[name]
    place %= len(log)
    try:
        block = read(log[:place] + text + log[place + len(text) :], profile=name == "profiled")
    except LitesmithError as error:
        assert str(error)
    else:
        assert block.min_ms <= block.max_ms


def _one_op(name: str, version: int) -> bytes:
    """A file with one operator of a version, on one number."""
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = getattr(schema.BuiltinOperator, name)
    code.version = version
    operator = schema.OperatorT()
    operator.opcodeIndex, operator.inputs, operator.outputs = 0, [0, 0], [1]
    graph = schema.SubGraphT()
    graph.tensors = []
    for place in range(2):
        tensor = schema.TensorT()
        tensor.name, tensor.type, tensor.buffer, tensor.shape = f"t{place}", schema.TensorType.FLOAT32, 0, [1, 1]
        graph.tensors.append(tensor)
    graph.operators, graph.inputs, graph.outputs = [operator], [0], [1]
    model = schema.ModelT()
    model.version, model.subgraphs, model.buffers, model.operatorCodes = 3, [graph], [schema.BufferT()], [code]
    builder = flatbuffers.Builder(256)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
