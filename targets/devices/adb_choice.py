"""Which of the Android devices that are connected are measured on."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Sequence

from litesmith.errors import DeviceError, NoDevice
from litesmith.targets.devices.adb_client import AdbClient, ListedDevice
from litesmith.targets.devices.adb_errors import NO_DEVICE, unusable
from litesmith.targets.devices.device import Device

_LOGGER = logging.getLogger(__name__)

Open = Callable[[AdbClient, str], Device]


def open_chosen(which: str, open_serial: Open) -> tuple[Device, ...]:
    """Devices to measure on; close each of them.

    Args:
        which: "" for the one of `ANDROID_SERIAL` or the only one that is connected, a serial, or "all". For "all",
            those that cannot be used are warned of, and are no error unless none can be used.
        open_serial: makes a device of a serial that is ready, or raises DeviceError.

    Raises:
        AdbNotFound: there is no adb.
        NoDevice: none is connected, none has that serial, or there are several to choose from.
        DeviceError: the device has not allowed debugging, is offline, or `open_serial` raised it.
    """
    client = AdbClient.find()
    listed = client.devices()
    if not listed:
        raise NoDevice(NO_DEVICE)
    if which == "all":
        return _open_all(client, listed, open_serial)
    return (_open(client, _chosen(listed, which or os.environ.get("ANDROID_SERIAL", "")), open_serial),)


def _open(client: AdbClient, listed: ListedDevice, open_serial: Open) -> Device:
    if listed.state != "device":
        raise unusable(listed.serial, listed.state)
    return open_serial(client, listed.serial)


def _open_all(client: AdbClient, listed: Sequence[ListedDevice], open_serial: Open) -> tuple[Device, ...]:
    """Those that can be used."""
    opened: list[Device] = []
    errors: list[DeviceError] = []
    try:
        for one in listed:
            try:
                opened.append(_open(client, one, open_serial))
            except DeviceError as error:
                errors.append(error)
                _LOGGER.warning("adb:%s is left out: %s", one.serial, error)
    except BaseException:
        for device in opened:
            device.close()
        raise
    if not opened:
        several = f"none of {len(errors)} devices can be used: {'; '.join(map(str, errors))}"
        raise DeviceError(several) if len(errors) > 1 else errors[0]
    return tuple(opened)


def _chosen(listed: Sequence[ListedDevice], which: str) -> ListedDevice:
    matching = [one for one in listed if which in ("", one.serial)]
    choices = ", ".join(f"--on adb:{one.serial} ({one.model or 'model unknown'}, {one.state})" for one in listed)
    if not matching:
        named = " (of ANDROID_SERIAL)" if which == os.environ.get("ANDROID_SERIAL") else ""
        raise NoDevice(f"no device {which!r}{named} is connected; choose one of {choices}")
    if len(matching) > 1:
        raise NoDevice(f"{len(matching)} devices are connected; choose one with {choices}, or --on adb:all")
    return matching[0]
