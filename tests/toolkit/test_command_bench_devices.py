"""`litesmith bench` through the real adb and ssh clients, to phones and boards of the tests."""

import argparse
import json
from pathlib import Path

from litesmith.commands import bench
from litesmith.commands.answer import Answer

RECIPE = """
name = "phone"
data = { source = "digits" }
student = { model = "litesmith.zoo:digits_student", train = { epochs = 1 } }
budget = { max_latency_ms = { adb = 1000 } }
"""
INT8 = str(Path(__file__).parents[1] / "golden" / "int8.tflite")


def run(*arguments: str) -> Answer:
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    return bench.execute(parser.parse_args([INT8, "--runs", "5", "--patience", "0.001", *arguments]))


def test_a_phone_that_is_emulated_proves_the_path_and_shows_no_time(phone, runner):
    one = phone()
    answer = run("--on", f"adb:{one.serial}", "--runner", str(runner), "--profile")
    (found,) = json.loads(json.dumps(answer.document))["measurements"]
    assert answer.exit_code == 0
    assert (found["device"]["label"], found["device"]["kind"]) == (f"adb:{one.serial}", "adb")
    assert found["emulated"] and found["latency"] is found["spread"] is found["cold"] is None
    assert found["blocks_p50_ms"] == []
    assert found["operators"]["target"].startswith("arm_cpu") and found["operators"]["accelerated"] == 6
    assert {op["time_ms"] for op in found["operators"]["ops"]} == {None} and found["operators"]["pieces"] == []
    assert "emulated" in answer.text.splitlines()[2]


def test_all_phones_and_the_host_are_measured_in_one_command(phone, runner):
    serials = {phone().serial, phone().serial}
    answer = run("--on", "adb:all", "--on", "host", "--runner", str(runner))
    labels = [found["device"]["label"] for found in answer.document["measurements"]]
    assert answer.exit_code == 0
    assert set(labels) == {"host", *(f"adb:{serial}" for serial in serials)}


def test_a_delegate_that_the_phone_has_not_fails_alone(phone, runner):
    answer = run("--on", f"adb:{phone().serial}", "--runner", str(runner), "--delegates", "gpu,xnnpack")
    failed, emulated = answer.document["measurements"]
    assert answer.exit_code == 3
    assert failed["error"] == "DeviceError" and "gpu is not available" in failed["refused"]
    assert emulated["error"] is None


def test_a_runner_that_crashes_is_the_devices_failure(phone, runner):
    one = phone()
    one.faults.runner = "crash"
    answer = run("--on", f"adb:{one.serial}", "--runner", str(runner))
    (failed,) = answer.document["measurements"]
    assert answer.exit_code == 3
    assert failed["error"] == "ModelError" and "SIGSEGV" in failed["refused"]


def test_a_budget_is_not_kept_by_a_time_that_is_emulated(phone, runner, tmp_path):
    recipe = tmp_path / "phone.toml"
    recipe.write_text(RECIPE)
    answer = run("--on", f"adb:{phone().serial}", "--runner", str(runner), "--budget", str(recipe))
    assert answer.exit_code == 1
    assert "not shown to keep within 1000 ms" in answer.text


def test_a_board_is_measured_like_this_host(board, tmp_path):
    store = tmp_path / "bench.sqlite"
    left = board.folders
    answer = run("--on", f"ssh:{board.address}", "--on", "host", "--store", str(store))
    there, here = json.loads(json.dumps(answer.document))["measurements"]
    assert answer.exit_code == 0
    assert (there["device"]["label"], there["device"]["kind"]) == (f"ssh:{board.address}", "ssh")
    assert there["spread"]["runs"] == here["spread"]["runs"] == 25
    assert there["operators"]["accelerated"] == here["operators"]["accelerated"] == 6
    assert board.folders == left
