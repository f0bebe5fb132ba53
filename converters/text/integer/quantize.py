"""From a text model and calibration ids to a full-integer `.tflite`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from litesmith.converters.text.architecture import TextModel
from litesmith.converters.text.integer.calibrate import observe, run_float
from litesmith.converters.text.integer.checks import check_calibration, check_names, check_reach
from litesmith.converters.text.integer.float_operations import Ids
from litesmith.converters.text.integer.from_model import network_of
from litesmith.converters.text.integer.integer_operations import IntegerOperations
from litesmith.converters.text.integer.massive import massive_rows, parts
from litesmith.converters.text.integer.network import Network
from litesmith.converters.text.integer.observations import Observations
from litesmith.converters.text.integer.operations import Rows
from litesmith.converters.text.integer.program import Program
from litesmith.converters.text.integer.rewrites import FITTING, NAMES, REQUIRED, STRUCTURE

__all__ = ["IntegerText", "Output", "Progress", "quantize_text", "run_float", "written"]

Output = Literal["int8", "int16"]
# Takes how many texts were seen and how many there are, both passes together.
Progress = Callable[[int, int], None]


def _silent(done: int, total: int) -> None:
    """Report nothing."""


@dataclass(frozen=True, slots=True)
class IntegerText:
    """A full-integer file, and how it was made.

    Attributes:
        content: the `.tflite`.
        network: what it approximates; in float it computes what the text model does.
        rows: the parts that sums are held in.
        rewrites: names of the rewrites that were applied, in order.
        seen: the ranges of the network's tensors, which the file's scales and zero points are of.
    """

    content: bytes
    network: Network
    rows: tuple[Rows, ...]
    rewrites: tuple[str, ...]
    seen: Observations


def quantize_text(
    model: TextModel,
    ids: Ids,
    *,
    output: Output = "int8",
    wide: int | None = None,
    without: Sequence[str] = (),
    on_progress: Progress = _silent,
) -> IntegerText:
    """Rewrite a text model for integers, observe it on calibration texts, and write it.

    Args:
        model: encoder with any head; embeddings are not pooled by maximum.
        ids: (N, L) of the model's length, padded; 100 to 200 sentences like those of the app.
        output: type of the answer. int16 is an option for embeddings.
        wide: how many of the first tokens have sums in int16, the model's length for all; None finds out.
        without: names of rewrites to leave out, to see what each gains.
        on_progress: is told how far it is.

    Raises:
        CalibrationError: ids do not fit the model, or calibrate nothing.
        ConversionError: an arrangement that integers do not know, or a rewrite that cannot be left out.
        ModelError: the network computes NaN or infinity.
    """
    check_names(without, NAMES, REQUIRED)
    network = network_of(model)
    check_calibration(model, ids, wide)
    with np.errstate(over="ignore", invalid="ignore"):  # weights out of range: `observe` says where
        for structure in STRUCTURE:
            network = network if structure.__name__ in without else structure(network)
    total, origin = 2 * len(ids), model.origin
    first = parts(0, model.length)
    seen = observe(network, first, ids, origin=origin, on_progress=lambda done: on_progress(done, total))
    seen.wide = massive_rows(network, seen) if wide is None else wide
    check_reach(ids, model.pad_id, seen.wide)
    for fitting in FITTING:
        network = network if fitting.__name__ in without else fitting(network, seen)
    rows = parts(seen.wide, model.length)
    seen = observe(network, rows, ids, origin=origin, on_progress=lambda done: on_progress(len(ids) + done, total))
    content = written(model, network, rows, seen, output)
    return IntegerText(content, network, rows, tuple(name for name in NAMES if name not in without), seen)


def written(model: TextModel, network: Network, rows: tuple[Rows, ...], seen: Observations, output: Output) -> bytes:
    """The file of a network that was rewritten and observed."""
    ops = IntegerOperations(seen, model.length, model.pad_id, output=output)
    return ops.finish(Program(ops, rows).run(network), f"Litesmith: {model.origin}")
