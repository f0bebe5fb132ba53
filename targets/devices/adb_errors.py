"""What adb says goes wrong, as errors that say what to do."""

from __future__ import annotations

import re

from litesmith.errors import DeviceError, NoDevice

NO_DEVICE = (
    "no Android device is connected; plug one in, switch on USB debugging in its developer options, accept the dialog "
    "on its screen, and see that `adb devices` lists it"
)
# How adb 29 to 36 words it, in its client (adb.cpp, transport.cpp, file_sync_client.cpp) or as sent by the device.
_GONE = (
    "closed", "device not found", "connection reset", "protocol fault", "broken pipe", "failed to read",
    "couldn't read from device", "connect failed",
)  # fmt: skip
_STATE = re.compile(r"device (?:still )?(unauthorized|authorizing|offline)|insufficient permissions")


def translated(stdout: str, stderr: str, serial: str | None, doing: str) -> DeviceError:
    """The error for a failed call of adb.

    Args:
        stdout: what adb printed, likewise `stderr`.
        stderr: see `stdout`.
        serial: of the device, where one was named.
        doing: what was tried, for the message.
    """
    lines = [line.strip() for line in (stderr or stdout).splitlines() if line.strip()]
    said = next((line for line in lines if "error:" in line), lines[-1] if lines else "")
    last = said.rpartition("error:")[2].strip() or "no message"
    where = serial or "adb"
    lowered = said.lower()
    if state := _STATE.search(lowered):
        return unusable(where, state[1] or "no permissions")
    if "no devices" in lowered:
        return NoDevice(NO_DEVICE)
    if "not found" in lowered and "device '" in lowered:
        return NoDevice(f"{where} is not connected any more; plug it in again, see `adb devices`, then run again")
    if "no space left" in lowered:
        return DeviceError(f"{where}: no space left on the device ({last}); free some in its storage, then run again")
    if "read-only" in lowered or "permission denied" in lowered or "not permitted" in lowered:
        return DeviceError(
            f"{where}: the device refused {doing} ({last}); see that `adb shell` may write to /data/local/tmp"
        )
    if not said or any(word in lowered for word in _GONE):
        return DeviceError(
            f"{where}: the connection was lost while {doing} ({last}); see to the cable or the network, "
            "wait until `adb devices` lists it, then run again"
        )
    return DeviceError(f"{where}: {doing} failed ({last}); see what `adb -s {where} shell` answers")


_STATES = {
    "unauthorized": "has not allowed this computer to debug it; accept the dialog on its screen (if none shows, unplug "
    "it and revoke USB debugging authorizations in its developer options), then run again",
    "authorizing": "is asking whether this computer may debug it; accept the dialog on its screen, then run again",
    "offline": "is offline: it does not answer adb; run `adb reconnect offline`, or unplug it and plug it in again",
    "no permissions": "cannot be opened by this user; add the udev rule for it (Debian: "
    "`apt install android-sdk-platform-tools-common`), join the group plugdev, and plug it in again",
    "bootloader": "is in its bootloader; start Android on it (`fastboot reboot`)",
    "recovery": "is in recovery; start Android on it (`adb reboot`)",
    "sideload": "is in recovery; start Android on it (`adb reboot`)",
}


def unusable(serial: str, state: str) -> DeviceError:
    """The error for a device that is connected, but in a state in which nothing can be run on it."""
    known = next((text for name, text in _STATES.items() if state.startswith(name)), None)
    return DeviceError(f"{serial} {known or f'is in the state {state!r}; wait, or plug it in again'}")
