"""Sessions on several devices at a time: one thread each, and one that fails leaves the others alone."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from litesmith.errors import LitesmithError
from litesmith.targets.bench_session import Measurements
from litesmith.targets.devices.device import Device

RunSession = Callable[[Device, threading.Event], Measurements]
_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Failure:
    """A device that gave no measurements, and why."""

    device: str
    error: LitesmithError


@dataclass(slots=True)
class _Worker:
    """What the thread of one device came to; `done` once the device is closed."""

    label: str
    done: threading.Event = field(default_factory=threading.Event)
    measured: Measurements | None = None
    error: BaseException | None = None


def run_sessions(
    devices: Sequence[tuple[str, Device]], run: RunSession
) -> tuple[tuple[Measurements, ...], tuple[Failure, ...]]:
    """Run a session on each device and close it.

    A single device is measured in this thread, so that Ctrl-C ends its block at once. Of several, Ctrl-C ends all
    after the blocks that run; another one raises KeyboardInterrupt without waiting.

    Args:
        devices: each with the name that it was asked for by.
        run: the session; it heeds the event, which says that it shall stop.
    """
    stop = threading.Event()
    workers = [_Worker(label) for label, _ in devices]
    if len(devices) == 1:
        _work(workers[0], devices[0][1], run, stop)
    else:
        for worker, (_, device) in zip(workers, devices, strict=True):
            threading.Thread(target=_work, args=(worker, device, run, stop), daemon=True).start()
        try:
            _join(workers)
        except KeyboardInterrupt:
            stop.set()
            _join(workers)
    for worker in workers:
        if worker.error is not None and not isinstance(worker.error, LitesmithError):
            raise worker.error
    failures = [Failure(worker.label, worker.error) for worker in workers if isinstance(worker.error, LitesmithError)]
    return tuple(worker.measured for worker in workers if worker.measured is not None), tuple(failures)


def _work(worker: _Worker, device: Device, run: RunSession, stop: threading.Event) -> None:
    try:
        with closing(device):
            worker.label = device.facts.label  # several may have been asked for by one name
            worker.measured = run(device, stop)
    except BaseException as error:  # noqa: BLE001 the thread that waits raises what is no failure of the device
        worker.error = error
    finally:
        worker.done.set()


def _join(workers: Sequence[_Worker]) -> None:
    """Wait for all; not by Thread.join, which takes a thread for ended where Ctrl-C interrupts it (Python 3.11)."""
    for worker in workers:
        while not worker.done.wait(_POLL_S):
            continue
