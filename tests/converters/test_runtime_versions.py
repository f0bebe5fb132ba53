import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.converters.flatbuffer import OP_NAMES
from litesmith.converters.op_versions import needed_ops
from litesmith.converters.runtime_versions import RuntimeVersion, _table, oldest_runtime
from litesmith.converters.tflite_model import OpCount, TFLiteModel

GOLDEN = Path(__file__).parents[1] / "golden"
# The converter writes metadata and operator versions before it quantizes to int16, so these files claim too little.
STALE = {"int16x8", "int16x8_float_io"}


def ops(**versions):
    return {op: OpCount(count=1, max_version=version) for op, version in versions.items()}


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.tflite")), ids=lambda path: path.stem)
def test_the_answer_is_what_the_converter_wrote_into_the_file(path):
    model = TFLiteModel.from_file(path)
    written = model.metadata["min_runtime_version"].rstrip(b"\0").decode()
    found = str(oldest_runtime(needed_ops(model)))
    assert (written, found) == ("1.5.0", "2.3.0") if path.stem in STALE else written == found


def test_the_newest_need_decides():
    assert str(oldest_runtime(ops(CONV_2D=3, FULLY_CONNECTED=12, RESHAPE=1))) == "2.17.0"
    assert str(oldest_runtime(ops(CONV_2D=1))) == "1.5.0"
    assert str(oldest_runtime({})) == "1.5.0"


def test_releases_are_ordered_as_numbers():
    assert RuntimeVersion.parse("2.14.0") > RuntimeVersion.parse("2.3.0") > RuntimeVersion.parse("1.15.0")


def test_what_the_table_does_not_know_is_said():
    newer = oldest_runtime(ops(ADD=2, FULLY_CONNECTED=99))
    assert (str(newer), newer.is_known) == ("> 2.21.0 (FULLY_CONNECTED v99)", False)
    assert str(oldest_runtime(ops(UNKNOWN_300=1))) == "unknown (UNKNOWN_300 v1)"
    assert str(oldest_runtime(ops(BROADCAST_TO=1))) == "unknown (BROADCAST_TO v1)"
    assert str(oldest_runtime(ops(ADD=0))) == "unknown (ADD v0)"


def test_custom_operators_need_no_release():
    assert str(oldest_runtime(ops(ADD=2) | {"CUSTOM:Decoder": OpCount(1, 77)})) == "1.14.0"


def test_the_table_names_builtins_and_never_goes_back_in_time():
    table = _table()
    assert set(table) <= set(OP_NAMES.values())
    for op, releases in table.items():
        known = [release for release in releases if release is not None]
        assert known and known == sorted(known), op


@given(st.dictionaries(st.sampled_from(sorted(_table())) | st.text(max_size=8), st.integers(-5, 20)))
def test_any_operators_get_an_answer(versions):
    answer = oldest_runtime(ops(**versions))
    assert answer.is_known == str(answer).replace(".", "").isdigit()


@pytest.mark.skipif(importlib.util.find_spec("tflite_runtime") is None, reason="tflite-runtime is not installed")
@pytest.mark.parametrize("name", ["float32", "float16", "dynamic_range", "int8", "int16x8", "two_inputs_int8"])
def test_tflite_runtime_2_14_takes_exactly_the_files_that_need_no_later_release(name):
    needed = oldest_runtime(needed_ops(TFLiteModel.from_file(GOLDEN / f"{name}.tflite"))).version
    code = "import sys; from tflite_runtime.interpreter import Interpreter;Interpreter(sys.argv[1]).allocate_tensors()"
    done = subprocess.run([sys.executable, "-c", code, GOLDEN / f"{name}.tflite"], capture_output=True)
    assert (done.returncode == 0) == (needed <= RuntimeVersion.parse("2.14.0"))
