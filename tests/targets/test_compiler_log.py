"""Logs of `edgetpu_compiler` as users posted them, and logs written in their form."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.errors import ModelError
from litesmith.targets.compiler_log import MAPPED, CompilerLog, LogRow, parse_log, read_log

# Printed by compiler 16 for YOLOv5 with -sa; posted with the fork of yolov5 for the Edge TPU.
PRINTED_16 = """edgetpu_compiler -sa yolov5s-int8-224.tflite
Edge TPU Compiler version 16.0.384591198
Started a compilation timeout timer of 180 seconds.

Model compiled successfully in 3173 ms.

Input model: yolov5s-int8-224.tflite
Input size: 7.37MiB
Output model: yolov5s-int8-224_edgetpu.tflite
Number of Edge TPU subgraphs: 2
Total number of operations: 294
Operation log: yolov5s-int8-224_edgetpu.log

Model successfully compiled but not all operations are supported by the Edge TPU.
Number of operations that will run on Edge TPU: 289
Number of operations that will run on CPU: 5

Operator                       Count      Status

RESIZE_NEAREST_NEIGHBOR        2          Mapped to Edge TPU
CONCATENATION                  1          Operation is otherwise supported, but not mapped due to some unspecified limitation
CONCATENATION                  17         Mapped to Edge TPU
STRIDED_SLICE                  13         Mapped to Edge TPU
TRANSPOSE                      1          Operation is otherwise supported, but not mapped due to some unspecified limitation
TRANSPOSE                      2          Mapped to Edge TPU
MAX_POOL_2D                    3          Mapped to Edge TPU
LOGISTIC                       62         Mapped to Edge TPU
QUANTIZE                       2          Operation is otherwise supported, but not mapped due to some unspecified limitation
QUANTIZE                       24         Mapped to Edge TPU
SUB                            3          Mapped to Edge TPU
PAD                            6          Mapped to Edge TPU
RESHAPE                        1          Operation is otherwise supported, but not mapped due to some unspecified limitation
RESHAPE                        5          Mapped to Edge TPU
ADD                            10         Mapped to Edge TPU
MUL                            80         Mapped to Edge TPU
CONV_2D                        62         Mapped to Edge TPU
Compilation child process completed within timeout period.
Compilation succeeded!
"""  # noqa: E501

# Two logs that compiler 15 wrote, one after the other.
WRITTEN_15 = """Edge TPU Compiler version 15.0.340273435
Input: mnist4.tflite
Output: mnist4_edgetpu.tflite

Operator                       Count      Status

RESHAPE                        1          Mapped to Edge TPU
QUANTIZE                       1          Operation is otherwise supported, but not mapped due to some unspecified limitation
DEQUANTIZE                     1          Operation is working on an unsupported data type

Edge TPU Compiler version 15.0.340273435
Input: mnist7.tflite
Output: mnist7_edgetpu.tflite

Operator                       Count      Status

SOFTMAX                        1          Mapped to Edge TPU
"""  # noqa: E501

# google-coral/edgetpu issue 449: no file is written. A search (-d) says this many times before it succeeds.
GAVE_UP_16 = """Edge TPU Compiler version 16.0.384591198
Started a compilation timeout timer of 180 seconds.
ERROR: Restored original execution plan after delegate application failure.
Compilation failed: Compilation failed due to large activation tensors in model.
Compilation child process completed within timeout period.
Compilation failed!
"""


def test_a_printed_log():
    (log,) = parse_log(PRINTED_16)
    assert (log.version, log.model) == ("16.0.384591198", "yolov5s-int8-224.tflite")
    assert (log.segments, log.on_edge_tpu, log.on_cpu, log.failure) == (2, 289, 5, None)
    assert sum(row.count for row in log.rows) == 294
    assert log.rows[2] == LogRow("CONCATENATION", 17, MAPPED)


def test_a_quoted_log_with_ends_of_lines_from_windows():
    quoted = "".join(f"> {line}\r\n" for line in PRINTED_16.splitlines())
    assert parse_log(quoted) == parse_log(PRINTED_16)


def test_a_written_log_of_two_models():
    first, second = parse_log(WRITTEN_15)
    assert (first.model, len(first.rows), first.segments, first.on_cpu) == ("mnist4.tflite", 3, None, None)
    assert (second.model, second.rows) == ("mnist7.tflite", (LogRow("SOFTMAX", 1, MAPPED),))


def test_a_log_without_a_table_in_which_all_is_placed():
    text = "Input model: a.tflite\nNumber of Edge TPU subgraphs: 1\nTotal number of operations: 31\n"
    (log,) = parse_log(text)
    assert (log.rows, log.on_edge_tpu, log.on_cpu) == ((), 31, 0)


def test_a_compiler_that_gives_up_says_why():
    (log,) = parse_log(GAVE_UP_16)
    assert log.failure == "Compilation failed: Compilation failed due to large activation tensors in model."
    assert log.rows == ()
    tries = GAVE_UP_16.partition("\n")[2]
    for text in (GAVE_UP_16 + PRINTED_16, PRINTED_16 + tries, GAVE_UP_16 + PRINTED_16 + tries):
        assert [(found.failure, len(found.rows)) for found in parse_log(text)] == [(None, 17)]


def test_sums_that_contradict_the_table_are_refused():
    with pytest.raises(ModelError, match="its table has 289 operators on the Edge TPU, its sum is 288"):
        parse_log(PRINTED_16.replace("Edge TPU: 289", "Edge TPU: 288"))


@pytest.mark.parametrize("text", ["", "hello", "Edge TPU Compiler version 16.0\n", "\0" * 100])
def test_other_files_are_no_logs(text):
    with pytest.raises(ModelError, match="is no log of edgetpu_compiler; run the compiler with -s"):
        parse_log(text)


def test_the_section_of_the_model_is_taken(tmp_path: Path):
    path = tmp_path / "two.log"
    path.write_text(WRITTEN_15)
    assert read_log(path, "folder/mnist7.tflite").model == "mnist7.tflite"
    with pytest.raises(ModelError, match=r"nothing of 'other.tflite'; it is about mnist4.tflite, mnist7.tflite"):
        read_log(path, "other.tflite")
    path.write_text(PRINTED_16)
    assert read_log(path, "renamed.tflite").model == "yolov5s-int8-224.tflite"
    with pytest.raises(ModelError, match="cannot be read"):
        read_log(tmp_path / "none.log", "other.tflite")


# google-coral/edgetpu issue 313, with another name.
NOT_QUANTIZED = "Edge TPU Compiler version 15.0.340273435\nInvalid model: a.tflite\nModel not quantized\n"


def test_an_invalid_model_is_named_with_its_cause(tmp_path: Path):
    (log,) = parse_log(NOT_QUANTIZED)
    assert (log.model, log.failure) == ("a.tflite", "Invalid model: a.tflite: Model not quantized")
    path = tmp_path / "all.log"
    path.write_text(WRITTEN_15 + NOT_QUANTIZED)
    failed, counted = read_log(path, "a.tflite"), read_log(path, "mnist4.tflite")
    assert failed.failure == log.failure
    assert (counted.failure, len(counted.rows), counted.sections) == (None, 3, 3)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["ADD", "CONV_2D", "CUSTOM", "UNIDIRECTIONAL_SEQUENCE_LSTM"]),
            st.integers(1, 9999),
            st.sampled_from([MAPPED, "More than one subgraph is not supported", "Operation not supported"]),
        ),
        min_size=1,
    )
)
def test_any_table_is_read_back(rows):
    lines = [f"{op:<31}{count:<11}{status}" for op, count, status in rows]
    text = "\n".join(["Input: m.tflite", "", "Operator                       Count      Status", "", *lines])
    assert parse_log(text) == (
        CompilerLog("<text>", None, "m.tflite", tuple(LogRow(*row) for row in rows), None, None, None),
    )
