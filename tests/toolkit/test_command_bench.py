import argparse
import dataclasses
import json
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import psutil
import pytest

from litesmith.bench_store import BenchStore
from litesmith.commands import bench
from litesmith.commands.answer import Answer
from litesmith.commands.bench_text import measurements_text
from litesmith.errors import DataError, DeviceError, LitesmithError, ModelError, OutputError, RecipeError
from litesmith.files import sha256_file
from litesmith.targets.believable import States
from litesmith.targets.block import Block, OpTime
from litesmith.targets.devices.device import Configuration, DeviceFacts, DeviceState
from litesmith.targets.measurement import Measurement
from litesmith.targets.placed_ops import PlacedOp, PlacedOps

GOLDEN = Path(__file__).parents[1] / "golden"
INT8, INT16 = str(GOLDEN / "int8.tflite"), str(GOLDEN / "int16x8.tflite")
# Whether a figure holds depends on the machine; how long it is tried must not.
QUICK = ("--runs", "5", "--patience", "0.001")
PHONE = DeviceFacts("adb:1", "adb", "A Phone", "arm64-v8a", "Android 14", "A Chip", 34)
CALM = DeviceState(load_average=0.25, battery_percent=80, charging=True)
RECIPE = """
name = "limits"
data = { source = "digits" }
[student]
model = "litesmith.zoo:digits_student"
train = { epochs = 1 }
[budget.max_latency_ms]
host = LIMIT
"""


def run(*arguments: str) -> Answer:
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    return bench.execute(parser.parse_args(arguments))


def on_phone(p50_ms=10.0, *, facts=PHONE, spread=(1.0,), asked="nnapi", ran="nnapi", single=True, **others):
    times = [p50_ms * share for share in spread] * 5
    blocks = tuple(
        Block(1, time, time, time, 1, ran, "benchmark_model 2.16", (time,) if single else (), init_ms=4.0)
        for time in times
    )
    states = States(CALM, (), CALM)
    return Measurement("m/x.tflite", "0" * 64, facts, Configuration(asked, 4, "f0"), blocks, states, **others)


def test_the_document_holds_every_model_in_every_configuration():
    answer = run(INT8, INT16, "--on", "host", "--threads", "1,2", "--delegates", "xnnpack,cpu", *QUICK)
    document = json.loads(json.dumps(answer.document))
    assert answer.exit_code == 0 and document["failed"] == [] and not document["interrupted"]
    measured = document["measurements"]
    assert [(one["model"], one["configuration"]["delegate"], one["configuration"]["threads"]) for one in measured] == [
        (model, delegate, threads) for model in (INT8, INT16) for delegate in ("xnnpack", "cpu") for threads in (1, 2)
    ]
    assert measured[0]["sha256"] == sha256_file(Path(INT8))
    assert measured[0]["spread"]["runs"] == 25 and measured[0]["spread"]["blocks"] == 5
    assert measured[0]["device"]["label"] == "host" and measured[0]["runner"].startswith("litert ")
    assert (measured[0]["operators"]["accelerated"], measured[0]["operators"]["total"]) == (6, 6)


def test_the_table_of_a_latency_names_all_that_it_depends_on():
    text = measurements_text([on_phone()])
    for part in ("x.tflite", "adb:1", "nnapi", "4 on f0", "10.0", "4.00", "5 x 1", "A Chip, arm64-v8a, Android 14",
                 "API 34", "load average 0.25", "battery 80%, charging", "benchmark_model 2.16"):  # fmt: skip
        assert part in text
    assert "refused" not in text and "note" not in text


def test_a_refusal_says_why_and_shows_what_was_measured():
    text = measurements_text([on_phone(spread=(0.5, 1.0, 2.0))])
    assert "refused" in text.splitlines()[2] and "10.0" not in text.splitlines()[2]
    assert "standard error of the median" in text and "cores f0: p50 10.0 ±" in text


def test_an_emulated_device_shows_no_time():
    emulated = dataclasses.replace(PHONE, emulated=True)
    timed = PlacedOps(None, (PlacedOp(0, "CONV_2D", None, "nnapi", None),), (), True)
    text = measurements_text([on_phone(4321.0, facts=emulated, operators=timed)])
    assert "emulated" in text.splitlines()[2] and "4321" not in text and "4.00" not in text
    assert "measure on a real device" in text


def test_a_failure_stands_in_its_row_and_below():
    text = measurements_text([on_phone(error=DeviceError("it fell asleep; wake it")), on_phone()])
    assert "failed" in text.splitlines()[2] and "10.0" in text.splitlines()[3]
    assert "failed: x.tflite, adb:1, nnapi, 4 threads, cores f0: it fell asleep; wake it" in text


@pytest.mark.parametrize(
    ("asked", "ran", "note"),
    [
        ("nnapi", "none", "nnapi was asked for, but took no operator of this model"),
        ("gpu", "xnnpack", "gpu was asked for, but xnnpack ran"),
        ("cpu", "none", None),
    ],
)
def test_a_delegate_that_did_not_run_is_pointed_out(asked, ran, note):
    text = measurements_text([on_phone(asked=asked, ran=ran)])
    assert (note in text) if note else ("was asked for" not in text)


def test_percentiles_of_processes_and_wrong_predictions_are_pointed_out():
    ops = (PlacedOp(0, "CONV_2D", "nnapi", "cpu", 0.5), PlacedOp(1, "SOFTMAX", "nnapi", "nnapi", None))
    operators = PlacedOps("nnapi@30", ops, (OpTime("NnapiDelegate", "out", None, 0.25),))
    text = measurements_text([on_phone(single=False, operators=operators)])
    assert "percentiles are of processes" in text
    assert "nnapi@30 is wrong about 1 operators: 0 CONV_2D (cpu, not nnapi)" in text
    assert "1/2" in text and "NnapiDelegate" in text and "0.250" in text


def test_a_configuration_that_the_device_has_not_leaves_the_others_alone():
    answer = run(INT8, "--delegates", "nnapi,cpu", *QUICK)
    failed, measured = answer.document["measurements"]
    assert answer.exit_code == 3
    assert failed["error"] == "DeviceError" and "this host has no delegate 'nnapi'" in failed["refused"]
    assert measured["spread"]["runs"] == 25


def test_a_device_that_cannot_be_reached_leaves_the_others_alone(monkeypatch):
    monkeypatch.setenv("PATH", "")
    answer = run(INT8, "--on", "adb", "--on", "host", *QUICK)
    assert answer.exit_code == 3
    assert [one["device"] for one in answer.document["failed"]] == ["adb"]
    assert answer.document["measurements"][0]["spread"]["runs"] == 25
    assert "failed: adb: " in answer.text
    with pytest.raises(DeviceError):
        run(INT8, "--on", "adb")


@pytest.mark.parametrize("device", ["phone", "", "adb:", "ssh", "ssh:", "host:1"])
def test_what_is_no_device_is_refused_with_exit_code_2(device):
    with pytest.raises(LitesmithError, match="is no device; give host, adb") as caught:
        run(INT8, "--on", device)
    assert caught.value.exit_code == 2


def test_a_processor_that_cannot_be_emulated_or_stands_beside_others_is_refused():
    for more in (("--on", "host"), ("--store", "x.sqlite"), ("--budget", "x.toml")):
        with pytest.raises(LitesmithError, match="verifies and times nothing: give it --on alone"):
            run(INT8, "--on", "arm", *more)
    with pytest.raises(LitesmithError, match="no processor that can be emulated"):
        run(INT8, "--on", "arm:z80")


def test_a_file_that_is_no_model_is_named(tmp_path):
    path = tmp_path / "x.tflite"
    with pytest.raises(ModelError, match=r"x\.tflite: cannot be read"):
        run(str(path))
    path.write_bytes(b"hello, world")
    with pytest.raises(ModelError, match=r"x\.tflite: this is not a TFLite flatbuffer"):
        run(str(path))


def test_without_a_model_there_is_nothing_to_do():
    with pytest.raises(LitesmithError, match="nothing to measure"):
        run()


@pytest.mark.parametrize(
    "option",
    [("--threads", "0"), ("--threads", "1,x"), ("--threads", "100000"),
     ("--runs", "-3"), ("--runs", "many"), ("--delegate", "npu"),
     ("--delegates", "cpu,"), ("--runtime", "onnx"), ("--blocks", "4"), ("--seconds", "0"), ("--timeout", "inf"),
     ("--margin", "-1")],
)  # fmt: skip
def test_impossible_options_end_with_usage(option, capsys):
    with pytest.raises(SystemExit) as caught:
        run(INT8, *option)
    assert caught.value.code == 2
    assert option[0] in capsys.readouterr().err


def test_results_are_stored_and_compared(tmp_path):
    store = tmp_path / "bench.sqlite"
    answer = run(INT8, INT16, "--delegate", "cpu", "--store", str(store), *QUICK)
    assert answer.document["store"] == str(store)
    assert [one.document for one in BenchStore(store).read()] == json.loads(json.dumps(answer.document["measurements"]))
    compared = run("--compare", "int8", "int16x8", "--store", str(store))
    (found,) = compared.document["comparisons"]
    assert (found["device"], found["configuration"]) == ("host", "cpu, 1 thread")
    assert "A is int8, B is int16x8" in compared.text and found["verdict"] in compared.text


@pytest.mark.parametrize(
    ("b", "code", "word"),
    [
        (on_phone(20.0), 1, "slower"),
        (on_phone(10.0), 0, "no difference shown"),
        (on_phone(5.0), 0, "faster"),
        (on_phone(facts=dataclasses.replace(PHONE, emulated=True)), 1, "not compared"),
    ],
)
def test_a_regression_or_a_comparison_that_shows_nothing_ends_with_1(tmp_path, b, code, word):
    store = tmp_path / "bench.sqlite"
    BenchStore(store).append([on_phone(10.0), dataclasses.replace(b, model="m/y.tflite")])
    answer = run("--compare", "x", "y", "--store", str(store))
    assert answer.exit_code == code and word in answer.text
    assert answer.document["comparisons"][0]["verdict"] == word


def test_comparing_needs_a_store(tmp_path):
    with pytest.raises(LitesmithError, match="give --store"):
        run("--compare", "a", "b")
    with pytest.raises(DataError, match="no such store"):
        run("--compare", "a", "b", "--store", str(tmp_path / "none.sqlite"))


def test_a_store_that_cannot_be_written_is_found_before_anything_is_measured(tmp_path):
    with pytest.raises(OutputError, match="cannot be used as a store"):
        run(INT8, "--on", "adb", "--store", str(tmp_path / "no" / "bench.sqlite"))


def test_ctrl_c_answers_and_stores_what_there_is(tmp_path):
    store = tmp_path / "bench.sqlite"
    command = [sys.executable, "-m", "litesmith.cli", "bench", INT8, "--blocks", "9999", "--runs", "1", "--json"]
    # A shell's background jobs ignore SIGINT, and so do all that they start.
    heeded = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(
        [*command, "--store", str(store)], stdout=subprocess.PIPE, text=True, preexec_fn=heeded
    ) as process:
        own = psutil.Process(process.pid)
        seen = set()
        while len(seen) < 4:  # three processes have ended, and what they measured is there
            assert process.poll() is None
            seen |= {child.pid for child in own.children()}
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        document = json.loads(process.communicate(timeout=60)[0])
    assert process.returncode == 130 and document["interrupted"]
    (found,) = document["measurements"]
    assert found["spread"]["blocks"] >= 3 and found["latency"] is None
    assert [one.document for one in BenchStore(store).read()] == [found]


def test_a_budget_that_is_not_kept_or_not_shown_to_be_kept_ends_with_1(tmp_path):
    recipe = tmp_path / "limits.toml"
    recipe.write_text(RECIPE.replace("LIMIT", "1e-9"))
    answer = run(INT8, "--budget", str(recipe), *QUICK)
    assert answer.exit_code == 1
    (unmet,) = answer.document["unmet_budgets"]
    assert "1e-09 ms" in unmet and unmet in answer.text


def test_a_budget_says_nothing_of_a_device_that_it_does_not_name(tmp_path):
    recipe = tmp_path / "limits.toml"
    recipe.write_text(RECIPE.replace("LIMIT", "5"))
    with pytest.raises(RecipeError, match=r"max_latency_ms\.adb: limits no latency on adb"):
        run(INT8, "--on", "adb", "--budget", str(recipe))
