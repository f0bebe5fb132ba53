"""What is brought to a phone, and where it cannot be."""

from __future__ import annotations

from pathlib import Path

import pytest

from litesmith.errors import DeviceError
from litesmith.targets.devices.adb import AdbDevice, connect
from litesmith.targets.devices.device import Configuration
from tests.devices.faults import Faults
from tests.devices.fixtures import ConnectedPhone, PhoneFactory
from tests.targets.devices.adb_help import QUICK, SHELLS, left_on, only

pytestmark = pytest.mark.usefixtures("no_settings")


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
