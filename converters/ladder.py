"""Makes and judges one file after the other from one float model, and remembers how each came out."""

from __future__ import annotations

import time
from collections.abc import Callable

from litesmith.converters.calibrated import Treatment
from litesmith.converters.judge import Judge
from litesmith.converters.post_training import FloatModel
from litesmith.converters.quantize import QuantizationSpec
from litesmith.converters.tflite_model import TFLiteModel
from litesmith.converters.tries import Made, OnTry, Try
from litesmith.errors import LitesmithError


class Ladder:
    """The tries at one model.

    Attributes:
        tries: in order.
        best: the file that would be taken now: the last that keeps all limits, else that with the highest score.
    """

    def __init__(self, floats: FloatModel, judge: Judge, engine: str | None, on_try: OnTry) -> None:
        self.floats, self.judge = floats, judge
        self.tries: list[Try] = []
        self.best: Made | None = None
        self._engine, self._on_try = engine, on_try

    def attempt(self, remedy: str, spec: QuantizationSpec, treatment: Treatment, since: float | None = None) -> Made:
        """Quantize and judge.

        Args:
            remedy: what is new about it, in words.
            spec: what to make.
            treatment: how.
            since: when the search for it began, by `time.perf_counter`.

        Raises:
            LitesmithError: the file cannot be made, or the runtime cannot run it; that is a try as well.
        """
        start = time.perf_counter() if since is None else since
        try:
            # Only one engine writes single operators in another precision.
            done = self.floats.quantize(spec, treatment, None if spec.precision else self._engine)
            judgement = self.judge(done.model)
        except LitesmithError as error:
            self._record(Try(remedy, None, time.perf_counter() - start, str(error), spec, treatment))
            raise
        tried = Try(remedy, judgement, time.perf_counter() - start, "", spec, treatment)
        return self._keep(Made(done.model, tried, done.engine, done.applied, done.note, done.seconds))

    def holds(self, remedy: str, spec: QuantizationSpec, treatment: Treatment, since: float | None = None) -> bool:
        """`attempt`, and whether the file keeps all limits; one that cannot be made does not."""
        try:
            return self.attempt(remedy, spec, treatment, since).made.holds
        except LitesmithError:
            return False  # the try says why

    def other_holds(self, remedy: str, make: Callable[[], TFLiteModel]) -> bool:
        """Judge a file that something else makes."""
        start = time.perf_counter()
        try:
            model = make()
            judgement = self.judge(model)
        except LitesmithError as error:
            self._record(Try(remedy, None, time.perf_counter() - start, str(error)))
            return False
        tried = Try(remedy, judgement, time.perf_counter() - start)
        return self._keep(Made(model, tried, remedy)).made.holds

    def skip(self, remedy: str, reason: str, since: float) -> None:
        """Record a remedy that turned out to be of no use here."""
        self._record(Try(remedy, None, time.perf_counter() - since, reason))

    @property
    def state(self) -> tuple[QuantizationSpec, Treatment]:
        """What the best file so far was made with: the next remedy comes on top of it."""
        made = [tried for tried in self.tries if tried.spec is not None and tried.judgement is not None]
        best = max(made, key=lambda tried: tried.score)
        assert best.spec is not None and best.treatment is not None
        return best.spec, best.treatment

    @property
    def last_is_unfit(self) -> bool:
        """Whether the last file breaks a limit on size or a demand."""
        judgement = self.tries[-1].judgement
        return judgement is not None and bool(judgement.unfit)

    def _keep(self, made: Made) -> Made:
        self._record(made.made)
        if self.best is None or made.made.holds or made.made.score > self.best.made.score:
            self.best = made
        return made

    def _record(self, tried: Try) -> None:
        self.tries.append(tried)
        self._on_try(tried)
