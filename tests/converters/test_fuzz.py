"""Damaged and unusual files: each is described, or refused in one line, without a crash, a hang or a memory peak."""

import json
import os
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from litesmith.cli import main

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"
TARGETS = ("--target", "edge_tpu", "--target", "nnapi", "--target", "arm_cpu")
GIB = 1 << 30


def test_no_damage_makes_the_reader_crash_hang_or_take_memory_without_bound():
    # Without third-party models, so that the series is the same everywhere.
    environment = {key: value for key, value in os.environ.items() if key != "LITESMITH_DATA"}
    command = [sys.executable, str(ROOT / "benchmarks" / "fuzz_reader.py"), "--files", "1500", "--seed", "test"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = re.match(r"1500 files: (\d+) read, (\d+) refused, 0 failed", done.stdout)
    assert counts is not None
    # Damages that are all refused at the door, or never noticed, would test nothing.
    assert min(int(count) for count in counts.groups()) > 300


def edited(name, change):
    """A golden model with `change` made to its unpacked form."""
    model = schema.ModelT.InitFromPackedBuf((GOLDEN / f"{name}.tflite").read_bytes())
    change(model)
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def newer_operator(model):
    code = model.operatorCodes[0]
    code.builtinCode, code.deprecatedBuiltinCode = 5000, 127


def custom_operator(model):
    code = model.operatorCodes[0]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = "MyOp\x1b[2J"


def control_flow(model):
    """The first operator becomes an IF whose branches are the graph that it stands in."""
    code = model.operatorCodes[model.subgraphs[0].operators[0].opcodeIndex]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.IF
    operator = model.subgraphs[0].operators[0]
    operator.builtinOptionsType, operator.builtinOptions = schema.BuiltinOptions.IfOptions, schema.IfOptionsT()


def newer_type(model):
    model.subgraphs[0].tensors[0].type = 60


def second_subgraph(model):
    model.subgraphs.append(model.subgraphs[0])


def no_operators(model):
    model.subgraphs[0].operators = []


def no_tensors(model):
    graph = model.subgraphs[0]
    graph.operators, graph.tensors, graph.inputs, graph.outputs = [], [], [], []


def external_values(model):
    """The values of the first kernel are in a file beside the model."""
    kernel = model.subgraphs[0].tensors[model.subgraphs[0].operators[0].inputs[1]]
    kernel.buffer, kernel.externalBuffer = 0, 1
    group, buffer = schema.ExternalBufferGroupT(), schema.ExternalBufferT()
    group.name, buffer.id, buffer.length = "weights.bin", 1, 72
    model.externalBufferGroups, model.externalBuffers = [group], [buffer]


def free_shapes(model):
    for tensor in model.subgraphs[0].tensors[:1]:
        tensor.shapeSignature = np.array([-1, -1, -1, 1], np.int32)


# What is changed in int8.tflite, then what `inspect` and `check` say about it.
UNUSUAL = {
    "an operator newer than the reader": (
        newer_operator,
        "unknown   UNKNOWN_5000: newer than this Litesmith",
        "Operators UNKNOWN_5000 are newer than this version of Litesmith",
    ),
    "a custom operator": (custom_operator, "inside its custom operators (2)", "Register MyOp"),
    "control flow": (
        control_flow,
        "main (6 ops); the first is the main one, with the inputs and outputs below; IF runs others",
        "IF runs subgraphs of the file, and what is in them is not checked",
    ),
    "a type newer than the reader": (newer_type, "unknown   unknown_60: newer", "Tensors have types unknown_60"),
    "several subgraphs": (
        second_subgraph,
        "subgraphs main (6 ops), main (6 ops)",
        "Only the main subgraph, the first, is checked",
    ),
    "no operators": (no_operators, "no operators: nothing is computed", "there is nothing to place"),
    "nothing at all": (no_tensors, "no operators: nothing is computed", "there is nothing to place"),
    "shapes that are not fixed": (free_shapes, "1 tensor with dimensions that are not fixed", "1 tensor"),
    "weights in another file": (
        external_values,
        "1 constant in other files, which are not read: weights.bin",
        "are in other files (weights.bin): not read nor counted",
    ),
}


@pytest.mark.parametrize("change, described, checked", UNUSUAL.values(), ids=UNUSUAL)
def test_what_is_unusual_but_sound_is_said(capsys, tmp_path, change, described, checked):
    path = tmp_path / "model.tflite"
    path.write_bytes(edited("int8", change))
    assert main(["inspect", str(path)]) == 0
    assert described in capsys.readouterr().out
    assert main(["check", str(path), *TARGETS]) in (0, 1)
    captured = capsys.readouterr()
    assert checked in captured.out and captured.err == ""
    assert "\x1b" not in captured.out
    for command in (["inspect", str(path)], ["check", str(path), *TARGETS]):
        assert main([*command, "--json"]) in (0, 1)
        assert json.loads(capsys.readouterr().out)


INT8 = (GOLDEN / "int8.tflite").read_bytes()


def missing_operator_code(model):
    model.subgraphs[0].operators[0].opcodeIndex = 99


def missing_tensor(model):
    model.subgraphs[0].operators[0].inputs = [0, 4321]


def missing_buffer(model):
    model.subgraphs[0].tensors[3].buffer = 4321


def no_subgraph(model):
    model.subgraphs = []


def endless_scale(model):
    next(tensor for tensor in model.subgraphs[0].tensors if tensor.quantization).quantization.scale = [float("inf")]


UNSOUND = {
    "empty": (b"", "not a TFLite flatbuffer"),
    "text": (b"weights: none\n" * 20, "not a TFLite flatbuffer"),
    "half a file": (INT8[:4000], "damaged or truncated"),
    "only its header": (INT8[:8], "damaged or truncated"),
    "a root far outside": (b"\xf0\xff\xff\x7fTFL3" + INT8[8:], "damaged or truncated"),
    "an operator without code": (edited("int8", missing_operator_code), "damaged or truncated"),
    "an operand that is not there": (edited("int8", missing_tensor), "tensor 4321 does not exist"),
    "a buffer that is not there": (edited("int8", missing_buffer), "buffer 4321 does not exist"),
    "no subgraph": (edited("int8", no_subgraph), "holds no subgraph"),
    "an endless scale": (edited("int8", endless_scale), "not a finite number"),
}


@pytest.mark.parametrize("content, problem", UNSOUND.values(), ids=UNSOUND)
@pytest.mark.parametrize("command", [["inspect"], ["check", *TARGETS]], ids=["inspect", "check"])
def test_what_is_unsound_is_refused_in_one_line(capsys, tmp_path, command, content, problem):
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    assert main([*command, str(path), "--json"]) == 2
    captured = capsys.readouterr()
    assert json.loads(captured.out)["error"]["type"] == "ModelError"
    assert problem in captured.err and str(path) in captured.err
    assert len(captured.err.splitlines()) == 1


@pytest.mark.parametrize("command", [["inspect"], ["check", *TARGETS]], ids=["inspect", "check"])
def test_a_huge_file_that_is_no_model_is_not_read(capsys, tmp_path, command):
    path = tmp_path / "huge.tflite"
    with path.open("wb") as file:
        file.truncate(GIB)  # sparse: it takes no room on disk
    assert peak_bytes(lambda: main([*command, str(path)]), expected=2) < GIB / 16
    assert "not a TFLite flatbuffer" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["inspect"], ["check", *TARGETS]], ids=["inspect", "check"])
def test_a_model_in_a_larger_file_takes_no_more_than_one_and_a_half_times_its_size(tmp_path, command):
    path, size = tmp_path / "padded.tflite", 64 << 20
    path.write_bytes(INT8)
    with path.open("ab") as file:
        file.truncate(size)
    assert peak_bytes(lambda: main([*command, str(path)]), expected=0) < 1.5 * size


@pytest.mark.parametrize("dtype", ["INT8", "INT4"])
@pytest.mark.parametrize(
    "command", [["inspect"], ["check", *TARGETS, "--target", "ethos_u55"]], ids=["inspect", "check"]
)
def test_a_huge_kernel_is_not_copied(tmp_path, command, dtype):
    path, size, start = tmp_path / "huge_kernel.tflite", 64 << 20, 1 << 16

    def grow(model):
        """The kernel of the first convolution gets all that lies behind the flatbuffer."""
        kernel = model.subgraphs[0].tensors[model.subgraphs[0].operators[0].inputs[1]]
        kernel.type = getattr(schema.TensorType, dtype)
        kernel.shape = np.array([8, 1, (size - start) // 8, 2 if dtype == "INT4" else 1], np.int32)
        buffer = model.buffers[kernel.buffer]
        buffer.data, buffer.offset, buffer.size = None, start, size - start

    content = edited("int8", grow)
    assert len(content) < start
    path.write_bytes(content)
    with path.open("ab") as file:
        file.truncate(size)
    assert peak_bytes(lambda: main([*command, str(path)])) < 1.5 * size


def peak_bytes(run, expected=None):
    tracemalloc.start()
    try:
        code = run()
        assert code in (0, 1) if expected is None else code == expected
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
