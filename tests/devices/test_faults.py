"""Each fault as the real adb client sees it."""

import subprocess
import time

import pytest

from tests.devices.faults import Faults
from tests.devices.fixtures import ConnectedPhone, PhoneFactory

WAIT_S = 10.0
MODEL = "/data/local/tmp/model.tflite"
RUN = f"/data/local/tmp/benchmark_model --graph={MODEL} --num_threads=1 --warmup_min_secs=0"


@pytest.fixture
def big(tmp_path):
    path = tmp_path / "big"
    path.write_bytes(bytes(3_000_000))
    return path


@pytest.fixture
def ready(phone: PhoneFactory, golden) -> ConnectedPhone:
    """A phone with the runner and a model."""
    one = phone()
    one.install_runner()
    (one.root / MODEL[1:]).write_bytes((golden / "int8.tflite").read_bytes())
    return one


def eventually(condition) -> bool:
    end = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_an_old_phone_has_one_stream_and_no_exit_code(phone: PhoneFactory):
    one = phone(Faults(old_shell=True))
    done = one.adb("shell", "echo out; echo err >&2; exit 3")
    assert (done.stdout, done.stderr, done.returncode) == (b"out\r\nerr\r\n", b"", 0)
    assert "shell_v2" not in one.adb("features").stdout.decode().split()
    assert one.adb("exec-out", "printf 'a\\n\\0'").stdout == b"a\n\0"
    assert one.adb("shell", "head -c 3", input=b"abcdef").stdout == b"abc"


def test_a_phone_nobody_unlocked_is_unauthorized(phone: PhoneFactory):
    one = phone(Faults(unauthorized=True))
    assert one.server.state(one.serial) == "unauthorized"
    done = one.adb("shell", "echo")
    assert done.returncode != 0
    assert b"unauthorized" in done.stderr
    one.faults.unauthorized = False
    assert one.connect() == f"connected to {one.serial}"
    assert one.server.state(one.serial) == "device"


def test_a_phone_that_went_is_offline_until_it_comes_back(phone: PhoneFactory):
    one = phone()
    one.faults.offline = True
    with pytest.raises(subprocess.TimeoutExpired):
        one.adb("shell", "echo", timeout_s=0.5)
    one.drop()
    assert eventually(lambda: one.server.state(one.serial) == "offline")
    done = one.adb("shell", "echo")
    assert done.returncode == 1
    assert done.stderr.endswith(b"device offline\n")
    one.faults.offline = False
    assert one.connect() == f"connected to {one.serial}"
    assert one.adb("shell", "echo back").stdout == b"back\n"


def test_the_cable_can_be_pulled_during_a_push(phone: PhoneFactory, big):
    one = phone(Faults(disconnect_after_pushed_bytes=1_000_000))
    done = one.adb("push", big, "/data/local/tmp/")
    assert done.returncode != 0
    assert eventually(lambda: one.server.state(one.serial) == "offline")
    assert not (one.root / "data/local/tmp/big").exists()
    assert one.counters.pushes == 0
    assert one.connect() == f"connected to {one.serial}"
    assert one.adb("push", big, "/data/local/tmp/").returncode == 0


def test_the_cable_can_be_pulled_during_a_run(ready: ConnectedPhone):
    ready.faults.disconnect_after_run_s = 1.0
    ready.faults.comes_back = False
    done = ready.adb("shell", f"{RUN} --min_secs=60")
    assert b"Inference timings" not in done.stdout
    # The exit code says nothing: adb 29 ends with 0 when the connection does.
    assert ready.server.state(ready.serial) == "offline"
    assert ready.counters.runs == 1
    ready.server.run("disconnect", ready.serial)
    with pytest.raises(subprocess.TimeoutExpired):
        ready.server.run("connect", ready.serial, timeout_s=1)


def test_when_the_client_goes_only_the_shell_of_the_phone_hears_it(ready: ConnectedPhone):
    ready.faults.runner = "hang"
    with pytest.raises(subprocess.TimeoutExpired):
        ready.adb("shell", f"{RUN}; echo done", timeout_s=2)
    assert eventually(lambda: ready.running() == 1)
    assert ready.adb("shell", "pidof benchmark_model").returncode == 0
    assert ready.adb("shell", "pkill -9 benchmark_model").returncode == 0
    assert eventually(lambda: ready.running() == 0)


def test_processes_of_another_phone_are_not_seen(ready: ConnectedPhone, phone: PhoneFactory):
    other = phone()
    ready.faults.runner = "hang"
    with pytest.raises(subprocess.TimeoutExpired):
        ready.adb("shell", RUN, timeout_s=1)
    assert other.adb("shell", "pkill -9 benchmark_model").returncode == 1
    assert other.adb("shell", "kill $(pidof benchmark_model)").returncode != 0
    assert ready.running() >= 1


def test_a_full_disk_refuses_the_rest(phone: PhoneFactory, big):
    one = phone(Faults(space_bytes=1_000_000))
    done = one.adb("push", big, "/data/local/tmp/")
    assert done.returncode != 0
    assert b"No space left on device" in done.stdout + done.stderr
    assert not (one.root / "data/local/tmp/big").exists()


def test_a_disk_that_cannot_be_written(phone: PhoneFactory, big):
    one = phone(Faults(read_only=True))
    pushed, made = one.adb("push", big, "/data/local/tmp/"), one.adb("shell", "mkdir -p /data/local/tmp/new")
    for done in (pushed, made):
        assert done.returncode != 0
        assert b"Read-only file system" in done.stdout + done.stderr
    assert list((one.root / "data/local/tmp").iterdir()) == []
    one.faults.read_only = False
    assert one.adb("shell", "mkdir /data/local/tmp/new").returncode == 0


def test_a_shell_that_hangs_and_one_that_is_slow(phone: PhoneFactory):
    one = phone(Faults(shell_hangs=True))
    with pytest.raises(subprocess.TimeoutExpired):
        one.adb("shell", "echo", timeout_s=0.5)
    one.faults.shell_hangs = False
    one.faults.shell_delay_s = 0.3
    start = time.monotonic()
    assert one.adb("shell", "echo late").stdout == b"late\n"
    assert time.monotonic() - start >= 0.3


def test_an_old_android_has_fewer_tools(phone: PhoneFactory):
    one = phone(Faults(missing_tools=("sha256sum", "taskset")))
    for tool in ("sha256sum", "taskset"):
        done = one.adb("shell", f"{tool} /data/local/tmp")
        assert done.returncode == 127
        assert b"not found" in done.stderr


def test_a_phone_that_throttles_is_slower_and_hotter_each_time(phone: PhoneFactory):
    one = phone(Faults(throttling=True))
    command = "cat /sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq /sys/class/thermal/thermal_zone0/temp"
    readings = [[int(value) for value in one.adb("shell", command).stdout.split()] for _ in range(3)]
    clocks, temperatures = zip(*readings, strict=True)
    assert clocks[0] > clocks[1] > clocks[2]
    assert temperatures[0] < temperatures[1] < temperatures[2]


@pytest.mark.parametrize(("fault", "code"), [("crash", 139), ("garbage", 0), ("truncated", 0)])
def test_a_runner_that_fails_has_no_result(ready: ConnectedPhone, fault, code):
    ready.faults.runner = fault
    done = ready.adb("shell", f"{RUN} --min_secs=0.05")
    assert done.returncode == code
    assert b"LITESMITH_EMULATED=1" in done.stdout
    assert b"Inference timings in us" not in done.stdout
