"""Phones that are ready, and runners for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from litesmith.targets.devices.adb import AdbDevice
from litesmith.targets.devices.adb_app import AppDevice
from tests.devices.fixtures import ConnectedPhone, PhoneFactory
from tests.targets.devices.adb_help import device_of, only


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("LITESMITH_ADB", "LITESMITH_RUNNER", "ANDROID_SERIAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def quick_runner(tmp_path: Path) -> Path:
    """A runner that runs nothing, for tests that do not either."""
    path = tmp_path / "quick_runner"
    path.write_text("#!/bin/sh\necho LITESMITH_EMULATED=1\nexit 1\n")
    return path


@pytest.fixture
def idle(phone: PhoneFactory, quick_runner: Path) -> Iterator[tuple[ConnectedPhone, AdbDevice]]:
    """A healthy phone and the device it is, on which no model is run."""
    one = phone()
    with only(one, quick_runner) as device:
        yield one, device


@pytest.fixture
def opened(phone: PhoneFactory, runner: Path) -> Iterator[tuple[ConnectedPhone, AdbDevice]]:
    """A healthy phone and the device it is."""
    one = phone()
    with only(one, runner) as device:
        yield one, device


@pytest.fixture
def in_app(phone_with_app: PhoneFactory) -> Iterator[tuple[ConnectedPhone, AppDevice]]:
    """A phone with the app, and the device that it is."""
    one = phone_with_app()
    device = device_of(one)
    yield one, device
    device.close()
