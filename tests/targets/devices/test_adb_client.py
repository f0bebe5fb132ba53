"""The real adb client, with phones in every state."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from litesmith.errors import AdbNotFound, DeviceError, DeviceTimeout, NoDevice
from litesmith.targets.devices.adb_client import AdbClient, ListedDevice, _read_device
from litesmith.targets.devices.adb_errors import translated, unusable
from tests.devices.faults import Faults
from tests.devices.fixtures import PhoneFactory

SHELLS = pytest.mark.parametrize("old_shell", [False, True], ids=["shell_v2", "old shell"])


def test_devices_come_with_serial_state_and_model(phone: PhoneFactory):
    one = phone()
    (listed,) = AdbClient.find().devices()
    assert (listed.serial, listed.state, listed.model) == (one.serial, "device", "Pixel_7")
    assert listed.transport is not None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("emulator-5554\tdevice", ListedDevice("emulator-5554", "device")),
        (
            "R5CT10ABC              device usb:1-4 product:o1sxxx model:SM_G991B device:o1s transport_id:3",
            ListedDevice("R5CT10ABC", "device", "SM_G991B", "3"),
        ),
        (
            "0123456789 no permissions (user in plugdev group; are your udev rules wrong?); see [http://developer]",
            ListedDevice(
                "0123456789",
                "no permissions (user in plugdev group; are your udev rules wrong?); see [http://developer]",
            ),
        ),
        (
            "192.168.1.7:5555       unauthorized transport_id:2",
            ListedDevice("192.168.1.7:5555", "unauthorized", None, "2"),
        ),
        ("", None),
        ("* daemon", ListedDevice("*", "daemon")),
    ],
)
def test_lines_of_the_list_are_read(line: str, expected: ListedDevice | None):
    assert _read_device(line) == expected


@SHELLS
def test_exit_code_and_output_arrive_with_every_shell(phone: PhoneFactory, old_shell: bool):
    one = phone(Faults(old_shell=old_shell))
    done = AdbClient.find().shell(one.serial, "echo 'a  b'; echo problem >&2; exit 7")
    assert done.exit_code == 7
    assert done.log.splitlines() == ["a  b", "problem"]
    assert done.stderr == ("" if old_shell else "problem\n")


@SHELLS
@pytest.mark.parametrize("command", ["printf 'no newline'", "true # comment", "cat <<X\nhere\nX", "true", "false"])
def test_the_marker_survives_any_command(phone: PhoneFactory, old_shell: bool, command: str):
    one = phone(Faults(old_shell=old_shell))
    done = AdbClient.find().shell(one.serial, command)
    assert done.exit_code == (command == "false")
    assert done.stdout == {"printf 'no newline'": "no newline", "cat <<X\nhere\nX": "here\n"}.get(command, "")


def test_a_command_takes_a_path_with_quotes_and_blanks(phone: PhoneFactory):
    from shlex import quote

    name = """/data/local/tmp/it's a "file" $HOME"""
    client, one = AdbClient.find(), phone()
    client.shell(one.serial, f"echo inside > {quote(name)}")
    assert client.shell(one.serial, f"cat {quote(name)}").stdout == "inside\n"


def test_files_arrive_whole_in_both_directions(phone: PhoneFactory, tmp_path: Path):
    content = os.urandom(300_000)
    (tmp_path / "here").write_bytes(content)
    client, one = AdbClient.find(), phone()
    client.push(one.serial, tmp_path / "here", "/data/local/tmp/there")
    client.pull(one.serial, "/data/local/tmp/there", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == content


def test_a_file_that_is_not_there_is_an_error(phone: PhoneFactory, tmp_path: Path):
    with pytest.raises(DeviceError, match="No such file"):
        AdbClient.find().pull(phone().serial, "/data/local/tmp/none", tmp_path / "back")


def test_a_full_device_is_named(phone: PhoneFactory, tmp_path: Path):
    (tmp_path / "here").write_bytes(bytes(300_000))
    with pytest.raises(DeviceError, match="no space left on the device"):
        AdbClient.find().push(phone(Faults(space_bytes=1000)).serial, tmp_path / "here", "/data/local/tmp/there")


def test_a_folder_that_cannot_be_written_is_named(phone: PhoneFactory, tmp_path: Path):
    (tmp_path / "here").write_bytes(b"x")
    with pytest.raises(DeviceError, match="the device refused"):
        AdbClient.find().push(phone(Faults(read_only=True)).serial, tmp_path / "here", "/data/local/tmp/there")


def test_a_cable_that_is_pulled_in_a_push_is_named(phone: PhoneFactory, tmp_path: Path):
    (tmp_path / "here").write_bytes(bytes(2_000_000))
    one = phone(Faults(disconnect_after_pushed_bytes=500_000))
    with pytest.raises(DeviceError, match="the connection was lost while"):
        AdbClient.find().push(one.serial, tmp_path / "here", "/data/local/tmp/there")


@SHELLS
def test_a_cable_that_is_pulled_in_a_command_is_no_short_output(phone: PhoneFactory, old_shell: bool):
    one = phone(Faults(old_shell=old_shell, disconnect_after_run_s=0.3))
    with pytest.raises(DeviceError, match="connection was lost"):
        AdbClient.find().shell(one.serial, "echo start; sleep 5; echo --graph=x")


@SHELLS
def test_a_shell_that_hangs_is_given_up(phone: PhoneFactory, old_shell: bool):
    one = phone(Faults(old_shell=old_shell, shell_hangs=True))
    start = time.monotonic()
    with pytest.raises(DeviceTimeout, match=r"no answer within 0\.5 s to `adb -s .* shell"):
        AdbClient.find().shell(one.serial, "true", timeout_s=0.5)
    assert time.monotonic() - start < 10


def test_a_phone_that_has_not_accepted_the_computer_is_named(phone: PhoneFactory):
    one = phone(Faults(unauthorized=True))
    with pytest.raises(DeviceError, match="accept the dialog on its screen"):
        AdbClient.find().shell(one.serial, "true")


def test_a_serial_that_is_not_connected_is_named(phone: PhoneFactory):
    phone()
    with pytest.raises(NoDevice, match="none is not connected any more"):
        AdbClient.find().shell("none", "true")


def test_no_adb_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch):
    for name in ("LITESMITH_ADB", "ANDROID_HOME", "ANDROID_SDK_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(AdbNotFound, match="apt install adb") as caught:
        AdbClient.find()
    assert caught.value.exit_code == 3


def test_adb_is_found_in_the_sdk_and_by_its_own_variable(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    program = tmp_path / "platform-tools" / "adb"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("ANDROID_HOME", str(tmp_path))
    assert AdbClient.find().program == program
    monkeypatch.setenv("LITESMITH_ADB", "/nowhere/adb")
    with pytest.raises(AdbNotFound, match="LITESMITH_ADB names '/nowhere/adb'"):
        AdbClient.find()


def test_what_is_no_adb_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    program = tmp_path / "adb"
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o755)
    with pytest.raises(DeviceError, match="gave no list but 'hello"):
        AdbClient(program).devices()


@pytest.mark.parametrize(
    ("said", "kind", "words"),
    [
        ("error: no devices/emulators found", NoDevice, "no Android device is connected"),
        ("error: device 'X' not found", NoDevice, "not connected any more"),
        ("error: device offline", DeviceError, "adb reconnect"),
        ("error: device still authorizing", DeviceError, "accept the dialog"),
        (
            "error: device unauthorized.\nThis adb server's $ADB_VENDOR_KEYS is not set",
            DeviceError,
            "accept the dialog",
        ),
        (
            "adb: error: failed to copy 'a' to 'b': remote write failed: No space left on device",
            DeviceError,
            "no space",
        ),
        (
            "error: insufficient permissions for device: user in plugdev group; are your udev rules wrong?",
            DeviceError,
            "cannot be opened by this user",
        ),
        ("error: closed", DeviceError, "connection was lost"),
        ("", DeviceError, "connection was lost"),
        ("error: something new", DeviceError, "trying failed \\(something new\\)"),
    ],
)
def test_what_clients_say_is_translated(said: str, kind: type[DeviceError], words: str):
    error = translated("", said, "X", "trying")
    assert type(error) is kind
    assert "X" in str(error) or kind is NoDevice
    with pytest.raises(kind, match=words):
        raise error


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("unauthorized", "accept the dialog"),
        ("no permissions (user in plugdev group); see [http://x]", "udev"),
        ("recovery", "adb reboot"),
        ("host", "is in the state 'host'"),
    ],
)
def test_every_state_says_what_to_do(state: str, words: str):
    assert words in str(unusable("X", state))
