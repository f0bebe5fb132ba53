"""This machine as a device."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from litesmith.errors import DeviceError
from litesmith.targets import runtimes
from litesmith.targets.block import Block
from litesmith.targets.devices.cores import core_numbers
from litesmith.targets.devices.device import Configuration, Demand, DeviceFacts, DeviceState
from litesmith.targets.devices.host_state import cpu_model, host_facts, host_state
from litesmith.targets.isolated import IsolatedRun, block_isolated, run_isolated
from litesmith.targets.latency import Latency, LatencyConditions
from litesmith.targets.observed_xnnpack import placements_of
from litesmith.targets.session import Session, sample_inputs
from litesmith.targets.spread import spread_of
from litesmith.targets.timing import time_block

CPU_DELEGATE = "cpu"  # what runners on phones call the plain kernels; the interpreter's own word is `none`


@dataclass(frozen=True, slots=True)
class HostDevice:
    """Measures models on the CPU of this machine, with `runtime` or the first that is installed."""

    runtime: str | None = None

    @property
    def facts(self) -> DeviceFacts:
        """What does not change."""
        return host_facts()

    def state(self) -> DeviceState:
        """Clocks, temperatures, battery and load now."""
        return host_state()

    def block(self, content: bytes, configuration: Configuration, demand: Demand) -> Block:
        """Time a model in a child process, where a hostile file does no harm.

        Raises:
            ModelError: the file cannot be run, or crashes the runtime.
            DeviceError: the runtime is not there, the file took too long, or there is no such delegate or core.
        """
        delegate = checked_delegate(configuration.delegate, "this host")
        return block_isolated(
            content, demand, runtime=self.runtime, threads=configuration.threads, delegate=delegate,
            cores=self._cores(configuration.cores),
        )  # fmt: skip

    def run_vectors(
        self, content: bytes, inputs: Sequence[npt.NDArray[Any]], configuration: Configuration | None = None
    ) -> IsolatedRun:
        """Run a model once in a child process; errors are those of `block`."""
        asked = configuration or Configuration()
        return run_isolated(
            content, inputs, runtime=self.runtime, threads=asked.threads,
            delegate=checked_delegate(asked.delegate, "this host"),
        )  # fmt: skip

    def close(self) -> None:
        """Nothing was brought."""

    def measure(self, content: bytes, *, runs: int | None = None, seconds: float = 2.0) -> Latency:
        """Latency of a file that Litesmith wrote itself: in this process, one thread, on random inputs.

        It is that of one process, and what another one would change is not in its error: `bench_session` asks more.

        Args:
            content: a `.tflite` file that is to be trusted.
            runs: how many runs to time; None for as many as fit in `seconds`.
            seconds: time to spend where `runs` is not given.

        Raises:
            ModelError: the file cannot be run.
            DeviceError: the runtime is not there.
        """
        runtime = runtimes.default() if self.runtime is None else runtimes.get(self.runtime)
        session = runtime.open(content)
        conditions = LatencyConditions(
            device="host",
            runtime=runtime.name,
            runtime_version=runtime.version,
            delegate=session.delegate,
            threads=session.threads,
            cpu=cpu_model(),
            load_average=os.getloadavg()[0],
            emulated=False,
        )
        return Latency.of(spread_of([session_block(session, runs=runs, seconds=seconds)]), conditions)

    def _cores(self, choice: str | None) -> tuple[int, ...] | None:
        if choice is None:
            return None
        if not hasattr(os, "sched_setaffinity"):
            raise DeviceError("this system cannot pin processes to cores; leave --cores out")
        return core_numbers(self.facts.cores, choice)


def checked_delegate(name: str, where: str) -> str:
    """The interpreter's own word for a delegate.

    Raises:
        DeviceError: the interpreters of `litesmith.targets.runtimes` have no such delegate.
    """
    delegate = "none" if name == CPU_DELEGATE else name
    if delegate not in runtimes.DELEGATES:
        raise DeviceError(
            f"{where} has no delegate {delegate!r}; use {', '.join((*runtimes.DELEGATES, CPU_DELEGATE))}, "
            "or measure on a device that has it"
        )
    return delegate


def session_block(
    session: Session, *, runs: int | None = None, seconds: float = 0.5, init_ms: float | None = None
) -> Block:
    """Time a model that is open in this process; setting inputs and reading outputs is not timed."""
    session.set_inputs(sample_inputs(session.inputs))
    return time_block(
        session.invoke, runner=str(session.runtime), delegate=session.delegate, runs=runs, seconds=seconds,
        init_ms=init_ms, placements=placements_of(session.nodes)["placements"],
    )  # fmt: skip
