import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from litesmith.errors import DeviceError
from litesmith.targets.devices.arm_packages import ALTERNATIVE
from litesmith.targets.devices.arm_pins import pins_digest
from litesmith.targets.devices.arm_root import cache_folder
from litesmith.targets.devices.arm_setup import READY_MADE, set_up

pytestmark = pytest.mark.skipif(
    (platform.system(), platform.machine()) != ("Linux", "x86_64"), reason="ARM is emulated on x86-64 Linux only"
)

PROGRAM = "import sys; from litesmith.targets.devices.arm_setup import set_up; set_up('arm64', print)"
PATIENCE_S = 300


@pytest.fixture
def empty_cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.delenv(READY_MADE, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "litesmith" / f"arm-{pins_digest()}"


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"}, start_new_session=True,
    )  # fmt: skip


def test_the_cache_is_the_users_and_named_after_the_pins(empty_cache, monkeypatch):
    assert cache_folder() == empty_cache
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert cache_folder() == Path("/home/someone/.cache/litesmith") / f"arm-{pins_digest()}"


def test_without_apt_it_says_what_is_missing_and_leaves_nothing(empty_cache, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DeviceError, match=r"apt-get.* is not here.*LITESMITH_ARM_ROOT"):
        set_up("arm64")
    assert left(empty_cache) == []


def test_without_network_it_says_so_and_leaves_nothing(empty_cache, monkeypatch, arm_machine):
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(DeviceError, match=r"apt-get.* failed .*check the network") as caught:
        set_up("arm64")
    assert ALTERNATIVE in str(caught.value)
    assert left(empty_cache) == []


def test_a_folder_that_cannot_be_written_is_named(empty_cache):
    empty_cache.parent.parent.mkdir(exist_ok=True)
    empty_cache.parent.write_text("a file where a folder belongs")
    with pytest.raises(DeviceError, match=f"{empty_cache}.*cannot be set up.*XDG_CACHE_HOME"):
        set_up("arm64")


def test_a_ready_made_machine_is_taken_as_it_is(monkeypatch, empty_cache, arm_machine, tmp_path):
    monkeypatch.undo()
    made = arm_machine("arm64")
    monkeypatch.setenv("PATH", "")  # nothing is fetched
    monkeypatch.setenv(READY_MADE, str(made.folder.parent))
    assert set_up("arm64").folder == made.folder
    monkeypatch.setenv(READY_MADE, str(tmp_path))
    with pytest.raises(DeviceError, match=r"no ARM machine is set up there.*unset LITESMITH_ARM_ROOT"):
        set_up("arm64")


@pytest.mark.slow
def test_two_processes_make_one_machine(empty_cache, arm_machine):
    first, second = start(), start()
    said = [process.communicate(timeout=PATIENCE_S)[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), said
    assert sorted("once" in text for text in said) == [False, True]
    assert sum("waiting for another process" in text for text in said) == 1
    assert left(empty_cache) == ["arm64"]


@pytest.mark.slow
def test_a_process_that_is_killed_leaves_nothing_that_a_second_one_would_use(empty_cache, arm_machine):
    killed = start()
    while "with pip" not in killed.stdout.readline():  # the packages are there, the wheels are coming
        assert killed.poll() is None
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert not (empty_cache / "arm64").exists()
    assert set_up("arm64").runtime_version == "2.3.0"
    assert left(empty_cache) == ["arm64"]


@pytest.mark.slow
def test_an_interrupted_process_takes_its_own_things_away(empty_cache, arm_machine):
    interrupted = start()
    while "with apt-get" not in interrupted.stdout.readline():
        assert interrupted.poll() is None
    time.sleep(0.5)
    os.killpg(interrupted.pid, signal.SIGINT)
    interrupted.communicate(timeout=PATIENCE_S)
    assert interrupted.returncode != 0
    assert left(empty_cache) == []
