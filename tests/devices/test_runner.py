"""The emulated benchmark_model on a phone."""

import re

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from tests.devices.fixtures import ConnectedPhone, PhoneFactory

FOLDER = "/data/local/tmp"
SERIES = re.compile(r"count=(\d+) first=(\d+) curr=(\d+) min=(\d+) max=(\d+) avg=([\d.e+]+) std=(\d+)")
QUICK = "--num_threads=1 --num_runs=20 --min_secs=0.02 --warmup_min_secs=0.01"


@pytest.fixture
def ready(phone: PhoneFactory, runner, golden) -> ConnectedPhone:
    one = phone()
    models = sorted(golden.glob("*int8*.tflite"))
    assert one.adb("push", runner, *models, FOLDER).returncode == 0
    return one


def run(phone: ConnectedPhone, flags: str, model: str = "int8") -> tuple[str, str, int]:
    done = phone.adb("shell", f"{FOLDER}/benchmark_model --graph={FOLDER}/{model}.tflite {QUICK} {flags}")
    return done.stdout.decode(), done.stderr.decode(), done.returncode


def test_it_prints_what_the_tool_prints(ready: ConnectedPhone):
    output, _, code = run(ready, "--use_xnnpack=true")
    assert code == 0
    assert "LITESMITH_EMULATED=1" in output.splitlines()
    warmup, timed = (match.groups() for match in SERIES.finditer(output))
    assert int(timed[0]) >= 20
    assert int(timed[3]) <= float(timed[5]) <= int(timed[4])
    summary = re.search(r"Init: (\d+), First inference: (\d+), Warmup \(avg\): (\S+), Inference \(avg\): (\S+)", output)
    assert summary is not None
    assert summary.groups()[1:] == (warmup[1], warmup[5], timed[5])
    assert re.search(r"count=.* p5=\d+ median=\d+ p95=\d+$", output, re.MULTILINE)
    assert "INFO: Explicitly applied XNNPACK delegate" in output


def test_old_tools_print_less(ready: ConnectedPhone):
    ready.phone.runner_format = "old"
    output, _, code = run(ready, "")
    assert code == 0
    assert "INFO:" not in output
    assert "median" not in output
    assert re.search(r"^Inference timings in us: Init: \d+", output, re.MULTILINE)


def test_the_profile_has_a_row_for_each_node(ready: ConnectedPhone):
    nodes = ["CONV_2D", "DEPTHWISE_CONV_2D", "MAX_POOL_2D", "CONV_2D", "RESHAPE", "FULLY_CONNECTED"]
    for flag, expected in (("--use_xnnpack=false", nodes), ("--use_xnnpack=true", ["TfLiteXNNPackDelegate"])):
        output, _, _ = run(ready, f"--enable_op_profiling=true {flag}")
        table = output.partition("Operator-wise Profiling Info")[2].partition("Run Order")[2].partition("====\n\n")[0]
        rows = [line.split("\t") for line in table.partition("Top by")[0].splitlines()[2:] if line.startswith("\t")]
        assert [row[1].strip() for row in rows] == expected
        assert all(re.fullmatch(r"\[.*\]:\d+", row[-1]) for row in rows)


def test_every_operator_is_left_or_inside_a_delegate(ready: ConnectedPhone, golden):
    for model in ("mixed_float_island", "gather_nd_int8", "int8_half_zeros"):
        (ready.root / f"data/local/tmp/{model}.tflite").write_bytes((golden / f"{model}.tflite").read_bytes())
        cut, code = profiled(ready, model, "true")
        whole, other_code = profiled(ready, model, "false")
        assert (code, other_code) == (0, 0)
        left, *inside = executed(cut)
        delegates = len(set(re.findall(r"\[TfLiteXNNPackDelegate\]:\d+", cut)))
        assert [left - delegates + sum(inside)] == executed(whole)


def profiled(phone: ConnectedPhone, model: str, xnnpack: str) -> tuple[str, int]:
    output, _, code = run(phone, f"--enable_op_profiling=true --use_xnnpack={xnnpack}", model=model)
    return output, code


def executed(output: str) -> list[int]:
    """How many nodes ran, and how many inside delegates; the first table is that of the start."""
    return [int(count) for count in re.findall(r"Number of nodes executed: (\d+)", output)[1:]]


def test_inputs_and_outputs_are_files_of_plain_bytes(ready: ConnectedPhone, golden):
    interpreter = Interpreter(str(golden / "two_inputs_int8.tflite"))
    interpreter.allocate_tensors()
    random = np.random.default_rng(3)
    details = interpreter.get_input_details()
    for number, detail in enumerate(details):
        values = random.integers(-100, 100, detail["shape"]).astype(detail["dtype"])
        interpreter.set_tensor(detail["index"], values)
        (ready.root / f"data/local/tmp/in{number}").write_bytes(values.tobytes())
    interpreter.invoke()
    expected = b"".join(interpreter.get_tensor(each["index"]).tobytes() for each in interpreter.get_output_details())
    shapes = ":".join(",".join(map(str, detail["shape"])) for detail in details)
    flags = (
        f"--input_layer=a:0,b --input_layer_shape={shapes}"
        f" --input_layer_value_files=a::0:{FOLDER}/in0,b:{FOLDER}/in1 --output_filepath={FOLDER}/out"
    )
    output, errors, code = run(ready, flags, model="two_inputs_int8")
    assert code == 0, output + errors
    assert (ready.root / "data/local/tmp/out").read_bytes() == expected


def test_a_file_of_the_wrong_size_aborts(ready: ConnectedPhone):
    (ready.root / "data/local/tmp/in").write_bytes(b"1")
    _, errors, code = run(ready, f"--input_layer=x --input_layer_shape=1,8,8,1 --input_layer_value_files=x:{FOLDER}/in")
    assert code == 134
    assert "Failed to read the input_layer_value_file" in errors


@pytest.mark.parametrize(
    ("state", "said", "code"),
    [
        ("absent", "NNAPI acceleration is unsupported on this platform.", 0),
        ("refused", "Though NNAPI delegate is explicitly applied, the model graph will not be executed", 0),
        ("partial", "will be partially executed by the delegate w/ 1 delegate kernels.", 0),
        ("full", "will be completely executed by the delegate.", 0),
        ("fails", "Failed to apply NNAPI delegate.", 1),
    ],
)
def test_an_accelerator_does_what_the_phone_says(ready: ConnectedPhone, state, said, code):
    ready.phone.delegates = {"nnapi": state}
    output, errors, found = run(ready, "--use_nnapi=true --enable_op_profiling=true")
    assert said in output + errors
    assert found == code
    assert ("TfLiteNnapiDelegate" in output) == (state in ("partial", "full"))


def test_unknown_flags_are_named_and_wrong_values_end_it(ready: ConnectedPhone):
    output, _, code = run(ready, "--no_such_flag=1")
    assert code == 0
    assert "Unconsumed cmdline flags: --no_such_flag=1" in output
    _, errors, code = run(ready, "--dry_run=perhaps")
    assert code == 1
    assert "Failed to parse flag 'dry_run' against argv '--dry_run=perhaps'" in errors


def test_a_model_of_newer_operators_gets_the_words_of_the_runtime(ready: ConnectedPhone, golden):
    model = schema.ModelT.InitFromPackedBuf((golden / "int8.tflite").read_bytes(), 0)
    model.operatorCodes[0].version = 99
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    (ready.root / "data/local/tmp/newer.tflite").write_bytes(bytes(builder.Output()))
    _, errors, code = run(ready, "", model="newer")
    assert code == 1
    assert "Didn't find op for builtin opcode 'CONV_2D' version '99'" in errors
    assert errors.rstrip().endswith("ERROR: Benchmarking failed.")


def test_models_that_cannot_run_end_with_the_runtimes_words(ready: ConnectedPhone, golden):
    content = bytearray((golden / "int8.tflite").read_bytes())
    (ready.root / "data/local/tmp/cut.tflite").write_bytes(content[: len(content) // 2])
    for model in ("cut", "missing"):
        output, errors, code = run(ready, "", model=model)
        assert code == 1
        assert "Benchmarking failed." in errors
        assert "Inference timings" not in output
