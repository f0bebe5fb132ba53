"""Which phone is taken, and with which runner."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from litesmith.errors import AdbNotFound, DeviceError, NoDevice
from litesmith.targets.devices.adb import connect
from litesmith.targets.devices.device import Configuration
from tests.devices.faults import Faults
from tests.devices.fixtures import PhoneFactory
from tests.targets.devices.adb_help import QUICK, left_on, only

pytestmark = pytest.mark.usefixtures("no_settings")


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
