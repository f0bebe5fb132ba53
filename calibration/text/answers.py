"""What a model of question answering says: the part of the passage that answers, and how sure that is."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from itertools import dropwhile

import numpy as np
import numpy.typing as npt

from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.encoding import Encoding
from litesmith.calibration.text.spelling import Spelling
from litesmith.errors import DataError

# Longer answers are none: start and end then belong to two places that look like an answer.
MOST_PIECES = 30


@dataclass(frozen=True, slots=True)
class Answer:
    """A span of the passage.

    Attributes:
        text: what its pieces spell, see `spelling.Spelling.text`.
        first: place of its first piece in the row.
        last: place of its last piece.
        score: its start logit plus its end logit.
        probability: by softmax of the scores of all candidates. It says which part of the passage answers, not whether
            any does.
    """

    text: str
    first: int
    last: int
    score: float
    probability: float


def best_answer(contract: TextContract, row: Encoding, logits: npt.NDArray[np.float32]) -> Answer | None:
    """The candidate with the largest score; of equal ones that which begins first, then that which ends first.

    A candidate begins and ends with a piece of a word of the passage (`spelling.Spelling.words`), in this order, has at
    most 30 pieces (arXiv 1810.04805, 4.2), and spells something: a part of a character does not. None where there is no
    candidate.

    Args:
        contract: which made the row.
        row: of a question and its passage.
        logits: what the model gave, (L, 2): that a place is the start, and that it is the end.

    Raises:
        DataError: there are not so many logits, or one is NaN or infinite.
    """
    if logits.shape != (len(row.ids), 2):
        raise DataError(f"text: logits of shape {logits.shape} do not fit {len(row.ids)} ids, which have two each")
    if not np.isfinite(logits).all():
        raise DataError("text: the model gave NaN or infinity; make its file anew")
    starts, ends = logits.astype(np.float64).T
    spelling, ids = Spelling(contract), row.ids.tolist()
    places = {place: None for word in spelling.words(ids) for place in word.places if place in row.second}
    spans = [(first, last) for first in places for last in _ends(spelling, ids, first, places)]
    if not spans:
        return None
    scores = np.array([starts[first] + ends[last] for first, last in spans])
    best = int(scores.argmax())
    first, last = spans[best]
    # The largest is taken off first: exp of a large number is infinite.
    probability = 1 / float(np.exp(scores - scores[best]).sum())
    return Answer(spelling.text(ids[first : last + 1]), first, last, float(scores[best]), probability)


def _ends(spelling: Spelling, ids: Sequence[int], first: int, places: Container[int]) -> Iterable[int]:
    """Where a candidate may end: once a span holds a whole character, it spells something however long it gets."""
    ends = (last for last in range(first, first + MOST_PIECES) if last in places)
    return dropwhile(lambda last: not spelling.text(ids[first : last + 1]), ends)
