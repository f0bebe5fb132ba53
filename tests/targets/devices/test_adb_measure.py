"""What is measured on healthy phones through the real adb client; each is left as it was found."""

from __future__ import annotations

from pathlib import Path

import pytest

from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DeviceError
from litesmith.targets.devices.adb import AdbDevice
from litesmith.targets.devices.device import Configuration, Core, Demand
from tests.devices.faults import Faults
from tests.devices.fixtures import ConnectedPhone, PhoneFactory
from tests.devices.phone import PhoneModel
from tests.targets.devices.adb_help import QUICK, SHELLS, left_on, only

pytestmark = pytest.mark.usefixtures("no_settings")


@SHELLS
def test_a_block_is_that_of_a_fresh_process_with_its_runner(
    phone: PhoneFactory, runner: Path, int8_model: bytes, old_shell: bool
):
    one = phone(Faults(old_shell=old_shell))
    with only(one, runner) as device:
        block = device.block(int8_model, Configuration("xnnpack", threads=2), Demand(runs=7, seconds=0.01))
        assert (block.count, block.delegate) == (7, "xnnpack")
        assert block.runner.startswith(f"benchmark_model {runner} (sha256 ")
        assert block.profile == ()
        assert one.counters.runs == 1
        assert "--num_threads=2" in one.counters.commands[-1]
    assert left_on(one) == []


def test_the_form_of_old_tools_and_the_profile(phone: PhoneFactory, runner: Path, golden: Path):
    one = phone()
    one.phone.runner_format = "old"
    with only(one, runner) as device:
        content = (golden / "int8.tflite").read_bytes()
        block = device.block(content, Configuration("none"), Demand(runs=3, seconds=0.01, profile=True))
    operators = [operator.op for operator in TFLiteModel(content).main.operators]
    assert [time.kind for time in block.profile] == operators
    assert block.delegate == "none"


def test_seconds_are_as_many_runs_as_fit(opened: tuple[ConnectedPhone, AdbDevice], int8_model: bytes):
    assert opened[1].block(int8_model, Configuration(), Demand(seconds=0.2)).count > 20


def test_facts_are_the_phone_s(idle: tuple[ConnectedPhone, AdbDevice]):
    one, device = idle
    facts = device.facts
    assert (facts.label, facts.kind, facts.model) == (f"adb:{one.serial}", "adb", "Google Pixel 7")
    assert (facts.abi, facts.system, facts.api_level, facts.soc) == ("arm64-v8a", "Android 14", 34, "GS201")
    assert facts.cores[0] == Core(0, 1803.0)
    assert facts.cores[7] == Core(7, 2850.0)


@pytest.mark.parametrize("by_phone", [False, True])
@pytest.mark.parametrize("by_runner", [False, True])
def test_emulation_is_known_before_anything_is_measured(
    phone: PhoneFactory, quick_runner: Path, by_phone: bool, by_runner: bool
):
    if not by_runner:
        quick_runner.write_text("#!/bin/sh\nexit 1\n")
    with only(phone(model=PhoneModel(emulated=by_phone)), quick_runner) as device:
        assert device.facts.emulated == (by_phone or by_runner)


def test_state_is_the_phone_s_in_one_round_trip(idle: tuple[ConnectedPhone, AdbDevice]):
    one, device = idle
    one.phone.set_battery(41, charging=False)
    before = one.counters.shells
    state = device.state()
    assert one.counters.shells == before + 1
    assert (state.clocks_mhz[7], state.temperatures_c["BIG"], state.load_average) == (2850.0, 31.0, 1.25)
    assert (state.battery_percent, state.charging) == (41.0, False)


def test_throttling_shows_in_the_state(idle: tuple[ConnectedPhone, AdbDevice]):
    one, device = idle
    one.faults.throttling = True
    cool, hot = device.state(), device.state()
    assert hot.temperatures_c["BIG"] > cool.temperatures_c["BIG"]
    assert hot.clocks_mhz[0] < cool.clocks_mhz[0]


def test_a_phone_that_tells_nothing_has_no_state(idle: tuple[ConnectedPhone, AdbDevice]):
    import shutil

    one, device = idle
    shutil.rmtree(one.root / "sys")
    (one.root / "proc/loadavg").unlink()
    one.faults.missing_tools = ("dumpsys",)
    state = device.state()
    assert (state.clocks_mhz, state.temperatures_c) == ({}, {})
    assert (state.battery_percent, state.charging, state.load_average) == (None, None, None)


@pytest.mark.parametrize(("cores", "mask"), [("big", "f0"), ("little", "f"), ("C0", "c0"), (None, None)])
def test_the_runner_is_pinned(
    opened: tuple[ConnectedPhone, AdbDevice], int8_model: bytes, cores: str | None, mask: str | None
):
    one, device = opened
    device.block(int8_model, Configuration(cores=cores), QUICK)
    assert (f"taskset {mask} /data/" in one.counters.commands[-1]) == (mask is not None)
    assert ("taskset" in one.counters.commands[-1]) == (mask is not None)


@pytest.mark.parametrize("cores", ["100", "0", "fast", "1g"])
def test_cores_that_are_not_there_are_refused(idle: tuple[ConnectedPhone, AdbDevice], int8_model: bytes, cores: str):
    with pytest.raises(DeviceError, match=f"--cores '?{cores}"):
        idle[1].block(int8_model, Configuration(cores=cores), QUICK)


def test_cores_of_one_kind_are_neither_big_nor_little(phone: PhoneFactory, quick_runner: Path, int8_model: bytes):
    one = phone(model=PhoneModel(clocks_khz=(1500000,) * 4))
    with only(one, quick_runner) as device, pytest.raises(DeviceError, match="same clock; leave --cores away"):
        device.block(int8_model, Configuration(cores="big"), QUICK)


def test_a_phone_without_taskset_is_named(idle: tuple[ConnectedPhone, AdbDevice], int8_model: bytes):
    one, device = idle
    one.faults.missing_tools = ("taskset",)
    with pytest.raises(DeviceError, match="taskset"):
        device.block(int8_model, Configuration(cores="big"), QUICK)


@pytest.mark.parametrize(
    ("asked", "state", "ran"), [("nnapi", "full", "nnapi"), ("gpu", "partial", "gpu"), ("nnapi", "refused", "xnnpack")]
)
def test_the_delegate_that_ran_is_told_and_not_the_one_that_was_asked_for(
    opened: tuple[ConnectedPhone, AdbDevice], int8_model: bytes, asked: str, state: str, ran: str
):
    one, device = opened
    one.phone.delegates = {asked: state}
    assert device.block(int8_model, Configuration(asked), QUICK).delegate.startswith(ran)


@pytest.mark.parametrize("state", ["absent", "fails"])
def test_a_delegate_that_the_phone_does_not_have_is_an_error(
    opened: tuple[ConnectedPhone, AdbDevice], int8_model: bytes, state: str
):
    one, device = opened
    one.phone.delegates = {"gpu": state}
    with pytest.raises(DeviceError, match="the delegate gpu is not available"):
        device.block(int8_model, Configuration("gpu"), QUICK)


# What is brought to the phone.
