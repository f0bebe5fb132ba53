import dataclasses

import pytest

from litesmith.errors import DeviceError, RecipeError
from litesmith.latency_budget import unmet_limits
from litesmith.recipe import BudgetSpec
from litesmith.targets.believable import States
from litesmith.targets.block import Block
from litesmith.targets.devices.device import Configuration, DeviceFacts, DeviceState
from litesmith.targets.measurement import Measurement

BOARD = DeviceFacts("ssh:me@board", "ssh", "A Board", "aarch64", "Linux 6")


def measured(*times_ms, **changes):
    blocks = tuple(Block(1, time, time, time, 0, "none", "litert 2.3.0", (time,)) for time in times_ms)
    states = States(DeviceState(), (), DeviceState())
    sound = Measurement("x.tflite", "0" * 64, BOARD, Configuration(), blocks, states)
    return dataclasses.replace(sound, **changes)


def test_the_median_is_held_against_the_limit_of_the_kind_of_device():
    limits = {"host": 1.0, "ssh": 10.0}
    kept, broken = measured(*[10.0] * 5), measured(*[10.1] * 5)
    assert unmet_limits(limits, [kept]) == ()
    (message,) = unmet_limits(limits, [kept, broken])
    assert message == "x.tflite on ssh:me@board (xnnpack, 1 thread): p50 10.1 ms against a limit of 10 ms"


@pytest.mark.parametrize(
    "unknown",
    [
        measured(1.0, 3.0, 1.0, 3.0, 1.0),
        measured(*[1.0] * 5, error=DeviceError("gone")),
        measured(*[1.0] * 5, device=dataclasses.replace(BOARD, emulated=True)),
    ],
)
def test_what_has_no_latency_is_not_shown_to_keep_the_limit(unknown):
    (message,) = unmet_limits({"ssh": 1000.0}, [unknown])
    assert f"not shown to keep within 1000 ms: {unknown.refused}" in message


def test_limits_are_for_kinds_of_devices_that_have_a_latency():
    with pytest.raises(RecipeError, match="'arm' is not one of host, adb, ssh"):
        BudgetSpec(max_latency_ms={"arm": 1.0})
    with pytest.raises(RecipeError, match=r"0\.0 is not positive") as caught:
        BudgetSpec(max_latency_ms={"adb": 0.0})
    assert caught.value.key == "max_latency_ms.adb"
