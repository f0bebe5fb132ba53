"""The recipe's `[data.text]`: what the sentences are, and how they become ids."""

from __future__ import annotations

from dataclasses import dataclass

from litesmith.training_specs import require


@dataclass(frozen=True, slots=True)
class TextSpec:
    """Sentences of a table, as ids (N, length); where the task is an embedding also of a file with one a line.

    Attributes:
        tokenizer: the folder whose tokenizer makes the ids, `hf:FOLDER` or `hf:package:NAME/FOLDER`.
        length: tokens of a sample, padding included; what is longer is cut.
        column: of the sentences.
        label: of the classes: whole numbers from 0, or their names. Embeddings have no classes, so no such column.
        classes: names of the numbers 0, 1, ...; None where the table has names, or for "0", "1", ...
        least_words: leave shorter sentences of the source out, and of `unlabelled`; 1 for none.
        samples: draw so many of the source's sentences; None for all.
        test: a table of its own to test with; None to take a share of the source.
        vocabulary: tokens that the student keeps, those that the training split uses most; None for all.
        unlabelled: a table of further sentences that the student learns from the teacher's answers alone.
    """

    tokenizer: str
    length: int
    column: str = "sentence"
    label: str = "label"
    classes: tuple[str, ...] | None = None
    least_words: int = 1
    samples: int | None = None
    test: str | None = None
    vocabulary: int | None = None
    unlabelled: str | None = None

    def __post_init__(self) -> None:
        require(bool(self.tokenizer), "tokenizer", "is empty; name a folder such as hf:FOLDER")
        require(3 <= self.length <= 4096, "length", f"{self.length} is not in 3 .. 4096")
        require(self.column != self.label, "label", f"is the same column as the sentences, {self.label!r}")
        require(self.least_words >= 1, "least_words", f"{self.least_words} is less than 1; leave it out to take all")
        for key in ("samples", "vocabulary"):
            count = getattr(self, key)
            require(count is None or count >= 10, key, f"{count} is too few; give at least 10")
