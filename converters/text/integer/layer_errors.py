"""The error of every sum of an integer file, and of what layers read of it, beside float32."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from litesmith.converters.text.integer.blocks import Array
from litesmith.converters.text.integer.calibrate import run_float
from litesmith.converters.text.integer.float_operations import Ids, Valid
from litesmith.converters.text.integer.network import Network
from litesmith.converters.text.integer.noise import Noise
from litesmith.converters.text.integer.operations import Rows
from litesmith.converters.text.integer.quantize import IntegerText
from litesmith.converters.text.integer.run_integers import IntegerRun


@dataclass(frozen=True, slots=True)
class LayerError:
    """Signal-to-noise ratios after a step, in the scales that its tensors are held in.

    Attributes:
        name: of the step.
        start: first row of the part.
        stop: the row after its last one.
        dtype: that the sum is held in.
        sum_decibels: of the part's sum.
        read_decibels: of what layers read, of all rows together; None where nothing reads it in int8.
    """

    name: str
    start: int
    stop: int
    dtype: str
    sum_decibels: float
    read_decibels: float | None

    def to_line(self) -> str:
        """A row of the report's table."""
        rows = f"{self.start}-{self.stop - 1}"
        read = "-" if self.read_decibels is None else f"{self.read_decibels:.1f}"
        return f"{self.name:28}{rows:>8}  {self.dtype:5}  {self.sum_decibels:7.1f}  {read:>7}"


def layer_errors(made: IntegerText, ids: Ids) -> tuple[LayerError, ...]:
    """Run texts (N, L) in integers, with all tensors kept, and beside that in float32."""
    run = IntegerRun(made.content, inner=True)
    sums = list(_sums(made.network, made.rows, run))
    reads = {name: tensor for name in made.network.names if (tensor := _read(name, run))}
    pairs = {_observed(tensor): tensor for _, _, tensor in sums} | {
        f"{name}.read": tensor for name, tensor in reads.items()
    }
    noises = {name: Noise() for name in pairs}
    for place in range(len(ids)):
        run.answer(ids[place])

        def compare(name: str, array: Array, valid: Valid) -> None:
            if name in pairs:
                noises[name].add(array[0][valid[0]], run.tensor(pairs[name])[: array.shape[1]][valid[0]])

        run_float(made.network, made.rows, ids[place : place + 1], compare)
    return tuple(
        LayerError(
            name, rows.start, rows.stop, run.dtype(tensor), noises[_observed(tensor)].decibels,
            noises[f"{name}.read"].decibels if name in reads else None,
        )
        for name, rows, tensor in sums
    )  # fmt: skip


def _sums(network: Network, parts: tuple[Rows, ...], run: IntegerRun) -> Iterator[tuple[str, Rows, str]]:
    """Every joint's parts with the tensor that holds each; the first of these is the sum."""
    for name in network.names:
        for rows in parts:
            held = (f"{name}{rows.suffix}.{end}" for end in ("sum", "output.int16", "output", "residual"))
            yield name, rows, next(tensor for tensor in held if run.has(tensor))


def _observed(tensor: str) -> str:
    """What float32 calls a sum that int8 was widened to."""
    return tensor.removesuffix(".int16")


def _read(name: str, run: IntegerRun) -> str | None:
    """What layers read of a joint: the parts joined, made narrow, or the only one as it is."""
    return next((tensor for end in ("read.all", "read.narrow", "fed") if run.has(tensor := f"{name}.{end}")), None)
