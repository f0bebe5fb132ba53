"""The daemon as the real adb client sees it."""

import hashlib
import os
import signal
import stat
import subprocess

import numpy as np
import pytest

from tests.devices.faults import Faults
from tests.devices.fixtures import PhoneFactory
from tests.devices.phone import PhoneModel


def test_adb_lists_the_phone_with_its_model(phone: PhoneFactory):
    one = phone(model=PhoneModel(model="Pixel 7", device="panther", product="panther"))
    listed = one.server.run("devices", "-l").stdout.decode()
    line = next(line for line in listed.splitlines() if line.startswith(one.serial))
    assert line.split()[1:5] == ["device", "product:panther", "model:Pixel_7", "device:panther"]
    assert "shell_v2" in one.adb("features").stdout.decode().split()


def test_stdout_stderr_and_exit_code_arrive_apart(phone: PhoneFactory):
    one = phone()
    done = one.adb("shell", "echo out; echo err >&2; exit 3")
    assert (done.stdout, done.stderr, done.returncode) == (b"out\n", b"err\n", 3)
    assert one.adb("shell", "kill -SEGV $$").returncode == 128 + signal.SIGSEGV


def test_stdin_reaches_the_command_byte_by_byte(phone: PhoneFactory):
    content = bytes(range(256)) * 300
    done = phone().adb("shell", "sha256sum", input=content)
    assert done.stdout.split()[0].decode() == hashlib.sha256(content).hexdigest()
    assert done.returncode == 0


def test_exec_out_is_safe_for_bytes(phone: PhoneFactory):
    one = phone()
    content = bytes(range(256)) * 5000
    (one.root / "data/local/tmp/bytes").write_bytes(content)
    assert one.adb("exec-out", "cat /data/local/tmp/bytes").stdout == content


def test_a_shell_without_a_command_reads_commands(phone: PhoneFactory):
    assert phone().adb("shell", input=b"getprop ro.product.cpu.abi\nexit 5\n").stdout == b"arm64-v8a\n"


@pytest.mark.parametrize("size", [0, 1, 65536, 5_000_001])
@pytest.mark.parametrize("old", [False, True])
def test_files_go_there_and_come_back(phone: PhoneFactory, tmp_path, size, old):
    one = phone(Faults(old_shell=old))
    content = np.random.default_rng(size).bytes(size)
    (tmp_path / "there").write_bytes(content)
    (tmp_path / "there").chmod(0o744)
    os.utime(tmp_path / "there", (1_700_000_000, 1_700_000_000))
    assert one.adb("push", tmp_path / "there", "/data/local/tmp/new/file").returncode == 0
    on_phone = one.root / "data/local/tmp/new/file"
    assert on_phone.read_bytes() == content
    assert stat.S_IMODE(on_phone.stat().st_mode) == 0o777
    assert on_phone.stat().st_mtime == 1_700_000_000
    assert one.adb("pull", "/data/local/tmp/new/file", tmp_path / "back").returncode == 0
    assert (tmp_path / "back").read_bytes() == content
    assert (one.counters.pushes, one.counters.pushed_bytes, one.counters.pulls) == (1, size, 1)


def test_folders_go_there_and_come_back(phone: PhoneFactory, tmp_path):
    one = phone()
    for name in ("a", "b/c", "b/d e"):
        path = tmp_path / "folder" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    assert one.adb("push", tmp_path / "folder", "/data/local/tmp/").returncode == 0
    assert one.adb("pull", "/data/local/tmp/folder", tmp_path / "back").returncode == 0
    files = [path for path in (tmp_path / "back").rglob("*") if path.is_file()]
    found = {str(path.relative_to(tmp_path / "back")): path.read_text() for path in files}
    assert found == {name: name for name in ("a", "b/c", "b/d e")}


def test_ls_gives_size_mode_and_name(phone: PhoneFactory):
    one = phone()
    (one.root / "data/local/tmp/model").write_bytes(b"12345")
    lines = [line.split() for line in one.adb("ls", "/data/local/tmp").stdout.decode().splitlines()]
    assert {line[3] for line in lines} == {".", "..", "model"}
    assert next(int(line[1], 16) for line in lines if line[3] == "model") == 5
    assert next(stat.S_ISREG(int(line[0], 16)) for line in lines if line[3] == "model")


def test_what_is_not_there_is_said(phone: PhoneFactory, tmp_path):
    done = phone().adb("pull", "/data/local/tmp/nothing", tmp_path / "x")
    assert done.returncode != 0
    assert b"No such file or directory" in done.stdout + done.stderr


def test_nothing_leads_out_of_the_root(phone: PhoneFactory, tmp_path):
    one = phone()
    secret = tmp_path / "secret"
    secret.write_text("secret")
    (one.root / "data/local/tmp/link").symlink_to(secret)
    for path in ("/data/local/tmp/link", f"/data/../../..{secret}", f"/../..{secret}"):
        assert one.adb("pull", path, tmp_path / "stolen").returncode != 0
    assert not (tmp_path / "stolen").exists()
    assert one.adb("push", secret, "/data/local/tmp/link").returncode != 0
    assert b"secret" not in one.adb("shell", f"cat /data/../../../../../../../../..{secret}").stdout


def test_paths_of_this_machine_are_not_seen(phone: PhoneFactory):
    one = phone()
    done = one.adb("shell", "cd /data/local/tmp; pwd; echo /sys/class/thermal/*0; cat /data/none; /data/local/tmp/none")
    assert str(one.root).encode() not in done.stdout + done.stderr
    assert done.stdout.decode().split() == ["/data/local/tmp", "/sys/class/thermal/thermal_zone0"]
    assert b"/data/none" in done.stderr
    assert done.returncode == 127


def test_the_phone_says_what_it_is(phone: PhoneFactory):
    one = phone(model=PhoneModel(clocks_khz=(1800000, 1800000, 2850000), free_bytes=1024**3, battery_percent=42))
    said = one.adb(
        "shell",
        "getprop ro.product.model; cat /sys/devices/system/cpu/cpu2/cpufreq/cpuinfo_max_freq; uname -m;"
        " cat /sys/class/thermal/thermal_zone0/temp; cut -d' ' -f1 /proc/loadavg; nproc",
    ).stdout.decode()
    assert said.splitlines() == ["Pixel 7", "2850000", "aarch64", "31000", "1.25", "3"]
    assert one.adb("shell", "getprop no.such.thing fallback; getprop | grep emulated").stdout.splitlines() == [
        b"fallback",
        b"[ro.litesmith.emulated]: [1]",
    ]
    assert "level: 42" in one.adb("shell", "dumpsys battery").stdout.decode()
    assert one.adb("shell", "df /data").stdout.decode().splitlines()[1].split()[3] == str(1024**2)


def test_taskset_knows_the_cores_of_the_phone(phone: PhoneFactory):
    one = phone()
    assert one.adb("shell", "taskset f0 echo pinned").stdout == b"pinned\n"
    refused = one.adb("shell", "taskset f00 echo pinned")
    assert (refused.stdout, refused.returncode) == (b"", 1)


def test_two_phones_of_one_model_stay_apart(phone: PhoneFactory):
    first, second = phone(), phone()
    first.adb("shell", "touch /data/local/tmp/mine")
    assert second.adb("shell", "ls /data/local/tmp").stdout == b""
    assert (first.counters.shells, second.counters.shells) == (1, 1)
    assert first.server.state(first.serial) == first.server.state(second.serial) == "device"


def test_many_streams_at_once(phone: PhoneFactory):
    one = phone()
    command = ["adb", "-P", str(one.server.port), "-s", one.serial, "shell", "cat; exit 4"]
    clients = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(8)]
    for number, client in enumerate(clients):
        output, _ = client.communicate(b"%d" % number * 100_000, timeout=30)
        assert (output, client.returncode) == (b"%d" % number * 100_000, 4)
