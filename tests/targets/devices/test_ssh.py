"""Machines over ssh: the one that is measured on is this one, through a real server."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from litesmith.errors import DeviceError, DeviceTimeout, ModelError, NoDevice
from litesmith.targets.devices import ssh
from litesmith.targets.devices.device import Configuration, Demand
from litesmith.targets.devices.ssh_client import SshClient
from tests.devices.processes import command_lines, parent
from tests.devices.ssh_server import Board

QUICK = Demand(runs=5, timeout_s=60)


@pytest.fixture(scope="session")
def device(board: Board) -> Iterator[ssh.SshDevice]:
    opened = ssh.connect(board.address)
    yield opened
    opened.close()


def test_a_model_is_timed_there(device: ssh.SshDevice, board: Board, golden: Path) -> None:
    block = device.block((golden / "int8.tflite").read_bytes(), Configuration(), QUICK)

    assert block.count == len(block.times_ms) == 5
    assert block.delegate == "xnnpack"
    assert block.runner.startswith("litert ")
    assert set(block.placements) == {"xnnpack"}
    assert (device.facts.label, device.facts.kind) == (f"ssh:{board.address}", "ssh")
    assert device.facts.abi == os.uname().machine
    assert device.state().load_average is not None


def test_what_runs_there_is_what_was_brought(device: ssh.SshDevice) -> None:
    """Litesmith is installed here, where the board is this machine too; on a real board there is only the zip file."""
    script = "import litesmith.targets.worker as worker; print(worker.__file__)"
    done = device._client.run(f"cd {device._folder} && PYTHONPATH=$PWD/litesmith.zip {sys.executable} -P -c '{script}'")

    assert b"litesmith.zip/litesmith/targets/worker.py" in done.stdout


def test_the_worker_there_needs_nothing_but_the_zip_file(device: ssh.SshDevice) -> None:
    """`-I` with only the zip file, numpy's folder and the runtime's on the path: nothing of this checkout."""
    script = (
        "import sys, importlib.util as u; site = {p for p in sys.path if p.endswith('site-packages')}; "
        "sys.meta_path = [f for f in sys.meta_path if 'editable' not in repr(f).lower()]; "
        f"sys.path.insert(0, '{device._folder}/litesmith.zip'); import litesmith.targets.worker; "
        "outside = [m.__file__ for n, m in sys.modules.items() if n.startswith('litesmith') and 'litesmith.zip' not in "
        "(m.__file__ or '')]; print(outside)"
    )
    done = device._client.run(f'{sys.executable} -I -c "{script}"')

    assert done.stdout.strip() == b"[]", done.stderr


def test_a_file_is_sent_once(device: ssh.SshDevice, golden: Path) -> None:
    content = (golden / "int8_dense_only.tflite").read_bytes()

    device.block(content, Configuration("cpu"), QUICK)
    before = {path: path.stat().st_mtime_ns for path in Path(device._folder).glob("*.tflite")}
    block = device.block(content, Configuration("reference"), QUICK)

    assert {path: path.stat().st_mtime_ns for path in Path(device._folder).glob("*.tflite")} == before
    assert block.delegate == "reference"


def test_a_damaged_file_is_refused_and_the_next_one_runs(device: ssh.SshDevice, golden: Path) -> None:
    with pytest.raises(ModelError):
        device.block(b"\0" * 64, Configuration(), QUICK)

    assert device.block((golden / "int8.tflite").read_bytes(), Configuration(), QUICK).count == 5


def test_a_delegate_that_is_not_there(device: ssh.SshDevice, golden: Path) -> None:
    with pytest.raises(DeviceError, match=r"ssh:.* has no delegate 'gpu'; use xnnpack"):
        device.block((golden / "int8.tflite").read_bytes(), Configuration("gpu"), QUICK)


def test_the_time_limit_ends_the_worker_there(device: ssh.SshDevice, golden: Path) -> None:
    content = (golden / "int8.tflite").read_bytes()

    with pytest.raises(DeviceTimeout, match=r"no answer within 0\.5 s"):
        device.block(content, Configuration(), Demand(runs=10**8, timeout_s=0.5))

    assert _gone(device._folder)


def _workers(folder: str) -> list[int]:
    """The workers of that folder, not the shells and the ssh that started them: those hold the command as one word."""
    words = {b"litesmith.targets.worker", folder.encode()}
    return [number for number, line in command_lines().items() if words <= set(line.split(b"\0"))]


def _gone(folder: str) -> bool:
    """Whether no worker of that folder is left within a minute."""
    for _ in range(600):
        if not _workers(folder):
            return True
        time.sleep(0.1)
    return False


def test_nothing_is_left_behind(board: Board, golden: Path) -> None:
    before = board.folders
    opened = ssh.connect(board.address)
    opened.block((golden / "int8.tflite").read_bytes(), Configuration(), QUICK)
    assert len(board.folders - before) == 1

    opened.close()

    assert not board.folders - before


def test_a_connection_that_is_lost_in_a_run(board: Board, golden: Path) -> None:
    opened = ssh.connect(board.address)
    killed: list[int] = []

    def cut() -> None:
        for _ in range(500):
            serving = next(
                filter(None, (_sshd_above(worker, board.server.pid) for worker in _workers(opened._folder))), 0
            )
            if serving:
                killed.append(serving)
                os.kill(serving, signal.SIGKILL)
                return
            time.sleep(0.05)

    thread = threading.Thread(target=cut)
    thread.start()
    try:
        with pytest.raises(DeviceError, match=r"^ssh:.*: the connection failed"):
            opened.block((golden / "int8.tflite").read_bytes(), Configuration(), Demand(runs=10**8, timeout_s=30))
        thread.join()

        assert killed
        assert _gone(opened._folder)
    finally:
        opened.close()
    assert not Path(opened._folder).exists()


def _sshd_above(pid: int, server: int) -> int:
    """The process of the ssh server that serves the connection under which `pid` runs; 0 where there is none."""
    while pid > 1:
        above = parent(pid)
        if above == server:
            return pid
        pid = above
    return 0


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("-oProxyCommand=touch", "is no machine; write --on ssh:USER@HOST"),
        ("", "is no machine"),
        ("pi@host:99999999", "is no machine"),
        ("pi@127.0.0.1:1", "no ssh server listens there"),
        ("pi@litesmith.invalid", "no machine has that name"),
    ],
)
def test_machines_that_cannot_be_reached(board: Board, address: str, message: str) -> None:
    with pytest.raises(NoDevice, match=message):
        ssh.connect(address)


def test_a_user_that_is_not_let_in(board: Board) -> None:
    port = board.address.rpartition(":")[2]

    with pytest.raises(NoDevice, match="lets nobody in with the keys of this user; add one there with ssh-copy-id"):
        ssh.connect(f"nobody-here@127.0.0.1:{port}")


def test_a_machine_without_a_suitable_python(board: Board, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LITESMITH_SSH_PYTHON", "/no/python")
    with pytest.raises(NoDevice, match="there is no Python '/no/python'"):
        ssh.connect(board.address)

    old = tmp_path / "python"
    old.write_text("#!/bin/sh\necho 3 9\n")
    old.chmod(0o755)
    monkeypatch.setenv("LITESMITH_SSH_PYTHON", str(old))
    with pytest.raises(DeviceError, match=r"Python 3\.9 is older than 3\.11; name another with LITESMITH_SSH_PYTHON"):
        ssh.connect(board.address)


def test_a_runtime_that_is_not_there(board: Board) -> None:
    before = board.folders

    with pytest.raises(DeviceError, match="there is no runtime 'onnx'"):
        ssh.connect(board.address, runtime="onnx")

    assert board.folders == before


def test_no_ssh_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LITESMITH_SSH_COMMAND", "/no/ssh -v")

    with pytest.raises(DeviceError, match="there is no ssh program"):
        SshClient("pi@host")
