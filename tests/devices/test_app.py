"""The demo app on the emulated phone, as the real adb client sees it."""

import json
import re

import pytest

from tests.devices.app import PACKAGE
from tests.devices.faults import Faults
from tests.devices.fixtures import ConnectedPhone, PhoneFactory

RESULTS = f"/sdcard/Android/media/{PACKAGE}"
MODEL = "/data/local/tmp/int8.tflite"
START = f"am start -W -n {PACKAGE}/.MainActivity --es model {MODEL} --es result a1 --ei runs 3"


@pytest.fixture
def ready(phone_with_app: PhoneFactory, golden) -> ConnectedPhone:
    one = phone_with_app()
    (one.root / MODEL[1:]).write_bytes((golden / "int8.tflite").read_bytes())
    return one


def test_an_app_is_known_once_it_is_installed(ready: ConnectedPhone, phone: PhoneFactory):
    known = ready.adb("shell", f"pm path {PACKAGE}")
    assert re.fullmatch(rf"package:/data/app/\S+{PACKAGE}\S+/base\.apk\n", known.stdout.decode())
    for one, package in ((ready, "org.other"), (phone(), PACKAGE), (phone(Faults(app="missing")), PACKAGE)):
        missing = one.adb("shell", f"pm path {package}")
        assert (missing.stdout, missing.returncode) == (b"", 1)


def test_an_intent_starts_the_apps_own_code_until_it_is_ended(ready: ConnectedPhone):
    started = ready.adb("shell", START)
    assert b"Status: ok" in started.stdout
    path = f"{RESULTS}/benchmark-a1.json"
    found = ready.adb("shell", f"while [ ! -f {path} ]; do sleep 0.1; done; cat {path}").stdout
    assert len(json.loads(found)["run_ns"]) == 3
    assert ready.adb("shell", f"pidof {PACKAGE}").returncode == 0
    assert ready.adb("shell", f"am force-stop {PACKAGE}; pidof {PACKAGE}").returncode == 1


def test_an_app_that_is_not_there_cannot_be_started(phone: PhoneFactory):
    done = phone().adb("shell", START)
    assert done.returncode == 1
    assert f"Error: Activity class {{{PACKAGE}/.MainActivity}} does not exist." in done.stdout.decode()


@pytest.mark.parametrize(("fault", "words"), [("crash", "java.lang.IllegalStateException"), ("abort", "SIGSEGV")])
def test_a_crash_is_in_the_log_from_when_it_happened(phone_with_app: PhoneFactory, fault, words):
    one = phone_with_app(Faults(app=fault))
    since = one.adb("shell", "date '+%m-%d %H:%M:%S.000'").stdout.decode().strip()
    one.adb("shell", START)
    assert words in one.adb("shell", f"logcat -d -b crash -T '{since}'").stdout.decode()
    assert words not in one.adb("shell", "logcat -d -b crash -T '99-99 00:00:00.000'").stdout.decode()
