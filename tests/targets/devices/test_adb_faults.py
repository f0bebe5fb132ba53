"""What goes wrong on a phone while it is measured: one clear error each, and the phone is left clean."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import pytest

from litesmith.errors import DeviceError, DeviceTimeout, ModelError
from litesmith.targets.devices.adb import AdbDevice
from litesmith.targets.devices.device import Configuration, Demand
from tests.devices.faults import Faults
from tests.devices.fixtures import ConnectedPhone, PhoneFactory
from tests.targets.devices.adb_help import QUICK, SHELLS, has_ended, left_on, only

pytestmark = pytest.mark.usefixtures("no_settings")


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
    _, stderr = child.communicate(timeout=60)
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
