"""This machine as a device."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from litesmith.targets import runtimes
from litesmith.targets.isolated import bench_isolated
from litesmith.targets.latency import Latency, LatencyConditions, measure
from litesmith.targets.session import Session, sample_inputs


@dataclass(frozen=True, slots=True)
class HostDevice:
    """Measures models on the CPU of this machine."""

    name: ClassVar[str] = "host"

    def measure(
        self,
        content: bytes,
        *,
        threads: int = 1,
        delegate: str = "xnnpack",
        runtime: str | None = None,
        runs: int | None = None,
        trusted: bool = False,
    ) -> Latency:
        """Latency of a model on random inputs.

        Args:
            content: a `.tflite` file.
            threads: how many threads the kernels may use.
            delegate: one of `litesmith.targets.runtimes.DELEGATES`.
            runtime: `litert`, `tflite-runtime` or `tf`; None for the first that is installed.
            runs: how many runs to time; None for as many as fit in two seconds.
            trusted: Litesmith wrote the file itself, so it runs in this process; others get a child process.

        Raises:
            ModelError: the file cannot be run, or crashes the runtime.
            DeviceError: the runtime is not there, or the file took too long.
        """
        if not trusted:
            return bench_isolated(content, runs=runs, runtime=runtime, threads=threads, delegate=delegate)
        chosen = runtimes.default() if runtime is None else runtimes.get(runtime)
        return measure_session(chosen.open(content, threads=threads, delegate=delegate), runs=runs)


def measure_session(session: Session, *, runs: int | None = None) -> Latency:
    """Latency of a model that is already open; setting inputs and reading outputs is not timed."""
    conditions = LatencyConditions(
        device=HostDevice.name,
        runtime=session.runtime.name,
        runtime_version=session.runtime.version,
        delegate=session.delegate,
        threads=session.threads,
        cpu=cpu_model(),
        load_average=os.getloadavg()[0],
        emulated=False,
    )
    session.set_inputs(sample_inputs(session.inputs))
    return measure(session.invoke, conditions, runs=runs)


def cpu_model() -> str:
    """The processor's name as the kernel gives it; ARM kernels give none, so there it is the architecture."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []  # not GNU/Linux
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
