"""What a model of token classification says of a text: a label for each piece, and for each word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from litesmith.calibration.text.contract import TextContract
from litesmith.calibration.text.spelling import Spelling
from litesmith.errors import DataError


@dataclass(frozen=True, slots=True)
class LabelledPiece:
    """A piece of a text with the label of its largest logit.

    Attributes:
        place: in the row.
        piece: as the vocabulary has it.
        label: the first one of equal logits.
        probability: of the label, by softmax over all labels.
    """

    place: int
    piece: str
    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class LabelledWord:
    """A word with its pieces; it has the label of the first one, as such models are trained (arXiv 1810.04805, 5.3)."""

    text: str
    pieces: tuple[LabelledPiece, ...]

    @property
    def label(self) -> str:
        """Of the word."""
        return self.pieces[0].label

    @property
    def probability(self) -> float:
        """Of the label."""
        return self.pieces[0].probability


def labelled_pieces(
    contract: TextContract, ids: npt.NDArray[np.int32], logits: npt.NDArray[np.float32], labels: Sequence[str]
) -> tuple[LabelledPiece, ...]:
    """All pieces of a row but padding, start and end.

    Args:
        contract: which made the row.
        ids: of the row, (L,).
        logits: what the model gave, (L, C).
        labels: C names.

    Raises:
        DataError: there are not so many logits, one is NaN or infinite, or an id is not in the vocabulary.
    """
    if logits.shape != (len(ids), len(labels)):
        raise DataError(f"text: logits of shape {logits.shape} do not fit {len(ids)} ids and {len(labels)} labels")
    if not np.isfinite(logits).all():
        raise DataError("text: the model gave NaN or infinity; make its file anew")
    if ids.min(initial=0) < 0 or ids.max(initial=0) >= len(contract.vocabulary):
        raise DataError(
            f"text: ids {ids.min()} to {ids.max()} are not all in a vocabulary of {len(contract.vocabulary)}"
        )
    spelling, best = Spelling(contract), logits.argmax(axis=-1)
    # The largest is taken off first: exp of a large number is infinite.
    powers = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    shares = powers.max(axis=-1) / powers.sum(axis=-1)
    return tuple(
        LabelledPiece(place, spelling.token(number), labels[best[place]], float(shares[place]))
        for place, number in enumerate(ids.tolist())
        if not spelling.in_frame(number)
    )


def labelled_words(
    contract: TextContract, ids: npt.NDArray[np.int32], logits: npt.NDArray[np.float32], labels: Sequence[str]
) -> tuple[LabelledWord, ...]:
    """The words of a row, as `spelling.Spelling.words` divides it, with their labels.

    Arguments and errors are those of `labelled_pieces`.
    """
    pieces = {piece.place: piece for piece in labelled_pieces(contract, ids, logits, labels)}
    return tuple(
        LabelledWord(word.text, tuple(pieces[place] for place in word.places))
        for word in Spelling(contract).words(ids.tolist())
    )
