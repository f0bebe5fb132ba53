"""What phones say of themselves, in all the ways they do not say it."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from litesmith.errors import DeviceError
from litesmith.targets.devices.adb_facts import FACTS, STATE, read_facts, read_state
from litesmith.targets.devices.cores import core_mask
from litesmith.targets.devices.device import Core, DeviceState

CORES = "/sys/devices/system/cpu"
BIG_LITTLE = tuple(Core(index, 1800.0 if index < 4 else 2400.0 if index < 7 else 2900.0) for index in range(8))


def test_the_best_known_name_of_the_chip_is_taken():
    lines = ["ro.hardware=qcom", "ro.board.platform=kona", "ro.soc.model=SM8250"]
    for best in ("qcom", "kona", "SM8250"):
        assert read_facts("adb:X", "\n".join(lines[: lines.index(next(x for x in lines if best in x)) + 1])).soc == best


@pytest.mark.parametrize("line", ["ro.litesmith.emulated=1", "ro.kernel.qemu=1", "ro.boot.qemu=1"])
def test_emulators_are_no_devices(line: str):
    assert read_facts("adb:X", line).emulated
    assert not read_facts("adb:X", line.replace("=1", "=0")).emulated
    assert not read_facts("adb:X", line.replace("=1", "=")).emulated


def test_the_maker_is_not_named_twice():
    named = "ro.product.manufacturer=samsung\nro.product.model="
    assert read_facts("adb:X", named + "SM-G991B").model == "samsung SM-G991B"
    assert read_facts("adb:X", named + "Samsung Galaxy").model == "Samsung Galaxy"


def test_a_device_that_says_nothing_has_facts_all_the_same():
    facts = read_facts("adb:X", "")
    assert (facts.model, facts.abi, facts.system, facts.soc, facts.api_level) == (
        "unknown", "unknown", "Android", None, None,
    )  # fmt: skip
    assert facts.cores == ()
    assert read_state("") == DeviceState()


def test_cores_are_in_order_and_a_core_that_is_off_has_no_clock():
    answer = f"core={CORES}/cpu10=1800000\ncore={CORES}/cpu2=\ncore={CORES}/cpu0=600000\n"
    assert read_facts("adb:X", answer).cores == (Core(0, 600.0), Core(2, None), Core(10, 1800.0))
    assert read_state(answer).clocks_mhz == {10: 1800.0, 0: 600.0}


def test_zones_of_one_name_are_all_kept_and_those_that_are_off_are_not():
    answer = "zone=cpu=41000\nzone=cpu=-274000\nzone=cpu=39500\nzone=skin sensor=31000\nzone=gpu=\nzone==28000\n"
    assert read_state(answer).temperatures_c == {
        "cpu": 41.0,
        "cpu 2": 39.5,
        "skin sensor": 31.0,
        "unnamed": 28.0,
    }


@pytest.mark.parametrize(
    ("battery", "percent", "charging"),
    [
        ("  level: 50\n  scale: 200\n  status: 3", 25.0, False),
        ("  level: 100\n  scale: 100\n  status: 5", 100.0, True),
        ("  AC powered: false\n  USB powered: true\n  level: 7", 7.0, True),
        ("  AC powered: false\n  USB powered: false", None, False),
        ("  level: many\n  scale: 0", None, None),
        ("  level: 150\n  scale: 100", None, None),
        ("Can't find service: battery", None, None),
    ],
)
def test_the_battery_is_read(battery: str, percent: float | None, charging: bool | None):
    state = read_state(battery)
    assert (state.battery_percent, state.charging) == (percent, charging)


WORDS = st.sampled_from(["core=", "zone=", "load=all=", "level: ", "/cpu", "=", "9" * 12, "-5", "cpu0", "ro.hardware="])


@given(st.lists(WORDS | st.text(max_size=10), max_size=40).map("".join))
def test_no_answer_of_a_device_is_an_exception(answer: str):
    assert read_facts("adb:X", answer).kind == "adb"
    assert all(clock >= 0 for clock in read_state(answer).clocks_mhz.values())


@pytest.mark.parametrize("question", [FACTS, STATE])
def test_questions_end_well_where_nothing_of_android_is_there(question: str):
    done = subprocess.run(["/bin/sh", "-c", question], capture_output=True, text=True, timeout=30, cwd="/")
    read_facts("adb:X", done.stdout)
    read_state(done.stdout)
    assert "Syntax error" not in done.stderr


@pytest.mark.parametrize(
    ("choice", "mask"), [("little", "f"), ("big", "f0"), ("F0", "f0"), ("0x80", "80"), ("1", "1"), ("ff", "ff")]
)
def test_cores_become_a_mask(choice: str, mask: str):
    assert core_mask(BIG_LITTLE, choice) == mask


def test_little_are_the_slowest_even_where_they_come_last():
    assert core_mask(BIG_LITTLE[4:], "little") == "70"
    assert core_mask([Core(0, 2900.0), Core(1, 1800.0)], "little") == "2"


def test_a_mask_can_be_given_where_the_device_does_not_tell_its_cores():
    assert core_mask([], "f0") == "f0"
    for cores in ([], [Core(0, None), Core(1, 1800.0)]):
        with pytest.raises(DeviceError, match="does not say how fast its cores are"):
            core_mask(cores, "big")
