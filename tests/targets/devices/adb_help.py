"""What the tests of phones share."""

from __future__ import annotations

import time
from pathlib import Path

import flatbuffers
import pytest
from ai_edge_litert import schema_py_generated as schema

from litesmith.targets.devices import adb_app
from litesmith.targets.devices.adb import AdbDevice, connect
from litesmith.targets.devices.adb_app import AppDevice
from litesmith.targets.devices.device import Demand
from tests.devices.app import PACKAGE
from tests.devices.fixtures import ConnectedPhone

RESULTS = f"data/media/0/Android/media/{PACKAGE}"
QUICK = Demand(runs=3, seconds=0.01)
SHELLS = pytest.mark.parametrize("old_shell", [False, True], ids=["shell_v2", "old shell"])


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


def device_of(one: ConnectedPhone) -> AppDevice:
    (device,) = adb_app.connect(one.serial)
    assert isinstance(device, AppDevice)
    return device


def left_by_app(one: ConnectedPhone) -> list[str]:
    """The same, and results of the app."""
    return [*left_on(one), *(path.name for path in (one.root / RESULTS).glob("*"))]


def packed(model: schema.ModelT) -> bytes:
    """The file of a model."""
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())
