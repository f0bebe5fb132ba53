"""From a text model and calibration ids to a full-integer `.tflite`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from litesmith.converters.text.architecture import TextModel
from litesmith.converters.text.integer.float_operations import FloatOperations, Ids, Observe, ignore
from litesmith.converters.text.integer.from_model import network_of
from litesmith.converters.text.integer.integer_operations import IntegerOperations
from litesmith.converters.text.integer.network import Array, Network
from litesmith.converters.text.integer.observations import Observations
from litesmith.converters.text.integer.operations import Rows
from litesmith.converters.text.integer.program import Program
from litesmith.converters.text.integer.rewrites import FITTING, STRUCTURE
from litesmith.errors import CalibrationError

Output = Literal["int8", "int16"]
_BATCH = 16
# A row is massive where its sum reaches this many times what the median row of the same sum does; on MiniLM, RoBERTa
# and their kin the first token's is 10 to 50 times, all others stay below 3.
_MASSIVE = 6.0

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
    """

    content: bytes
    network: Network
    rows: tuple[Rows, ...]
    rewrites: tuple[str, ...]


def quantize_text(
    model: TextModel,
    ids: Ids,
    token_types: Ids | None = None,
    *,
    output: Output = "int8",
    wide: int | None = None,
    without: Sequence[str] = (),
    on_progress: Progress = _silent,
) -> IntegerText:
    """Rewrite a text model for integers, observe it on calibration texts, and write it.

    Args:
        model: post- or pre-norm encoder with any head.
        ids: (N, L) of the model's length, padded; 100 to 200 sentences like those of the app.
        token_types: (N, L), where the model takes them.
        output: type of the answer. int16 is an option for embeddings.
        wide: how many of the first tokens have sums in int16, the model's length for all; None finds out.
        without: names of rewrites to leave out, to see what each gains.
        on_progress: is told how many of the texts were seen, of both passes together.

    Raises:
        CalibrationError: ids are not of the model's length, or none.
        ConversionError: an arrangement that integers do not know.
    """
    _check(model, ids)
    network = network_of(model)
    for rewrite in STRUCTURE:
        network = rewrite(network)
    whole = (Rows(0, model.length, wide=False),)
    half = lambda done: on_progress(done, 2 * len(ids))  # noqa: E731
    seen = observe(network, whole, ids, token_types, on_progress=half)
    rows = _parts(_massive(network, seen) if wide is None else wide, model.length)
    start = rows[-1].start if not rows[-1].wide else 0
    chosen = [rewrite for rewrite in FITTING if rewrite.__name__ not in without]
    for fitting in chosen:
        network = fitting(network, seen, start)
    rest = lambda done: on_progress(len(ids) + done, 2 * len(ids))  # noqa: E731
    seen = observe(network, rows, ids, token_types, on_progress=rest)
    ops = IntegerOperations(seen, model.length, model.pad_id, token_types=model.takes_token_types, output=output)
    answer = Program(ops, rows).run(network)
    content = ops.finish(answer, f"Litesmith: {model.origin}")
    names = (*(rewrite.__name__ for rewrite in STRUCTURE), *(rewrite.__name__ for rewrite in chosen))
    return IntegerText(content, network, rows, names)


def observe(
    network: Network,
    rows: tuple[Rows, ...],
    ids: Ids,
    token_types: Ids | None = None,
    *,
    on_progress: Callable[[int], None] = lambda done: None,
) -> Observations:
    """Limits of every tensor over texts; short texts are run together, without the padding that they share."""
    seen = Observations(network.length)
    order = np.argsort((ids != network.pad_id).sum(1), kind="stable")
    for first in range(0, len(ids), _BATCH):
        places = order[first : first + _BATCH]
        run_float(network, rows, ids[places], None if token_types is None else token_types[places], seen)
        on_progress(first + len(places))
    return seen


def run_float(
    network: Network, rows: tuple[Rows, ...], ids: Ids, token_types: Ids | None = None, observe: Observe = ignore
) -> Array:
    """Answers of a network in float32: (N, 1, H), (N, 1, C) or (N, L, C), L without the padding of all texts."""
    longest = max(int(np.flatnonzero((ids != network.pad_id).any(0)).max(initial=0)) + 1, rows[-1].start + 1)
    cut = tuple(replace(part, stop=min(part.stop, longest)) for part in rows)
    types = None if token_types is None else token_types[:, :longest]
    ops = FloatOperations(ids[:, :longest], network.pad_id, types, observe)
    return Program(ops, cut).run(replace(network, position=network.position[:longest])).array


def _massive(network: Network, seen: Observations) -> int:
    """How many of the first rows are massive: 0, the few first ones, or all where later ones are."""
    names = [f"{name}.sized" for name, joint in zip(network.names, network.joints, strict=True) if joint.normalised]
    massive = np.zeros(network.length, np.bool_)
    for name in names:
        sizes = seen.row_sizes(name)
        reached = sizes > 0
        massive[: len(sizes)] |= sizes > _MASSIVE * np.median(sizes[reached])
    last = int(np.flatnonzero(massive).max(initial=-1)) + 1
    return network.length if last > network.length // 8 else last


def _parts(wide: int, length: int) -> tuple[Rows, ...]:
    parts = (Rows(0, wide, wide=True), Rows(wide, length, wide=False))
    return tuple(part for part in parts if part.stop > part.start)


def _check(model: TextModel, ids: Ids) -> None:
    if ids.ndim != 2 or ids.shape[1] != model.length or not len(ids):
        raise CalibrationError(
            f"ids of shape {ids.shape} do not calibrate a model of {model.length} tokens; give (N, {model.length})"
        )
    if ids.min() < 0 or ids.max() >= model.architecture.vocabulary:
        raise CalibrationError(
            f"ids reach {int(ids.max())} and the vocabulary has {model.architecture.vocabulary} rows; "
            "tokenize with the model's own vocabulary"
        )
