"""When int8 is not good enough: remedies in the order of their cost, each tried for real, until the limits hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate

from litesmith.converters.calibrated import Treatment
from litesmith.converters.diagnosis import Diagnosis, diagnose
from litesmith.converters.engines import choose_engine
from litesmith.converters.judge import Judge
from litesmith.converters.ladder import Ladder
from litesmith.converters.post_training import FloatModel, operator_names
from litesmith.converters.quantize import EFFORTS, QuantizationSpec
from litesmith.converters.range_choice import choose_ranges
from litesmith.converters.sensitivity import rank, with_precision
from litesmith.converters.stateful import needs_own_calibrator
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.converters.tries import Made, OnTry, Try
from litesmith.errors import ConversionError

# Tensors whose range is searched for, and groups of operators that are tried in another precision, at most.
RANGE_PROBES, PRECISION_PROBES = 6, 24
# Share of the inputs' values outside the calibrated range from which on no quantizer is to blame.
_UNLIKE = 0.1


@dataclass(frozen=True, slots=True)
class Remedy:
    """A way to a better file that the converters do not know, for example training; it is tried last.

    Attributes:
        name: what it does.
        make: gives the file, or raises a LitesmithError that says why not.
    """

    name: str
    make: Callable[[Diagnosis], TFLiteModel]


@dataclass(frozen=True, slots=True)
class Rescued:
    """The file that was chosen, and the way to it.

    Attributes:
        best: the file that was asked for, if it keeps all limits; else the first remedy's that does, else the best.
        tries: all of them, in order.
        diagnosis: why the file that was asked for was not good enough; None if it was.
        note: why nothing was tried although a limit is missed, empty otherwise.
    """

    best: Made
    tries: tuple[Try, ...]
    diagnosis: Diagnosis | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Remedies:
    """What may be done about a file that is not good enough.

    Attributes:
        allowed: whether anything may.
        explain: whether to find out where the loss is even if no limit is missed.
        allow_float: whether operators may stay in float where 16 bits are not enough.
        others: tried last.
    """

    allowed: bool = True
    explain: bool = False
    allow_float: bool = False
    others: tuple[Remedy, ...] = ()


EVERY_REMEDY = Remedies()


def quantize_within(
    floats: FloatModel,
    spec: QuantizationSpec,
    treatment: Treatment,
    judge: Judge,
    *,
    engine: str | None = None,
    remedies: Remedies = EVERY_REMEDY,
    on_try: OnTry = lambda _: None,
) -> Rescued:
    """Quantize, judge, and where limits on accuracy are broken find out why and try what helps.

    Args:
        floats: the model, calibrated with samples other than the judge's.
        spec: what is asked for.
        treatment: where to start.
        judge: measures each file.
        engine: see `engines.choose_engine`.
        remedies: what may be tried.
        on_try: told of each try.

    Raises:
        ConversionError: the file that was asked for cannot be made.
        CalibrationError: samples do not fit the model.
    """
    choose_engine(spec, engine).load()
    ladder = Ladder(floats, judge, engine, on_try)
    if spec.mode == "int8" and treatment.effort != "none":  # what corrections gain is the difference to this
        ladder.attempt("effort none", spec, replace(treatment, effort="none"))
    asked = ladder.attempt(f"effort {treatment.effort}" if spec.mode == "int8" else spec.mode, spec, treatment)
    return _explained(ladder, asked, spec, treatment, remedies)


def _explained(
    ladder: Ladder, asked: Made, spec: QuantizationSpec, treatment: Treatment, remedies: Remedies
) -> Rescued:
    """The file that was asked for where it is good enough, else why it is not, and what came of the remedies."""
    judge, floats = ladder.judge, ladder.floats
    missed = asked.made.judgement is not None and bool(asked.made.judgement.inaccurate)
    # The operators of a model with state cannot be run one by one.
    explicable = spec.mode == "int8" and not needs_own_calibrator(floats.rewritten)
    if not explicable or not (remedies.explain or (missed and remedies.allowed)):
        return Rescued(asked, tuple(ladder.tries))
    note = ""
    if missed and judge.own.inaccurate:
        note = f"no remedy was tried, because the float model itself misses it: {'; '.join(judge.own.inaccurate)}"
    if note and not remedies.explain:
        return Rescued(asked, tuple(ladder.tries), note=note)
    diagnosis = diagnose(floats.rewritten, asked.model, judge.probe)
    if note or not missed or not remedies.allowed:
        return Rescued(asked, tuple(ladder.tries), diagnosis, note)
    if diagnosis.inputs_clipped > _UNLIKE:
        note = (
            f"no remedy was tried: {100 * diagnosis.inputs_clipped:.0f}% of the values that it is judged with lie "
            "outside those that it was calibrated with; give samples of one kind (`litesmith calibrate audit` says "
            "what differs)"
        )
        return Rescued(ladder.best or asked, tuple(ladder.tries), diagnosis, note)
    if not (ladder.best or asked).made.holds:
        any(step(ladder, diagnosis) for step in _steps(spec, treatment, remedies))
    return Rescued(ladder.best or asked, tuple(ladder.tries), diagnosis)


Step = Callable[[Ladder, Diagnosis], bool]


def _steps(spec: QuantizationSpec, treatment: Treatment, remedies: Remedies) -> Iterator[Step]:
    """What to try, the cheapest first; each says whether all limits hold now."""
    for effort in EFFORTS[EFFORTS.index(treatment.effort) + 1 :]:
        yield partial(_effort, effort=effort)
    yield _ranges
    if spec.weight_bits == 4:
        yield partial(_precision, precision="int8")
    yield partial(_precision, precision="int16")
    if remedies.allow_float:
        yield partial(_precision, precision="float32")
    for remedy in remedies.others:
        yield partial(_other, remedy=remedy)


def _effort(ladder: Ladder, diagnosis: Diagnosis, effort: str) -> bool:
    spec, treatment = ladder.state
    return ladder.holds(f"effort {effort}", spec, replace(treatment, effort=effort))


def _ranges(ladder: Ladder, diagnosis: Diagnosis) -> bool:
    start = time.perf_counter()
    spec, treatment = ladder.state
    names = [operator_names(ladder.floats.rewritten)[place] for place in diagnosis.worst(RANGE_PROBES)]
    chosen = choose_ranges(ladder.floats, spec, treatment, ladder.judge, names)
    changed = len(chosen.methods.items() - treatment.methods.items())
    if not changed:
        ladder.skip("ranges by tensor", f"no method gives any of the {len(names)} worst tensors a better range", start)
        return False
    return ladder.holds(f"other ranges for {changed} tensor{'s' * (changed > 1)}", spec, chosen, start)


def _precision(ladder: Ladder, diagnosis: Diagnosis, precision: str) -> bool:
    """The most sensitive operators in more bits: 1 group, 2, 4, ... until it holds, then as few as possible."""
    start = time.perf_counter()
    spec, treatment = ladder.state
    model = ladder.floats.rewritten
    order = diagnosis.worst(len(model.main.operators))
    what = "8-bit weights" if precision == "int8" else precision
    try:
        groups = rank(ladder.floats, spec, treatment, ladder.judge, precision, order, probes=PRECISION_PROBES)
    except ConversionError as error:
        ladder.skip(f"{what} for the worst operators", str(error), start)
        return False
    if not groups:
        ladder.skip(f"{what} for the worst operators", "none of them could gain from it", start)
        return False

    # The first group, the first two, ...; one that adds no operator makes the same file.
    unions = accumulate((group.operators for group in groups), lambda seen, more: seen | more)
    steps = list(dict.fromkeys(unions))

    def holds(count: int, since: float | None = None) -> bool:
        operators = steps[count - 1]
        name = f"{what} for {len(operators)} of {len(model.main.operators)} operators"
        return ladder.holds(name, *with_precision(spec, treatment, model, operators, precision), since)

    too_few, count = 0, 1
    while not holds(count, start if count == 1 else None):
        # More of them would break the same limits on size or placement.
        if count == len(steps) or ladder.last_is_unfit:
            return False
        too_few, count = count, min(2 * count, len(steps))
    while count - too_few > 1:
        middle = (too_few + count) // 2
        too_few, count = (too_few, middle) if holds(middle) else (middle, count)
    return True


def _other(ladder: Ladder, diagnosis: Diagnosis, remedy: Remedy) -> bool:
    return ladder.other_holds(remedy.name, partial(remedy.make, diagnosis))
