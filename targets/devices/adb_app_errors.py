"""What goes wrong in the demo app, as errors that say what to do."""

from __future__ import annotations

import re

from litesmith.converters.runtime_traps import oldest_runtime_of
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.errors import DeviceError, LitesmithError, ModelError
from litesmith.targets.devices.benchmark_errors import quoted
from litesmith.targets.devices.device import Configuration

INSTALL = (
    "make the app with `make apk` (or in Android Studio) and install it with "
    "`adb install -r build/android/litesmith-demo.apk`"
)
NOT_IN_FRONT = (
    "the app was not in front when it had measured, and Android gives such apps fewer and slower cores; "
    "unlock the phone, keep its screen on, leave the app in front, then run again"
)
_ACCELERATORS = ("nnapi", "gpu")
_WITHOUT = re.compile(r"TFLite cannot (?:use|open)|has no GPU delegate")
_UNKNOWN_OP = re.compile(r"Didn't find op for builtin opcode '(\w+)' version '(\d{1,9})'")
_NOT_OPENED = "TFLite cannot"
_NOT_READ = "cannot be read"
# How Android's log words it: an exception that nobody caught, and a process that a signal ended.
_EXCEPTION = re.compile(
    r"AndroidRuntime.*?Process: (?P<package>[\w.]+), PID: \d+\s*\n[^\n]*?AndroidRuntime\W*(?P<why>.+)"
)
_SIGNAL = re.compile(r">>> (?P<package>[\w.]+) <<<.*?signal \d+ \((?P<name>SIG\w+)\)", re.DOTALL)
_NOT_STARTED = re.compile(r"^(?:Error: |Exception|java\.lang\.).*", re.MULTILINE)


def not_installed(serial: str, package: str) -> DeviceError:
    """The error for a device without the app."""
    return DeviceError(f"{serial}: the app {package} is not installed; {INSTALL.replace('adb', f'adb -s {serial}', 1)}")


def refusal(said: str, content: bytes, asked: Configuration) -> LitesmithError:
    """The error for what the app says that it cannot do."""
    if _NOT_READ in said:
        return DeviceError(
            f"the app cannot read what was brought to it ({said}); see that `adb shell ls -ld /data/local/tmp` "
            "gives others the right to pass (x)"
        )
    if asked.delegate in _ACCELERATORS and _WITHOUT.search(said):
        return DeviceError(
            f"the delegate {asked.delegate} is not available for this model in the app on this device ({said}); "
            "check the file with `litesmith check`, or choose another --delegate"
        )
    if unknown := _UNKNOWN_OP.search(said):
        return ModelError(
            f"{unknown[1]} version {unknown[2]} is unknown to the app: this file needs "
            f"{oldest_runtime_of(TFLiteModel(content)).named} or newer; raise the app's tensorflow-lite, or convert "
            "the model so that it uses older operators"
        )
    if _NOT_OPENED in said:
        return ModelError(f"the runtime in the app cannot run this file ({said}); convert the model again")
    return DeviceError(f"the app refused: {said}; ask for something else, or {INSTALL}")


def ended(log: str, package: str) -> LitesmithError:
    """The error for an app that ended without a result; `log` is what starting it printed, and Android's of crashes."""
    for crash in _EXCEPTION.finditer(log):
        if crash["package"] == package:
            return DeviceError(f"the app crashed ({crash['why'].strip()[:200]}); {INSTALL}")
    for crash in _SIGNAL.finditer(log):
        if crash["package"] == package:
            return ModelError(
                f"the runtime in the app was aborted by this file ({crash['name']}); "
                "do not ship it: convert the model again, or try another delegate"
            )
    if reason := _NOT_STARTED.search(log):
        return DeviceError(f"the app cannot be started ({reason[0].strip()[:200]}); {INSTALL}")
    return DeviceError(
        f"the app ended without a result: {quoted(log)}; somebody closed it, or Android did for lack of memory: "
        "close other apps, run again"
    )
