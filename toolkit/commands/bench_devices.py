"""From what `--on` says to devices; those that are not asked for are not imported."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from litesmith.commands.bench_options import APP
from litesmith.errors import DeviceError, LitesmithError

if TYPE_CHECKING:
    from litesmith.targets.devices.device import Device
    from litesmith.targets.parallel_sessions import Failure

EMULATED_KINDS = ("arm", "armhf")
KINDS = ("host", "adb", "ssh", *EMULATED_KINDS)


def kind_of(name: str) -> str:
    """`adb` of `adb:SERIAL`.

    Raises:
        LitesmithError: there is no such kind of device.
    """
    kind, colon, rest = name.partition(":")
    if kind not in KINDS or (colon and not rest) or (kind == "ssh" and not rest) or (kind == "host" and rest):
        raise LitesmithError(
            f"--on {name!r} is no device; give host, adb, adb:SERIAL, adb:all, ssh:USER@HOST, arm or arm:CPU"
        )
    return kind


def open_devices(args: argparse.Namespace) -> tuple[list[tuple[str, Device]], list[Failure]]:
    """Every device that `--on` names, with its name, and those that cannot be reached.

    Raises:
        LitesmithError: there is no such kind of device, or none for the runner.
        DeviceError: the only one cannot be reached.
    """
    from litesmith.targets.parallel_sessions import Failure

    names = list(dict.fromkeys(args.on or ["host"]))
    kinds = [kind_of(name) for name in names]
    if args.runner == APP and "adb" not in kinds:
        raise LitesmithError("--runner app measures in the demo app on a phone; give --on adb too")
    devices: list[tuple[str, Device]] = []
    failures: list[Failure] = []
    try:
        for name, kind in zip(names, kinds, strict=True):
            try:
                devices += [(name, device) for device in _opened(kind, name.partition(":")[2], args)]
            except DeviceError as error:
                if len(names) == 1:
                    raise
                failures.append(Failure(name, error))
    except BaseException:
        for _, device in devices:
            device.close()
        raise
    return devices, failures


def _opened(kind: str, rest: str, args: argparse.Namespace) -> tuple[Device, ...]:
    if kind == "adb" and args.runner == APP:
        from litesmith.targets.devices import adb_app

        return adb_app.connect(rest)
    if kind == "adb":
        from litesmith.targets.devices import adb

        return adb.connect(rest, runner=args.runner)
    if kind == "ssh":
        from litesmith.targets.devices import ssh

        return (ssh.connect(rest, runtime=args.runtime),)
    from litesmith.targets.devices.host import HostDevice

    return (HostDevice(args.runtime),)
