import dataclasses

import pytest

from litesmith.targets.believable import States, doubt
from litesmith.targets.devices.device import DeviceState
from litesmith.targets.latency import Spread

SOUND = Spread(
    p50_ms=10.0, p90_ms=11.0, p99_ms=12.0, mean_ms=10.0, min_ms=9.0, standard_error_ms=0.1, runs=500, warmup_runs=50,
    blocks=5, drift=0.02,
)  # fmt: skip
CALM = States(DeviceState(), (DeviceState(),) * 6, DeviceState())


def clocks(*fastest_mhz):
    during = tuple(DeviceState(clocks_mhz={0: 600.0, 7: mhz}) for mhz in fastest_mhz)
    return States(DeviceState(clocks_mhz={0: 300.0, 7: 300.0}), during, DeviceState())


def temperatures(before_c, last_c):
    during = (DeviceState(temperatures_c={"cpu": before_c}), DeviceState(temperatures_c={"cpu": last_c, "gpu": 90.0}))
    return States(DeviceState(temperatures_c={"cpu": before_c, "skin": 20.0}), during, DeviceState())


def test_a_sound_spread_is_believed():
    assert doubt(SOUND, CALM) is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"standard_error_ms": 1.01}, "standard error of the median is 10.1%"),
        ({"standard_error_ms": None}, "too few processes"),
        ({"blocks": 4}, "too few processes"),
        ({"drift": 0.21}, "1.21 times as long at the end"),
        ({"drift": -0.21}, "0.79 times as long at the end"),
    ],
)
def test_a_spread_that_means_nothing_is_refused_with_what_to_do(change, reason):
    message = doubt(dataclasses.replace(SOUND, **change), CALM)
    assert reason in message and ";" in message


@pytest.mark.parametrize("change", [{"standard_error_ms": 1.0}, {"drift": 0.2}, {"drift": -0.2}, {"drift": None}])
def test_up_to_the_limit_it_is_believed(change):
    assert doubt(dataclasses.replace(SOUND, **change), CALM) is None


def test_a_clock_that_falls_is_throttling():
    assert "throttles" in doubt(SOUND, clocks(2000, 2000, 1900, 1800, 1600, 1600))
    assert doubt(SOUND, clocks(2000, 2000, 1900, 1800, 1750, 1750)) is None


def test_a_governor_that_wakes_up_or_nods_once_is_not():
    assert doubt(SOUND, clocks(600, 2000, 2000, 2000, 2000, 2000)) is None
    assert doubt(SOUND, clocks(2000, 2000, 600, 2000, 2000, 2000)) is None


def test_a_device_that_heats_up_is_not_at_rest():
    assert "cpu warmed up by 16 degrees" in doubt(SOUND, temperatures(30.0, 46.0))
    assert doubt(SOUND, temperatures(30.0, 45.0)) is None
