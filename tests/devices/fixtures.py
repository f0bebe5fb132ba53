"""Fixtures that give tests real adb, and phones that it finds.

`adb_server` is a server of its own for each test process, and `phone(...)` starts a phone and connects it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import zipapp
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.devices.app import PACKAGE, AppNotBuiltError, app_command
from tests.devices.daemon import Daemon
from tests.devices.faults import Counters, Faults
from tests.devices.phone import RUNNER, Phone, PhoneModel
from tests.devices.processes import processes

CONNECT_TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class AdbServer:
    """An adb server that only these tests use."""

    port: int
    environment: dict[str, str]

    def run(
        self, *arguments: str | Path, input: bytes | None = None, timeout_s: float = 60
    ) -> subprocess.CompletedProcess[bytes]:
        """Run the adb client."""
        command = ["adb", "-P", str(self.port), *map(str, arguments)]
        return subprocess.run(
            command,
            input=input,
            stdin=subprocess.DEVNULL if input is None else None,
            capture_output=True,
            timeout=timeout_s,
            env=self.environment,
        )

    def state(self, serial: str) -> str | None:
        """How `adb devices` lists a device: `device`, `offline`, `unauthorized`, or None."""
        lines = self.run("devices").stdout.decode().splitlines()[1:]
        return {fields[0]: fields[1] for line in lines if len(fields := line.split()) >= 2}.get(serial)


@dataclass(frozen=True, slots=True)
class ConnectedPhone:
    """A phone that runs; `serial` is what adb calls it."""

    server: AdbServer
    daemon: Daemon

    @property
    def serial(self) -> str:
        """As in `adb -s`."""
        return f"127.0.0.1:{self.daemon.port}"

    @property
    def root(self) -> Path:
        """The folder that plays `/`."""
        return self.daemon.phone.root

    @property
    def phone(self) -> Phone:
        """Its battery, free space, delegates and runner format can be set."""
        return self.daemon.phone

    @property
    def faults(self) -> Faults:
        """What is wrong with it; may be changed at any time."""
        return self.daemon.faults

    @property
    def counters(self) -> Counters:
        """What it was asked to do."""
        return self.daemon.counters

    def adb(self, *arguments: str | Path, **options: object) -> subprocess.CompletedProcess[bytes]:
        """Run the adb client for this phone."""
        return self.server.run("-s", self.serial, *arguments, **options)  # type: ignore[arg-type]

    def connect(self) -> str:
        """Connect the client, anew where the connection broke; what adb says.

        adb may call a phone connected before the two have said who they are, and lists it as offline until then.
        """
        self.server.run("disconnect", self.serial)
        said = self.server.run("connect", self.serial, timeout_s=CONNECT_TIMEOUT_S).stdout.decode().strip()
        end = time.monotonic() + CONNECT_TIMEOUT_S
        while not self.faults.offline and self.server.state(self.serial) == "offline" and time.monotonic() < end:
            time.sleep(0.05)
        return said

    def drop(self) -> None:
        """Pull the cable now."""
        self.daemon.drop()

    def install_runner(self, path: str = "/data/local/tmp/benchmark_model") -> str:
        """Put an executable runner on the phone, without adb; its path there."""
        target = Path(f"{self.root}{path}")
        target.parent.mkdir(parents=True, exist_ok=True)
        make_runner(target)
        return path

    def install_app(self) -> None:
        """Install the demo app.

        Raises:
            AppNotBuiltError: there is none.
        """
        self.phone.install_app(PACKAGE, app_command())

    def running(self) -> int:
        """How many processes run on the phone."""
        return len(processes(self.root))


PhoneFactory = Callable[..., ConnectedPhone]


@contextlib.contextmanager
def private_server() -> Iterator[AdbServer]:
    """An adb server on a free port, with its keys and its log in a folder of its own; ended at the end."""
    with tempfile.TemporaryDirectory(prefix="adb") as home:
        port = free_port()
        private = {"ANDROID_ADB_SERVER_PORT": str(port), "HOME": home, "TMPDIR": home}
        server = AdbServer(port, {**os.environ, **private})
        started = server.run("start-server")
        if started.returncode != 0:
            raise RuntimeError(f"adb start-server: {started.stderr.decode()}")
        try:
            yield server
        finally:
            server.run("kill-server")


@contextlib.contextmanager
def start_phone(
    server: AdbServer, root: Path, faults: Faults | None = None, model: PhoneModel | None = None
) -> Iterator[ConnectedPhone]:
    """A phone whose `/` is the empty folder `root`, not yet connected; stopped at the end."""
    daemon = Daemon(Phone(root, model or PhoneModel(), faults or Faults()))
    daemon.start()
    connected = ConnectedPhone(server, daemon)
    try:
        yield connected
    finally:
        server.run("disconnect", connected.serial)
        daemon.stop()


@pytest.fixture(scope="session")
def adb_server() -> Iterator[AdbServer]:
    """A private adb server for the tests of one process."""
    if shutil.which("adb") is None:
        pytest.skip("adb is not installed (Debian: apt-get install adb)")
    with private_server() as server:
        yield server


@pytest.fixture
def phone(adb_server: AdbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PhoneFactory]:
    """Starts phones: `phone(faults, model)`; all are stopped at the end of the test.

    Adb clients that the test starts find them: the server's port is in the environment.
    """
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", str(adb_server.port))
    monkeypatch.delenv("ANDROID_SERIAL", raising=False)
    with contextlib.ExitStack() as stack:

        def start(
            faults: Faults | None = None, model: PhoneModel | None = None, *, connect: bool = True
        ) -> ConnectedPhone:
            root = Path(tempfile.mkdtemp(prefix="phone", dir=tmp_path))
            connected = stack.enter_context(start_phone(adb_server, root, faults, model))
            if connect:
                connected.connect()
            return connected

        yield start


@pytest.fixture
def phone_with_app(phone: PhoneFactory) -> PhoneFactory:
    """Like `phone`, with the demo app; skips where it is not built."""
    try:
        app_command()
    except AppNotBuiltError as error:
        pytest.skip(str(error))

    def start(*arguments: object, **options: object) -> ConnectedPhone:
        connected = phone(*arguments, **options)
        connected.install_app()
        return connected

    return start


@pytest.fixture
def runner(tmp_path: Path) -> Path:
    """The emulated `benchmark_model`, as a file of this machine that can be pushed."""
    return make_runner(tmp_path / "benchmark_model")


def make_runner(path: Path) -> Path:
    """Write the emulated `benchmark_model` to `path`: a zip file that this interpreter runs."""
    zipapp.create_archive(RUNNER, path, sys.executable, filter=lambda file: file.suffix == ".py")
    return path


def free_port() -> int:
    """A TCP port that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
