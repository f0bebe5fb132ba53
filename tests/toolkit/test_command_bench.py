import argparse
import json
from pathlib import Path

import pytest

from litesmith.commands import bench
from litesmith.commands.answer import Answer
from litesmith.errors import DeviceError, ModelError
from litesmith.files import sha256_file

GOLDEN = Path(__file__).parents[1] / "golden"
INT8 = str(GOLDEN / "int8.tflite")


def run(*arguments: str) -> Answer:
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    return bench.execute(parser.parse_args(arguments))


def test_the_document_holds_the_latency_and_its_conditions():
    answer = run(INT8, "--on", "host", "--runs", "20", "--threads", "2", "--delegate", "none")
    document = json.loads(json.dumps(answer.document))
    assert answer.exit_code == 0
    assert document["sha256"] == sha256_file(Path(INT8))
    assert document["latency"]["runs"] == 20
    conditions = document["latency"]["conditions"]
    assert (conditions["device"], conditions["runtime"], conditions["threads"]) == ("host", "litert", 2)


def test_the_text_names_device_runtime_delegate_threads_and_spread():
    answer = run(INT8, "--runs", "20")
    conditions = answer.document["latency"]["conditions"]
    for part in ("on host", conditions["cpu"], f"litert {conditions['runtime_version']}", "delegate xnnpack",
                 "1 thread", "p50", "standard error", "p99", "20 runs"):  # fmt: skip
        assert part in answer.text


def test_one_run_has_no_standard_error():
    answer = run(INT8, "--runs", "1")
    assert answer.document["latency"]["standard_error_ms"] is None
    assert "(too few runs for a standard error)" in answer.text
    assert "; 1 run after" in answer.text


def test_a_delegate_that_took_nothing_is_pointed_out():
    answer = run(str(GOLDEN / "int16x8.tflite"), "--runs", "20")
    assert answer.document["requested_delegate"] == "xnnpack"
    assert answer.document["latency"]["conditions"]["delegate"] == "none"
    assert "xnnpack was asked for, but took no operator" in answer.text


@pytest.mark.parametrize("device", ["adb", "adb:emulator-5554", "arm", ""])
def test_other_devices_are_refused_with_exit_code_3(device):
    with pytest.raises(DeviceError, match="only supports `--on host`") as caught:
        run(INT8, "--on", device)
    assert caught.value.exit_code == 3


def test_a_file_that_is_no_model_is_named(tmp_path):
    path = tmp_path / "x.tflite"
    with pytest.raises(ModelError, match=r"x\.tflite: cannot be read"):
        run(str(path))
    path.write_bytes(b"hello, world")
    with pytest.raises(ModelError, match=r"x\.tflite: this is not a TFLite flatbuffer"):
        run(str(path))


@pytest.mark.parametrize(
    "option",
    [("--threads", "0"), ("--runs", "-3"), ("--runs", "many"), ("--delegate", "gpu"), ("--runtime", "onnx")],
)
def test_impossible_options_end_with_usage(option, capsys):
    with pytest.raises(SystemExit) as caught:
        run(INT8, *option)
    assert caught.value.code == 2
    assert option[0] in capsys.readouterr().err
