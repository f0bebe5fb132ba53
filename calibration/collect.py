"""Runs a float `.tflite` on calibration samples and shows each activation to an observer."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from litesmith.calibration.expose import Exposed, GraphInput, expose
from litesmith.calibration.exposed_run import Runner
from litesmith.calibration.observers import Observer
from litesmith.calibration.samples import CalibrationSet
from litesmith.errors import CalibrationError

Array = npt.NDArray[Any]
MakeObserver = Callable[[int, tuple[int, ...]], Observer]

# Kernels for one sample and for several add in another order; a wrongly batched graph is off by far more.
_TOLERANCE = 1e-3


@dataclass(frozen=True, slots=True)
class Collected:
    """What was observed.

    Attributes:
        observers: by tensor index in the main subgraph, in the order of computation.
        samples: how many were run.
        batch: how many at a time.
        method: how: "exposed" for activations read as outputs of the float model.
        note: why it ran one sample at a time although more were asked for; empty otherwise.
    """

    observers: Mapping[int, Observer]
    samples: int
    batch: int
    method: str
    note: str


def collect(
    model: bytes,
    samples: CalibrationSet,
    make: MakeObserver,
    *,
    only: Collection[int] | None = None,
    batch: int = 4,
    threads: int = 1,
) -> Collected:
    """Observe every float activation of the main subgraph on all samples.

    The first batch is compared with its first and last sample run alone. A graph that cannot be batched, or gives
    other values then, runs one sample at a time; so does one with control flow, state or custom operators. The
    result does not depend on the batch, but for rounding in the last bits.

    Args:
        model: a float `.tflite`.
        samples: named as the model's inputs; `image` also fits `serving_default_image:0`.
        make: gives the observer of a tensor, from its index and its shape with batch 1. An observer must copy
            what it keeps.
        only: indices of the activations wanted; all if None.
        batch: samples at a time. From 4 to 8 is fastest; more does not fit the cache.
        threads: of the runtime.

    Raises:
        CalibrationError: samples do not fit the model, a value is NaN or infinite, or LiteRT cannot run it.
    """
    if batch < 1 or threads < 1:
        raise CalibrationError(f"batch {batch} on {threads} threads is not possible; both must be at least 1")
    exposed = expose(model, only)
    arrays = bind(exposed.inputs, samples)
    runner, size, note = _prepare(exposed, arrays, min(batch, len(samples)), threads)
    observers: dict[int, Observer] = {}

    def show(count: int, index: int, values: Array) -> None:
        rows = _by_sample(values, count)
        if index not in observers:
            observers[index] = make(index, (1, *rows.shape[1:]))
        try:
            observers[index].update(rows)
        except CalibrationError as error:
            raise CalibrationError(f"{samples.source}: tensor {exposed.names[index]!r} {error}") from error

    for start in range(0, len(samples), size):
        pieces = _slice(arrays, start, size)
        for one, piece in zip(exposed.inputs, pieces, strict=True):
            if one.is_observed:
                show(len(piece), one.index, piece)
        runner.run(pieces)
        runner.each(partial(show, len(pieces[0])))
    return Collected(observers, len(samples), size, "exposed", note)


def bind(inputs: tuple[GraphInput, ...], samples: CalibrationSet) -> list[Array]:
    """The samples' arrays in the order of a model's inputs, by whichever of its names they carry; nothing is copied.

    Raises:
        CalibrationError: names or shapes differ.
    """
    schemes = list(zip(*(one.names for one in inputs), strict=True))
    carried = [scheme for scheme in schemes if sorted(samples.inputs) == sorted(scheme)]
    names = (carried or schemes[-1:])[0]
    return list(samples.bind({name: one.shape for name, one in zip(names, inputs, strict=True)}).inputs.values())


def _prepare(exposed: Exposed, arrays: list[Array], batch: int, threads: int) -> tuple[Runner, int, str]:
    """A runner, the batch that it gives right values for, and why it is not the one asked for."""
    runner = Runner(exposed, threads)
    fault = "" if batch == 1 else exposed.obstacle or _fault(runner, arrays, batch)
    if not fault:
        return runner, batch, ""
    # An interpreter that failed on a batch is in no state to go on.
    return Runner(exposed, threads), 1, f"the model was run one sample at a time, because {fault}"


def _fault(runner: Runner, arrays: list[Array], batch: int) -> str:
    """What is wrong with a batch, compared with one of its samples run alone; empty if nothing is.

    A sample in the middle: what leaks from the first, the last or a neighbour would show in it.
    """
    place = batch // 2
    alone: dict[int, Array] = {}
    faults: list[str] = []

    def compare(index: int, values: Array) -> None:
        single = alone[index]
        if not single.ndim or values.shape != (batch * len(single), *single.shape[1:]):
            faults.append(f"the first axis of tensor {runner.name(index)!r} does not follow the batch")
        elif not _close(values.reshape(batch, *single.shape)[place], single):
            faults.append(f"tensor {runner.name(index)!r} has other values in a batch")

    runner.run(_slice(arrays, place, 1))
    runner.each(lambda index, values: alone.update({index: values.copy()}))
    try:
        runner.run(_slice(arrays, 0, batch))
    except CalibrationError:
        return f"LiteRT cannot run it on {batch} at once"
    runner.each(compare)
    return faults[0] if faults else ""


def _close(a: Array, b: Array) -> bool:
    with np.errstate(invalid="ignore"):  # infinities are the observers' to refuse
        return np.array_equal(a, b) or bool(np.abs(a - b).max() <= _TOLERANCE * np.abs(b).max())


def _slice(arrays: list[Array], start: int, count: int) -> list[Array]:
    return [array[start : start + count] for array in arrays]


def _by_sample(values: Array, count: int) -> Array:
    """Several rows of one sample, as after a RESHAPE to (tokens, channels), get an axis of their own."""
    if values.ndim and len(values) == count:
        return values
    return values.reshape(count, *(size // count if axis == 0 else size for axis, size in enumerate(values.shape)))
