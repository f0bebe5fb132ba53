"""What goes wrong when the demo app measures, as errors that say what to do."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest
from ai_edge_litert import schema_py_generated as schema

from litesmith.errors import DeviceError, DeviceTimeout, ModelError, NoDevice
from litesmith.targets.devices.adb_app import AppDevice, connect
from litesmith.targets.devices.device import Configuration, Demand
from tests.devices.app import PACKAGE
from tests.devices.faults import AppFault, Faults
from tests.devices.fixtures import ConnectedPhone, PhoneFactory
from tests.targets.devices.adb_help import QUICK, left_by_app, packed

pytestmark = pytest.mark.usefixtures("no_settings")
CPU = Configuration("none")


def newer_operator(content: bytes) -> bytes:
    model = schema.ModelT.InitFromPackedBuf(content, 0)
    model.operatorCodes[0].version = 99
    return packed(model)


FAULTS = [
    ("vanished", DeviceError, rf"cannot be started \(Error: Activity class .*{PACKAGE}.* does not exist"),
    ("crash", DeviceError, r"the app crashed \(java\.lang\.IllegalStateException: out of luck\); make the app"),
    ("abort", ModelError, r"aborted by this file \(SIGSEGV\)"),
    ("killed", DeviceError, "ended without a result: .*close other apps"),
    ("garbage", DeviceError, r"something else than a result .*\"run_ns\": \[1.*; make the app"),
    ("behind", DeviceError, "was not in front .* unlock the phone"),
    ("blind", DeviceError, r"cannot read what was brought to it \(/nowhere\.tflite cannot be read"),
]


@pytest.mark.parametrize(("fault", "kind", "words"), FAULTS)
def test_what_goes_wrong_in_the_app_is_an_error_that_says_what_to_do(
    in_app: tuple[ConnectedPhone, AppDevice], int8_model: bytes, fault: AppFault, kind: type[Exception], words: str
):
    one, device = in_app
    one.faults.app = fault
    with pytest.raises(kind, match=words):
        device.block(int8_model, CPU, QUICK)
    one.faults.app = ""
    assert device.block(int8_model, CPU, QUICK).count == 3
    device.close()
    assert left_by_app(one) == []


def test_an_app_that_hangs_is_ended_when_its_time_is_over(in_app: tuple[ConnectedPhone, AppDevice], int8_model: bytes):
    one, device = in_app
    one.faults.app = "hang"
    start_s = time.monotonic()
    with pytest.raises(DeviceTimeout, match=r"no result within 1\.5 s and was ended; .*--timeout"):
        device.block(int8_model, CPU, Demand(runs=3, timeout_s=1.5))
    assert 1.5 <= time.monotonic() - start_s < 10
    device.close()
    assert left_by_app(one) == []


def test_an_earlier_crash_is_not_taken_for_this_one(in_app: tuple[ConnectedPhone, AppDevice], int8_model: bytes):
    one, device = in_app
    (one.root / ".phone/crashes").write_text(
        "01-01 00:00:00.000  1  1 E AndroidRuntime: FATAL EXCEPTION: main\n"
        f"01-01 00:00:00.000  1  1 E AndroidRuntime: Process: {PACKAGE}, PID: 1\n"
        "01-01 00:00:00.000  1  1 E AndroidRuntime: java.lang.Error: long ago\n"
    )
    one.faults.app = "killed"
    with pytest.raises(DeviceError, match="ended without a result") as caught:
        device.block(int8_model, CPU, QUICK)
    assert "long ago" not in str(caught.value)


def test_a_delegate_that_the_app_has_not_is_named(in_app: tuple[ConnectedPhone, AppDevice], int8_model: bytes):
    _, device = in_app
    with pytest.raises(DeviceError, match=r"gpu is not available .* in the app .*has no GPU delegate"):
        device.block(int8_model, Configuration("gpu"), QUICK)


@pytest.mark.parametrize(
    ("configuration", "words"),
    [
        (Configuration("reference"), "the app has no delegate 'reference'; choose one of xnnpack, none"),
        (Configuration(cores="big"), "Android chooses the cores of an app; leave --cores away"),
        (Configuration(threads=17), "the app refused: threads must be 1 to 16, not 17"),
    ],
)
def test_what_the_app_cannot_do_is_refused(
    in_app: tuple[ConnectedPhone, AppDevice], int8_model: bytes, configuration: Configuration, words: str
):
    _, device = in_app
    with pytest.raises(DeviceError, match=words):
        device.block(int8_model, configuration, QUICK)


@pytest.mark.parametrize(
    ("damaged", "words"),
    [
        (newer_operator, "CONV_2D version 99 is unknown to the app: this file needs TensorFlow Lite"),
        (lambda content: content[: len(content) // 2], "the runtime in the app cannot run this file"),
    ],
)
def test_a_file_that_the_apps_runtime_cannot_run_is_the_models_error(
    in_app: tuple[ConnectedPhone, AppDevice], int8_model: bytes, damaged: Callable[[bytes], bytes], words: str
):
    _, device = in_app
    with pytest.raises(ModelError, match=words):
        device.block(damaged(int8_model), CPU, QUICK)


def test_a_phone_without_the_app_is_told_how_to_get_it(phone: PhoneFactory):
    one = phone()
    with pytest.raises(DeviceError, match=rf"{PACKAGE} is not installed; .*make apk.*`adb -s {one.serial} install -r"):
        connect(one.serial)
    with pytest.raises(NoDevice, match="no device 'other'"):
        connect("other")


def test_of_all_phones_those_with_the_app_are_used(phone_with_app: PhoneFactory, caplog: pytest.LogCaptureFixture):
    good, bad = phone_with_app(), phone_with_app(Faults(app="missing"))
    (device,) = connect("all")
    assert device.facts.label == f"adb:{good.serial}"
    assert f"adb:{bad.serial} is left out" in caplog.text


def test_a_cable_that_is_pulled_is_a_lost_connection(in_app: tuple[ConnectedPhone, AppDevice], int8_model: bytes):
    one, device = in_app
    device.block(int8_model, CPU, QUICK)
    one.faults.comes_back = False
    one.faults.offline = True
    one.drop()
    with pytest.raises(DeviceError, match=r"offline|lost|not connected"):
        device.block(int8_model, CPU, QUICK)


def test_results_that_no_app_writes_are_refused(in_app: tuple[ConnectedPhone, AppDevice], int8_model: bytes):
    """An app that answers in JSON, but with nonsense, is a script here; the way to it is the same."""
    one, device = in_app
    good = {
        "version": 2, "runtime": "2.6.2", "delegate": "CPU", "warmup_runs": 3, "init_ns": 1, "first_ns": 1,
        "run_ns": [1, 2], "outputs": [], "device": {"app": "1", "in_front": True},
    }  # fmt: skip
    script = one.root / ".phone/fake_app"
    one.phone.install_app(PACKAGE, (str(script),))
    cases = [({}, None), ({"version": 1}, "no result of version 2"), ({"run_ns": [0]}, "times that no run can have"),
             ({"run_ns": []}, "times that no run can have"), ({"run_ns": [True]}, "True is no whole number"),
             ({"device": {}}, "KeyError"), ({"outputs": [3]}, "something else than a result")]  # fmt: skip
    for changed, words in cases:
        document = json.dumps({**good, **changed})
        script.write_text(
            "#!/bin/sh\nfolder=$1; shift 2\nwhile [ $# -gt 2 ]; do [ $2 = result ] && name=$3; shift 3; done\n"
            f"cat > $folder/part <<'END'\n{document}\nEND\nmv $folder/part $folder/benchmark-$name.json\n"
        )
        script.chmod(0o755)
        if words is None:
            assert device.block(int8_model, CPU, QUICK).times_ms == (1e-6, 2e-6)
        else:
            with pytest.raises(DeviceError, match=words):
                device.block(int8_model, CPU, QUICK)
