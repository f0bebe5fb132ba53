"""`litesmith check` of an integer text file on terminals of two widths, and in a pipe."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios

import pytest

import litesmith
from litesmith.commands.check_findings import worth_telling
from litesmith.commands.check_text import REASON_LENGTH
from litesmith.commands.fit_text import fitted_table, ranges, wrapped
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.targets.check import check
from tests.golden.make_text_checkpoints import Case, write_checkpoint

TARGETS = ("--target", "arm_cpu", "--target", "edge_tpu", "--target", "nnapi@30")


@pytest.fixture(scope="module")
def text_file(tmp_path_factory):
    """A BERT of four layers in int8 and int16, so that each kind of operator occurs often."""
    folder = tmp_path_factory.mktemp("text")
    checkpoint = write_checkpoint(folder / "checkpoint", Case("bert", "embedding", {"num_hidden_layers": 4}))
    texts = [f"{chr(97 + i % 20)} {chr(98 + i % 7)} {i}" for i in range(40)]
    litesmith.convert_text(checkpoint, texts, out=folder / "m.tflite", length=16, wide_rows=3)
    return folder / "m.tflite"


def line(path, *arguments):
    return [sys.executable, "-m", "litesmith.cli", "check", str(path), *TARGETS, *arguments]


def on_terminal(width, command):
    """What a command writes to a terminal of so many columns."""
    main, side = pty.openpty()
    fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", 40, width, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    written = bytearray()
    with subprocess.Popen(command, stdout=side, env=environment) as process:
        os.close(side)
        try:
            while part := os.read(main, 65536):
                written += part
        except OSError:  # so Linux says that the other end is closed
            pass
    os.close(main)
    assert process.returncode == 0
    return written.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal(width, text_file):
    said = on_terminal(width, line(text_file)).splitlines()[1:]  # the first one is the path
    assert [row for row in said if len(row) > width and "://" not in row] == []
    assert max(map(len, said)) > width - 10
    assert any(re.search(r"ops \d+.*, \.\.\. \(\d+\)", row) for row in said)


def test_a_pipe_gets_whole_lines_and_every_place(text_file):
    piped = subprocess.run(line(text_file), capture_output=True, text=True, check=True).stdout
    document = json.loads(subprocess.run(line(text_file, "--json"), capture_output=True, text=True, check=True).stdout)
    assert ", ... (" not in piped
    for report, part in zip(document["targets"], re.split(r"\n(?=\S+ \(predicted\))", piped)[1:], strict=True):
        listed = set()
        for row in re.split(r"\n\n", part)[1].splitlines()[2:]:
            for span in re.search(r"  (\d+(-\d+)?(, \d+(-\d+)?)*)$", row)[1].split(", "):
                first, _, last = span.partition("-")
                listed |= set(range(int(first), int(last or first) + 1))
        assert listed == {op["index"] for op in report["ops"] if op["placement"] == "cpu"}


def test_a_pipe_gets_whole_reasons_and_no_padding_to_the_longest_list_of_places(text_file):
    piped = subprocess.run(line(text_file), capture_output=True, text=True, check=True).stdout
    document = json.loads(subprocess.run(line(text_file, "--json"), capture_output=True, text=True, check=True).stdout)
    longest = 0
    for report, part in zip(document["targets"], re.split(r"\n(?=\S+ \(predicted\))", piped)[1:], strict=True):
        header, ruler, *rows = re.split(r"\n\n", part)[1].splitlines()
        assert header.split() == ["operator", "rule", "reason", "ops"]
        reasons = {op["reason"] for op in report["ops"] if op["placement"] == "cpu"}
        told = [next((reason for reason in reasons if f"  {reason}  " in row), "") for row in rows]
        assert all(told)
        longest = max(longest, *map(len, told))
        assert [len(dashes) for dashes in ruler.split()][-2:] == [max(map(len, told)), len("ops")]
    assert longest > REASON_LENGTH


def test_equal_findings_are_one(text_file):
    said = on_terminal(200, line(text_file))
    edge_tpu = said[said.index("edge_tpu@16 (predicted)") : said.index("nnapi@30 (predicted)")]
    assert re.search(r"like it; in all \d+ GATHER, \d+ CAST, \d+ BATCH_MATMUL, \d+ GELU\)", edge_tpu)
    assert "Quantize the model" not in said
    assert "--quantize int8" in said


@pytest.mark.parametrize("target", ["arm_cpu", "edge_tpu", "nnapi@30"])
def test_of_one_operator_an_advice_is_told_once_and_none_is_forgotten(target, text_file):
    report = check(TFLiteModel.from_file(text_file), target)
    told = worth_telling(report)
    of_operators = [(one.op_index, one.fix) for one in told if one.op_index is not None]
    assert len(of_operators) == len(set(of_operators))
    assert {place for place, _ in of_operators} == {op.index for op in report.ops if op.placement == "cpu"}
    foreign = {one.op_index for one in told if one.rule == "unsupported_op"}
    assert foreign
    assert target == "arm_cpu" or len(told) < len(report.findings) - 50
    assert {one.rule for one in told if one.op_index in foreign} == {"unsupported_op"}


def test_lines_and_cells_take_several_lines():
    assert wrapped("  a b c", None, 4) == "  a b c"
    assert wrapped("  aaa bbb ccc", 9, 4) == "  aaa bbb\n    ccc"
    assert wrapped("  see https://a.b/cccccccc", 10, 4) == "  see\n    https://a.b/cccccccc"
    table = fitted_table(("ops", "reason"), [("1, 2", "one reason of some words")], 20)
    assert table == "ops   reason\n----  -------------\n1, 2  one reason of\n      some words"
    assert "one reason of some words" in fitted_table(("ops", "reason"), [("1, 2", "one reason of some words")], None)


def test_places_in_short():
    places = [3, 7, 8, 9, *range(20, 400, 3)]
    assert ranges(places).startswith("3, 7-9, 20, 23, ")
    assert ranges(places, short=True) == f"3, 7-9, 20, ... ({len(places)})"
    assert ranges([1, 2, 3], short=True) == "1-3"
