"""Phones measured through the real adb client, healthy and not; each is left as it was found."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import AdbNotFound, DeviceError, DeviceTimeout, ModelError, NoDevice
from litesmith.targets.devices.adb import AdbDevice, connect
from litesmith.targets.devices.device import Configuration, Core, Demand
from litesmith.targets.isolated import run_isolated
from tests.devices.faults import Faults
from tests.devices.fixtures import ConnectedPhone, PhoneFactory
from tests.devices.phone import PhoneModel

QUICK = Demand(runs=3, seconds=0.01)
SHELLS = pytest.mark.parametrize("old_shell", [False, True], ids=["shell_v2", "old shell"])


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("LITESMITH_ADB", "LITESMITH_RUNNER", "ANDROID_SERIAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def quick_runner(tmp_path: Path) -> Path:
    """A runner that runs nothing, for tests that do not either."""
    path = tmp_path / "quick_runner"
    path.write_text("#!/bin/sh\necho LITESMITH_EMULATED=1\nexit 1\n")
    return path


@pytest.fixture
def idle(phone: PhoneFactory, quick_runner: Path) -> Iterator[tuple[ConnectedPhone, AdbDevice]]:
    """A healthy phone and the device it is, on which no model is run."""
    one = phone()
    with only(one, quick_runner) as device:
        yield one, device


@pytest.fixture
def opened(phone: PhoneFactory, runner: Path) -> Iterator[tuple[ConnectedPhone, AdbDevice]]:
    """A healthy phone and the device it is."""
    one = phone()
    with only(one, runner) as device:
        yield one, device


def only(one: ConnectedPhone, runner: Path | None) -> AdbDevice:
    (device,) = connect(one.serial, runner=runner)
    assert isinstance(device, AdbDevice)
    return device


def left_on(one: ConnectedPhone) -> list[str]:
    """What was left on the phone: files, and processes."""
    files = [path.name for path in (one.root / "data/local/tmp").iterdir()]
    return files if has_ended(one) else [*files, "a process"]


def has_ended(one: ConnectedPhone) -> bool:
    """Whether nothing runs on the phone; a process that was killed is there for a moment."""
    deadline = time.monotonic() + 3
    while (running := one.running()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return running == 0


# What is measured.


@SHELLS
def test_a_block_is_that_of_a_fresh_process_with_its_runner(
    phone: PhoneFactory, runner: Path, int8_model: bytes, old_shell: bool
):
    one = phone(Faults(old_shell=old_shell))
    with only(one, runner) as device:
        block = device.block(int8_model, Configuration("xnnpack", threads=2), Demand(runs=7, seconds=0.01))
        assert (block.count, block.delegate) == (7, "xnnpack")
        assert block.runner.startswith(f"benchmark_model {runner} (sha256 ")
        assert block.profile == ()
        assert one.counters.runs == 1
        assert "--num_threads=2" in one.counters.commands[-1]
    assert left_on(one) == []


def test_the_form_of_old_tools_and_the_profile(phone: PhoneFactory, runner: Path, golden: Path):
    one = phone()
    one.phone.runner_format = "old"
    with only(one, runner) as device:
        content = (golden / "int8.tflite").read_bytes()
        block = device.block(content, Configuration("none"), Demand(runs=3, seconds=0.01, profile=True))
    operators = [operator.op for operator in TFLiteModel(content).main.operators]
    assert [time.kind for time in block.profile] == operators
    assert block.delegate == "none"


def test_seconds_are_as_many_runs_as_fit(opened: tuple[ConnectedPhone, AdbDevice], int8_model: bytes):
    assert opened[1].block(int8_model, Configuration(), Demand(seconds=0.2)).count > 20


def test_facts_are_the_phone_s(idle: tuple[ConnectedPhone, AdbDevice]):
    one, device = idle
    facts = device.facts
    assert (facts.label, facts.kind, facts.model) == (f"adb:{one.serial}", "adb", "Google Pixel 7")
    assert (facts.abi, facts.system, facts.api_level, facts.soc) == ("arm64-v8a", "Android 14", 34, "GS201")
    assert facts.cores[0] == Core(0, 1803.0)
    assert facts.cores[7] == Core(7, 2850.0)


@pytest.mark.parametrize("by_phone", [False, True])
@pytest.mark.parametrize("by_runner", [False, True])
def test_emulation_is_known_before_anything_is_measured(
    phone: PhoneFactory, quick_runner: Path, by_phone: bool, by_runner: bool
):
    if not by_runner:
        quick_runner.write_text("#!/bin/sh\nexit 1\n")
    with only(phone(model=PhoneModel(emulated=by_phone)), quick_runner) as device:
        assert device.facts.emulated == (by_phone or by_runner)


def test_state_is_the_phone_s_in_one_round_trip(idle: tuple[ConnectedPhone, AdbDevice]):
    one, device = idle
    one.phone.set_battery(41, charging=False)
    before = one.counters.shells
    state = device.state()
    assert one.counters.shells == before + 1
    assert (state.clocks_mhz[7], state.temperatures_c["BIG"], state.load_average) == (2850.0, 31.0, 1.25)
    assert (state.battery_percent, state.charging) == (41.0, False)


def test_throttling_shows_in_the_state(idle: tuple[ConnectedPhone, AdbDevice]):
    one, device = idle
    one.faults.throttling = True
    cool, hot = device.state(), device.state()
    assert hot.temperatures_c["BIG"] > cool.temperatures_c["BIG"]
    assert hot.clocks_mhz[0] < cool.clocks_mhz[0]


def test_a_phone_that_tells_nothing_has_no_state(idle: tuple[ConnectedPhone, AdbDevice]):
    import shutil

    one, device = idle
    shutil.rmtree(one.root / "sys")
    (one.root / "proc/loadavg").unlink()
    one.faults.missing_tools = ("dumpsys",)
    state = device.state()
    assert (state.clocks_mhz, state.temperatures_c) == ({}, {})
    assert (state.battery_percent, state.charging, state.load_average) == (None, None, None)


@pytest.mark.parametrize(("cores", "mask"), [("big", "f0"), ("little", "f"), ("C0", "c0"), (None, None)])
def test_the_runner_is_pinned(
    opened: tuple[ConnectedPhone, AdbDevice], int8_model: bytes, cores: str | None, mask: str | None
):
    one, device = opened
    device.block(int8_model, Configuration(cores=cores), QUICK)
    assert (f"taskset {mask} /data/" in one.counters.commands[-1]) == (mask is not None)
    assert ("taskset" in one.counters.commands[-1]) == (mask is not None)


@pytest.mark.parametrize("cores", ["100", "0", "fast", "1g"])
def test_cores_that_are_not_there_are_refused(idle: tuple[ConnectedPhone, AdbDevice], int8_model: bytes, cores: str):
    with pytest.raises(DeviceError, match=f"--cores '?{cores}"):
        idle[1].block(int8_model, Configuration(cores=cores), QUICK)


def test_cores_of_one_kind_are_neither_big_nor_little(phone: PhoneFactory, quick_runner: Path, int8_model: bytes):
    one = phone(model=PhoneModel(clocks_khz=(1500000,) * 4))
    with only(one, quick_runner) as device, pytest.raises(DeviceError, match="same clock; leave --cores away"):
        device.block(int8_model, Configuration(cores="big"), QUICK)


def test_a_phone_without_taskset_is_named(idle: tuple[ConnectedPhone, AdbDevice], int8_model: bytes):
    one, device = idle
    one.faults.missing_tools = ("taskset",)
    with pytest.raises(DeviceError, match="taskset"):
        device.block(int8_model, Configuration(cores="big"), QUICK)


@pytest.mark.parametrize(
    ("asked", "state", "ran"), [("nnapi", "full", "nnapi"), ("gpu", "partial", "gpu"), ("nnapi", "refused", "xnnpack")]
)
def test_the_delegate_that_ran_is_told_and_not_the_one_that_was_asked_for(
    opened: tuple[ConnectedPhone, AdbDevice], int8_model: bytes, asked: str, state: str, ran: str
):
    one, device = opened
    one.phone.delegates = {asked: state}
    assert device.block(int8_model, Configuration(asked), QUICK).delegate.startswith(ran)


@pytest.mark.parametrize("state", ["absent", "fails"])
def test_a_delegate_that_the_phone_does_not_have_is_an_error(
    opened: tuple[ConnectedPhone, AdbDevice], int8_model: bytes, state: str
):
    one, device = opened
    one.phone.delegates = {"gpu": state}
    with pytest.raises(DeviceError, match="the delegate gpu is not available"):
        device.block(int8_model, Configuration("gpu"), QUICK)


# What is brought to the phone.


def test_files_are_pushed_once(opened: tuple[ConnectedPhone, AdbDevice], int8_model: bytes):
    one, device = opened
    for _ in range(3):
        device.block(int8_model, Configuration(), QUICK)
    assert one.counters.pushes == 2  # the runner and the model


def test_a_whole_file_of_the_same_hash_is_not_pushed_again(idle: tuple[ConnectedPhone, AdbDevice], int8_model: bytes):
    one, device = idle
    path = Path(f"{one.root}{device._folder.put(int8_model, '.tflite')}")
    device._folder._pushed.clear()
    before = one.counters.pushes
    device._folder.put(int8_model, ".tflite")
    assert one.counters.pushes == before
    for damaged in (int8_model[:-1], bytes(len(int8_model))):  # cut off; and of the right size
        device._folder._pushed.clear()
        path.write_bytes(damaged)
        device._folder.put(int8_model, ".tflite")
        assert path.read_bytes() == int8_model


def test_a_phone_without_any_tool_to_compare_files_can_be_used(phone: PhoneFactory, runner: Path, int8_model: bytes):
    one = phone(Faults(missing_tools=("sha256sum", "stat")))
    with only(one, runner) as device:
        assert device.block(int8_model, Configuration(), QUICK).count == 3
    assert left_on(one) == []


def test_without_sha256sum_the_size_decides(idle: tuple[ConnectedPhone, AdbDevice], int8_model: bytes):
    one, device = idle
    one.faults.missing_tools = ("sha256sum",)
    path = Path(f"{one.root}{device._folder.put(int8_model, '.tflite')}")
    device._folder._pushed.clear()
    path.write_bytes(int8_model[:-1])
    device._folder.put(int8_model, ".tflite")
    assert path.read_bytes() == int8_model


@SHELLS
def test_a_full_phone_is_named_and_left_clean(phone: PhoneFactory, quick_runner: Path, old_shell: bool):
    one = phone(Faults(old_shell=old_shell, space_bytes=10))
    with pytest.raises(DeviceError, match="no space left on the device"):
        connect("", runner=quick_runner)
    assert left_on(one) == []


def test_a_phone_that_cannot_be_written_is_named(
    phone: PhoneFactory, quick_runner: Path, caplog: pytest.LogCaptureFixture
):
    one = phone(Faults(read_only=True))
    with pytest.raises(DeviceError, match=r"mkdir .* failed on the device .*Read-only"):
        connect("", runner=quick_runner)
    assert caplog.records == []  # nothing was made, so nothing was left
    assert left_on(one) == []


# What goes wrong in a run.


@SHELLS
def test_a_cable_pulled_in_a_run_is_named_and_cleaned_up_after(
    phone: PhoneFactory, runner: Path, int8_model: bytes, old_shell: bool
):
    one = phone(Faults(old_shell=old_shell))
    with only(one, runner) as device:
        one.faults.runner, one.faults.disconnect_after_run_s = "hang", 1.0
        with pytest.raises(DeviceError, match="connection was lost while running"):
            device.block(int8_model, Configuration(), Demand(seconds=5))
        one.connect()
        one.faults.runner = ""
        assert device.block(int8_model, Configuration(), QUICK).count == 3
        assert has_ended(one)  # also the first run: nobody could end it, and it would have disturbed the second
    assert left_on(one) == []


def test_a_cable_pulled_in_a_push_leaves_no_half_file(phone: PhoneFactory, quick_runner: Path):
    one = phone()
    with only(one, quick_runner) as device:
        one.faults.disconnect_after_pushed_bytes = 100_000
        content = os.urandom(1_000_000)
        with pytest.raises(DeviceError, match="connection was lost while"):
            device._folder.put(content)
        one.connect()
        assert Path(f"{one.root}{device._folder.put(content)}").read_bytes() == content
    assert left_on(one) == []


def test_a_phone_that_is_gone_at_the_end_is_warned_of_once(
    phone: PhoneFactory, runner: Path, int8_model: bytes, caplog: pytest.LogCaptureFixture
):
    one = phone()
    with pytest.raises(DeviceError, match="connection was lost"), only(one, runner) as device:
        one.faults.comes_back = False
        one.faults.disconnect_after_run_s = 0.1
        device.block(int8_model, Configuration(), Demand(seconds=2))
    device.close()
    (warning,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "was left on the device" in warning.getMessage()


@SHELLS
def test_a_runner_that_hangs_is_ended_on_the_phone(
    phone: PhoneFactory, runner: Path, int8_model: bytes, old_shell: bool
):
    one = phone(Faults(old_shell=old_shell))
    with only(one, runner) as device:
        one.faults.runner = "hang"
        start = time.monotonic()
        with pytest.raises(DeviceTimeout, match=r"did not finish within 1\.5 s and was ended"):
            device.block(int8_model, Configuration(), Demand(timeout_s=1.5))
        assert time.monotonic() - start < 10
    assert left_on(one) == []


def test_ctrl_c_ends_the_run_on_the_phone(phone: PhoneFactory, runner: Path, golden: Path):
    one = phone()
    program = (
        "import sys; from pathlib import Path; from litesmith.targets.devices.adb import connect;"
        "from litesmith.targets.devices.device import Configuration, Demand\n"
        f"with connect({one.serial!r}, runner=Path({str(runner)!r}))[0] as device:\n"
        f"    device.block(Path({str(golden / 'int8.tflite')!r}).read_bytes(), Configuration(), Demand(seconds=60))"
    )
    # A shell's background jobs ignore SIGINT, and so do all that they start.
    heeded = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    child = subprocess.Popen(
        [sys.executable, "-c", program], stderr=subprocess.PIPE, start_new_session=True, preexec_fn=heeded
    )
    deadline = time.monotonic() + 30
    while not one.counters.runs and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.3)
    child.send_signal(signal.SIGINT)
    _, stderr = child.communicate(timeout=20)
    assert b"KeyboardInterrupt" in stderr
    assert left_on(one) == []


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("crash", ModelError, "aborted by this file \\(SIGSEGV"),
        ("garbage", DeviceError, "not that of benchmark_model"),
        ("truncated", DeviceError, "not that of benchmark_model"),
    ],
)
@SHELLS
def test_a_runner_that_fails_gives_no_result(
    phone: PhoneFactory,
    runner: Path,
    int8_model: bytes,
    fault: str,
    error: type[Exception],
    words: str,
    old_shell: bool,
):
    one = phone(Faults(old_shell=old_shell))
    with only(one, runner) as device:
        one.faults.runner = fault  # type: ignore[assignment]
        with pytest.raises(error, match=words):
            device.block(int8_model, Configuration(), QUICK)
    assert left_on(one) == []


def test_a_file_that_the_runtime_does_not_take_is_a_fault_of_the_model(
    opened: tuple[ConnectedPhone, AdbDevice], custom_op_model: bytes
):
    with pytest.raises(ModelError, match="custom operator edgetpu-custom-op is unknown to the runner"):
        opened[1].block(custom_op_model, Configuration(), QUICK)


def test_a_shell_that_hangs_ends_at_the_time_limit(opened: tuple[ConnectedPhone, AdbDevice], int8_model: bytes):
    one, device = opened
    device._folder.put(int8_model, ".tflite")
    one.faults.shell_hangs = True
    start = time.monotonic()
    unhang = threading.Timer(1.5, setattr, (one.faults, "shell_hangs", False))
    unhang.start()
    with pytest.raises(DeviceTimeout):
        device.block(int8_model, Configuration(), Demand(timeout_s=1))
    unhang.join()
    assert time.monotonic() - start < 15


# Which devices.


def test_no_device_is_told_how_to_connect_one(adb_server, monkeypatch: pytest.MonkeyPatch, quick_runner: Path):
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(adb_server.port))
    for which in ("", "all", "X"):
        with pytest.raises(NoDevice, match="no Android device is connected; plug one in"):
            connect(which, runner=quick_runner)


def test_no_adb_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch, quick_runner: Path):
    monkeypatch.setenv("PATH", "")
    for name in ("ANDROID_HOME", "ANDROID_SDK_ROOT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(AdbNotFound):
        connect("", runner=quick_runner)


def test_of_two_phones_one_has_to_be_chosen(phone: PhoneFactory, runner: Path, int8_model: bytes):
    first, second = phone(), phone()
    with pytest.raises(NoDevice, match="2 devices are connected") as caught:
        connect("", runner=runner)
    assert all(f"--on adb:{one.serial} (Pixel_7, device)" in str(caught.value) for one in (first, second))
    with only(second, runner) as device:
        device.block(int8_model, Configuration(), QUICK)
    assert (first.counters.runs, second.counters.runs) == (0, 1)
    with pytest.raises(NoDevice, match="no device 'third' is connected; choose one of --on adb:"):
        connect("third", runner=runner)


def test_all_phones_of_one_model_are_told_apart(phone: PhoneFactory, quick_runner: Path):
    first, second = phone(), phone()
    devices = connect("all", runner=quick_runner)
    assert {device.facts.label for device in devices} == {f"adb:{first.serial}", f"adb:{second.serial}"}
    for device in devices:
        device.close()
    assert left_on(first) == left_on(second) == []


def test_phones_that_cannot_be_used_are_left_out_with_a_warning(
    phone: PhoneFactory, quick_runner: Path, caplog: pytest.LogCaptureFixture
):
    good, bad, full = phone(), phone(Faults(unauthorized=True)), phone(Faults(space_bytes=10))
    (device,) = connect("all", runner=quick_runner)
    device.close()
    assert device.facts.label == f"adb:{good.serial}"
    warned = " ".join(record.getMessage() for record in caplog.records)
    assert f"adb:{bad.serial} is left out" in warned
    assert "accept the dialog" in warned
    assert f"adb:{full.serial} is left out" in warned
    assert left_on(full) == []


def test_it_is_an_error_when_no_phone_can_be_used(phone: PhoneFactory, quick_runner: Path):
    phone(Faults(unauthorized=True))
    phone(Faults(space_bytes=10))
    with pytest.raises(DeviceError, match=r"none of 2 devices can be used: .*(accept|no space).*(accept|no space)"):
        connect("all", runner=quick_runner)


def test_a_phone_that_has_not_accepted_the_computer_is_named(phone: PhoneFactory, quick_runner: Path):
    one = phone(Faults(unauthorized=True))
    with pytest.raises(DeviceError, match=f"{one.serial} has not allowed this computer"):
        connect("", runner=quick_runner)


def test_an_offline_phone_is_named(phone: PhoneFactory, quick_runner: Path):
    one = phone(Faults(offline=True), connect=False)
    # adb would wait for ten seconds for an answer.
    connecting = subprocess.Popen(["adb", "connect", one.serial], env=one.server.environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 8
    while one.server.state(one.serial) is None and time.monotonic() < deadline:
        time.sleep(0.05)
    with pytest.raises(DeviceError, match=f"{one.serial} is offline: it does not answer adb; run `adb reconnect"):
        connect("", runner=quick_runner)
    connecting.kill()
    connecting.wait()


# Runners.


def test_no_runner_says_where_to_get_it_and_where_to_put_it(phone: PhoneFactory, tmp_path: Path):
    phone()
    put = tmp_path / "cache/litesmith/runners/arm64-v8a/benchmark_model"
    with pytest.raises(DeviceError, match=f"android_aarch64_benchmark_model.*put it at {put}"):
        connect("")


def test_the_runner_comes_from_the_cache_or_the_environment(
    phone: PhoneFactory, runner: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, int8_model: bytes
):
    phone()
    cached = tmp_path / "cache/litesmith/runners/arm64-v8a/benchmark_model"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(runner.read_bytes())
    with connect("")[0] as device:
        assert str(cached) in device.block(int8_model, Configuration(), QUICK).runner
    monkeypatch.setenv("LITESMITH_RUNNER", str(runner))
    with connect("")[0] as device:
        assert str(runner) in device.block(int8_model, Configuration(), QUICK).runner


@pytest.mark.parametrize("machine", [62, 40, 8])
def test_a_runner_for_another_processor_is_refused_before_it_is_pushed(
    phone: PhoneFactory, tmp_path: Path, machine: int
):
    one = phone()
    wrong = tmp_path / "wrong"
    wrong.write_bytes(b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00" + machine.to_bytes(2, "little") + bytes(44))
    with pytest.raises(DeviceError, match=r"was built for .* but the device is arm64-v8a"):
        connect("", runner=wrong)
    assert one.counters.pushes == 0


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"<html>not found</html>"])
def test_what_is_no_program_is_refused(phone: PhoneFactory, tmp_path: Path, content: bytes):
    phone()
    (tmp_path / "wrong").write_bytes(content)
    with pytest.raises(DeviceError, match="is no program for Android"):
        connect("", runner=tmp_path / "wrong")


def test_the_phone_of_the_environment_is_the_one(
    phone: PhoneFactory, quick_runner: Path, monkeypatch: pytest.MonkeyPatch
):
    _, second = phone(), phone()
    monkeypatch.setenv("ANDROID_SERIAL", second.serial)
    with connect("", runner=quick_runner)[0] as device:
        assert device.facts.label == f"adb:{second.serial}"


def test_a_runner_that_cannot_be_started_is_found_before_anything_is_measured(phone: PhoneFactory, tmp_path: Path):
    one = phone()
    (tmp_path / "wrong").write_text("#!/no/such/interpreter\n")
    with pytest.raises(DeviceError, match="cannot be started on the device"):
        connect("", runner=tmp_path / "wrong")
    assert left_on(one) == []


# Golden vectors.


@SHELLS
@pytest.mark.parametrize("name", ["int8", "two_inputs_int8", "float32"])
def test_outputs_of_given_inputs_are_those_of_the_host(
    phone: PhoneFactory, runner: Path, golden: Path, name: str, old_shell: bool
):
    content = (golden / f"{name}.tflite").read_bytes()
    inputs = [
        np.random.default_rng(place).integers(-100, 100, spec.shape).astype(spec.dtype)
        for place, spec in enumerate(TFLiteModel(content).inputs)
    ]
    one = phone(Faults(old_shell=old_shell))
    with only(one, runner) as device:
        run = device.run_vectors(content, inputs, Configuration("none"))
    expected = run_isolated(content, inputs, delegate="none").outputs
    assert [(array.shape, array.dtype) for array in run.outputs] == [(array.shape, array.dtype) for array in expected]
    assert all(np.array_equal(got, wanted) for got, wanted in zip(run.outputs, expected, strict=True))
    assert (run.runtime, run.delegate) == ("benchmark_model", "none")
    assert left_on(one) == []


def test_inputs_that_do_not_fit_are_refused(idle: tuple[ConnectedPhone, AdbDevice], int8_model: bytes):
    (spec,) = TFLiteModel(int8_model).inputs
    with pytest.raises(ModelError, match="takes 1 inputs, but was given 0"):
        idle[1].run_vectors(int8_model, [])
    with pytest.raises(ModelError, match="convert the array first"):
        idle[1].run_vectors(int8_model, [np.zeros(spec.shape, np.float32)])


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("WARN: Unconsumed cmdline flags: --output_filepath=/x", "it does not know --output_filepath"),
        ("INFO: STARTING!", "it wrote no outputs"),
    ],
)
def test_a_runner_that_writes_no_outputs_says_so(
    phone: PhoneFactory, int8_model: bytes, tmp_path: Path, script: str, words: str
):
    (tmp_path / "old").write_text(f'#!/bin/sh\necho "{script}"\n')
    (spec,) = TFLiteModel(int8_model).inputs
    with (
        only(phone(), tmp_path / "old") as device,
        pytest.raises(DeviceError, match=f"cannot run golden vectors: {words}"),
    ):
        device.run_vectors(int8_model, [np.zeros(spec.shape, np.int8)])
